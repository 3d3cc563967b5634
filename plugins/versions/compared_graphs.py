"""Both runtime graphs, with what changed between them in colour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from ovreport.computed.certainty import Certainty, certainty
from ovreport.computed.layers import ExecutedLayer, constant_nodes
from ovreport.computed.matching import LayerGroup, matched, network
from ovreport.computed.pairs import Comparison, Pair
from ovreport.run import Node, Run
from ovreport.section import Block, Colouring, Diagram, DiagramEdge, DiagramNode, Text
from ovreport.text.labels import count
from ovreport.text.numbers import show
from ovreport.text.values import Role

from ..common import layer_anchor

# Larger graphs can be seen, one at a time, in the section on the model's graph.
MAX_NODES = 2000

_ChangeKind: TypeAlias = Literal["slower", "faster", "alike", "only here", "no time"]


def diagrams(run: Run, comparison: Comparison) -> list[Block]:
    """The shown pair's graphs, base first; nothing without a profile."""
    pair = comparison.shown
    groups = matched(run, *pair) if pair else ()
    if pair is None or not groups:
        return []
    sure = certainty(run, comparison, pair, groups)
    return [_diagram(run, comparison, groups, sure, side) for side in (0, 1)]


@dataclass(frozen=True)
class _Shown:
    """A layer, the group that it is in, and what became of that."""

    layer: ExecutedLayer
    group: LayerGroup
    change: _ChangeKind


def _diagram(
    run: Run, comparison: Comparison, groups: Sequence[LayerGroup], sure: Certainty, side: int
) -> Block:
    pair = sure.pair
    result, name = pair[side], (comparison.base, comparison.other)[side]
    known = network(run, result)
    assert known is not None, "groups are of profiled cells"
    nodes, constant = known.runtime, constant_nodes(known.runtime)
    shown = [index for index in range(len(nodes)) if index not in constant]
    own = f"change-{comparison.id}-{side}"
    if len(shown) > MAX_NODES:
        text = f"The graph of {name} has {count(len(shown), 'node')}: too many to compare by eye."
        return Text(own, text)
    layers = {
        layer.index: _Shown(layer, group, _kind(group, sure))
        for group in groups
        for layer in (group.a, group.b)[side]
    }
    return Diagram(
        own,
        f"{name}: {count(len(shown), 'layer')} as executed, coloured by change",
        [_node(pair, comparison, nodes[i], f"{own}-{i}", layers.get(i), side) for i in shown],
        _edges(nodes, frozenset(shown), own),
        [Colouring("change", "change"), Colouring("type", "layer type")],
        "Every layer with the time of its group in both; the table of layers of both lists them.",
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
        both = f"{show(group.a_s, 'duration')} → {show(group.b_s, 'duration')}"
        lines.append(both if group.matched else show(shown.layer.median_s, "duration"))
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
    named = [f"{layer.type} {layer.label}" for layer in layers]
    return ", ".join(named) or "nothing"


def _edges(nodes: Sequence[Node], shown: frozenset[int], own: str) -> list[DiagramEdge]:
    """One arrow from each node to each reader."""
    found: Mapping[tuple[int, int], DiagramEdge] = {
        (source, index): DiagramEdge(f"{own}-{source}", f"{own}-{index}")
        for index in sorted(shown)
        for source, _ in nodes[index].inputs
        if source in shown
    }
    return list(found.values())
