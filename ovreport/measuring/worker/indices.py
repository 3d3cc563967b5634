"""Inputs that are indices: which values the tensors that they index allow.

An integer input is followed through operators that hand its values on, to those that look them up
in a tensor. Additions of constants, as of the rows that a table reserves, move the range.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

# Operators that hand on the values of these inputs; None: of all.
_HANDS_ON: dict[str, tuple[int, ...] | None] = {
    **dict.fromkeys(
        ("Convert", "Reshape", "Squeeze", "Unsqueeze", "Transpose", "Broadcast", "Tile", "Split",
         "VariadicSplit", "StridedSlice", "Slice", "Gather", "GatherElements", "GatherND"),
        (0,),
    ),
    "Select": (1, 2),
    "Concat": None,
}  # fmt: skip
# Where an axis is an input, and which one; of other operators it is an attribute.
_AXIS = {"Gather": 2, "ScatterUpdate": 3, "ScatterElementsUpdate": 3}
_BY_AXIS = frozenset({*_AXIS, "GatherElements"})
_BY_ROWS = frozenset({"EmbeddingBagOffsetsSum", "EmbeddingBagPackedSum", "EmbeddingSegmentsSum",
                      "EmbeddingBagOffsets", "EmbeddingBagPacked"})  # fmt: skip
_BY_POINTS = frozenset({"GatherND", "ScatterNDUpdate"})
# Positions that have to ascend: zeros do.
_ASCENDING = {
    ("EmbeddingBagOffsetsSum", 2),
    ("EmbeddingBagOffsets", 2),
    ("EmbeddingSegmentsSum", 2),
}
_INTEGERS = frozenset({"i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64"})


@dataclass(frozen=True)
class _Reached:
    """An output that holds the input's values, moved by constants from ``low`` to ``high``."""

    output: Any
    low: int = 0
    high: int = 0


def index_ranges(model: Any) -> list[list[int | bool] | None]:
    """Return each input's lowest index, the one after its highest, and whether both are a guess.

    None: as far as the graph shows, the input is no index. If the size of the indexed tensor is
    open, only its first place certainly exists.
    """
    return [_range(item) for item in model.inputs]


def _range(item: Any) -> list[int | bool] | None:
    if item.get_element_type().get_type_name() not in _INTEGERS:
        return None
    uses = list(_uses(item.get_node().output(0)))
    if not uses:
        return None
    # An offset for negative indices, which only those take, leaves no range.
    fixed = [(-min(r.low, 0), n - r.high) for r, n in uses if n is not None and n > r.high]
    low = max((low for low, _ in fixed), default=0)
    high = min((high for _, high in fixed), default=low + 1)
    is_open = any(size is None for _, size in uses)
    return [low, low + 1 if is_open else max(high, low + 1), is_open]


def _uses(output: Any) -> Iterator[tuple[_Reached, int | None]]:
    """Yield every use of the values as indices, with the number of places; None: it is open."""
    waiting, seen = [_Reached(output)], set()
    while waiting:
        at = waiting.pop()
        for target in at.output.get_target_inputs():
            node, port = target.get_node(), target.get_index()
            key = (node.get_name(), port, at.low, at.high)
            if key in seen:
                continue
            seen.add(key)
            if _is_index(node, port):
                yield at, _places(node, port)
            else:
                waiting += _handed_on(at, node, port)


def _is_index(node: Any, port: int) -> bool:
    kind = node.get_type_name()
    looked_up = kind in _BY_AXIS | _BY_ROWS | _BY_POINTS
    return (looked_up and port == 1) or (kind, port) in _ASCENDING


def _places(node: Any, port: int) -> int | None:
    """Return how many values an index may take."""
    kind = node.get_type_name()
    if (kind, port) in _ASCENDING:
        return 1
    data = node.input_value(0).get_partial_shape()
    if data.rank.is_dynamic:
        return None
    if kind in _BY_ROWS:
        return _smallest([data[0]])
    if kind in _BY_POINTS:
        points = node.input_value(1).get_partial_shape()
        if points.rank.is_dynamic or points[len(points) - 1].is_dynamic:
            return None
        first = node.get_attributes().get("batch_dims", 0)
        count = points[len(points) - 1].get_length()
        return _smallest([data[place] for place in range(first, first + count)])
    axis = _constant(node.input_value(_AXIS[kind])) if kind in _AXIS else None
    place = node.get_attributes().get("axis") if axis is None else axis[0]
    return None if place is None else _smallest([data[place % len(data)]])


def _smallest(dimensions: Iterable[Any]) -> int | None:
    sizes = [None if one.is_dynamic else one.get_length() for one in dimensions]
    known = [size for size in sizes if size is not None]
    return min(known) if known and len(known) == len(sizes) else None


def _handed_on(at: _Reached, node: Any, port: int) -> Iterator[_Reached]:
    kind = node.get_type_name()
    low, high = at.low, at.high
    if kind in ("Add", "Subtract"):
        moved = _constant(node.input_value(1 - port))
        if moved is None or (kind == "Subtract" and port == 1):
            return
        ends = moved if kind == "Add" else (-moved[1], -moved[0])
        low, high = low + ends[0], high + ends[1]
    elif kind not in _HANDS_ON or port not in (_HANDS_ON[kind] or (port,)):
        return
    for output in node.outputs():
        yield _Reached(output, low, high)


def _constant(output: Any) -> tuple[int, int] | None:
    """Return the lowest and highest value of a constant of integers, through conversions."""
    node = output.get_node()
    while node.get_type_name() == "Convert":
        node = node.input_value(0).get_node()
    if node.get_type_name() != "Constant":
        return None
    values = node.data
    return (
        (int(values.min()), int(values.max()))
        if values.size and values.dtype.kind in "iu"
        else None
    )
