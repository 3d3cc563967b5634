"""Where shapes become open that are known only while the model runs."""

from __future__ import annotations

from collections.abc import Sequence

from ovreport.computed.layers import is_static
from ovreport.run import Node

# A sentence with more names is not read.
_MOST_NAMES = 5


def is_open(node: Node) -> bool:
    """Return whether the shape of an output is not known when the model is compiled."""
    return not all(is_static(port.shape) for port in node.outputs)


def openers(nodes: Sequence[Node]) -> tuple[int, ...]:
    """Return nodes with an open output that do not read an open output, from which others inherit.

    These are inputs whose shape is open, and operators whose output size depends on values, such as
    ``NonZero``.
    """
    return tuple(
        index
        for index, node in enumerate(nodes)
        if is_open(node) and not any(is_open(nodes[source]) for source, _ in node.inputs)
    )


def has_open_inputs(model: Sequence[Node]) -> bool:
    """Return whether an input of a model's own graph has an open shape."""
    return any(node.type == "Parameter" and is_open(node) for node in model)


def fixing_shapes(model: Sequence[Node]) -> str:
    """Say what can be done about the open shapes of a model; empty if it has none."""
    if any(node.type == "ReadValue" and is_open(node) for node in model):
        # Only decoders are measured with a growing state, and `shape` is refused for them.
        return "The model is a decoder: its inputs and states have to stay open."
    opened = [model[index] for index in openers(model)]
    inputs = [node.name for node in opened if node.type == "Parameter"]
    inside = dict.fromkeys(node.type for node in opened if node.type != "Parameter")
    if inputs:
        return f"Give the model fixed shapes (`shape`): {_listed(inputs)} {_is(inputs)} open."
    if inside:
        return (
            "The inputs have fixed shapes already; sizes inside the model depend on values, from "
            f"{_listed([*inside])} on."
        )
    return ""


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:_MOST_NAMES]) + (", …" if len(names) > _MOST_NAMES else "")


def _is(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"
