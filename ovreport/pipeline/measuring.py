"""Cells and searches are measured, shown and stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ovreport.errors import UserError
from ovreport.measuring.planner import Planner
from ovreport.measuring.scheduler import measure
from ovreport.pipeline.display import CellDone, Display, Searched
from ovreport.planning.planned_cell import PlannedCell
from ovreport.planning.resume import Resumption
from ovreport.planning.search import Search
from ovreport.run import Cell, CellResult, Failure, PartialLaunches, SearchStep
from ovreport.runfile import RunFile


@dataclass
class Measuring:
    """Measures cells and stores their results.

    ``among`` are all cells that may be named, so that each is told by what differs;
    ``results``, by cell id, are those that are not measured again, and grow; ``resumed`` has the
    launches that a killed run had done.
    """

    planner: Planner
    run_file: RunFile
    among: Sequence[Cell]
    results: dict[str, CellResult]
    resumed: Resumption
    display: Display

    def cells(self, planned: Sequence[PlannedCell]) -> None:
        """Measures those of the cells that have no result yet."""
        left = [item for item in planned if item.cell.id not in self.results]
        with self.display.cells(left, self.among):
            settings = self.planner.source.config.measure
            for measured in measure(
                left, settings, on_event=self.display.show, resumed=self.resumed
            ):
                if isinstance(measured, PartialLaunches):
                    self.run_file.add(measured)
                    continue
                self.run_file.result(measured.result, measured.graphs)
                self.results[measured.result.cell.id] = measured.result
                self.display.show(CellDone(measured.result))

    def search(self, search: Search) -> None:
        """Measures what the search asks for, until it asks for nothing more."""
        told: set[SearchStep] = set()
        while True:
            steps, cells = search.steps(self.results)
            for step in steps:
                if step not in told:
                    told.add(step)
                    self.run_file.add(step)
                    self.display.show(Searched(step, self.among))
            if not cells:
                return
            self.cells([planned for cell in cells if (planned := self._planned(cell))])

    def _planned(self, cell: Cell) -> PlannedCell | None:
        """None, and a failed result, where an input file does not fit the cell's batch."""
        try:
            return self.planner.plan(cell)
        except UserError as error:
            failure = Failure(stage="input", reason=str(error), detail=error.detail)
            self.results[cell.id] = CellResult(cell=cell, failure=failure)
            self.run_file.result(self.results[cell.id])
            return None
