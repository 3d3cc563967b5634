"""The table of executed layers, with the details of each layer below its row."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from ovreport.computed.anchors import layer_anchor, node_anchor, operator_anchor
from ovreport.computed.flow import readers_of
from ovreport.computed.focus import longest
from ovreport.computed.layer_attributes import ATTRIBUTES_IN_COLUMNS, operator_settings
from ovreport.computed.layer_contents import contents
from ovreport.computed.layers import ExecutedLayer, attribute, constant_nodes, layer_names
from ovreport.computed.precision import precision_name
from ovreport.computed.roofline import efficiency
from ovreport.run import CellResult, Node, Port, Run
from ovreport.section import Column, Facts, Row, Table
from ovreport.text.values import Kind, Link, Role, Tag, Value

_TENSOR = "runtimePrecision"
Fact = tuple[str, Value, Kind]


def layer_table(run: Run, result: CellResult, layers: Sequence[ExecutedLayer]) -> Table:
    """Return the table with one row for each executed layer, in execution order."""
    ranked = longest(layers)
    cumulative = dict(zip(ranked, np.cumsum([layer.share for layer in ranked]), strict=True))
    efficiencies = efficiency(run, result)
    details = _Details(run, result, layers)
    rows = []
    for layer in layers:
        reached = efficiencies[layer.index]
        rows.append(
            Row(
                {
                    "name": layer.label,
                    "order": layer.order,
                    "type": Tag(layer.type, Role("type", layer.type)),
                    "kernel": layer.kernel,
                    "precision": Tag(layer.precision, Role("precision", layer.precision)),
                    "output": _output(layer),
                    "time": layer.median_s,
                    "spread": layer.high_s - layer.low_s,
                    "share": layer.share,
                    "cumulative": float(cumulative[layer]),
                    "work": None if reached.operations is None else reached.operations / 1e9,
                    "rate": reached.achieved / 1e9 if reached.achieved else None,
                    "roof": reached.fraction,
                },
                anchor=layer_anchor(result, layer),
                details=[Facts(f"d-{layer.index}", "", list(details.facts(layer)))],
            )
        )
    columns = [
        Column("name", "Layer", "code"),
        Column("type", "Type"),
        Column("time", "Time", "duration", help="Median over the profiled inferences."),
        Column("share", "Share", "share"),
        Column("cumulative", "Cumulative", "share", help="Share of this and all longer layers.",
               optional=True),
        Column("roof", "Of the roof", "share", help="The shortest time that the measured "
        "roofs allow, divided by the time taken; – if one is unknown."),
        Column("kernel", "Kernel", "code"),
        Column("precision", "Precision"),
        Column("order", "Order", "count", help="Execution order."),
        Column("output", "Output", "code", help="Shape and layout.", optional=True),
        Column("spread", "Spread", "duration", help="Between the quartiles.", optional=True),
        Column("work", "Work", "number", "GFLOP", optional=True,
               help="Operations of the operators it executes, by theory; "
               "a multiply-add is two. – if one of them has no formula."),
        Column("rate", "Rate", "number", "GFLOP/s", help="Work divided by time.", optional=True),
    ]  # fmt: skip
    return Table(
        f"layers-{result.cell.id}",
        "Executed layers, in execution order",
        columns,
        rows,
        "Sort by time to see the longest first; Cumulative counts from the longest layer on.",
    )


def _output(layer: ExecutedLayer) -> str:
    """Return shape and layout of each output: ``[1,64,56,56] acdb``."""
    layouts = layer.layouts.split(",")
    parts = []
    for port, shape in enumerate(layer.shapes):
        layout = layouts[port] if port < len(layouts) else layouts[0]
        parts.append(f"{shape} {layout}".strip())
    return ", ".join(parts)


def _weights(layer: ExecutedLayer) -> str:
    if layer.quantises_data:
        return f"{layer.weights}; the data is converted to i8 while the layer runs"
    return layer.weights


def _differs(layer: ExecutedLayer, node: Node) -> bool:
    """Return whether the device's name for the precision is not that of the computation."""
    return precision_name(attribute(node, _TENSOR)) != layer.precision


def _tensor(port: Port) -> str:
    return f"{port.shape} {port.precision}"


class _Details:
    """The details below a layer's row: neighbours, fused operators, parameters, attributes."""

    def __init__(self, run: Run, result: CellResult, layers: Sequence[ExecutedLayer]) -> None:
        assert result.runtime_graph is not None
        self._result = result
        self._nodes = run.graphs[result.runtime_graph].nodes
        self._original = run.graphs[result.model_graph].nodes if result.model_graph else ()
        self._names = layer_names(run, result)
        self._constant = constant_nodes(self._nodes)
        self._readers = readers_of(self._nodes)
        self._anchors = {layer.index: layer_anchor(result, layer) for layer in layers}
        self._sharing: Mapping[int, list[ExecutedLayer]] = defaultdict(list)
        for layer in layers:
            for original in layer.originals:
                self._sharing[original].append(layer)

    def facts(self, layer: ExecutedLayer) -> Iterator[Fact]:
        node = self._nodes[layer.index]
        if layer.name != layer.label:
            yield "Name", layer.name, "code"
        yield from self._neighbours(layer, node)
        yield from self._fusing(layer)
        if layer.weights and layer.weights != layer.precision:
            yield "Weights", _weights(layer), "text"
        for name in node.attributes:
            if name not in ATTRIBUTES_IN_COLUMNS or (name == _TENSOR and _differs(layer, node)):
                yield name, attribute(node, name), "text"
        anchor = node_anchor(self._result, layer.index)
        yield "In the graph", Link("show", anchor), "text"

    def _neighbours(self, layer: ExecutedLayer, node: Node) -> Iterator[Fact]:
        data_edges = [edge for edge in node.inputs if edge[0] not in self._constant]
        if data_edges:
            links = [
                self._link(source, self._nodes[source].outputs[port]) for source, port in data_edges
            ]
            yield "Reads", tuple(links), "text"
        if node.outputs:
            yield "Writes", ", ".join(map(_tensor, node.outputs)), "text"
        if readers := self._readers.get(layer.index):
            links = [
                self._link(reader, node.outputs[port])
                for reader in readers
                for source, port in dict.fromkeys(self._nodes[reader].inputs)
                if source == layer.index
            ]
            yield "Read by", tuple(links), "text"

    def _link(self, index: int, tensor: Port | None = None) -> Link:
        """Return a link to a layer, with the tensor that is read from it or by it."""
        node = self._nodes[index]
        text = f"{node.type} {self._names.runtime.get(index, node.name)}"
        if tensor is not None:
            text += f" {_tensor(tensor)}"
        return Link(text, self._anchors.get(index, node_anchor(self._result, index)))

    def _fusing(self, layer: ExecutedLayer) -> Iterator[Fact]:
        """Return the operators that it executes, their parameters, and layers that share them."""
        if layer.type == "Subgraph":
            yield "Holds", contents(layer, self._original), "text"
        for index in layer.originals:
            original = self._original[index]
            text = f"{original.type} {self._names.model[index]}"
            yield "Executes", Link(text, operator_anchor(self._result, index)), "text"
            if settings := operator_settings(self._original, index):
                yield (
                    original.type,
                    ", ".join(f"{name} {value}" for name, value in settings),
                    "text",
                )
        sharing = dict.fromkeys(
            other for index in layer.originals for other in self._sharing[index] if other != layer
        )
        if sharing:
            yield "Split with", tuple(self._link(other.index) for other in sharing), "text"
