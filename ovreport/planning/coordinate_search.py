"""Looks for the best throughput over streams × batch while measuring few of the grid's cells.

The method is coordinate ascent with line searches. It starts from the device's own choice (the
throughput hint with automatic streams), which on most devices is near the best number of streams.
From the best point so far it moves along one axis, streams first and then batches; each value of
the axis is one step. It tries the other direction after :data:`PATIENCE` steps without a gain, or
after one that is clearly worse or misses the latency threshold, because latency grows along both
axes. It ends when neither axis brings a gain. If the threshold limits the search, the best point
may lie on a boundary that neither axis alone can leave, so the search also exchanges streams for a
larger batch and the reverse.

Lines suffice because throughput, except for noise, rises to a plateau and then falls along both
axes, and the axes hardly depend on each other. A grid without this property needs to be measured
completely.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from math import ceil

from ovreport.stats.estimate import Estimate
from ovreport.text.labels import count

GridPoint = tuple[int, int]
"""(streams, batch)."""

# One step without a gain may be noise or the plateau; after two in a row throughput falls.
PATIENCE = 2
# Neither noise nor another step makes up for a loss of this size.
_CLEARLY_WORSE = 0.95
# A budget of fewer cells would end most searches too early.
_MIN_BUDGET = 6
# A search of a large grid measures at most one in this many points.
_POINTS_PER_TRIAL = 3


@dataclass(frozen=True)
class Grid:
    """The values of both axes, ascending."""

    streams: tuple[int, ...]
    batches: tuple[int, ...]

    @property
    def size(self) -> int:
        """The number of points."""
        return len(self.streams) * len(self.batches)

    @property
    def budget(self) -> int:
        """The most cells that a search measures, including the device's own choice."""
        return min(self.size + 1, max(_MIN_BUDGET, ceil(self.size / _POINTS_PER_TRIAL)))

    def nearest(self, streams: int, batch: int) -> GridPoint:
        """Return the grid's highest values that are not above the given ones, else its lowest."""
        return (_at_or_below(self.streams, streams), _at_or_below(self.batches, batch))

    def moved(self, point: GridPoint, streams: int, batch: int) -> GridPoint | None:
        """Return the point that lies so many steps away on each axis; None outside the grid."""
        s, b = self.streams.index(point[0]) + streams, self.batches.index(point[1]) + batch
        inside = 0 <= s < len(self.streams) and 0 <= b < len(self.batches)
        return (self.streams[s], self.batches[b]) if inside else None


def _at_or_below(values: tuple[int, ...], wanted: int) -> int:
    return max((value for value in values if value <= wanted), default=values[0])


@dataclass(frozen=True)
class PointResult:
    """The measured result of a point."""

    throughput_fps: Estimate
    latency_s: float
    streams: int | None
    """The streams that the device used: fewer than requested if it has too few cores."""


@dataclass(frozen=True)
class Trial:
    """A point to try and the reason; the last one of a path may not be measured yet."""

    point: GridPoint
    why: str


@dataclass(frozen=True)
class SearchPath:
    """The trials of a search so far.

    ``end`` says why the search ended. It is empty while the last trial has no outcome.
    """

    trials: tuple[Trial, ...]
    end: str = ""


def path(
    grid: Grid,
    start: GridPoint,
    threshold_s: float | None,
    outcomes: Mapping[GridPoint, PointResult | None],
    budget: int,
) -> SearchPath:
    """Follow the search to the first point without an outcome, or to its end.

    The same outcomes give the same path.

    Args:
        grid: the points to choose from.
        start: the device's own choice, as a point of the grid.
        threshold_s: the highest latency that is accepted.
        outcomes: None for a point that failed or must not be measured.
        budget: the most points to try.
    """
    search = _Walk(grid, threshold_s).run(start)
    trials: list[Trial] = []
    try:
        trial = next(search)
        while True:
            if len(trials) >= budget:
                return SearchPath(
                    tuple(trials), f"{count(budget, 'cell')} of the grid were allowed"
                )
            trials.append(trial)
            if trial.point not in outcomes:
                return SearchPath(tuple(trials))
            trial = search.send(outcomes[trial.point])
    except StopIteration:
        return SearchPath(tuple(trials), "no step along either axis brings a gain")


_Steps = Generator[Trial, "PointResult | None", None]

# For each axis: a step up and a step down as (streams, batches), and their names.
_AXES = (
    (((1, 0), "more streams"), ((-1, 0), "fewer streams")),
    (((0, 1), "a larger batch"), ((0, -1), "a smaller batch")),
)
_EXCHANGES = (
    ((-1, 1), "fewer streams for a larger batch"),
    ((1, -1), "a smaller batch for more streams"),
)


class _Walk:
    def __init__(self, grid: Grid, threshold_s: float | None) -> None:
        self.grid = grid
        self.threshold_s = threshold_s
        self.outcomes: dict[GridPoint, PointResult | None] = {}
        self.best: GridPoint = (0, 0)
        self.most_streams: int | None = None
        """The most streams that the device uses, once a trial has shown it."""

    def run(self, start: GridPoint) -> _Steps:
        self.best = start
        self.outcomes[start] = yield Trial(start, "the device's own choice")
        moved = True
        while moved:
            before = self.best
            for up, down in _AXES:
                here = self.best
                yield from self._line(*up)
                if self.best == here:
                    yield from self._line(*down)
            if self.best == before and self._is_bounded:
                for exchange in _EXCHANGES:
                    yield from self._line(*exchange)
            moved = self.best != before

    def _line(self, step: tuple[int, int], name: str) -> _Steps:
        point, misses = self.best, 0
        while misses < PATIENCE and (following := self.grid.moved(point, *step)):
            point = following
            if step[0] > 0 and self.most_streams is not None and point[0] > self.most_streams:
                return
            if point not in self.outcomes:
                self.outcomes[point] = yield Trial(point, f"{name} than {point_label(self.best)}")
                if self._is_capped(point):
                    return
            if self._score(point) > self._score(self.best):
                self.best, misses = point, 0
            elif self._is_hopeless(point):
                return
            else:
                misses += 1

    def _is_capped(self, point: GridPoint) -> bool:
        """Return whether the device used fewer streams than the point names."""
        outcome = self.outcomes[point]
        if outcome is None or outcome.streams is None or outcome.streams >= point[0]:
            return False
        self.most_streams = outcome.streams
        return True

    def _score(self, point: GridPoint) -> tuple[int, float]:
        """Rank a point, higher is better: by throughput within the threshold, else by latency."""
        outcome = self.outcomes[point]
        if outcome is None:
            return 0, 0.0
        if self._is_within(outcome):
            return 2, outcome.throughput_fps.point
        return 1, -outcome.latency_s

    def _is_within(self, outcome: PointResult) -> bool:
        return self.threshold_s is None or outcome.latency_s <= self.threshold_s

    def _is_hopeless(self, point: GridPoint) -> bool:
        """Return whether the points after one that is not the best need not be tried."""
        outcome, best = self.outcomes[point], self.outcomes[self.best]
        if outcome is None or best is None or not self._is_within(outcome):
            return True
        return outcome.throughput_fps.high < _CLEARLY_WORSE * best.throughput_fps.low

    @property
    def _is_bounded(self) -> bool:
        """Whether a point misses the latency threshold."""
        return any(o is not None and not self._is_within(o) for o in self.outcomes.values())


def point_label(point: GridPoint) -> str:
    """Describe a point: ``2 streams, batch 1``."""
    return f"{count(point[0], 'stream')}, batch {point[1]}"
