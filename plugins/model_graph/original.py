"""The model's own graph: its operators, and what became of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from ovreport.computed.flow import critical_path
from ovreport.computed.focus import total_s
from ovreport.computed.layers import ExecutedLayer, Fate, constant_nodes, fates
from ovreport.computed.precision import precision_name
from ovreport.run import CellResult, Node, Run
from ovreport.section import Colouring, Diagram, DiagramNode
from ovreport.text.labels import count
from ovreport.text.values import Role

from ..common import operator_anchor, row_anchor
from .nodes import (
    bodies,
    constants,
    edges,
    figures,
    held,
    output_precision,
    outputs,
    ranks,
    time_colouring,
    time_fill,
)

# Why an operator has no counterpart of its own in the runtime graph.
_WHY = {
    "kept": "kept, without work of its own",
    "folded": "none: its value was computed while compiling",
    "removed": "none: replaced or removed while compiling, no layer carries its name",
}


def original_graph(run: Run, result: CellResult, layers: Sequence[ExecutedLayer]) -> list[Diagram]:
    """The model as read, as a diagram; none if the run holds only the runtime graph."""
    if result.model_graph is None:
        return []
    nodes = run.graphs[result.model_graph].nodes
    known = fates(run, result)
    by_index = {layer.index: layer for layer in layers}
    speakers = _speakers(known)
    graph = _OriginalGraph(
        result,
        nodes,
        known,
        by_index,
        speakers,
        ranks(layers),
        constant_nodes(nodes),
    )
    shown = [index for index in range(len(nodes)) if index not in graph.constant]
    anchor = partial(operator_anchor, result)
    # A layer that stands for several operators is counted at the one that shows its time.
    times = {operator: by_index[layer].median_s for layer, operator in speakers.items()}
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
    result: CellResult
    nodes: Sequence[Node]
    fates: Mapping[int, Fate]
    layers: Mapping[int, ExecutedLayer]
    speakers: Mapping[int, int]
    """The one operator of each layer that shows its time."""
    ranks: Mapping[int, int]
    constant: frozenset[int]

    def node(self, index: int) -> DiagramNode:
        node, fate = self.nodes[index], self.fates[index]
        layer = self.layers.get(fate.layer) if fate.layer is not None else None
        speaks = layer is not None and self.speakers[layer.index] == index
        fills: dict[str, Role | float] = {
            "type": Role("type", node.type),
            "fate": Role("series", fate.kind),
            "precision": Role("precision", output_precision(node)),
        }
        if layer is not None:
            fills["time"] = time_fill(layer.share)
        said = figures(layer, self.ranks) if layer and speaks else fate.kind
        return DiagramNode(
            id=operator_anchor(self.result, index),
            lines=[node.type, node.name, said],
            tooltip="\n".join(self._facts(index, layer)),
            fills=fills,
            link=row_anchor(self.result, layer.index) if layer else "",
            emphasis=speaks and layer is not None and layer.index in self.ranks,
            duration_s=layer.median_s if layer and speaks else 0.0,
            name=node.name,
        )

    def _facts(self, index: int, layer: ExecutedLayer | None) -> Iterator[str]:
        node, fate = self.nodes[index], self.fates[index]
        yield node.name
        yield f"type: {node.type}"
        if layer is None:
            yield f"in the runtime graph: {_WHY.get(fate.kind, fate.kind)}"
        else:
            how = "fused into" if fate.kind == "fused" else "runs as"
            yield f"in the runtime graph: {how} {layer.type} {layer.label}"
            yield f"time of that layer: {figures(layer, self.ranks)}"
        yield from outputs(node)
        yield from held(node)
        yield from (f"{name}: {value}" for name, value in node.attributes.items())
        yield from constants(self.nodes, index, self.constant)


def _speakers(known: Mapping[int, Fate]) -> dict[int, int]:
    """For each layer the operator that gives it its name, else the first that it fuses."""
    found: dict[int, int] = {}
    for kind in ("executed", "fused"):
        for index, fate in known.items():
            if fate.kind == kind and fate.layer is not None:
                found.setdefault(fate.layer, index)
    return found


def _changes(
    nodes: Sequence[Node], shown: Sequence[int], constant: frozenset[int]
) -> dict[int, str]:
    """Operators that write their input in another precision."""
    found = {}
    for index in shown:
        if not nodes[index].type.startswith("Convert"):
            continue
        read = next((edge for edge in nodes[index].inputs if edge[0] not in constant), None)
        if read is None or not nodes[index].outputs:
            continue
        before = precision_name(nodes[read[0]].outputs[read[1]].precision)
        after = output_precision(nodes[index])
        if before != after:
            found[index] = f"{before} → {after}"
    return found
