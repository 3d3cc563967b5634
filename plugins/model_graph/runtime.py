"""The diagram of the runtime graph: layers as the device executed them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from ovreport.computed.anchors import node_anchor, row_anchor
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

from .nodes import (
    bodies,
    constants,
    edges,
    layer_figures,
    listed,
    outputs,
    ranks,
    time_colouring,
    time_fill,
)

# Converters are drawn as one line of text, because they only change the data of an edge.
_FLAT = frozenset({"Reorder", "Convert"})


def runtime_graph(run: Run, result: CellResult, layers: Sequence[ExecutedLayer]) -> Diagram:
    """Return the diagram of the layers of a cell."""
    assert result.runtime_graph is not None
    nodes = run.graphs[result.runtime_graph].nodes
    model = run.graphs[result.model_graph].nodes if result.model_graph else ()
    graph = _RuntimeGraph(
        result,
        nodes,
        model,
        {layer.index: layer for layer in layers},
        {item.layer.index: _change(item) for item in conversions(nodes, layers, model)},
        ranks(layers),
        constant_nodes(nodes),
        {
            index: reached.fraction
            for index, reached in efficiency(run, result).items()
            if reached.fraction is not None
        },
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
            # The strongest colour marks layers far below their roof.
            *([Colouring("roof", "fraction of the roof", ("100 %", "0 %"))] if graph.roof else []),
        ],
        "The layers that the device executed and the tensors between them; the table of layers "
        "lists them in execution order.",
        name="runtime graph",
        inner=bodies(nodes, shown, anchor),
    )


@dataclass(frozen=True)
class _RuntimeGraph:
    """The runtime graph, and what its nodes show."""

    result: CellResult
    nodes: Sequence[Node]
    original: Sequence[Node]
    layers: Mapping[int, ExecutedLayer]
    changes: Mapping[int, str]
    """Changes of precision and layout by a layer: ``f32 → u8``."""
    ranks: Mapping[int, int]
    constant: frozenset[int]
    roof: Mapping[int, float]
    """Fraction of its roof that a layer reaches, if it is known."""

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
        """Return the precision of an executed layer, or else the one that the device names."""
        layer = self.layers.get(index)
        return precision_name(
            layer.precision if layer else attribute(self.nodes[index], "runtimePrecision")
        )

    def _lines(self, index: int) -> list[str]:
        node, layer = self.nodes[index], self.layers.get(index)
        if layer is None:
            return [node.type, node.name]
        figure = layer_figures(layer, self.ranks)
        if node.type in _FLAT and index not in self.ranks:
            return [f"{node.type} {figure}"]
        return [node.type, layer.label, figure]

    def _facts(self, index: int) -> Iterator[str]:
        node, layer = self.nodes[index], self.layers.get(index)
        yield node.name
        yield f"type: {node.type}"
        if layer is None:
            yield "time: none, the device lists it without a time"
        else:
            yield f"time: {layer_figures(layer, self.ranks)}"
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
            operators = [
                f"{self.original[original].type} {self.original[original].name}"
                for original in layer.originals
            ]
            yield f"executes: {listed(operators)}"
        yield from constants(self.nodes, index, self.constant)


def _change(conversion: Conversion) -> str:
    pairs = (conversion.precisions, conversion.layouts)
    return ", ".join(f"{old} → {new}" for old, new in pairs if old != new and old and new)
