"""Where the batch of an input is, and how many samples one request counts for.

The layout of the config says it, else the layout in the model's file. Where neither does, the
first dimension is taken for the batch if the model leaves it open or fixes it at 1, as exporters
do, or if the input is a picture. Any other first dimension, such as the rows of a matrix [384,128],
may be anything: it counts as one sample, as in benchmark_app, and the report says so.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ovreport.errors import UserError
from ovreport.planning.ports import name_of
from ovreport.run import Port

OpenShape = Sequence[int | None]
"""Dimensions of an input; None is an open one."""

# Pictures have 1 to 4 channels and are larger than that: benchmark_app's rule.
_MOST_CHANNELS = 4
_COLOURS = 3


@dataclass(frozen=True)
class Batch:
    """Where the batch of an input is."""

    place: int | None
    """The dimension; None: the input has no batch, or none that is known."""
    known_by: Literal["layout", "picture", "asked", "custom", "nothing"]
    """``asked``: a first dimension as large as the batch that was asked for. ``custom``: one that
    is open or 1. ``nothing``: one that may be a batch or not."""


_UNKNOWN = "nothing says that the first dimension is a batch"
_NO_BATCH = Batch(None, "layout")


def letters_of(layout: str) -> tuple[str, ...]:
    """``[NCHW]`` and ``[N,C,H,W]`` → N, C, H, W; ``...`` stands for any number of dimensions."""
    inner = layout.strip().removeprefix("[").removesuffix("]").upper()
    if "," in inner:
        return tuple(part.strip() for part in inner.split(","))
    return tuple(re.findall(r"\.\.\.|\S", inner))


def stated(letters: Sequence[str], rank: int | None) -> Batch | None:
    """By a layout; None where it leaves dimensions without a letter and names no batch."""
    if "N" in letters:
        place = letters.index("N")
        behind = "..." in letters[:place]
        if not behind:
            return Batch(place, "layout")
        return None if rank is None else Batch(rank - len(letters) + place, "layout")
    return None if {"...", "?"} & {*letters} else _NO_BATCH


def usual(own: OpenShape | None, sizes: OpenShape | None, batch: int | None) -> Batch:
    """Without a layout.

    Args:
        own: dimensions in the model's file; None: even their number is open.
        sizes: the same, with those that the user gave.
        batch: that was asked for.
    """
    if sizes is None or (len(sizes) == 1 and sizes[0] is not None) or not sizes:
        return _NO_BATCH
    first = {sizes[0], own[0] if own else None}
    if first & {None, 0, 1}:
        return Batch(0, "custom")
    if batch in first:
        return Batch(0, "asked")
    if _is_batch_of_pictures(sizes):
        return Batch(0, "picture")
    return _NO_BATCH if _is_picture(sizes) else Batch(None, "nothing")


def _is_batch_of_pictures(sizes: OpenShape) -> bool:
    if len(sizes) != 4:
        return False
    second, last = sizes[1] or 0, sizes[3] or 0
    return 1 <= min(second, last) <= _MOST_CHANNELS < max(second, last)


def _is_picture(sizes: OpenShape) -> bool:
    """A single one in three colours."""
    return len(sizes) == 3 and _COLOURS in (sizes[0], sizes[2]) and (sizes[1] or 0) > _MOST_CHANNELS


# ---------------------------------------------------------------------------- counting


@dataclass(frozen=True)
class Count:
    """How many samples one request counts for."""

    samples: int
    is_assumed: bool
    """The model's file does not say so, and its outputs have to agree."""
    doubt: str = ""
    """Why it counts for one although there may be more in it."""

    def confirmed(self, before: Sequence[Port], after: Sequence[str]) -> Count:
        """What the outputs leave of it: a batch shows in the shape of one of them.

        Args:
            before: outputs in the model's file.
            after: shapes of the compiled model's outputs.
        """
        if not self.is_assumed or self.samples == 1 or not after:
            return self
        own = [port.shape for port in before] if len(before) == len(after) else [""] * len(after)
        if any(map(self._shows, own, after)):
            return self
        doubt = f"no output grows with the batch of {self.samples} ({', '.join(after)})"
        return Count(1, is_assumed=False, doubt=doubt)

    def _shows(self, before: str, after: str) -> bool:
        """Whether a shape is open, or a size in it has changed to a multiple of the batch."""
        old, new = (re.findall(r"[^\s,\[\]]+", text) for text in (before, after))
        old = old if len(old) == len(new) else [""] * len(new)
        return any(
            not size.isdigit() or (size != was and int(size) % self.samples == 0)
            for was, size in zip(old, new, strict=True)
        )


def counted(
    inputs: Sequence[Port],
    shapes: Sequence[Sequence[int]],
    batches: Sequence[Batch],
    batch: int | None,
) -> Count:
    """What one request counts for.

    Args:
        shapes: that the inputs run with.
        batch: that was asked for.

    Raises:
        UserError: no input has a batch that could be set.
    """
    placed = {i: shapes[i][b.place] for i, b in enumerate(batches) if b.place is not None}
    doubtful = [i for i, b in enumerate(batches) if b.known_by == "nothing"]
    is_sure = any(batches[i].known_by != "custom" for i in placed)
    if batch is not None and placed:
        return Count(batch, is_assumed=not is_sure)
    if batch is not None and batch > 1:
        raise _without_batch(inputs, shapes, batches, batch)
    sizes = {*placed.values()}
    names = [f"{name_of(inputs, i)} {_text(shapes[i])}" for i in sorted({*placed, *doubtful})]
    if len(sizes) > 1:
        return Count(
            1, is_assumed=False, doubt=f"the batches of its inputs differ ({', '.join(names)})"
        )
    samples = max({1, *sizes})
    if doubtful and not is_sure and (samples > 1 or not placed):
        doubt = f"{_UNKNOWN} ({', '.join(names)})"
        return Count(1, is_assumed=False, doubt=doubt)
    return Count(samples, is_assumed=not is_sure)


def _without_batch(
    inputs: Sequence[Port], shapes: Sequence[Sequence[int]], batches: Sequence[Batch], batch: int
) -> UserError:
    named = [f"{name_of(inputs, i)} {_text(shape)}" for i, shape in enumerate(shapes)]
    why = "the model has no inputs"
    if any(one.known_by == "nothing" for one in batches):
        why = f"{_UNKNOWN} ({', '.join(named)})"
    elif named:
        why = f"no input has a batch ({', '.join(named)})"
    return UserError(
        f"batch {batch}: {why}",
        "Say where it is with `layout` (--layout), such as '[N...]', or leave `batch` (--batch) "
        "out.",
    )


def _text(shape: Sequence[int]) -> str:
    return f"[{','.join(map(str, shape))}]"
