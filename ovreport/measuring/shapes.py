"""Which concrete shape every input runs with, and what one request counts for.

The notation is benchmark_app's: ``[1,3,224,224]`` for a model with one input,
``x[1,8],state[1,2,128]`` by name otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ovreport.errors import UserError
from ovreport.run import Port

_DYNAMIC = re.compile(r"\?|-1|\d*\.\.\d*")


@dataclass(frozen=True)
class ResolvedShapes:
    """``shapes`` by input index; ``batch`` is the number of samples in one request."""

    shapes: tuple[tuple[int, ...], ...]
    batch: int


def resolve(
    inputs: Sequence[Port], shape: str | None, layout: str | None, batch: int | None
) -> ResolvedShapes:
    """Concrete shapes from the model's own, the given ones and the batch.

    The batch is an input's first dimension, or its ``N`` where a layout is given. With ``batch``
    it is set in every input of at least two dimensions; without, an open one becomes 1. One
    request then counts as ``batch`` samples, else as the size that all batch dimensions share,
    else as one.

    Raises:
        UserError: a dimension stays open, a given shape does not fit, or a name is unknown.
    """
    given = _by_input(shape, inputs, "shape")
    layouts = _by_input(layout, inputs, "layout")
    shapes: list[tuple[int, ...]] = []
    sizes: set[int] = set()
    for index, port in enumerate(inputs):
        dimensions = dimensions_of(port.shape)
        wanted = given.get(index)
        if wanted is not None:
            dimensions = _fitted(port, dimensions, [_number(part, port) for part in wanted])
        place = _batch_place(port, dimensions, layouts.get(index))
        if dimensions is not None and place is not None:
            dimensions = list(dimensions)
            if batch is not None:
                dimensions[place] = batch
            elif dimensions[place] is None:
                dimensions[place] = 1
        concrete = _closed(port, dimensions, inputs)
        shapes.append(concrete)
        if place is not None:
            sizes.add(concrete[place])
    return ResolvedShapes(tuple(shapes), sizes.pop() if len(sizes) == 1 else batch or 1)


def example(inputs: Sequence[Port]) -> str | None:
    """A shape to write for a model with open dimensions, None where there are none.

    Open batches become 1; other dimensions become 224 for images (four dimensions, three of them
    possibly open) and 128 otherwise: round sizes that most networks accept, to be corrected.
    """
    if all(_is_static(port) for port in inputs):
        return None
    parts = []
    for index, port in enumerate(inputs):
        dimensions = dimensions_of(port.shape)
        if dimensions is None:
            dimensions = [None, None]
        filler = 224 if len(dimensions) == 4 else 128
        sizes = [
            size if size is not None else (1 if place == 0 else filler)
            for place, size in enumerate(dimensions)
        ]
        name = "" if len(inputs) == 1 else _name(port, index)
        parts.append(f"{name}[{','.join(map(str, sizes))}]")
    return ",".join(parts)


def dimensions_of(shape: str) -> list[int | None] | None:
    """``[?,3,224..448,8]`` → ``[None, 3, None, 8]``; None for an open rank, ``[...]``."""
    inner = shape.strip().removeprefix("[").removesuffix("]").strip()
    if inner == "...":
        return None
    parts = [part.strip() for part in inner.split(",")] if inner else []
    return [None if _DYNAMIC.fullmatch(part) else int(part) for part in parts]


def parse(text: str) -> list[tuple[str, list[str]]]:
    """``x[1,8],y[1]`` → ``[("x", ["1", "8"]), ("y", ["1"])]``; the name may be empty.

    Raises:
        UserError: the text is not of that form.
    """
    found: list[tuple[str, list[str]]] = []
    rest = text.strip()
    while rest:
        # Names may hold any character but brackets, commas included ("a,b[1]" is rare but real):
        # the comma that separates entries is the one right after a closing bracket.
        match = re.match(r"([^\[\]]*)\[([^\[\]]*)\]\s*(?:,\s*(?=[^\s])|$)", rest)
        if match is None:
            raise UserError(
                f"{text!r} is not a list of shapes", "Write '[1,3,224,224]' or 'x[1,8],y[1]'."
            )
        found.append((match[1].strip(), [part.strip() for part in match[2].split(",")]))
        rest = rest[match.end() :]
    if not found:
        raise UserError("the shape is empty", "Write '[1,3,224,224]' or 'x[1,8],y[1]'.")
    return found


# ---------------------------------------------------------------------------- parts


def _by_input(text: str | None, inputs: Sequence[Port], what: str) -> dict[int, list[str]]:
    """Entries of a notation by input index."""
    if text is None:
        return {}
    entries = parse(text)
    found: dict[int, list[str]] = {}
    for name, values in entries:
        if not name and len(inputs) > 1:
            raise UserError(
                f"{what} {text!r} names no input, and the model has {len(inputs)}",
                f"Write NAME[…] for each; {_known(inputs)}",
            )
        index = 0 if not name else _index(name, inputs, what)
        if index in found:
            raise UserError(f"{what} {text!r} gives {_name(inputs[index], index)!r} twice")
        found[index] = [] if values == [""] else values
    return found


def _index(name: str, inputs: Sequence[Port], what: str) -> int:
    for index, port in enumerate(inputs):
        if name in port.names:
            return index
    raise UserError(f"{what} names the unknown input {name!r}", _known(inputs))


def _known(inputs: Sequence[Port]) -> str:
    told = (f"{_name(port, index)} {port.shape}" for index, port in enumerate(inputs))
    return f"The model's inputs: {'; '.join(told)}."


def _name(port: Port, index: int) -> str:
    return port.names[0] if port.names else str(index)


def _number(part: str, port: Port) -> int:
    if part.isascii() and part.isdigit():
        return int(part)
    hint = "Measuring needs whole numbers; measure each size as a model entry of its own."
    raise UserError(f"shape of input {_label(port)} holds {part!r}", hint)


def _label(port: Port) -> str:
    return repr(port.names[0]) if port.names else "without a name"


def _fitted(port: Port, own: Sequence[int | None] | None, given: list[int]) -> list[int | None]:
    """The given shape; only its rank has to fit, as other sizes may be changed by reshaping."""
    if own is not None and len(given) != len(own):
        raise UserError(
            f"shape {given} has {len(given)} dimensions, input {_label(port)} is {port.shape}",
            f"Give {len(own)} dimensions.",
        )
    return list(given)


def _batch_place(
    port: Port, dimensions: Sequence[int | None] | None, layout: list[str] | None
) -> int | None:
    """Where the batch is; None for scalars, vectors and layouts without N."""
    if layout is not None:
        letters = layout[0] if len(layout) == 1 else "".join(layout)
        if dimensions is not None and len(letters) != len(dimensions):
            raise UserError(
                f"layout {letters!r} has {len(letters)} letters, input {_label(port)} is "
                f"{port.shape}",
                "Give a letter for each dimension, N for the batch.",
            )
        return letters.index("N") if "N" in letters else None
    if dimensions is None:
        return None
    open_vector = len(dimensions) == 1 and dimensions[0] is None
    return 0 if len(dimensions) >= 2 or open_vector else None


def _closed(
    port: Port, dimensions: Sequence[int | None] | None, inputs: Sequence[Port]
) -> tuple[int, ...]:
    if dimensions is None or any(size is None for size in dimensions):
        raise UserError(
            f"input {_label(port)} is {port.shape}: its shape is left open",
            f"Give one with --shape or `shape`, for example {example(inputs)!r}.",
        )
    return tuple(size for size in dimensions if size is not None)


def _is_static(port: Port) -> bool:
    dimensions = dimensions_of(port.shape)
    return dimensions is not None and None not in dimensions
