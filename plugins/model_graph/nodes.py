"""Texts, arrows and colours of nodes that both diagrams use."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise

from ovreport.computed.focus import longest
from ovreport.computed.layers import ExecutedLayer, constant_nodes
from ovreport.computed.precision import precision_name
from ovreport.run import Node
from ovreport.section import Colouring, Diagram, DiagramEdge, DiagramNode
from ovreport.text.labels import count
from ovreport.text.numbers import show
from ovreport.text.values import Role

_MOST_LISTED = 6
_MOST_RANKED = 5
_BRANCHES = ("then", "else")
# Times of layers differ a thousandfold: on a linear scale one long layer would give all others the
# same colour. Each step is about three times the step before.
_STEPS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3)


def ranks(layers: Sequence[ExecutedLayer]) -> dict[int, int]:
    """Return the ranks of the longest layers, from 1 on, by the index of their node."""
    return {layer.index: rank for rank, layer in enumerate(longest(layers)[:_MOST_RANKED], 1)}


def layer_figures(layer: ExecutedLayer, ranks: Mapping[int, int]) -> str:
    """Return rank, time and share: ``#2 · 1.93 ms · 4.6 %``."""
    figure = f"{show(layer.median_s, 'duration')} · {show(layer.share, 'share')}"
    return f"#{ranks[layer.index]} · {figure}" if layer.index in ranks else figure


def tensor(node: Node, port: int) -> str:
    """Return shape and precision of an output: ``1×3×224×224 f32``."""
    shape = node.outputs[port].shape.strip("[]").replace(",", "×").replace(" ", "")
    return f"{shape or 'scalar'} {node.outputs[port].precision}"


def outputs(node: Node) -> Iterator[str]:
    """Return the line of a tooltip that lists the node's outputs."""
    if node.outputs:
        yield "output: " + listed([tensor(node, port) for port in range(len(node.outputs))])


def constants(nodes: Sequence[Node], index: int, constant: frozenset[int]) -> Iterator[str]:
    """Return the constants that a node reads, with the operators that convert them on the way."""
    for source, port in nodes[index].inputs:
        if source not in constant:
            continue
        operators: list[str] = []
        origin = source
        while nodes[origin].inputs and len(operators) < _MOST_LISTED:
            operators.append(nodes[origin].type)
            origin = nodes[origin].inputs[0][0]
        through = f" through {', '.join(reversed(operators))}" if operators else ""
        yield f"constant: {tensor(nodes[source], port)} {nodes[origin].name}{through}"


def listed(texts: Sequence[str]) -> str:
    """Join the first texts, and say how many more there are."""
    rest = len(texts) - _MOST_LISTED
    return ", ".join(texts[:_MOST_LISTED]) + (f" and {rest} more" if rest > 0 else "")


def edges(
    nodes: Sequence[Node],
    shown: Sequence[int],
    anchor: Callable[[int], str],
    changes: Mapping[int, str],
    path: Sequence[int] = (),
) -> list[DiagramEdge]:
    """Return one arrow from each node to each reader.

    Args:
        changes: how a node's output differs from its input, if it does, by node.
        path: the nodes of the critical path.
    """
    shown_nodes = set(shown)
    critical = set(pairwise(path))
    arrows: dict[tuple[int, int], DiagramEdge] = {}
    for index in shown:
        for source, port in nodes[index].inputs:
            if source in shown_nodes and (source, index) not in arrows:
                change = changes.get(source, "")
                arrows[source, index] = DiagramEdge(
                    anchor(source),
                    anchor(index),
                    tensor(nodes[source], port) + (f" · {change}" if change else ""),
                    marked=bool(change),
                    critical=(source, index) in critical,
                )
    return list(arrows.values())


def time_colouring(total_s: float) -> Colouring:
    """Return the colouring by share of all layers' time, in steps of about half a power of ten."""
    steps = [show(step, "share").replace(".0", "") for step in _STEPS]
    return Colouring("time", f"time (100 % = {show(total_s, 'duration')})", ["0", *steps, "100 %"])


def time_fill(share: float) -> float:
    """Return the middle of the step that a share of the time falls on."""
    step = sum(share >= least for least in _STEPS)
    return (step + 0.5) / (len(_STEPS) + 1)


def bodies(
    nodes: Sequence[Node], shown: Sequence[int], anchor: Callable[[int], str]
) -> list[Diagram]:
    """Return the graphs inside ``If``, ``Loop`` and ``TensorIterator``, which may be nested."""
    return [
        _body(
            f"Inside {nodes[index].type} {nodes[index].name}: {_part(nodes[index], number)}",
            body.nodes,
            f"{anchor(index)}-{number}",
            anchor(index),
        )
        for index in shown
        for number, body in enumerate(nodes[index].bodies)
    ]


def inner_graphs(node: Node) -> Iterator[str]:
    """Return the line of a tooltip that lists the bodies inside a node."""
    if node.bodies:
        parts = ", ".join(
            f"{_part(node, number)} of {count(_shown(body.nodes), 'operator')}"
            for number, body in enumerate(node.bodies)
        )
        yield f"inside: {parts}; each has a separate diagram"


def _shown(nodes: Sequence[Node]) -> int:
    return len(nodes) - len(constant_nodes(nodes))


def _part(node: Node, number: int) -> str:
    if node.type == "If" and number < len(_BRANCHES):
        return _BRANCHES[number]
    return "the body" if len(node.bodies) == 1 else f"body {number + 1}"


def _body(title: str, nodes: Sequence[Node], diagram_id: str, holder: str) -> Diagram:
    constant = constant_nodes(nodes)
    shown = [index for index in range(len(nodes)) if index not in constant]

    def anchor(index: int) -> str:
        return f"{diagram_id}-{index}"

    def diagram_node(index: int) -> DiagramNode:
        node = nodes[index]
        facts = [
            node.name,
            f"type: {node.type}",
            "time: not measured inside a body",
            *outputs(node),
            *inner_graphs(node),
            *constants(nodes, index, constant),
        ]
        return DiagramNode(
            id=anchor(index),
            lines=[node.type, node.name],
            tooltip="\n".join(facts),
            fills={
                "type": Role("type", node.type),
                "precision": Role("precision", output_precision(node)),
            },
            name=node.name,
        )

    return Diagram(
        diagram_id,
        f"{title}, {count(len(shown), 'operator')}",
        [diagram_node(index) for index in shown],
        edges(nodes, shown, anchor, {}),
        [Colouring("type", "layer type"), Colouring("precision", "output precision")],
        "The operators of the body.",
        collapsed=True,
        name=title,
        inner=bodies(nodes, shown, anchor),
        inside=holder,
    )


def output_precision(node: Node) -> str:
    """Return the precision of a node's first output."""
    return precision_name(node.outputs[0].precision) if node.outputs else "unknown"
