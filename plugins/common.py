"""What the sections about layers share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from ovreport.anchors import anchor
from ovreport.computed.focus import longest
from ovreport.computed.layers import ExecutedLayer, executed_layers
from ovreport.computed.openness import is_open, openers
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


def found_at_points(
    run: Run,
    find: Callable[[CellResult, tuple[ExecutedLayer, ...], str], Iterable[Finding]],
) -> list[Finding]:
    """What is found of layers at every point (runtime, device, precision) of every version.

    A kind is found once for a version, of its layers that are shown if they have it.

    Args:
        find: is given a cell, its layers, and what to call them.
    """
    found: list[Finding] = []
    for model, version in run.versions:
        known: set[str] = set()
        for place, result in enumerate(run.leading(model, version)):
            new = find(result, executed_layers(run, result), point_name(run, result))
            chosen = [finding for finding in new if finding.id not in known]
            known.update(finding.id for finding in chosen)
            # Rows to lead to are of the layers that are shown.
            found += [replace(f, evidence=()) for f in chosen] if place else chosen
    return found


def point_name(run: Run, result: CellResult) -> str:
    """``net (parent)``; ``net (parent, f16)`` where its layers were timed at several points."""
    cell = result.cell
    points = [r.cell for r in run.leading(cell.model, cell.version)]
    other = next((point for point in points if point.point != cell.point), None)
    name = version_name(run, result)
    if other is None:
        return name
    told = difference(cell, other)[0]
    return f"{cell.model} ({told})" if name == cell.model else f"{name.removesuffix(')')}, {told})"


def focus_group(run: Run, result: CellResult, blocks: list[Block]) -> Group:
    """Blocks under the version's heading, with a sentence which cell they are of."""
    cell = result.cell
    note = Text(f"of-{cell.id}", f"Layers of the cell {label(cell, run.header.plan)}.")
    several = len({r.cell.id for r in run.done}) > 1
    return Group(
        labels.version_heading(cell, run.header.plan), [note, *blocks] if several else blocks
    )


def layer_anchor(result: CellResult, layer: ExecutedLayer) -> str:
    """The layer's row in the table of layers."""
    return row_anchor(result, layer.index)


def row_anchor(result: CellResult, index: int) -> str:
    """The row in the table of layers of a layer that was executed, by its runtime node."""
    return anchor("layer", result, index)


def node_anchor(result: CellResult, index: int) -> str:
    """A node in the diagram of the runtime graph."""
    return anchor("node", result, index)


def operator_anchor(result: CellResult, index: int) -> str:
    """A node in the diagram of the model's own graph."""
    return anchor("op", result, index)


def operator_settings(model: Sequence[Node], index: int) -> list[tuple[str, str]]:
    """An operator's parameters: its attributes, and its inputs that are few constant integers."""
    node = model[index]
    settings = [(name, str(value)) for name, value in node.attributes.items()]
    for place, (source, _) in enumerate(node.inputs):
        if (value := model[source].attributes.get("value")) is not None:
            settings.append((f"input {place}", str(value)))
    return settings


def has_open_inputs(model: Sequence[Node]) -> bool:
    """Whether an input of a model's own graph has a shape that was left open."""
    return any(node.type == "Parameter" and is_open(node) for node in model)


def fixing_shapes(model: Sequence[Node]) -> str:
    """What can be done about the open shapes of a model; empty where it has none."""
    opened = [model[index] for index in openers(model)]
    inputs = [node.name for node in opened if node.type == "Parameter"]
    inside = dict.fromkeys(node.type for node in opened if node.type != "Parameter")
    if inputs:
        return f"Give the model fixed shapes (`shape`): {_listed(inputs)} {_is(inputs)} open."
    if inside:
        return (
            "The inputs have fixed shapes already; sizes inside depend on values, beginning with "
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
    """Links to the rows of the longest of some layers."""
    return tuple(
        Link(layer.label, layer_anchor(result, layer)) for layer in longest(layers)[:at_most]
    )


def version_name(run: Run, result: CellResult) -> str:
    """How findings call a version: ``squeezenet (int8)``."""
    return labels.version_name(result.cell, run.header.plan)
