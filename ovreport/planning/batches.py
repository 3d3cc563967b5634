"""Finds the batch dimension of inputs and counts the samples in one request.

The layout in the config names the batch dimension, else the layout in the model's file. Without a
layout, the first dimension is taken as the batch if the model leaves it open or fixes it at 1, as
exporters do, or if the input is an image. Any other first dimension, such as the rows of a matrix
[384,128], may mean anything: the request counts as one sample, as in benchmark_app, and the report
says so.
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
"""Dimensions of an input; None is an open dimension."""

# Images have 1 to 4 channels, and their other dimensions are larger: benchmark_app's rule.
_MAX_CHANNELS = 4
_COLOURS = 3


@dataclass(frozen=True)
class Batch:
    """The batch dimension of an input."""

    place: int | None
    """The index of the dimension; None if the input has no batch, or none is known."""
    known_by: Literal["layout", "picture", "requested", "custom", "nothing"]
    """What shows that the first dimension is the batch. ``requested``: it is as large as the
    requested batch. ``custom``: it is open or 1. ``nothing``: it may be a batch or not."""


_UNKNOWN = "nothing says that the first dimension is a batch"
_NO_BATCH = Batch(None, "layout")


def letters_of(layout: str) -> tuple[str, ...]:
    """Split ``[NCHW]`` or ``[N,C,H,W]`` into letters; ``...`` stands for any dimensions."""
    inner = layout.strip().removeprefix("[").removesuffix("]").upper()
    if "," in inner:
        return tuple(part.strip() for part in inner.split(","))
    return tuple(re.findall(r"\.\.\.|\S", inner))


def batch_of_layout(letters: Sequence[str], rank: int | None) -> Batch | None:
    """Find the batch by a layout.

    None if the layout names no batch and leaves dimensions without a letter.
    """
    if "N" in letters:
        place = letters.index("N")
        if "..." not in letters[:place]:
            return Batch(place, "layout")
        return None if rank is None else Batch(rank - len(letters) + place, "layout")
    return None if {"...", "?"} & {*letters} else _NO_BATCH


def batch_without_layout(
    model_sizes: OpenShape | None, sizes: OpenShape | None, batch: int | None
) -> Batch:
    """Find the batch by the dimensions of the input.

    Args:
        model_sizes: dimensions in the model's file; None if even their number is open.
        sizes: the same, with the sizes that the user gave.
        batch: the requested batch.
    """
    if sizes is None or (len(sizes) == 1 and sizes[0] is not None) or not sizes:
        return _NO_BATCH
    first_sizes = {sizes[0], model_sizes[0] if model_sizes else None}
    if first_sizes & {None, 0, 1}:
        return Batch(0, "custom")
    if batch in first_sizes:
        return Batch(0, "requested")
    if _is_batch_of_pictures(sizes):
        return Batch(0, "picture")
    return _NO_BATCH if _is_picture(sizes) else Batch(None, "nothing")


def _is_batch_of_pictures(sizes: OpenShape) -> bool:
    if len(sizes) != 4:
        return False
    second, last = sizes[1] or 0, sizes[3] or 0
    return 1 <= min(second, last) <= _MAX_CHANNELS < max(second, last)


def _is_picture(sizes: OpenShape) -> bool:
    """Return whether the input is a single image in three colours."""
    return len(sizes) == 3 and _COLOURS in (sizes[0], sizes[2]) and (sizes[1] or 0) > _MAX_CHANNELS


# ---------------------------------------------------------------------------- counting


@dataclass(frozen=True)
class Count:
    """The number of samples in one request."""

    samples: int
    is_assumed: bool
    """The model's file does not say so; the shapes of its outputs must confirm it."""
    doubt: str = ""
    """Why the request counts as one sample although it may hold more."""

    def confirmed(self, model_outputs: Sequence[Port], compiled_shapes: Sequence[str]) -> Count:
        """Keep the count if the shape of an output shows the batch; else count one sample.

        Args:
            model_outputs: outputs in the model's file.
            compiled_shapes: shapes of the compiled model's outputs.
        """
        if not self.is_assumed or self.samples == 1 or not compiled_shapes:
            return self
        model_shapes = [port.shape for port in model_outputs]
        if len(model_shapes) != len(compiled_shapes):
            model_shapes = [""] * len(compiled_shapes)
        if any(map(self._shows_batch, model_shapes, compiled_shapes)):
            return self
        doubt = f"no output grows with the batch of {self.samples} ({', '.join(compiled_shapes)})"
        return Count(1, is_assumed=False, doubt=doubt)

    def _shows_batch(self, before: str, after: str) -> bool:
        """Return whether a shape is open, or a size of it became a multiple of the batch."""
        old, new = (re.findall(r"[^\s,\[\]]+", text) for text in (before, after))
        old = old if len(old) == len(new) else [""] * len(new)
        return any(
            not new_size.isdigit() or (new_size != old_size and int(new_size) % self.samples == 0)
            for old_size, new_size in zip(old, new, strict=True)
        )


def count_samples(
    inputs: Sequence[Port],
    shapes: Sequence[Sequence[int]],
    batches: Sequence[Batch],
    batch: int | None,
) -> Count:
    """Count the samples in one request.

    Args:
        inputs: inputs of the model.
        shapes: shapes that the inputs run with.
        batches: the batch dimension of each input.
        batch: the requested batch.

    Raises:
        UserError: a batch is requested, and no input has one.
    """
    batch_sizes = {i: shapes[i][b.place] for i, b in enumerate(batches) if b.place is not None}
    doubtful = [i for i, b in enumerate(batches) if b.known_by == "nothing"]
    is_sure = any(batches[i].known_by != "custom" for i in batch_sizes)
    if batch is not None and batch_sizes:
        return Count(batch, is_assumed=not is_sure)
    if batch is not None and batch > 1:
        raise _without_batch(inputs, shapes, batches, batch)
    sizes = {*batch_sizes.values()}
    names = [f"{name_of(inputs, i)} {_text(shapes[i])}" for i in sorted({*batch_sizes, *doubtful})]
    if len(sizes) > 1:
        return Count(
            1, is_assumed=False, doubt=f"the batches of its inputs differ ({', '.join(names)})"
        )
    samples = max({1, *sizes})
    if doubtful and not is_sure and (samples > 1 or not batch_sizes):
        doubt = f"{_UNKNOWN} ({', '.join(names)})"
        return Count(1, is_assumed=False, doubt=doubt)
    return Count(samples, is_assumed=not is_sure)


def _without_batch(
    inputs: Sequence[Port], shapes: Sequence[Sequence[int]], batches: Sequence[Batch], batch: int
) -> UserError:
    names = [f"{name_of(inputs, i)} {_text(shape)}" for i, shape in enumerate(shapes)]
    reason = "the model has no inputs"
    if any(b.known_by == "nothing" for b in batches):
        reason = f"{_UNKNOWN} ({', '.join(names)})"
    elif names:
        reason = f"no input has a batch ({', '.join(names)})"
    return UserError(
        f"batch {batch}: {reason}",
        "Name the batch dimension with `layout` (--layout), such as '[N...]', or leave out `batch` "
        "(--batch).",
    )


def _text(shape: Sequence[int]) -> str:
    return f"[{','.join(map(str, shape))}]"
