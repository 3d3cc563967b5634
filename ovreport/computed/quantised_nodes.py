"""Finds the quantised values and products of a model's file, however a device executes them."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice
from typing import Literal

from ovreport.computed.layers import folded_nodes
from ovreport.computed.operators import MULTIPLIES, RECURRENT, TAKES_PART, VIEWS
from ovreport.computed.precision import NARROW, is_floating, precision_name
from ovreport.run import Node

ValueOrigin = Literal["constant", "static", "dynamic"]
"""Origin of quantised values: constants, or data whose range is known before or found each time."""

Scheme = Literal["dynamic", "static", "weights"]
"""How a product is quantised. *dynamic*: its data is scaled by its smallest and largest value while
the model runs, as by ``quantize_dynamic`` of ONNX Runtime (``DynamicQuantizeLinear``,
``MatMulInteger``). *static*: data and weights have ranges from calibration (``FakeQuantize``, and
operators that the frontends turn into it). *weights*: only the weights are integers, and they are
converted back before the product."""

# The number of levels of eight bits.
_INT8_LEVELS = 256
# Operators whose output is quantised if their input is.
_KEEPS_QUANTISED = VIEWS | TAKES_PART | {
    "Concat", "Convert", "DepthToSpace", "MaxPool", "Pad", "ShuffleChannels", "SpaceToDepth",
    "Split", "Transpose", "VariadicSplit",
}  # fmt: skip
# Operators that round data, and that compute the scale and the zero point.
_ROUNDING = frozenset({
    "Add", "Clamp", "Convert", "Divide", "Maximum", "Minimum", "Multiply", "ReduceMax", "ReduceMin",
    "Round", "Subtract",
})  # fmt: skip
# OpenVINO turns DynamicQuantizeLinear into about 25 nodes; the bound limits malicious graphs.
_MOST_ABOVE = 64
_EXTREMES = frozenset({"ReduceMax", "ReduceMin"})


def quantised_values(nodes: Sequence[Node]) -> Mapping[int, ValueOrigin]:
    """Return nodes whose outputs are quantised values, which may be written as floating point.

    Quantised values begin at a ``FakeQuantize`` of at most 256 levels or at a narrow integer. They
    stay quantised in layers that only move data, and when a constant is subtracted (a zero point)
    or multiplied (a scale). A computed zero point is a quantised value itself.
    """
    constant = folded_nodes(nodes)
    origins: dict[int, ValueOrigin] = {}
    for index, node in enumerate(nodes):
        sources = [source for source, _ in node.inputs]
        data = [s for s in sources if s not in constant] or sources[:1]
        passes = node.type in _KEEPS_QUANTISED or _scales(nodes, node, constant, origins)
        if passes and data and all(source in origins for source in data):
            origins[index] = origins[data[0]]
        elif _starts(node):
            origins[index] = "constant" if index in constant else _origin(nodes, node, origins)
    return origins


def _starts(node: Node) -> bool:
    if node.type == "FakeQuantize":
        levels = node.attributes.get("levels")
        return isinstance(levels, int) and levels <= _INT8_LEVELS
    return bool(node.outputs) and precision_name(node.outputs[0].precision) in NARROW


def _origin(nodes: Sequence[Node], node: Node, origins: Mapping[int, ValueOrigin]) -> ValueOrigin:
    """Return how a value is quantised at this node.

    The value is data that is rounded without a ``FakeQuantize``, rows of a quantised table, or data
    whose range is in the file.
    """
    if node.type in TAKES_PART and node.inputs and node.inputs[0][0] in origins:
        return origins[node.inputs[0][0]]
    source, port = node.inputs[0] if node.type == "Convert" and node.inputs else (None, 0)
    rounds = source is not None and is_floating(nodes[source].outputs[port].precision)
    return "dynamic" if rounds else "static"


def _scales(
    nodes: Sequence[Node], node: Node, constant: Collection[int], origins: Mapping[int, ValueOrigin]
) -> bool:
    """Return whether a node subtracts a zero point or multiplies by a scale."""
    if node.type not in ("Subtract", "Multiply") or len(node.inputs) < 2:
        return False
    source, port = node.inputs[1]
    single = nodes[source].outputs[port].shape in ("[]", "[1]")
    return source in constant or (node.type == "Subtract" and single and source in origins)


def quantised_products(nodes: Sequence[Node]) -> Mapping[int, Scheme]:
    """Return convolutions, matrix products and recurrent operators that are quantised."""
    values = quantised_values(nodes)
    schemes: dict[int, Scheme] = {}
    for index, node in enumerate(nodes):
        read = [values.get(source) for source, _ in node.inputs]
        if node.type in RECURRENT and "constant" in read:
            schemes[index] = "dynamic" if read[0] == "dynamic" else "weights"
        elif node.type in MULTIPLIES and len(read) > 1 and any(read[:2]):
            scheme = _scheme(read[0], read[1])
            if scheme is not None:
                schemes[index] = scheme
    return schemes


def _scheme(first: ValueOrigin | None, second: ValueOrigin | None) -> Scheme | None:
    """Return a product's scheme by its operands; None if only one is quantised, and it is data."""
    operands = {first, second}
    if None in operands:
        return "weights" if "constant" in operands else None
    if "dynamic" in operands:
        return "dynamic"
    return "static" if "static" in operands else "weights"


def rounding_nodes(nodes: Sequence[Node]) -> frozenset[int]:
    """Return nodes that only quantise data while the model runs, or convert it back."""
    values = quantised_values(nodes)
    products = quantised_products(nodes)
    rounding = {index for index, origin in values.items() if origin == "dynamic"}
    for index in tuple(rounding):
        rounding |= _scaling_nodes(nodes, index)
    readers = _readers(nodes)
    for index, scheme in products.items():
        if scheme == "dynamic":
            rounding |= set(_back_to_floating(nodes, index, readers, rounding))
    return frozenset(rounding - products.keys())


def _scaling_nodes(nodes: Sequence[Node], start: int) -> set[int]:
    """Return the nodes between data and its quantised form: extremes, scale and rounding.

    The data is the input of the nearest ``ReduceMax`` or ``ReduceMin`` above.
    """
    above = islice(_above(nodes, start, None), _MOST_ABOVE)
    extremes = next((at for at in above if nodes[at].type in _EXTREMES), None)
    if extremes is None or not nodes[extremes].inputs:
        return set()
    return set(islice(_above(nodes, start, nodes[extremes].inputs[0][0]), _MOST_ABOVE))


def _above(nodes: Sequence[Node], start: int, end: int | None) -> Iterator[int]:
    """Yield rounding nodes above a node, nearest first, but none above ``end``."""
    visited, border = {start}, deque([start])
    while border:
        at = border.popleft()
        for source, _ in nodes[at].inputs:
            if source not in visited and source != end and nodes[source].type in _ROUNDING:
                visited.add(source)
                border.append(source)
                yield source


def _back_to_floating(
    nodes: Sequence[Node], product: int, readers: Mapping[int, Sequence[int]], rounding: set[int]
) -> Iterator[int]:
    """Yield the nodes after an integer product: conversion, multiplication by the scale, scale."""
    at = product
    for kind in ("Convert", "Multiply"):
        following = [reader for reader in readers.get(at, ()) if nodes[reader].type == kind]
        if len(following) != 1:
            return
        at = following[0]
        yield at
    for source, _ in nodes[at].inputs:
        if any(above in rounding for above, _ in nodes[source].inputs):
            yield source


def _readers(nodes: Sequence[Node]) -> Mapping[int, list[int]]:
    readers: dict[int, list[int]] = {}
    for index, node in enumerate(nodes):
        for source, _ in node.inputs:
            readers.setdefault(source, []).append(index)
    return readers
