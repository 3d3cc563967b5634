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
    """Points of each configuration that was measured, under the cell's own name, by time."""
    found: dict[Cell, list[TrendPoint]] = {}
    for result in run.done:
        version, _, number = result.cell.version.rpartition(" #")
        cell = result.cell.model_copy(update={"version": version})
        found.setdefault(cell, []).append(TrendPoint(int(number) - 1, result))
    return found
