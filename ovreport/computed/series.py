"""One configuration over the runs of a trend."""

from __future__ import annotations

from dataclasses import dataclass

from ovreport.run import Cell, CellResult, Run


@dataclass(frozen=True)
class TrendPoint:
    """A configuration as one run measured it; ``run`` counts from zero."""

    run: int
    result: CellResult


def series(run: Run) -> dict[Cell, list[TrendPoint]]:
    """Return the points of each measured configuration in the order of the runs.

    Keys are cells with their original version, without the number of the run.
    """
    points_by_cell: dict[Cell, list[TrendPoint]] = {}
    for result in run.done:
        version, _, number = result.cell.version.rpartition(" #")
        cell = result.cell.model_copy(update={"version": version})
        points_by_cell.setdefault(cell, []).append(TrendPoint(int(number) - 1, result))
    return points_by_cell
