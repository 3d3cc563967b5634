"""Diagrams of both runtime graphs, coloured by change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from ovreport.computed.anchors import layer_anchor
from ovreport.computed.certainty import Certainty, certainty
from ovreport.computed.layers import ExecutedLayer, constant_nodes
from ovreport.computed.matching import LayerGroup, matched, network
from ovreport.computed.pairs import Comparison, Pair
from ovreport.run import Node, Run
from ovreport.section import Block, Colouring, Diagram, DiagramEdge, DiagramNode, Text
from ovreport.text.labels import count
from ovreport.text.numbers import show
from ovreport.text.values import Role

# The section on the model's graph shows larger graphs, one at a time.
MAX_NODES = 2000

_ChangeKind: TypeAlias = Literal["slower", "faster", "alike", "only here", "no time"]


def diagrams(run: Run, comparison: Comparison) -> list[Block]:
    """Return the diagrams of the shown pair, base first; none without a profile."""
    pair = comparison.shown
    groups = matched(run, *pair) if pair else ()
    if pair is None or not groups:
        return []
    sure = certainty(run, comparison, pair, groups)
    return [_diagram(run, comparison, groups, sure, side) for side in (0, 1)]


@dataclass(frozen=True)
class _Shown:
    """A layer, its matched group, and the change of the group."""

    layer: ExecutedLayer
    group: LayerGroup
    change: _ChangeKind


def _diagram(
    run: Run, comparison: Comparison, groups: Sequence[LayerGroup], sure: Certainty, side: int
) -> Block:
    pair = sure.pair
    result, name = pair[side], (comparison.base, comparison.other)[side]
    runtime_network = network(run, result)
    assert runtime_network is not None, "groups are of profiled cells"
    nodes, constant = runtime_network.runtime, constant_nodes(runtime_network.runtime)
    shown = [index for index in range(len(nodes)) if index not in constant]
    diagram_id = f"change-{comparison.id}-{side}"
    if len(shown) > MAX_NODES:
        text = f"The graph of {name} has {count(len(shown), 'node')}: too many to compare by eye."
        return Text(diagram_id, text)
    layers = {
        layer.index: _Shown(layer, group, _kind(group, sure))
        for group in groups
        for layer in (group.a, group.b)[side]
    }
    return Diagram(
        diagram_id,
        f"{name}: {count(len(shown), 'layer')} as executed, coloured by change",
        [
            _node(pair, comparison, nodes[index], f"{diagram_id}-{index}", layers.get(index), side)
            for index in shown
        ],
        _edges(nodes, frozenset(shown), diagram_id),
        [Colouring("change", "change"), Colouring("type", "layer type")],
        "Every layer, with the time of its group in both versions.",
        collapsed=True,
    )


def _kind(group: LayerGroup, sure: Certainty) -> _ChangeKind:
    if not group.matched:
        return "only here"
    if not sure.beyond_noise(group):
        return "alike"
    return "slower" if group.change_s > 0 else "faster"


def _node(
    pair: Pair, comparison: Comparison, node: Node, id: str, shown: _Shown | None, side: int
) -> DiagramNode:
    lines, facts = [node.type, node.name], [node.name, f"type: {node.type}"]
    change: _ChangeKind = "no time"
    link = ""
    if shown is not None:
        change, group = shown.change, shown.group
        times = f"{show(group.a_s, 'duration')} → {show(group.b_s, 'duration')}"
        lines.append(times if group.matched else show(shown.layer.median_s, "duration"))
        facts += [
            f"change: {change}",
            f"time: {show(shown.layer.median_s, 'duration')}",
            f"{comparison.base}: {_listed(group.a)}",
            f"{comparison.other}: {_listed(group.b)}",
        ]
        link = layer_anchor(pair[side], shown.layer)
    return DiagramNode(
        id=id,
        lines=lines,
        tooltip="\n".join(facts),
        fills={"change": Role("series", change), "type": Role("type", node.type)},
        link=link,
        emphasis=change in ("slower", "faster", "only here"),
    )


def _listed(layers: Sequence[ExecutedLayer]) -> str:
    names = [f"{layer.type} {layer.label}" for layer in layers]
    return ", ".join(names) or "nothing"


def _edges(nodes: Sequence[Node], shown: frozenset[int], diagram_id: str) -> list[DiagramEdge]:
    """Return one arrow from each node to each reader."""
    arrows: Mapping[tuple[int, int], DiagramEdge] = {
        (source, index): DiagramEdge(f"{diagram_id}-{source}", f"{diagram_id}-{index}")
        for index in sorted(shown)
        for source, _ in nodes[index].inputs
        if source in shown
    }
    return list(arrows.values())
