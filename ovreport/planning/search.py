"""What a search measures: versions and runtimes are searched together.

A point that the search of one version asks for is measured for all versions and runtimes of the
model, in turns, so that they stay comparable; it costs nothing where their paths agree, which they
mostly do. Nothing is remembered between two calls: the path follows from the results alone, and so
a resumed run takes it up where it was left.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ovreport.computed.figures import figures
from ovreport.config.schema import Config
from ovreport.cores import usable_cores
from ovreport.planning.coordinate_search import Grid, GridPoint, PointResult, SearchPath, path
from ovreport.planning.matrix import is_excluded, is_search_start, turns_key
from ovreport.run import Cell, CellResult, SearchStep

# A CPU takes no more streams than it has logical cores; up to there, the values that divide common
# numbers of cores.
_STREAMS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128)
_BATCHES = (1, 2, 4, 8, 16, 32)


@dataclass(frozen=True)
class Search:
    """All cells of one model on one device that differ in version, runtime, streams and batch.

    ``starts`` are the cells that leave streams and batch as they are, one for each version and
    runtime.
    """

    starts: tuple[Cell, ...]
    grid: Grid
    threshold_s: float | None
    config: Config

    @property
    def most_cells(self) -> int:
        """Cells beside ``starts`` that are measured at most, if all versions agree."""
        return (self.grid.budget - 1) * len(self.starts)

    def cells(self, point: GridPoint) -> tuple[Cell, ...]:
        """At a point of the grid: one for each version and runtime, where none is excluded."""
        cells = (_at(start, point) for start in self.starts)
        return tuple(cell for cell in cells if not is_excluded(cell, self.config))

    def candidates(self) -> Iterator[Cell]:
        """Every cell that the search may come to."""
        for point in itertools.product(self.grid.streams, self.grid.batches):
            yield from self.cells(point)

    def steps(self, results: Mapping[str, CellResult]) -> tuple[list[SearchStep], tuple[Cell, ...]]:
        """How far the results carry each version's search, and the cells it needs next.

        Args:
            results: by cell id.
        """
        steps: list[SearchStep] = []
        wanted: dict[Cell, None] = {}
        for start in self.starts:
            own = results.get(start.id)
            if own is None or own.resolved is None:
                continue  # where the device's own choice fails, there is nothing to start from
            chosen = (own.resolved.streams or 1, own.resolved.batch)
            found = self._path(start, own, chosen, results)
            for trial in found.trials:
                cell = start if trial.point == chosen else _at(start, trial.point)
                steps.append(SearchStep(start=start.id, cell=cell, why=trial.why))
            if found.end:
                tried = f"{len(found.trials)} of {self.grid.size} cells were looked at"
                why = f"{found.end}; {tried}"
                steps.append(SearchStep(start=start.id, cell=None, why=why))
            else:
                wanted |= dict.fromkeys(self.cells(found.trials[-1].point))
        return steps, tuple(cell for cell in wanted if cell.id not in results)

    def _path(
        self, start: Cell, own: CellResult, chosen: GridPoint, results: Mapping[str, CellResult]
    ) -> SearchPath:
        """``own`` is the result of ``start``, ``chosen`` the point that it stands for."""
        known = {
            point: _outcome(results.get(cell.id))
            for point in itertools.product(self.grid.streams, self.grid.batches)
            if (cell := _at(start, point)).id in results or is_excluded(cell, self.config)
        }
        begin, budget = self.grid.nearest(*chosen), self.grid.budget
        if begin == chosen:
            known[begin] = _outcome(own)
        else:
            budget -= 1
        return path(self.grid, begin, self.threshold_s, known, budget)


def searches(config: Config, cells: Sequence[Cell]) -> tuple[Search, ...]:
    """The searches that a config asks for; none without ``matrix.search``.

    Args:
        cells: the plan's, among them those that the searches start from.
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
        Search(tuple(family), grid, limit_ms / 1e3 if limit_ms else None, config)
        for family in starts.values()
    )


def _at(start: Cell, point: GridPoint) -> Cell:
    return start.model_copy(update={"streams": point[0], "batch": point[1]})


def _outcome(result: CellResult | None) -> PointResult | None:
    if result is None or result.resolved is None:
        return None
    known = figures(result)
    latency = known.latency.median or known.latency.mean
    return PointResult(known.throughput_fps, latency.point, result.resolved.streams)
