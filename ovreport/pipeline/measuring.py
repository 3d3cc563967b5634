"""Measure cells and searches, show their progress and store their results."""

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

    ``all_cells`` are all cells that may be named, so that each name holds what differs.
    ``results``, by cell id, are those that are not measured again; measured ones are added.
    ``resumed`` has the launches that a killed run had done.
    """

    planner: Planner
    run_file: RunFile
    all_cells: Sequence[Cell]
    results: dict[str, CellResult]
    resumed: Resumption
    display: Display

    def cells(self, planned: Sequence[PlannedCell]) -> None:
        """Measure the cells that have no result yet."""
        remaining = [item for item in planned if item.cell.id not in self.results]
        with self.display.cells(remaining, self.all_cells):
            settings = self.planner.source.config.measure
            for measured in measure(
                remaining, settings, on_event=self.display.show, resumed=self.resumed
            ):
                if isinstance(measured, PartialLaunches):
                    self.run_file.add(measured)
                    continue
                self.run_file.result(measured.result, measured.graphs)
                self.results[measured.result.cell.id] = measured.result
                self.display.show(CellDone(measured.result))

    def search(self, search: Search) -> None:
        """Measure the cells that the search asks for, until it asks for no more."""
        shown: set[SearchStep] = set()
        while True:
            steps, cells = search.steps(self.results)
            for step in steps:
                if step not in shown:
                    shown.add(step)
                    self.run_file.add(step)
                    self.display.show(Searched(step, self.all_cells))
            if not cells:
                return
            self.cells([planned for cell in cells if (planned := self._planned(cell))])

    def _planned(self, cell: Cell) -> PlannedCell | None:
        """Plan a cell; if an input file does not fit its batch, store a failure and return None."""
        try:
            return self.planner.plan(cell)
        except UserError as error:
            failure = Failure(stage="input", reason=str(error), detail=error.detail)
            self.results[cell.id] = CellResult(cell=cell, failure=failure)
            self.run_file.result(self.results[cell.id])
            return None
