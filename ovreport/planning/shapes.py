"""Resolves the shape that each input runs with, and counts the samples in one request.

The notation is benchmark_app's: ``[1,3,224,224]`` for a model with one input, names such as
``x[1,8],state[1,2,128]`` for several.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ovreport.errors import UserError
from ovreport.planning.batches import (
    Batch,
    Count,
    batch_of_layout,
    batch_without_layout,
    count_samples,
    letters_of,
)
from ovreport.planning.ports import index_of, name_of
from ovreport.run import Port
from ovreport.text.labels import count

_DYNAMIC = re.compile(r"\?|-1|\d*\.\.\d*")
_EXAMPLES = {
    "shape": "'[1,3,224,224]' or 'x[1,8],y[1]'",
    "layout": "'[HWCN]', '[N...]' or 'x[NC],y[CN]'",
    "range": "'[0,1]' or 'ids[0,30000],mask[0,2]'",
}
# Usual sizes, which most networks accept.
_IMAGE, _LENGTH = 224, 128


@dataclass(frozen=True)
class ResolvedShapes:
    """The shape of each input, by index, and the number of samples in one request."""

    shapes: tuple[tuple[int, ...], ...]
    count: Count


@dataclass(frozen=True)
class PartialShape:
    """An input's shape, whose dimensions may be open."""

    dimensions: tuple[int | None, ...] | None
    """An entry of None is an open dimension; None as a whole means an open number of them."""
    batch: Batch

    @property
    def is_open(self) -> bool:
        """Whether the number of dimensions, or one of them, is open."""
        return self.dimensions is None or None in self.dimensions

    def with_batch(self) -> PartialShape:
        """Set an open batch to 1; take an open number of dimensions as two."""
        if self.dimensions is None:
            return PartialShape((1, None), Batch(0, "custom"))
        if (place := self.batch.place) is None or self.dimensions[place] is not None:
            return self
        sizes = (*self.dimensions[:place], 1, *self.dimensions[place + 1 :])
        return PartialShape(sizes, self.batch)


class OpenShapeError(UserError):
    """The shape of an input has open dimensions, and the user gave none."""

    def with_example(self, shape: str | None) -> OpenShapeError:
        """Return the error with a shape that the model accepts, if one is known."""
        remedy = "Give a shape with --shape or `shape`"
        if shape is None:
            remedy += (
                "; the usual sizes do not fit, so use the sizes that the model's author names."
            )
        else:
            remedy += f", for example {shape!r}."
        return OpenShapeError(self.found, remedy)


def resolve(
    inputs: Sequence[Port],
    shape: str | None,
    layout: str | None,
    batch: int | None,
    model_layouts: Sequence[str] = (),
) -> ResolvedShapes:
    """Resolve the shape of each input from the model's, the given shapes and the batch.

    ``batch`` is set in every input that has a batch dimension; without it, an open batch becomes 1.
    :mod:`ovreport.planning.batches` explains how samples are counted.

    Args:
        inputs: inputs in the model's file.
        shape: shapes that the user gave.
        layout: layouts that the user gave.
        batch: the requested batch.
        model_layouts: the layout of each input in the model's file; an empty text for none.

    Raises:
        UserError: a given shape or layout does not fit, a name is unknown, or a batch is requested
            and no input has one.
        OpenShapeError: a dimension stays open.
    """
    partials = partial_shapes(inputs, shape, layout, batch, model_layouts)
    shapes = tuple(_closed(inputs, i, partial.with_batch()) for i, partial in enumerate(partials))
    count = count_samples(inputs, shapes, [partial.batch for partial in partials], batch)
    return ResolvedShapes(shapes, count)


def partial_shapes(
    inputs: Sequence[Port],
    shape: str | None,
    layout: str | None,
    batch: int | None,
    model_layouts: Sequence[str] = (),
) -> tuple[PartialShape, ...]:
    """Return the shape of each input as far as the model, the user and the batch define it.

    Raises:
        UserError: as in :func:`resolve`.
    """
    given = _by_input(shape, inputs, "shape")
    layouts = _by_input(layout, inputs, "layout")
    partials = []
    for index, port in enumerate(inputs):
        sizes = model_sizes = dimensions_of(port.shape)
        if (given_sizes := given.get(index)) is not None:
            numbers = [_number(part, inputs, index) for part in given_sizes]
            sizes = _fitted(inputs, index, model_sizes, numbers)
        found_batch = None
        if (letters := layouts.get(index)) is not None:
            found_batch = _by_layout(inputs, index, sizes, letters_of(",".join(letters)))
        elif model_layout := (model_layouts[index] if model_layouts else ""):
            rank = None if sizes is None else len(sizes)
            found_batch = batch_of_layout(letters_of(model_layout), rank)
        found_batch = found_batch or batch_without_layout(model_sizes, sizes, batch)
        place = found_batch.place
        if sizes is not None and place is not None and batch is not None:
            sizes = [*sizes[:place], batch, *sizes[place + 1 :]]
        partials.append(PartialShape(None if sizes is None else tuple(sizes), found_batch))
    return tuple(partials)


def guesses(
    inputs: Sequence[Port], partials: Sequence[PartialShape]
) -> Iterator[tuple[tuple[int, ...], ...]]:
    """Yield shapes that a model with open dimensions may accept, the likeliest first.

    Open batches become 1; other dimensions become 224 for images (four dimensions, up to three of
    them open) and 128 otherwise. Some models accept their open dimensions only together: those of
    a graph network count nodes and edges, those of a recurrent state hold the batch of the other
    inputs, and some models accept only 1 or equal sizes everywhere.
    """
    with_batch = [partial.with_batch() for partial in partials]
    with_states = [_with_state_batch(partial, partials).with_batch() for partial in partials]
    attempts: list[tuple[Sequence[PartialShape], Callable[[int], int]]] = [
        (with_states, _usual_size),
        (with_batch, _usual_size),
        (partials, lambda _: _LENGTH),
        (partials, lambda _: 1),
    ]
    if any(_holds_edges(port) for port in inputs):
        attempts.insert(0, (partials, lambda _: _LENGTH))
    for attempt, size in attempts:
        yield tuple(_filled(port, part, size) for port, part in zip(inputs, attempt, strict=True))


def written(inputs: Sequence[Port], shapes: Sequence[Sequence[int]]) -> str:
    """Write shapes in the notation that :func:`parse` reads."""
    names = [""] if len(inputs) == 1 else [name_of(inputs, i) for i in range(len(inputs))]
    parts = zip(names, shapes, strict=True)
    return ",".join(f"{name}[{','.join(map(str, shape))}]" for name, shape in parts)


def dimensions_of(shape: str) -> list[int | None] | None:
    """Parse ``[?,3,224..448,8]`` → ``[None, 3, None, 8]``; None for an open rank, ``[...]``."""
    parts = _parts(shape)
    if parts is None:
        return None
    return [None if _DYNAMIC.fullmatch(part) else int(part) for part in parts]


def parse(text: str, kind: str = "shape") -> list[tuple[str, list[str]]]:
    """Parse ``x[1,8],y[1]`` → ``[("x", ["1", "8"]), ("y", ["1"])]``; a name may be empty.

    Args:
        text: the entries.
        kind: the kind of the values in brackets: ``shape``, ``layout`` or ``range``.

    Raises:
        UserError: the text is not of that form.
    """
    entries: list[tuple[str, list[str]]] = []
    rest = text.strip()
    while rest:
        # Names may hold any character, even commas and brackets: an entry ends at the first
        # closing bracket before a comma or the end.
        match = re.match(r"(.*?)\[([^\[\]]*)\]\s*(?:,\s*(?=[^\s])|$)", rest, re.DOTALL)
        if match is None:
            raise UserError(f"{text!r} is not a list of {kind}s", f"Write {_EXAMPLES[kind]}.")
        entries.append((match[1].strip(), [part.strip() for part in match[2].split(",")]))
        rest = rest[match.end() :]
    if not entries:
        raise UserError(f"the {kind} is empty", f"Write {_EXAMPLES[kind]}.")
    return entries


# ---------------------------------------------------------------------------- parts


def _parts(shape: str) -> list[str] | None:
    inner = shape.strip().removeprefix("[").removesuffix("]").strip()
    if inner == "...":
        return None
    return [part.strip() for part in inner.split(",")] if inner else []


def _by_input(text: str | None, inputs: Sequence[Port], kind: str) -> dict[int, list[str]]:
    """Parse the entries of a notation, by input index."""
    if text is None:
        return {}
    entries = parse(text, kind)
    entries_by_input: dict[int, list[str]] = {}
    for name, values in entries:
        if not name and len(inputs) > 1:
            raise UserError(
                f"{kind} {text!r} names no input, and the model has {len(inputs)}",
                f"Write NAME[…] for each. {_inputs_sentence(inputs)}",
            )
        index = 0 if not name else _index(name, inputs, kind)
        if index in entries_by_input:
            raise UserError(f"{kind} {text!r} gives {name_of(inputs, index)!r} twice")
        entries_by_input[index] = [] if values == [""] else values
    return entries_by_input


def _index(name: str, inputs: Sequence[Port], kind: str) -> int:
    if (index := index_of(inputs, name)) is None:
        raise UserError(f"{kind} names the unknown input {name!r}", _inputs_sentence(inputs))
    return index


def _inputs_sentence(inputs: Sequence[Port]) -> str:
    if not inputs:
        return "The model has no inputs."
    descriptions = (f"{name_of(inputs, index)} {port.shape}" for index, port in enumerate(inputs))
    return f"The model's inputs: {'; '.join(descriptions)}."


def _number(part: str, inputs: Sequence[Port], index: int) -> int:
    if part.isascii() and part.isdigit():
        return int(part)
    hint = "Give whole numbers; add one model entry for each size to measure."
    raise UserError(f"shape of input {name_of(inputs, index)!r} holds {part!r}", hint)


def _fitted(
    inputs: Sequence[Port], index: int, model_sizes: Sequence[int | None] | None, given: list[int]
) -> list[int | None]:
    """Return the given shape; only its rank must fit, because reshaping can change the sizes."""
    if model_sizes is not None and len(given) != len(model_sizes):
        raise UserError(
            f"shape {given} has {count(len(given), 'dimension')}, input "
            f"{name_of(inputs, index)!r} is {inputs[index].shape}",
            f"Give {count(len(model_sizes), 'dimension')}.",
        )
    return list(given)


def _by_layout(
    inputs: Sequence[Port], index: int, sizes: Sequence[int | None] | None, letters: Sequence[str]
) -> Batch | None:
    """Find the batch by a layout that the user gave."""
    rank = None if sizes is None else len(sizes)
    letter_count = len(letters) - letters.count("...")
    fits = rank is None or letter_count == rank or ("..." in letters and letter_count < rank)
    if not fits or letters.count("...") > 1:
        raise UserError(
            f"layout [{','.join(letters)}] has {letter_count} letters, input "
            f"{name_of(inputs, index)!r} is {inputs[index].shape}",
            "Give a letter for each dimension, N for the batch, and ... once for any others.",
        )
    return batch_of_layout(letters, rank)


def _closed(inputs: Sequence[Port], index: int, partial: PartialShape) -> tuple[int, ...]:
    if partial.dimensions is None or None in partial.dimensions:
        raise OpenShapeError(
            f"input {name_of(inputs, index)!r} has the open shape {inputs[index].shape}",
            "Give a shape with --shape or `shape`.",
        )
    return tuple(size for size in partial.dimensions if size is not None)


# ---------------------------------------------------------------------------- guesses


def _filled(port: Port, partial: PartialShape, size: Callable[[int], int]) -> tuple[int, ...]:
    """Fill open dimensions, within their bounds; ``size`` gives a size by the number of them."""
    dimensions = (None, None) if partial.dimensions is None else partial.dimensions
    bounds = _bounds(port, len(dimensions))
    return tuple(
        min(max(size(len(dimensions)), low), high) if dimension is None else dimension
        for dimension, (low, high) in zip(dimensions, bounds, strict=True)
    )


def _usual_size(rank: int) -> int:
    return _IMAGE if rank == 4 else _LENGTH


def _bounds(port: Port, rank: int) -> list[tuple[int, int]]:
    """Parse the bounds of each dimension: ``[?,64..512]`` → ``[(0, 2**31), (64, 512)]``."""
    bounds = []
    for part in _parts(port.shape) or ["?"] * rank:
        low, dots, high = part.partition("..")
        bounds.append((int(low or 0), int(high or 1 << 31)) if dots else (0, 1 << 31))
    return bounds


def _holds_edges(port: Port) -> bool:
    """Return whether it holds pairs of nodes of a graph network: integers of shape ``[2,?]``."""
    return dimensions_of(port.shape) == [2, None] and port.precision in ("i32", "i64")


def _with_state_batch(partial: PartialShape, partials: Sequence[PartialShape]) -> PartialShape:
    """Set the batch of a recurrent state to 1: its only open dimension; the first counts layers."""
    has_batch = any(part.dimensions and part.dimensions[0] is None for part in partials)
    sizes = partial.dimensions or ()
    if not has_batch or len(sizes) < 3 or sizes[0] is None or sizes.count(None) != 1:
        return partial
    return PartialShape(tuple(1 if size is None else size for size in sizes), partial.batch)
