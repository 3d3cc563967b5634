"""Element-wise layers that run on their own after a convolution or product, and why."""

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

# They hand data on without computing; a fusion does not reach across them.
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
    """Layer between them, from the product on."""
    others: tuple[int, ...]
    """What else reads the product, where nothing stands between."""
    reason: str
    """Half a sentence: ``Transpose "x" stands between it and Convolution "y"``."""


def unfused(
    nodes: Sequence[Node], layers: Sequence[ExecutedLayer], model: Sequence[Node]
) -> list[Unfused]:
    """Each element-wise layer with a product before it, in execution order.

    Args:
        nodes: of the runtime graph.
        model: of the model's own graph, which tells what a ``Subgraph`` holds.
    """
    constant, readers = constant_nodes(nodes), readers_of(nodes)
    names = {layer.index: layer.label for layer in layers}

    def named(index: int) -> str:
        return f"{nodes[index].type} {names.get(index) or cut(nodes[index].name, LENGTH)}"

    return [
        found
        for layer in layers
        if is_elementwise(layer, model) and (found := _why(nodes, layer, constant, readers, named))
    ]


def _why(
    nodes: Sequence[Node],
    layer: ExecutedLayer,
    constant: frozenset[int],
    readers: Mapping[int, Sequence[int]],
    named: Callable[[int], str],
) -> Unfused | None:
    for source, _ in nodes[layer.index].inputs:
        if source in constant:
            continue
        *between, at = _back(nodes, source, constant)
        if nodes[at].type not in PRODUCTS:
            continue
        others = tuple(reader for reader in readers[at] if reader != layer.index)
        if between:
            reason = f"{named(between[-1])} stands between it and {named(at)}"
            return Unfused(layer, at, tuple(reversed(between)), (), reason)
        if others:
            reason = f"{named(others[0])} reads {named(at)} too"
            return Unfused(layer, at, (), others, reason)
        reason = f"the device does not fuse it into {named(at)}"
        return Unfused(layer, at, (), (), reason)
    return None


def _back(nodes: Sequence[Node], start: int, constant: frozenset[int]) -> Iterator[int]:
    """From a node upwards through layers that only move data, by their first data input."""
    at = start
    yield at
    while nodes[at].type in _MOVERS:
        above = [source for source, _ in nodes[at].inputs if source not in constant]
        if not above:
            return
        at = above[0]
        yield at
