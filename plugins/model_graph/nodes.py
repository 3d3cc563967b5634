"""What both diagrams say of a node and of what flows between nodes."""

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

_LISTED = 6
_RANKED = 5
_BRANCHES = ("then", "else")
# Layers of a network differ a thousandfold in time: on a linear scale one long layer would leave
# all others alike. Each step is about three times the one before.
_STEPS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3)


def ranks(layers: Sequence[ExecutedLayer]) -> dict[int, int]:
    """The place of the longest layers, from 1 on, by their nodes."""
    return {layer.index: at for at, layer in enumerate(longest(layers)[:_RANKED], 1)}


def figures(layer: ExecutedLayer, ranks: Mapping[int, int]) -> str:
    """``#2 · 1.93 ms · 4.6 %``."""
    figure = f"{show(layer.median_s, 'duration')} · {show(layer.share, 'share')}"
    return f"#{ranks[layer.index]} · {figure}" if layer.index in ranks else figure


def tensor(node: Node, port: int) -> str:
    """``1×3×224×224 f32``."""
    shape = node.outputs[port].shape.strip("[]").replace(",", "×").replace(" ", "")
    return f"{shape or 'scalar'} {node.outputs[port].precision}"


def outputs(node: Node) -> Iterator[str]:
    """What a node puts out, for its tooltip."""
    if node.outputs:
        yield "output: " + listed([tensor(node, port) for port in range(len(node.outputs))])


def constants(nodes: Sequence[Node], index: int, constant: frozenset[int]) -> Iterator[str]:
    """The constants that a node reads, with what is computed of them on the way."""
    for source, port in nodes[index].inputs:
        if source not in constant:
            continue
        way: list[str] = []
        at = source
        while nodes[at].inputs and len(way) < _LISTED:
            way.append(nodes[at].type)
            at = nodes[at].inputs[0][0]
        through = f" through {', '.join(reversed(way))}" if way else ""
        yield f"constant: {tensor(nodes[source], port)} {nodes[at].name}{through}"


def listed(texts: Sequence[str]) -> str:
    """The first of many texts, and how many more there are."""
    more = len(texts) - _LISTED
    return ", ".join(texts[:_LISTED]) + (f" and {more} more" if more > 0 else "")


def edges(
    nodes: Sequence[Node],
    shown: Sequence[int],
    anchor: Callable[[int], str],
    changes: Mapping[int, str],
    path: Sequence[int] = (),
) -> list[DiagramEdge]:
    """One arrow from each node to each reader.

    Args:
        changes: by node, how what it puts out differs from what it takes in; only where it does.
        path: of nodes that takes longest.
    """
    there = set(shown)
    critical = set(pairwise(path))
    found: dict[tuple[int, int], DiagramEdge] = {}
    for index in shown:
        for source, port in nodes[index].inputs:
            if source in there and (source, index) not in found:
                change = changes.get(source, "")
                found[source, index] = DiagramEdge(
                    anchor(source),
                    anchor(index),
                    tensor(nodes[source], port) + (f" · {change}" if change else ""),
                    marked=bool(change),
                    critical=(source, index) in critical,
                )
    return list(found.values())


def time_colouring(total_s: float) -> Colouring:
    """Steps of about half a power of ten in the share of all layers' time."""
    steps = [show(step, "share").replace(".0", "") for step in _STEPS]
    return Colouring("time", f"time (100 % = {show(total_s, 'duration')})", ["0", *steps, "100 %"])


def time_fill(share: float) -> float:
    """The middle of the step that a share of the time falls on."""
    step = sum(share >= least for least in _STEPS)
    return (step + 0.5) / (len(_STEPS) + 1)


def bodies(
    nodes: Sequence[Node], shown: Sequence[int], anchor: Callable[[int], str]
) -> list[Diagram]:
    """The graphs inside ``If``, ``Loop`` and ``TensorIterator``, which may hold such again."""
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


def held(node: Node) -> Iterator[str]:
    """What a node holds inside, for its tooltip."""
    if node.bodies:
        parts = ", ".join(
            f"{_part(node, number)} of {count(_shown(body.nodes), 'operator')}"
            for number, body in enumerate(node.bodies)
        )
        yield f"inside: {parts}; each has a diagram of its own"


def _shown(nodes: Sequence[Node]) -> int:
    return len(nodes) - len(constant_nodes(nodes))


def _part(node: Node, number: int) -> str:
    if node.type == "If" and number < len(_BRANCHES):
        return _BRANCHES[number]
    return "the body" if len(node.bodies) == 1 else f"body {number + 1}"


def _body(title: str, nodes: Sequence[Node], own: str, holder: str) -> Diagram:
    constant = constant_nodes(nodes)
    shown = [index for index in range(len(nodes)) if index not in constant]

    def anchor(index: int) -> str:
        return f"{own}-{index}"

    def drawn(index: int) -> DiagramNode:
        node = nodes[index]
        facts = [
            node.name,
            f"type: {node.type}",
            "time: not measured inside a body",
            *outputs(node),
            *held(node),
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
        own,
        f"{title}, {count(len(shown), 'operator')}",
        [drawn(index) for index in shown],
        edges(nodes, shown, anchor, {}),
        [Colouring("type", "layer type"), Colouring("precision", "output precision")],
        "The operators of the body.",
        collapsed=True,
        name=title,
        inner=bodies(nodes, shown, anchor),
        inside=holder,
    )


def output_precision(node: Node) -> str:
    """Of a node's first output."""
    return precision_name(node.outputs[0].precision) if node.outputs else "unknown"
