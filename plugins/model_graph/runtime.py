"""The runtime graph: layers as the device executed them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from ovreport.computed.flow import Conversion, conversions, critical_path
from ovreport.computed.focus import total_s
from ovreport.computed.layers import ExecutedLayer, attribute, constant_nodes
from ovreport.computed.precision import precision_name
from ovreport.computed.roofline import efficiency
from ovreport.run import CellResult, Node, Run
from ovreport.section import Colouring, Diagram, DiagramNode
from ovreport.text.labels import count
from ovreport.text.numbers import show
from ovreport.text.values import Role

from ..common import node_anchor, row_anchor
from .nodes import (
    bodies,
    constants,
    edges,
    figures,
    listed,
    outputs,
    ranks,
    time_colouring,
    time_fill,
)

# Converters are drawn as a line of text: they are something that happens on an edge.
_FLAT = frozenset({"Reorder", "Convert"})


def runtime_graph(run: Run, result: CellResult, layers: Sequence[ExecutedLayer]) -> Diagram:
    """The layers of a cell, as a diagram."""
    assert result.runtime_graph is not None
    nodes = run.graphs[result.runtime_graph].nodes
    model = run.graphs[result.model_graph].nodes if result.model_graph else ()
    graph = _RuntimeGraph(
        result,
        nodes,
        model,
        {layer.index: layer for layer in layers},
        {found.layer.index: _words(found) for found in conversions(nodes, layers, model)},
        ranks(layers),
        constant_nodes(nodes),
        {i: e.fraction for i, e in efficiency(run, result).items() if e.fraction is not None},
    )
    shown = [index for index in range(len(nodes)) if index not in graph.constant]
    path, _ = critical_path(nodes, {layer.index: layer.median_s for layer in layers})
    anchor = partial(node_anchor, result)
    return Diagram(
        f"runtime-{result.cell.id}",
        f"Runtime graph: {count(len(shown), 'node')}, {len(layers)} of them executed",
        [graph.node(index) for index in shown],
        edges(nodes, shown, anchor, graph.changes, path),
        [
            Colouring("type", "layer type"),
            time_colouring(total_s(layers)),
            Colouring("precision", "executed precision"),
            # What is far below its roof stands out.
            *([Colouring("roof", "fraction of the roof", ("100 %", "0 %"))] if graph.roof else []),
        ],
        "The layers that the device executed and the tensors between them; the table of layers "
        "lists them in execution order.",
        name="runtime graph",
        inner=bodies(nodes, shown, anchor),
    )


@dataclass(frozen=True)
class _RuntimeGraph:
    result: CellResult
    nodes: Sequence[Node]
    original: Sequence[Node]
    layers: Mapping[int, ExecutedLayer]
    changes: Mapping[int, str]
    """What a layer turns into what, on its way out; for those that do."""
    ranks: Mapping[int, int]
    constant: frozenset[int]
    roof: Mapping[int, float]
    """Fraction of the device's reach, of layers of which it is known."""

    def node(self, index: int) -> DiagramNode:
        node, layer = self.nodes[index], self.layers.get(index)
        fills: dict[str, Role | float] = {
            "type": Role("type", node.type),
            "precision": Role("precision", self._precision(index)),
        }
        if layer is not None:
            fills["time"] = time_fill(layer.share)
        if index in self.roof:
            fills["roof"] = 1 - min(1.0, self.roof[index])
        return DiagramNode(
            id=node_anchor(self.result, index),
            lines=self._lines(index),
            tooltip="\n".join(self._facts(index)),
            fills=fills,
            link=row_anchor(self.result, index) if layer else "",
            emphasis=index in self.ranks,
            duration_s=layer.median_s if layer else 0.0,
            name=node.name,
        )

    def _precision(self, index: int) -> str:
        """Of a layer that was executed; of others what the device names."""
        layer = self.layers.get(index)
        return precision_name(
            layer.precision if layer else attribute(self.nodes[index], "runtimePrecision")
        )

    def _lines(self, index: int) -> list[str]:
        node, layer = self.nodes[index], self.layers.get(index)
        if layer is None:
            return [node.type, node.name]
        figure = figures(layer, self.ranks)
        if node.type in _FLAT and index not in self.ranks:
            return [f"{node.type} {figure}"]
        return [node.type, layer.label, figure]

    def _facts(self, index: int) -> Iterator[str]:
        node, layer = self.nodes[index], self.layers.get(index)
        yield node.name
        yield f"type: {node.type}"
        if layer is None:
            yield "time: none, the device lists it without work of its own"
        else:
            yield f"time: {figures(layer, self.ranks)}"
            yield f"kernel: {layer.kernel}"
            yield f"order: {layer.order}"
        if index in self.roof:
            yield f"of the roof: {show(self.roof[index], 'share')}"
        yield f"precision: {self._precision(index)}"
        if layer and layer.weights not in ("", layer.precision):
            yield f"weights: {layer.weights}"
        yield from outputs(node)
        if layouts := attribute(node, "outputLayouts"):
            yield f"layout: {layouts}"
        if index in self.changes:
            yield f"changes: {self.changes[index]}"
        if layer and layer.originals:
            named = [f"{self.original[at].type} {self.original[at].name}" for at in layer.originals]
            yield f"executes: {listed(named)}"
        yield from constants(self.nodes, index, self.constant)


def _words(change: Conversion) -> str:
    pairs = (change.precisions, change.layouts)
    return ", ".join(f"{old} → {new}" for old, new in pairs if old != new and old and new)
