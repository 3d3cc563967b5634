"""From profile, runtime graph and model graph to layers: what was executed, and as what."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ovreport.memo import by_identity
from ovreport.run import CellResult, Graph, Node, ProfiledLayer, Run

_MAX_COMMAS = 16


@dataclass(frozen=True)
class ExecutedLayer:
    """A layer that the device ran, with its times over the profiled inferences."""

    index: int
    """Of its node in the runtime graph."""
    order: int
    """Execution order, a number."""
    name: str
    type: str
    kernel: str
    precision: str
    median_s: float
    low_s: float
    """Lower quartile."""
    high_s: float
    """Upper quartile."""
    share: float
    """Of the sum of all layers' medians."""
    shapes: tuple[str, ...]
    layouts: str
    originals: tuple[int, ...]
    """Indices of the model graph's nodes that it executes."""


@dataclass(frozen=True)
class Fate:
    """What became of a node of the model: ``layer`` is the runtime node that does its work."""

    kind: Literal["executed", "fused", "folded", "removed"]
    layer: int | None


def attribute(node: Node, name: str) -> str:
    """A runtime attribute as text; empty where it is missing."""
    value = node.attributes.get(name)
    return "" if value is None else str(value)


@by_identity
def executed_layers(run: Run, result: CellResult) -> tuple[ExecutedLayer, ...]:
    """Layers with status *executed*, in execution order; empty without profile or graph."""
    if result.profile is None or result.runtime_graph is None:
        return ()
    nodes = run.graphs[result.runtime_graph].nodes
    names = _Names(run.graphs[result.model_graph] if result.model_graph else None)
    matched = [
        (index, layer)
        for index, layer in _matched(nodes, result.profile.layers)
        if layer.status == "executed" and len(layer.times_ns)
    ]
    medians = {index: float(np.median(layer.times_ns)) / 1e9 for index, layer in matched}
    total = sum(medians.values()) or 1.0
    layers = [
        ExecutedLayer(
            index=index,
            order=_order(nodes[index], index),
            name=layer.name,
            type=layer.type,
            kernel=layer.kernel,
            precision=attribute(nodes[index], "runtimePrecision").lower() or "unknown",
            median_s=medians[index],
            low_s=float(np.quantile(layer.times_ns, 0.25)) / 1e9,
            high_s=float(np.quantile(layer.times_ns, 0.75)) / 1e9,
            share=medians[index] / total,
            shapes=tuple(port.shape for port in nodes[index].outputs),
            layouts=attribute(nodes[index], "outputLayouts"),
            originals=names.resolve(attribute(nodes[index], "originalLayersNames")),
        )
        for index, layer in matched
    ]
    return tuple(sorted(layers, key=lambda layer: layer.order))


@by_identity
def fates(run: Run, result: CellResult) -> Mapping[int, Fate]:
    """What became of each node of the model graph that is not a constant.

    A node that a runtime layer names as an original is *executed* if it is the only one or gives
    the layer its name, else *fused*. One that nothing names is *folded* if all it depends on is
    constant, else *removed*.
    """
    if result.model_graph is None:
        return {}
    nodes = run.graphs[result.model_graph].nodes
    found: dict[int, Fate] = {}
    for layer in executed_layers(run, result):
        for original in layer.originals:
            alone = len(layer.originals) == 1 or nodes[original].name == layer.name
            if alone or original not in found:
                found[original] = Fate("executed" if alone else "fused", layer.index)
    constant = constant_nodes(nodes)
    for index, node in enumerate(nodes):
        if index not in found and node.type != "Constant":
            found[index] = Fate("folded" if index in constant else "removed", None)
    return found


def constant_nodes(nodes: Sequence[Node]) -> frozenset[int]:
    """Constants, and nodes that depend on constants alone."""
    constant: set[int] = set()
    for index, node in enumerate(nodes):
        is_constant = node.type in ("Constant", "Const")
        if is_constant or (node.inputs and all(source in constant for source, _ in node.inputs)):
            constant.add(index)
    return frozenset(constant)


def _order(node: Node, index: int) -> int:
    text = attribute(node, "execOrder")
    return int(text) if text.lstrip("-").isdigit() else index


def _matched(
    nodes: Sequence[Node], layers: Sequence[ProfiledLayer]
) -> list[tuple[int, ProfiledLayer]]:
    """Profile entries with their runtime nodes, by name; equal names by order."""
    places: dict[str, deque[int]] = defaultdict(deque)
    for index, node in enumerate(nodes):
        places[node.name].append(index)
    return [(places[layer.name].popleft(), layer) for layer in layers if places.get(layer.name)]


class _Names:
    """Resolves ``originalLayersNames``, a list separated by commas that names may contain."""

    def __init__(self, model: Graph | None) -> None:
        self._index = {node.name: i for i, node in enumerate(model.nodes)} if model else {}

    def resolve(self, text: str) -> tuple[int, ...]:
        parts = text.split(",")
        found: list[int] = []
        at = 0
        while at < len(parts):
            # The longest name wins; the bound keeps hostile text from costing quadratic time.
            for end in range(min(len(parts), at + _MAX_COMMAS + 1), at, -1):
                name = ",".join(parts[at:end])
                if name in self._index:
                    found.append(self._index[name])
                    at = end
                    break
            else:
                at += 1
        return tuple(found)
