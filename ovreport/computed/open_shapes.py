"""Where shapes become open that are known only while the model runs."""

from __future__ import annotations

from collections.abc import Sequence

from ovreport.computed.layers import is_static
from ovreport.run import Node


def is_open(node: Node) -> bool:
    """Whether some output's shape is not known when the model is compiled."""
    return not all(is_static(port.shape) for port in node.outputs)


def openers(nodes: Sequence[Node]) -> tuple[int, ...]:
    """Nodes with an open output and none among what they read: what others inherit it from.

    An input whose shape was left open is one, and so is an operator whose output's size depends on
    values, such as ``NonZero``.
    """
    return tuple(
        index
        for index, node in enumerate(nodes)
        if is_open(node) and not any(is_open(nodes[source]) for source, _ in node.inputs)
    )
