"""The model's own graph: its operators, and what became of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from ovreport.computed.anchors import operator_anchor, row_anchor
from ovreport.computed.flow import critical_path
from ovreport.computed.focus import total_s
from ovreport.computed.layers import ExecutedLayer, Fate, constant_nodes, fates
from ovreport.computed.precision import precision_name
from ovreport.run import CellResult, Node, Run
from ovreport.section import Colouring, Diagram, DiagramNode
from ovreport.text.labels import count
from ovreport.text.values import Role

from .nodes import (
    bodies,
    constants,
    edges,
    inner_graphs,
    layer_figures,
    output_precision,
    outputs,
    ranks,
    time_colouring,
    time_fill,
)

# Why the runtime graph has no separate layer for an operator.
_WHY_NO_LAYER = {
    "kept": "kept, but takes no time",
    "folded": "none: its value was computed while compiling",
    "removed": "none: replaced or removed while compiling, and no layer has its name",
}


def original_graph(run: Run, result: CellResult, layers: Sequence[ExecutedLayer]) -> list[Diagram]:
    """Return the diagram of the model as read, unless the run holds only the runtime graph."""
    if result.model_graph is None:
        return []
    nodes = run.graphs[result.model_graph].nodes
    known_fates = fates(run, result)
    by_index = {layer.index: layer for layer in layers}
    representatives = _representatives(known_fates)
    graph = _OriginalGraph(
        result,
        nodes,
        known_fates,
        by_index,
        representatives,
        ranks(layers),
        constant_nodes(nodes),
    )
    shown = [index for index in range(len(nodes)) if index not in graph.constant]
    anchor = partial(operator_anchor, result)
    # The time of a layer that executes several operators counts once, at its representative.
    times = {operator: by_index[layer].median_s for layer, operator in representatives.items()}
    path, _ = critical_path(nodes, times)
    return [
        Diagram(
            f"model-{result.cell.id}",
            f"The model's own graph: {count(len(shown), 'operator')}",
            [graph.node(index) for index in shown],
            edges(nodes, shown, anchor, _changes(nodes, shown, graph.constant), path),
            [
                Colouring("type", "layer type"),
                Colouring("fate", "what became of it"),
                time_colouring(total_s(layers)),
                Colouring("precision", "output precision"),
            ],
            "The operators of the model as read, and what became of each.",
            collapsed=True,
            name="model’s own graph",
            inner=bodies(nodes, shown, anchor),
        )
    ]


@dataclass(frozen=True)
class _OriginalGraph:
    """The model's own graph, and what its nodes show."""

    result: CellResult
    nodes: Sequence[Node]
    fates: Mapping[int, Fate]
    layers: Mapping[int, ExecutedLayer]
    representatives: Mapping[int, int]
    """The one operator that shows a layer's time, by layer."""
    ranks: Mapping[int, int]
    constant: frozenset[int]

    def node(self, index: int) -> DiagramNode:
        node, fate = self.nodes[index], self.fates[index]
        layer = self.layers.get(fate.layer) if fate.layer is not None else None
        shows_time = layer is not None and self.representatives[layer.index] == index
        fills: dict[str, Role | float] = {
            "type": Role("type", node.type),
            "fate": Role("series", fate.kind),
            "precision": Role("precision", output_precision(node)),
        }
        if layer is not None:
            fills["time"] = time_fill(layer.share)
        figure = layer_figures(layer, self.ranks) if layer and shows_time else fate.kind
        return DiagramNode(
            id=operator_anchor(self.result, index),
            lines=[node.type, node.name, figure],
            tooltip="\n".join(self._facts(index, layer)),
            fills=fills,
            link=row_anchor(self.result, layer.index) if layer else "",
            emphasis=shows_time and layer is not None and layer.index in self.ranks,
            duration_s=layer.median_s if layer and shows_time else 0.0,
            name=node.name,
        )

    def _facts(self, index: int, layer: ExecutedLayer | None) -> Iterator[str]:
        node, fate = self.nodes[index], self.fates[index]
        yield node.name
        yield f"type: {node.type}"
        if layer is None:
            yield f"in the runtime graph: {_WHY_NO_LAYER.get(fate.kind, fate.kind)}"
        else:
            relation = "fused into" if fate.kind == "fused" else "runs as"
            yield f"in the runtime graph: {relation} {layer.type} {layer.label}"
            yield f"time of that layer: {layer_figures(layer, self.ranks)}"
        yield from outputs(node)
        yield from inner_graphs(node)
        yield from (f"{name}: {value}" for name, value in node.attributes.items())
        yield from constants(self.nodes, index, self.constant)


def _representatives(known_fates: Mapping[int, Fate]) -> dict[int, int]:
    """Return for each layer the operator whose name it has, or else the first that it fuses."""
    representatives: dict[int, int] = {}
    for kind in ("executed", "fused"):
        for index, fate in known_fates.items():
            if fate.kind == kind and fate.layer is not None:
                representatives.setdefault(fate.layer, index)
    return representatives


def _changes(
    nodes: Sequence[Node], shown: Sequence[int], constant: frozenset[int]
) -> dict[int, str]:
    """Return the changes of precision by ``Convert`` operators, by node."""
    changes = {}
    for index in shown:
        if not nodes[index].type.startswith("Convert"):
            continue
        data_edge = next((edge for edge in nodes[index].inputs if edge[0] not in constant), None)
        if data_edge is None or not nodes[index].outputs:
            continue
        before = precision_name(nodes[data_edge[0]].outputs[data_edge[1]].precision)
        after = output_precision(nodes[index])
        if before != after:
            changes[index] = f"{before} → {after}"
    return changes
