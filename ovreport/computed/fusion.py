"""Finds element-wise layers that were not fused into a convolution or product before them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ovreport.computed.flow import readers_of
from ovreport.computed.layer_contents import is_elementwise
from ovreport.computed.layer_kinds import PRODUCTS
from ovreport.computed.layer_names import LENGTH
from ovreport.computed.layers import ExecutedLayer, constant_nodes
from ovreport.run import Node
from ovreport.text.short_names import cut

# Layers that only move data; fusion does not reach across them.
_MOVERS = frozenset(
    {"Reshape", "Transpose", "Reorder", "Convert", "Concatenation", "Split", "StridedSlice",
     "Squeeze", "Unsqueeze", "Flatten"}
)  # fmt: skip


@dataclass(frozen=True)
class Unfused:
    """An element-wise layer that could have been fused into the product before it."""

    layer: ExecutedLayer
    product: int
    """Index of the convolution or matrix product that computes its input."""
    between: tuple[int, ...]
    """Layers between them, in the order of the data."""
    others: tuple[int, ...]
    """Other readers of the product, if no layer is between."""
    reason: str
    """A clause: ``Transpose "x" stands between it and Convolution "y"``."""


def unfused(
    nodes: Sequence[Node], layers: Sequence[ExecutedLayer], model: Sequence[Node]
) -> list[Unfused]:
    """Return the element-wise layers with a product before them, in execution order.

    Args:
        nodes: nodes of the runtime graph.
        layers: the executed layers.
        model: nodes of the model's own graph, which show what a ``Subgraph`` computes.
    """
    constant, readers = constant_nodes(nodes), readers_of(nodes)
    names = {layer.index: layer.label for layer in layers}

    def name(index: int) -> str:
        return f"{nodes[index].type} {names.get(index) or cut(nodes[index].name, LENGTH)}"

    return [
        result
        for layer in layers
        if is_elementwise(layer, model)
        and (result := _unfused(nodes, layer, constant, readers, name))
    ]


def _unfused(
    nodes: Sequence[Node],
    layer: ExecutedLayer,
    constant: frozenset[int],
    readers: Mapping[int, Sequence[int]],
    name: Callable[[int], str],
) -> Unfused | None:
    for source, _ in nodes[layer.index].inputs:
        if source in constant:
            continue
        *between, at = _back(nodes, source, constant)
        if nodes[at].type not in PRODUCTS:
            continue
        others = tuple(reader for reader in readers[at] if reader != layer.index)
        if between:
            reason = f"{name(between[-1])} stands between it and {name(at)}"
            return Unfused(layer, at, tuple(reversed(between)), (), reason)
        if others:
            reason = f"{name(others[0])} reads {name(at)} too"
            return Unfused(layer, at, (), others, reason)
        reason = f"the device does not fuse it into {name(at)}"
        return Unfused(layer, at, (), (), reason)
    return None


def _back(nodes: Sequence[Node], start: int, constant: frozenset[int]) -> Iterator[int]:
    """Yield a node and those above it, through the data input of layers that only move data."""
    at = start
    yield at
    while nodes[at].type in _MOVERS:
        above = [source for source, _ in nodes[at].inputs if source not in constant]
        if not above:
            return
        at = above[0]
        yield at
