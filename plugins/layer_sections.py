"""Parts of sections about layers: findings at every point, groups by version, evidence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from ovreport.computed.anchors import layer_anchor
from ovreport.computed.focus import longest
from ovreport.computed.layers import ExecutedLayer, executed_layers
from ovreport.computed.point_names import point_name
from ovreport.run import CellResult, Run
from ovreport.section import Block, Finding, Group, Text
from ovreport.text import labels
from ovreport.text.labels import label
from ovreport.text.values import Link


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
        for position, result in enumerate(run.focus_by_point(model, version)):
            candidates = find(result, executed_layers(run, result), point_name(run, result))
            new_findings = [finding for finding in candidates if finding.id not in known_ids]
            known_ids.update(finding.id for finding in new_findings)
            # Only layers of the first point have rows in the report to link to.
            findings += (
                [replace(finding, evidence=()) for finding in new_findings]
                if position
                else new_findings
            )
    return findings


def focus_group(run: Run, result: CellResult, blocks: list[Block]) -> Group:
    """Return blocks under the version's heading, and a sentence that names their cell."""
    cell = result.cell
    note = Text(f"of-{cell.id}", f"Layers of the cell {label(cell, run.header.plan)}.")
    has_several_cells = len({result.cell.id for result in run.done}) > 1
    return Group(
        labels.version_heading(cell, run.header.plan),
        [note, *blocks] if has_several_cells else blocks,
    )


def evidence(
    result: CellResult, layers: Sequence[ExecutedLayer], at_most: int = 5
) -> tuple[Link, ...]:
    """Return links to the rows of the longest of some layers."""
    return tuple(
        Link(layer.label, layer_anchor(result, layer)) for layer in longest(layers)[:at_most]
    )
