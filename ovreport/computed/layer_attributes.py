"""Selects the attributes of layers and operators that a report shows."""

from __future__ import annotations

from collections.abc import Sequence

from ovreport.run import Node

# Runtime attributes that tables of layers show in columns, or that mean nothing to a reader.
ATTRIBUTES_IN_COLUMNS = frozenset(
    {"execOrder", "layerType", "primitiveType", "runtimePrecision", "originalLayersNames"}
)


def operator_settings(model: Sequence[Node], index: int) -> list[tuple[str, str]]:
    """Return an operator's parameters: its attributes, and its small constant integer inputs."""
    node = model[index]
    settings = [(name, str(value)) for name, value in node.attributes.items()]
    for port, (source, _) in enumerate(node.inputs):
        if (value := model[source].attributes.get("value")) is not None:
            settings.append((f"input {port}", str(value)))
    return settings
