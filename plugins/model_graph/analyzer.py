"""The graph that the device executed, and the model's own, as diagrams."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ovreport.graphs.layers import ExecutedLayer, attribute, constant_nodes, fates
from ovreport.labels import count
from ovreport.plugin import Analyzer
from ovreport.rendering.format import show
from ovreport.run import CellResult, Node, Run
from ovreport.section import (
    Block,
    Colouring,
    Diagram,
    DiagramEdge,
    DiagramNode,
    Role,
    Section,
)

from ..common import focus_cells, focus_group

_EMPHASISED = 5


class ModelGraph(Analyzer):
    """Both graphs, coloured by type, time, precision or fate."""

    id = "model_graph"
    title = "Model graph"
    reading = (
        "The flow of data, top to bottom. A thick outline marks the longest layers; a red arrow "
        "a change of precision. A node leads to its row in the table of layers. Constants are "
        "left out."
    )
    needs = frozenset({"runtime_graph"})
    order = 700

    def analyze(self, run: Run) -> Section:
        groups = []
        for result, layers in focus_cells(run):
            blocks = [_runtime(run, result, layers), *_model(run, result)]
            groups.append(focus_group(run, result, blocks))
        return Section(groups)


def _runtime(run: Run, result: CellResult, layers: tuple[ExecutedLayer, ...]) -> Block:
    assert result.runtime_graph is not None
    nodes = run.graphs[result.runtime_graph].nodes
    by_index = {layer.index: layer for layer in layers}
    longest = {x.index for x in sorted(layers, key=lambda x: -x.median_s)[:_EMPHASISED]}
    top = max((layer.median_s for layer in layers), default=0.0) or 1.0
    shown = _shown(nodes)
    drawn = []
    for index in shown:
        node, layer = nodes[index], by_index.get(index)
        precision = attribute(node, "runtimePrecision").lower() or "unknown"
        lines = [node.type, node.name]
        if layer is not None:
            lines.append(f"{show(layer.median_s, 'duration')} · {show(layer.share, 'share')}")
        drawn.append(
            DiagramNode(
                id=f"node-{result.cell.id}-{index}",
                lines=lines,
                tooltip=f"{node.name} ({node.type}), {_ports(node)}",
                fills={
                    "type": Role("type", node.type),
                    "time": layer.median_s / top if layer else 0.0,
                    "precision": Role("precision", precision),
                },
                link=f"layer-{result.cell.id}-{index}" if layer else "",
                name=node.name,
                duration_s=layer.median_s if layer else 0.0,
                emphasis=index in longest,
            )
        )
    return Diagram(
        f"runtime-{result.cell.id}",
        f"Runtime graph: {count(len(shown), 'layer')} as executed",
        drawn,
        _edges(nodes, shown, f"node-{result.cell.id}"),
        [
            Colouring("type", "layer type"),
            Colouring("time", "time", ["0", show(top, "duration")]),
            Colouring("precision", "precision"),
        ],
        "The layers that the device executed and the tensors between them; the table of layers "
        "lists them in execution order.",
    )


def _model(run: Run, result: CellResult) -> list[Block]:
    if result.model_graph is None:
        return []
    nodes = run.graphs[result.model_graph].nodes
    shown = _shown(nodes)
    known = fates(run, result)
    drawn = []
    for index in shown:
        node, fate = nodes[index], known.get(index)
        kind = fate.kind if fate else "removed"
        layer = fate.layer if fate else None
        precision = node.outputs[0].precision if node.outputs else "unknown"
        drawn.append(
            DiagramNode(
                id=f"op-{result.model_graph}-{result.cell.id}-{index}",
                lines=[node.type, node.name],
                tooltip=f"{node.name} ({node.type}): {kind}; {_ports(node)}",
                fills={
                    "type": Role("type", node.type),
                    "fate": Role("series", "kept" if kind == "executed" else kind),
                    "precision": Role("precision", precision),
                },
                link=f"layer-{result.cell.id}-{layer}" if layer is not None else "",
                name=node.name,
            )
        )
    return [
        Diagram(
            f"model-{result.cell.id}",
            f"The model's own graph: {count(len(shown), 'operator')}",
            drawn,
            _edges(nodes, shown, f"op-{result.model_graph}-{result.cell.id}"),
            [
                Colouring("type", "layer type"),
                Colouring("fate", "what became of it"),
                Colouring("precision", "output precision"),
            ],
            "The operators of the model as read, and what became of each.",
            collapsed=True,
        )
    ]


def _shown(nodes: Sequence[Node]) -> list[int]:
    constant = constant_nodes(nodes)
    return [index for index in range(len(nodes)) if index not in constant]


def _edges(nodes: Sequence[Node], shown: Sequence[int], prefix: str) -> list[DiagramEdge]:
    there = set(shown)
    edges: Mapping[tuple[int, int], DiagramEdge] = {
        (source, index): DiagramEdge(
            f"{prefix}-{source}",
            f"{prefix}-{index}",
            f"{nodes[source].outputs[port].shape} {nodes[source].outputs[port].precision}",
            marked=_precision(nodes[source]) != _precision(nodes[index]),
        )
        for index in shown
        for source, port in nodes[index].inputs
        if source in there
    }
    return list(edges.values())


def _precision(node: Node) -> str:
    runtime = attribute(node, "runtimePrecision").lower()
    return runtime or (node.outputs[0].precision if node.outputs else "")


def _ports(node: Node) -> str:
    return ", ".join(f"{port.shape} {port.precision}" for port in node.outputs) or "no output"
