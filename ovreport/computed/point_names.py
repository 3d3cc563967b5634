"""Names of versions, and of the points at which their layers were timed, for sentences."""

from __future__ import annotations

from ovreport.run import CellResult, Run
from ovreport.text import labels
from ovreport.text.labels import difference


def version_name(run: Run, result: CellResult) -> str:
    """Return the name of a version in findings: ``squeezenet (int8)``."""
    return labels.version_name(result.cell, run.header.plan)


def point_name(run: Run, result: CellResult) -> str:
    """Return the name of a version, with the point if its layers were timed at several.

    For example ``net (parent)`` or ``net (parent, f16)``.
    """
    cell = result.cell
    points = [r.cell for r in run.focus_by_point(cell.model, cell.version)]
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
