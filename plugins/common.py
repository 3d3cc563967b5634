"""Names, anchors, links and sentences that several sections about layers use."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from ovreport.computed.anchors import layer_anchor
from ovreport.computed.focus import longest
from ovreport.computed.layers import ExecutedLayer, executed_layers
from ovreport.computed.open_shapes import is_open, openers
from ovreport.run import CellResult, Node, Run
from ovreport.section import Block, Finding, Group, Text
from ovreport.text import labels
from ovreport.text.labels import difference, label
from ovreport.text.values import Link

# Runtime attributes that tables of layers show in columns, or that mean nothing to a reader.
COLUMNS = frozenset(
    {"execOrder", "layerType", "primitiveType", "runtimePrecision", "originalLayersNames"}
)
_MOST_NAMES = 5


def findings_at_points(
    run: Run,
    find: Callable[[CellResult, tuple[ExecutedLayer, ...], str], Iterable[Finding]],
) -> list[Finding]:
    """Return findings about layers at every point (runtime, device, precision) of each version.

    A version has one finding of each id: about the layers that are shown, if it applies to them.

    Args:
        find: returns the findings for a cell, its layers and the name of the point.
    """
    findings: list[Finding] = []
    for model, version in run.versions:
        known_ids: set[str] = set()
        for position, result in enumerate(run.leading(model, version)):
            candidates = find(result, executed_layers(run, result), point_name(run, result))
            chosen = [finding for finding in candidates if finding.id not in known_ids]
            known_ids.update(finding.id for finding in chosen)
            # Only layers of the first point have rows in the report to link to.
            findings += (
                [replace(finding, evidence=()) for finding in chosen] if position else chosen
            )
    return findings


def point_name(run: Run, result: CellResult) -> str:
    """Return the name of a version, with the point if its layers were timed at several.

    For example ``net (parent)`` or ``net (parent, f16)``.
    """
    cell = result.cell
    points = [r.cell for r in run.leading(cell.model, cell.version)]
    other = next((point for point in points if point.point != cell.point), None)
    name = version_name(run, result)
    if other is None:
        return name
    setting = difference(cell, other)[0]
    return (
        f"{cell.model} ({setting})"
        if name == cell.model
        else f"{name.removesuffix(')')}, {setting})"
    )


def focus_group(run: Run, result: CellResult, blocks: list[Block]) -> Group:
    """Return blocks under the version's heading, and a sentence that names their cell."""
    cell = result.cell
    note = Text(f"of-{cell.id}", f"Layers of the cell {label(cell, run.header.plan)}.")
    several = len({r.cell.id for r in run.done}) > 1
    return Group(
        labels.version_heading(cell, run.header.plan), [note, *blocks] if several else blocks
    )


def operator_settings(model: Sequence[Node], index: int) -> list[tuple[str, str]]:
    """Return an operator's parameters: its attributes, and its small constant integer inputs."""
    node = model[index]
    settings = [(name, str(value)) for name, value in node.attributes.items()]
    for port, (source, _) in enumerate(node.inputs):
        if (value := model[source].attributes.get("value")) is not None:
            settings.append((f"input {port}", str(value)))
    return settings


def has_open_inputs(model: Sequence[Node]) -> bool:
    """Return whether an input of a model's own graph has an open shape."""
    return any(node.type == "Parameter" and is_open(node) for node in model)


def fixing_shapes(model: Sequence[Node]) -> str:
    """Say what can be done about the open shapes of a model; empty if it has none."""
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


def evidence(
    result: CellResult, layers: Sequence[ExecutedLayer], at_most: int = 5
) -> tuple[Link, ...]:
    """Return links to the rows of the longest of some layers."""
    return tuple(
        Link(layer.label, layer_anchor(result, layer)) for layer in longest(layers)[:at_most]
    )


def version_name(run: Run, result: CellResult) -> str:
    """Return the name of a version in findings: ``squeezenet (int8)``."""
    return labels.version_name(result.cell, run.header.plan)
