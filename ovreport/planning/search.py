"""Searches all versions and runtimes of a model together.

A point that the search of one version needs is measured in turns for all versions and runtimes of
the model, so that they can be compared. This costs nothing if their paths agree, as they mostly do.
No state is kept between two calls: the path follows from the results alone, so a resumed run
continues where the earlier one ended.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ovreport.computed.figures import figures
from ovreport.config.schema import Config
from ovreport.cores import usable_cores
from ovreport.planning.coordinate_search import Grid, GridPoint, PointResult, SearchPath, path
from ovreport.planning.matrix import is_excluded, is_search_start, turns_key
from ovreport.run import Cell, CellResult, SearchStep

# Values that divide common numbers of cores. A CPU uses no more streams than logical cores, so
# `searches` drops those above.
_STREAMS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128)
_BATCHES = (1, 2, 4, 8, 16, 32)


@dataclass(frozen=True)
class Search:
    """All cells of one model on one device that differ in version, runtime, streams and batch.

    ``starts`` holds the cell of each version and runtime in which the device chooses the streams
    and the batch is the model's.
    """

    starts: tuple[Cell, ...]
    grid: Grid
    threshold_s: float | None
    config: Config

    @property
    def most_cells(self) -> int:
        """The most cells that are measured in addition to ``starts``, if all versions agree."""
        return (self.grid.budget - 1) * len(self.starts)

    def with_batches_that(self, fits: Callable[[Cell], bool]) -> Search:
        """Return the search without default batches that some version cannot take.

        Batches that the config names stay: if one fails, the report shows it.
        """
        if self.config.matrix.batch:
            return self
        streams = self.grid.streams[0]
        fitting = (
            batch == 1 or all(fits(_at(start, (streams, batch))) for start in self.starts)
            for batch in self.grid.batches
        )
        batches = tuple(itertools.compress(self.grid.batches, fitting))
        return replace(self, grid=Grid(self.grid.streams, batches))

    def cells(self, point: GridPoint) -> tuple[Cell, ...]:
        """Return the cells at a point, one for each version and runtime, without excluded ones."""
        cells = (_at(start, point) for start in self.starts)
        return tuple(cell for cell in cells if not is_excluded(cell, self.config))

    def candidates(self) -> Iterator[Cell]:
        """Yield every cell that the search may measure."""
        for point in itertools.product(self.grid.streams, self.grid.batches):
            yield from self.cells(point)

    def steps(self, results: Mapping[str, CellResult]) -> tuple[list[SearchStep], tuple[Cell, ...]]:
        """Return the steps of each version's search so far, and the cells that it needs next.

        Args:
            results: results by cell id.
        """
        steps: list[SearchStep] = []
        next_cells: dict[Cell, None] = {}
        for start in self.starts:
            start_result = results.get(start.id)
            if start_result is None or start_result.resolved is None:
                continue  # the device's own choice failed, so there is no start
            chosen = (start_result.resolved.streams or 1, start_result.resolved.batch)
            path_so_far = self._path(start, start_result, chosen, results)
            for trial in path_so_far.trials:
                cell = start if trial.point == chosen else _at(start, trial.point)
                steps.append(SearchStep(start=start.id, cell=cell, why=trial.why))
            if path_so_far.end:
                tried = f"{len(path_so_far.trials)} of {self.grid.size} cells were tried"
                why = f"{path_so_far.end}; {tried}"
                steps.append(SearchStep(start=start.id, cell=None, why=why))
            else:
                next_cells |= dict.fromkeys(self.cells(path_so_far.trials[-1].point))
        return steps, tuple(cell for cell in next_cells if cell.id not in results)

    def _path(
        self,
        start: Cell,
        start_result: CellResult,
        chosen: GridPoint,
        results: Mapping[str, CellResult],
    ) -> SearchPath:
        """Return the path of one version.

        Args:
            start: the cell that the search starts from.
            start_result: its result.
            chosen: streams and batch that the device chose for it.
            results: all results by cell id.
        """
        outcomes = {
            point: _outcome(results.get(cell.id))
            for point in itertools.product(self.grid.streams, self.grid.batches)
            if (cell := _at(start, point)).id in results or is_excluded(cell, self.config)
        }
        begin, budget = self.grid.nearest(*chosen), self.grid.budget
        if begin == chosen:
            outcomes[begin] = _outcome(start_result)
        else:
            budget -= 1
        return path(self.grid, begin, self.threshold_s, outcomes, budget)


def searches(config: Config, cells: Sequence[Cell]) -> tuple[Search, ...]:
    """Return the searches of a config; none without ``matrix.search``.

    Args:
        config: the config.
        cells: cells of the plan, among them those that the searches start from.
    """
    if not config.matrix.search:
        return ()
    given = tuple(s for s in config.matrix.streams if s != "auto")
    streams = given or tuple(s for s in _STREAMS if s <= max(1, usable_cores()))
    grid = Grid(tuple(sorted(set(streams))), tuple(sorted(set(config.matrix.batch or _BATCHES))))
    limit_ms = config.report.latency_threshold_ms
    starts: dict[tuple[object, ...], list[Cell]] = {}
    for cell in cells:
        if is_search_start(cell):
            starts.setdefault(turns_key(cell, "versions"), []).append(cell)
    return tuple(
        Search(tuple(cells_of_search), grid, limit_ms / 1e3 if limit_ms else None, config)
        for cells_of_search in starts.values()
    )


def _at(start: Cell, point: GridPoint) -> Cell:
    return start.model_copy(update={"streams": point[0], "batch": point[1]})


def _outcome(result: CellResult | None) -> PointResult | None:
    if result is None or result.resolved is None:
        return None
    result_figures = figures(result)
    latency = result_figures.latency.median or result_figures.latency.mean
    return PointResult(result_figures.throughput_fps, latency.point, result.resolved.streams)
