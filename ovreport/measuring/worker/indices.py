"""Finds inputs that are indices, and the range of values that the indexed tensors allow.

An integer input is followed through operators that pass its values on, to operators that use them
as indices of a tensor. Additions of constants, such as the number of reserved rows, move the range.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

# Operators that pass on the values of these inputs; None: of all inputs.
_PASSED_ON: dict[str, tuple[int, ...] | None] = {
    **dict.fromkeys(
        ("Convert", "Reshape", "Squeeze", "Unsqueeze", "Transpose", "Broadcast", "Tile", "Split",
         "VariadicSplit", "StridedSlice", "Slice", "Gather", "GatherElements", "GatherND"),
        (0,),
    ),
    "Select": (1, 2),
    "Concat": None,
}  # fmt: skip
# Operators whose axis is an input, and its index; the axis of others is an attribute.
_AXIS = {"Gather": 2, "ScatterUpdate": 3, "ScatterElementsUpdate": 3}
_BY_AXIS = frozenset({*_AXIS, "GatherElements"})
_BY_ROWS = frozenset({"EmbeddingBagOffsetsSum", "EmbeddingBagPackedSum", "EmbeddingSegmentsSum",
                      "EmbeddingBagOffsets", "EmbeddingBagPacked"})  # fmt: skip
_BY_POINTS = frozenset({"GatherND", "ScatterNDUpdate"})
# Inputs whose values have to ascend, which zeros satisfy.
_ASCENDING = {
    ("EmbeddingBagOffsetsSum", 2),
    ("EmbeddingBagOffsets", 2),
    ("EmbeddingSegmentsSum", 2),
}
_INTEGERS = frozenset({"i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64"})


@dataclass(frozen=True)
class _Carrier:
    """An output that carries the input's values, plus constants from ``low`` to ``high``."""

    output: Any
    low: int = 0
    high: int = 0


def index_ranges(model: Any) -> list[list[int | bool] | None]:
    """Return each input's lowest index, the one after its highest, and whether both are a guess.

    None: as far as the graph shows, the input is no index. If the size of the indexed tensor is
    open, only its first position certainly exists.
    """
    return [_range(item) for item in model.inputs]


def _range(item: Any) -> list[int | bool] | None:
    if item.get_element_type().get_type_name() not in _INTEGERS:
        return None
    uses = list(_uses(item.get_node().output(0)))
    if not uses:
        return None
    # An addition for negative indices, which only these reach, leaves no range.
    fixed = [(-min(r.low, 0), n - r.high) for r, n in uses if n is not None and n > r.high]
    low = max((low for low, _ in fixed), default=0)
    high = min((high for _, high in fixed), default=low + 1)
    is_open = any(size is None for _, size in uses)
    return [low, low + 1 if is_open else max(high, low + 1), is_open]


def _uses(output: Any) -> Iterator[tuple[_Carrier, int | None]]:
    """Yield every use of the values as indices, and the number of positions; None: open."""
    waiting, visited = [_Carrier(output)], set()
    while waiting:
        carrier = waiting.pop()
        for target in carrier.output.get_target_inputs():
            node, port = target.get_node(), target.get_index()
            key = (node.get_name(), port, carrier.low, carrier.high)
            if key in visited:
                continue
            visited.add(key)
            if _is_index(node, port):
                yield carrier, _size(node, port)
            else:
                waiting += _passed_on(carrier, node, port)


def _is_index(node: Any, port: int) -> bool:
    kind = node.get_type_name()
    is_lookup = kind in _BY_AXIS | _BY_ROWS | _BY_POINTS
    return (is_lookup and port == 1) or (kind, port) in _ASCENDING


def _size(node: Any, port: int) -> int | None:
    """Return how many values an index may have; None if the size is open."""
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
        return _smallest([data[axis] for axis in range(first, first + count)])
    constant = _constant(node.input_value(_AXIS[kind])) if kind in _AXIS else None
    axis = node.get_attributes().get("axis") if constant is None else constant[0]
    return None if axis is None else _smallest([data[axis % len(data)]])


def _smallest(dimensions: Iterable[Any]) -> int | None:
    sizes = [None if dim.is_dynamic else dim.get_length() for dim in dimensions]
    fixed = [size for size in sizes if size is not None]
    return min(fixed) if fixed and len(fixed) == len(sizes) else None


def _passed_on(carrier: _Carrier, node: Any, port: int) -> Iterator[_Carrier]:
    """Yield the outputs of a node that carry the values on."""
    kind = node.get_type_name()
    low, high = carrier.low, carrier.high
    if kind in ("Add", "Subtract"):
        added = _constant(node.input_value(1 - port))
        if added is None or (kind == "Subtract" and port == 1):
            return
        ends = added if kind == "Add" else (-added[1], -added[0])
        low, high = low + ends[0], high + ends[1]
    elif kind not in _PASSED_ON or port not in (_PASSED_ON[kind] or (port,)):
        return
    for output in node.outputs():
        yield _Carrier(output, low, high)


def _constant(output: Any) -> tuple[int, int] | None:
    """Return the lowest and highest value of a constant of integers, also behind a Convert."""
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
