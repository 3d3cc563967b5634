"""Finds structures in the runtime graph: conversions, INT8 boundaries and the critical path.

Nodes are given in topological order, as :class:`~ovreport.run.Graph` holds them.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from ovreport.computed.layer_contents import is_elementwise
from ovreport.computed.layer_kinds import CONVERTERS, MOVERS
from ovreport.computed.layers import ExecutedLayer, attribute, constant_nodes, is_static
from ovreport.computed.precision import INT8, bits, is_floating, precision_name
from ovreport.run import Node


def transitions(layers: Sequence[ExecutedLayer]) -> Counter[tuple[str, str]]:
    """Count pairs of successive layers by their precisions.

    Layers with a time above zero count, in execution order, as in the Workbench.
    """
    timed = [layer.precision for layer in layers if layer.median_s > 0]
    return Counter(pairwise(timed))


def critical_path(nodes: Sequence[Node], times: Mapping[int, float]) -> tuple[list[int], float]:
    """Return the path through the graph whose layers take longest, and their time in seconds.

    Args:
        nodes: nodes in topological order.
        times: seconds by node index; nodes that are not in it take no time.
    """
    reached: list[float] = []
    before: list[int | None] = []
    for index, node in enumerate(nodes):
        source = max((s for s, _ in node.inputs), key=lambda s: reached[s], default=None)
        before.append(source)
        reached.append(times.get(index, 0.0) + (reached[source] if source is not None else 0.0))
    if not reached:
        return [], 0.0
    at: int | None = max(range(len(reached)), key=lambda index: reached[index])
    longest = reached[at] if at is not None else 0.0
    path: list[int] = []
    while at is not None:
        path.append(at)
        at = before[at]
    return path[::-1], longest


@dataclass(frozen=True)
class Conversion:
    """An executed layer whose output differs from its input in precision, layout or order."""

    layer: ExecutedLayer
    source: int
    """Index of the node that it reads."""
    targets: tuple[int, ...]
    """Indices of the nodes that read it."""
    precisions: tuple[str, str]
    """Precisions of its input and its output."""
    layouts: tuple[str, str]
    """Layouts of its input and its output."""
    size_bytes: int | None
    """Size of its input; None if the shape is dynamic."""

    @property
    def changes_precision(self) -> bool:
        """Whether the layer's output has another precision than its input."""
        return self.precisions[0] != self.precisions[1]

    @property
    def changes_layout(self) -> bool:
        """Whether the layer's output has another layout than its input."""
        return self.layouts[0] != self.layouts[1]


def conversions(
    nodes: Sequence[Node], layers: Sequence[ExecutedLayer], model: Sequence[Node] = ()
) -> list[Conversion]:
    """Return layers that only convert, and layers whose output precision differs from the input's.

    A layer's input is the first that is not constant and holds data: neither the indices of a
    Gather nor the mask of a Select.

    Args:
        nodes: nodes of the runtime graph.
        layers: the executed layers.
        model: nodes of the model's own graph, which show whether a ``Subgraph`` has a Select.
    """
    constant = constant_nodes(nodes)
    readers = readers_of(nodes)
    changes = []
    for layer in layers:
        node = nodes[layer.index]
        data = _data(node, any(model[place].type == "Select" for place in layer.originals if model))
        read = next((edge for edge in data if edge[0] not in constant), None)
        if read is None or not node.outputs:
            continue
        source, port = read
        before = nodes[source].outputs[port]
        conversion = Conversion(
            layer,
            source,
            tuple(readers[layer.index]),
            (precision_name(before.precision), precision_name(node.outputs[0].precision)),
            (_layout(nodes[source], port), _layout(node, 0)),
            size_bytes(before.shape, before.precision),
        )
        if conversion.changes_precision or layer.type in CONVERTERS:
            changes.append(conversion)
    return changes


def _data(node: Node, selects: bool) -> Sequence[tuple[int, int]]:
    """Return a layer's inputs without those that only control the operation."""
    if node.type in MOVERS and node.type != "Concatenation":
        return node.inputs[:1]
    return node.inputs[1:] if selects and len(node.inputs) > 1 else node.inputs


def quantisers(
    nodes: Sequence[Node], layers: Sequence[ExecutedLayer], model: Sequence[Node]
) -> list[tuple[ExecutedLayer, bool]]:
    """Return element-wise layers that quantise or dequantise, and whether they lie between INT8.

    Such a layer enters or leaves INT8, or executes a ``FakeQuantize`` of the model. The flag is
    true if both layers that it reads and layers that read it are executed in INT8.
    """
    readers = readers_of(nodes)
    integer = {layer.index for layer in layers if layer.precision in INT8}
    crossing = {
        c.layer.index: (c.precisions[0] in INT8) != (c.precisions[1] in INT8)
        for c in conversions(nodes, layers, model)
    }
    quantising = []
    for layer in layers:
        rounds = any(model[index].type == "FakeQuantize" for index in layer.originals)
        only_converts = layer.type in ("Reorder", "Convert") or is_elementwise(layer, model)
        if only_converts and (rounds or crossing.get(layer.index, False)):
            before = any(source in integer for source, _ in nodes[layer.index].inputs)
            after = any(reader in integer for reader in readers[layer.index])
            quantising.append((layer, before and after))
    return quantising


def islands(nodes: Sequence[Node], layers: Sequence[ExecutedLayer]) -> list[list[ExecutedLayer]]:
    """Return groups of connected floating-point layers between INT8 layers, each in order.

    An island reads from a layer executed in INT8, and such a layer reads from it. The conversions
    at its borders belong to it.
    """
    constant = constant_nodes(nodes)
    executed = {layer.index: layer.precision for layer in layers}
    floating = {
        index
        for index, node in enumerate(nodes)
        if index not in constant
        and is_floating(executed.get(index) or attribute(node, "runtimePrecision"))
    }
    readers = readers_of(nodes)
    integer = {index for index, precision in executed.items() if precision in INT8}
    visited: set[int] = set()
    groups = []
    for start in sorted(floating):
        if start in visited:
            continue
        members, border = {start}, [start]
        while border:
            at = border.pop()
            neighbours = [*(source for source, _ in nodes[at].inputs), *readers[at]]
            new = [n for n in neighbours if n in floating and n not in members]
            members.update(new)
            border += new
        visited |= members
        entered = any(source in integer for at in members for source, _ in nodes[at].inputs)
        left = any(reader in integer for at in members for reader in readers[at])
        if entered and left:
            groups.append([layer for layer in layers if layer.index in members])
    return [island for island in groups if island]


@lru_cache(maxsize=10_000)
def size_bytes(shape: str, precision: str) -> int | None:
    """Return the size of a tensor, such as ``[1,3,224,224]`` and ``f32``; None if it is open."""
    width = bits(precision)
    if not is_static(shape):
        return None
    elements = 1
    for number in re.findall(r"\d+", shape):
        elements *= int(number[:18])
    if not elements:
        return 0  # a FullyConnected without zero points reads a "dynamic" tensor of shape [0]
    return (elements * width + 7) // 8 if width else None


def readers_of(nodes: Sequence[Node]) -> Mapping[int, list[int]]:
    """Return, for each node, the nodes that read it, once each."""
    readers: dict[int, list[int]] = defaultdict(list)
    for index, node in enumerate(nodes):
        for source in dict.fromkeys(source for source, _ in node.inputs):
            readers[source].append(index)
    return readers


def _layout(node: Node, port: int) -> str:
    """Return the layout of an output; ``outputLayouts`` has one for each, or one for all."""
    layouts = attribute(node, "outputLayouts").split(",")
    return layouts[port] if port < len(layouts) else layouts[0]
