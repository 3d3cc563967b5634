"""Which concrete shape every input runs with, and what one request counts for.

The notation is benchmark_app's: ``[1,3,224,224]`` for a model with one input,
``x[1,8],state[1,2,128]`` by name otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ovreport.errors import UserError
from ovreport.planning.batches import Batch, Count, counted, letters_of, stated, usual
from ovreport.planning.ports import index_of, name_of
from ovreport.run import Port
from ovreport.text.labels import count

_DYNAMIC = re.compile(r"\?|-1|\d*\.\.\d*")
_EXAMPLES = {
    "shape": "'[1,3,224,224]' or 'x[1,8],y[1]'",
    "layout": "'[HWCN]', '[N...]' or 'x[NC],y[CN]'",
    "range": "'[0,1]' or 'ids[0,30000],mask[0,2]'",
}
# Round sizes that most networks accept.
_IMAGE, _LENGTH = 224, 128


@dataclass(frozen=True)
class ResolvedShapes:
    """``shapes`` by input index; ``count`` is the number of samples in one request."""

    shapes: tuple[tuple[int, ...], ...]
    count: Count


@dataclass(frozen=True)
class PartialShape:
    """What is known of an input's shape."""

    dimensions: tuple[int | None, ...] | None
    """None in it is an open dimension; None: the number of dimensions is open."""
    batch: Batch

    @property
    def is_open(self) -> bool:
        """Whether the number of dimensions, or one of them, is open."""
        return self.dimensions is None or None in self.dimensions

    def with_batch(self) -> PartialShape:
        """An open batch becomes 1; of an open number of dimensions there may be two."""
        if self.dimensions is None:
            return PartialShape((1, None), Batch(0, "custom"))
        if (place := self.batch.place) is None or self.dimensions[place] is not None:
            return self
        sizes = (*self.dimensions[:place], 1, *self.dimensions[place + 1 :])
        return PartialShape(sizes, self.batch)


class OpenShapeError(UserError):
    """The shape of an input is neither closed nor given."""

    def with_example(self, shape: str | None) -> OpenShapeError:
        """With a shape that the model takes, if one is known."""
        remedy = "Give one with --shape or `shape`"
        if shape is None:
            remedy += "; the usual sizes do not fit, so look for those of the model's author."
        else:
            remedy += f", for example {shape!r}."
        return OpenShapeError(self.found, remedy)


def resolve(
    inputs: Sequence[Port],
    shape: str | None,
    layout: str | None,
    batch: int | None,
    own_layouts: Sequence[str] = (),
) -> ResolvedShapes:
    """Concrete shapes from the model's own, the given ones and the batch.

    With ``batch`` it is set in every input that has one, wherever it is there; without, an open
    batch becomes 1. What a request counts for is explained in :mod:`ovreport.planning.batches`.

    Args:
        own_layouts: of the inputs, as the model's file has them; empty texts where it has none.

    Raises:
        UserError: a given shape or layout does not fit, a name is unknown, or there is no batch to
            set.
        OpenShapeError: a dimension stays open.
    """
    known = partial_shapes(inputs, shape, layout, batch, own_layouts)
    shapes = tuple(_closed(inputs, i, partial.with_batch()) for i, partial in enumerate(known))
    return ResolvedShapes(shapes, counted(inputs, shapes, [one.batch for one in known], batch))


def partial_shapes(
    inputs: Sequence[Port],
    shape: str | None,
    layout: str | None,
    batch: int | None,
    own_layouts: Sequence[str] = (),
) -> tuple[PartialShape, ...]:
    """What the model, the given shapes and the batch tell of each input.

    Raises:
        UserError: as by :func:`resolve`.
    """
    given = _by_input(shape, inputs, "shape")
    layouts = _by_input(layout, inputs, "layout")
    found = []
    for index, port in enumerate(inputs):
        sizes = own = dimensions_of(port.shape)
        if (wanted := given.get(index)) is not None:
            numbers = [_number(part, inputs, index) for part in wanted]
            sizes = _fitted(inputs, index, own, numbers)
        known = None
        if (letters := layouts.get(index)) is not None:
            known = _by_layout(inputs, index, sizes, letters_of(",".join(letters)))
        elif own_layout := (own_layouts[index] if own_layouts else ""):
            known = stated(letters_of(own_layout), None if sizes is None else len(sizes))
        known = known or usual(own, sizes, batch)
        if sizes is not None and known.place is not None and batch is not None:
            sizes = [*sizes[: known.place], batch, *sizes[known.place + 1 :]]
        found.append(PartialShape(None if sizes is None else tuple(sizes), known))
    return tuple(found)


def guesses(
    inputs: Sequence[Port], known: Sequence[PartialShape]
) -> Iterator[tuple[tuple[int, ...], ...]]:
    """Shapes that a model with open dimensions may take, the likeliest first.

    Open batches become 1; other dimensions become 224 for images (four dimensions, three of them
    possibly open) and 128 otherwise. Some models need their open dimensions in agreement: those
    of a graph network count nodes and edges, those of a recurrent state hold the batch of the
    other inputs, and some are best taken as 1 or as equal throughout.
    """
    with_batch = [part.with_batch() for part in known]
    with_states = [_with_state_batch(part, known).with_batch() for part in known]
    ways: list[tuple[Sequence[PartialShape], Callable[[int], int]]] = [
        (with_states, _usual_size),
        (with_batch, _usual_size),
        (known, lambda _: _LENGTH),
        (known, lambda _: 1),
    ]
    if any(_holds_edges(port) for port in inputs):
        ways.insert(0, (known, lambda _: _LENGTH))
    for parts, size in ways:
        yield tuple(_filled(port, part, size) for port, part in zip(inputs, parts, strict=True))


def written(inputs: Sequence[Port], shapes: Sequence[Sequence[int]]) -> str:
    """Shapes in the notation that is read by :func:`parse`."""
    names = [""] if len(inputs) == 1 else [name_of(inputs, i) for i in range(len(inputs))]
    parts = zip(names, shapes, strict=True)
    return ",".join(f"{name}[{','.join(map(str, shape))}]" for name, shape in parts)


def dimensions_of(shape: str) -> list[int | None] | None:
    """``[?,3,224..448,8]`` → ``[None, 3, None, 8]``; None for an open rank, ``[...]``."""
    parts = _parts(shape)
    if parts is None:
        return None
    return [None if _DYNAMIC.fullmatch(part) else int(part) for part in parts]


def parse(text: str, what: str = "shape") -> list[tuple[str, list[str]]]:
    """``x[1,8],y[1]`` → ``[("x", ["1", "8"]), ("y", ["1"])]``; the name may be empty.

    Args:
        what: stands in the brackets: ``shape``, ``layout`` or ``range``.

    Raises:
        UserError: the text is not of that form.
    """
    found: list[tuple[str, list[str]]] = []
    rest = text.strip()
    while rest:
        # Names may hold any character, commas and brackets too: an entry ends at the first
        # bracket that a comma or the end follows.
        match = re.match(r"(.*?)\[([^\[\]]*)\]\s*(?:,\s*(?=[^\s])|$)", rest, re.DOTALL)
        if match is None:
            raise UserError(f"{text!r} is not a list of {what}s", f"Write {_EXAMPLES[what]}.")
        found.append((match[1].strip(), [part.strip() for part in match[2].split(",")]))
        rest = rest[match.end() :]
    if not found:
        raise UserError(f"the {what} is empty", f"Write {_EXAMPLES[what]}.")
    return found


# ---------------------------------------------------------------------------- parts


def _parts(shape: str) -> list[str] | None:
    inner = shape.strip().removeprefix("[").removesuffix("]").strip()
    if inner == "...":
        return None
    return [part.strip() for part in inner.split(",")] if inner else []


def _by_input(text: str | None, inputs: Sequence[Port], what: str) -> dict[int, list[str]]:
    """Entries of a notation by input index."""
    if text is None:
        return {}
    entries = parse(text, what)
    found: dict[int, list[str]] = {}
    for name, values in entries:
        if not name and len(inputs) > 1:
            raise UserError(
                f"{what} {text!r} names no input, and the model has {len(inputs)}",
                f"Write NAME[…] for each; {_known(inputs)}",
            )
        index = 0 if not name else _index(name, inputs, what)
        if index in found:
            raise UserError(f"{what} {text!r} gives {name_of(inputs, index)!r} twice")
        found[index] = [] if values == [""] else values
    return found


def _index(name: str, inputs: Sequence[Port], what: str) -> int:
    if (index := index_of(inputs, name)) is None:
        raise UserError(f"{what} names the unknown input {name!r}", _known(inputs))
    return index


def _known(inputs: Sequence[Port]) -> str:
    if not inputs:
        return "The model has no inputs."
    told = (f"{name_of(inputs, index)} {port.shape}" for index, port in enumerate(inputs))
    return f"The model's inputs: {'; '.join(told)}."


def _number(part: str, inputs: Sequence[Port], index: int) -> int:
    if part.isascii() and part.isdigit():
        return int(part)
    hint = "Measuring needs whole numbers; measure each size as a model entry of its own."
    raise UserError(f"shape of input {name_of(inputs, index)!r} holds {part!r}", hint)


def _fitted(
    inputs: Sequence[Port], index: int, own: Sequence[int | None] | None, given: list[int]
) -> list[int | None]:
    """The given shape; only its rank has to fit, as other sizes may be changed by reshaping."""
    if own is not None and len(given) != len(own):
        raise UserError(
            f"shape {given} has {count(len(given), 'dimension')}, input "
            f"{name_of(inputs, index)!r} is {inputs[index].shape}",
            f"Give {count(len(own), 'dimension')}.",
        )
    return list(given)


def _by_layout(
    inputs: Sequence[Port], index: int, sizes: Sequence[int | None] | None, letters: Sequence[str]
) -> Batch | None:
    """Where a layout that a user wrote has the batch."""
    rank, named = None if sizes is None else len(sizes), len(letters) - letters.count("...")
    fits = rank is None or named == rank or ("..." in letters and named < rank)
    if not fits or letters.count("...") > 1:
        raise UserError(
            f"layout [{','.join(letters)}] has {named} letters, input "
            f"{name_of(inputs, index)!r} is {inputs[index].shape}",
            "Give a letter for each dimension, N for the batch, and ... for those between.",
        )
    return stated(letters, rank)


def _closed(inputs: Sequence[Port], index: int, partial: PartialShape) -> tuple[int, ...]:
    if partial.dimensions is None or None in partial.dimensions:
        raise OpenShapeError(
            f"input {name_of(inputs, index)!r} is {inputs[index].shape}: its shape is left open",
            "Give one with --shape or `shape`.",
        )
    return tuple(size for size in partial.dimensions if size is not None)


# ---------------------------------------------------------------------------- guesses


def _filled(port: Port, partial: PartialShape, size: Callable[[int], int]) -> tuple[int, ...]:
    """Args: size: of an open dimension, by the number of dimensions; kept within its bounds."""
    dimensions = (None, None) if partial.dimensions is None else partial.dimensions
    bounds = _bounds(port, len(dimensions))
    return tuple(
        min(max(size(len(dimensions)), low), high) if own is None else own
        for own, (low, high) in zip(dimensions, bounds, strict=True)
    )


def _usual_size(rank: int) -> int:
    return _IMAGE if rank == 4 else _LENGTH


def _bounds(port: Port, rank: int) -> list[tuple[int, int]]:
    """Least and most of each dimension: ``[?,64..512]`` → ``[(0, 2**31), (64, 512)]``."""
    found = []
    for part in _parts(port.shape) or ["?"] * rank:
        low, dots, high = part.partition("..")
        found.append((int(low or 0), int(high or 1 << 31)) if dots else (0, 1 << 31))
    return found


def _holds_edges(port: Port) -> bool:
    """Pairs of nodes, as graph networks take them: integers of shape ``[2,?]``."""
    return dimensions_of(port.shape) == [2, None] and port.precision in ("i32", "i64")


def _with_state_batch(partial: PartialShape, known: Sequence[PartialShape]) -> PartialShape:
    """A recurrent state's batch is its only open dimension: its first one counts layers."""
    batched = any(part.dimensions and part.dimensions[0] is None for part in known)
    sizes = partial.dimensions or ()
    if not batched or len(sizes) < 3 or sizes[0] is None or sizes.count(None) != 1:
        return partial
    return PartialShape(tuple(1 if size is None else size for size in sizes), partial.batch)
