"""Looks for the best throughput over streams × batch while measuring few of the grid's cells.

The method is coordinate ascent with line searches. It starts from the device's own choice (the
throughput hint with automatic streams), which on most devices is near the best number of streams.
From the best point so far it goes along one axis, streams first and then batches, each value of
the axis being a step; it turns round after :data:`PATIENCE` steps that brought no gain, or at one
that is clearly worse or misses the latency threshold, as latency grows along both axes. It goes on
until neither axis brings a gain. Where the threshold bounds the search, the best point lies on a
boundary on which neither axis alone leads further, so one stream is exchanged for a larger batch
and the reverse too.

Throughput over streams and over batches rises to a plateau and falls, apart from noise, and the
two hardly depend on each other; that is why lines suffice. A grid for which this is not so is only
searched well by measuring it whole.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from math import ceil

from ovreport.stats.estimate import Estimate
from ovreport.text.labels import count

GridPoint = tuple[int, int]
"""(streams, batch)."""

# One step without a gain may be noise or the flat top; the second in a row is the far side.
PATIENCE = 2
# So far below the best that neither noise nor another step makes up for it.
_CLEARLY_WORSE = 0.95
# A search of fewer cells than this saves nothing.
_FEW = 6
_SHARE = 3


@dataclass(frozen=True)
class Grid:
    """The values of both axes, ascending."""

    streams: tuple[int, ...]
    batches: tuple[int, ...]

    @property
    def size(self) -> int:
        """Points of the grid."""
        return len(self.streams) * len(self.batches)

    @property
    def budget(self) -> int:
        """Cells that a search measures at most, the device's own choice among them."""
        return min(self.size + 1, max(_FEW, ceil(self.size / _SHARE)))

    def nearest(self, streams: int, batch: int) -> GridPoint:
        """The point of the grid at or below, else its lowest."""
        return (_at_or_below(self.streams, streams), _at_or_below(self.batches, batch))

    def moved(self, point: GridPoint, streams: int, batch: int) -> GridPoint | None:
        """So many steps further along each axis; None beyond the grid."""
        s, b = self.streams.index(point[0]) + streams, self.batches.index(point[1]) + batch
        inside = 0 <= s < len(self.streams) and 0 <= b < len(self.batches)
        return (self.streams[s], self.batches[b]) if inside else None


def _at_or_below(values: tuple[int, ...], wanted: int) -> int:
    return max((value for value in values if value <= wanted), default=values[0])


@dataclass(frozen=True)
class PointResult:
    """What a point came to."""

    throughput_fps: Estimate
    latency_s: float
    streams: int | None
    """As the device resolved them: asked for more than it has cores for, it takes fewer."""


@dataclass(frozen=True)
class Trial:
    """A point to look at; the last of a path may not have been measured yet."""

    point: GridPoint
    why: str


@dataclass(frozen=True)
class SearchPath:
    """How far a search is.

    ``end`` says why it ended. It is empty while the outcome of the last trial is missing.
    """

    trials: tuple[Trial, ...]
    end: str = ""


def path(
    grid: Grid,
    start: GridPoint,
    threshold_s: float | None,
    known: Mapping[GridPoint, PointResult | None],
    budget: int,
) -> SearchPath:
    """The search as far as the known outcomes carry it; the same outcomes give the same path.

    Args:
        start: what the device chose, as a point of the grid.
        threshold_s: longest latency that counts.
        known: None for a point that failed or may not be measured.
        budget: most points to look at.
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
            if trial.point not in known:
                return SearchPath(tuple(trials))
            trial = search.send(known[trial.point])
    except StopIteration:
        return SearchPath(tuple(trials), "no step along either axis brings a gain")


_Steps = Generator[Trial, "PointResult | None", None]

# Along an axis: (streams, batches) of a step up and a step down, and what they are called.
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
        self.seen: dict[GridPoint, PointResult | None] = {}
        self.best: GridPoint = (0, 0)
        self.most_streams: int | None = None
        """More than these the device does not take."""

    def run(self, start: GridPoint) -> _Steps:
        self.best = start
        self.seen[start] = yield Trial(start, "the device's own choice")
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
            if point not in self.seen:
                self.seen[point] = yield Trial(point, f"{name} than {spoken(self.best)}")
                if self._is_capped(point):
                    return
            if self._score(point) > self._score(self.best):
                self.best, misses = point, 0
            elif self._is_hopeless(point):
                return
            else:
                misses += 1

    def _is_capped(self, point: GridPoint) -> bool:
        """Whether the device took fewer streams than the point names, and so it is another."""
        outcome = self.seen[point]
        if outcome is None or outcome.streams is None or outcome.streams >= point[0]:
            return False
        self.most_streams = outcome.streams
        return True

    def _score(self, point: GridPoint) -> tuple[int, float]:
        """Higher is better: within the threshold by throughput, beyond it by latency."""
        outcome = self.seen[point]
        if outcome is None:
            return 0, 0.0
        if self._is_within(outcome):
            return 2, outcome.throughput_fps.point
        return 1, -outcome.latency_s

    def _is_within(self, outcome: PointResult) -> bool:
        return self.threshold_s is None or outcome.latency_s <= self.threshold_s

    def _is_hopeless(self, point: GridPoint) -> bool:
        """Whether a point that is no better than the best tells what lies behind it."""
        outcome, best = self.seen[point], self.seen[self.best]
        if outcome is None or best is None or not self._is_within(outcome):
            return True
        return outcome.throughput_fps.high < _CLEARLY_WORSE * best.throughput_fps.low

    @property
    def _is_bounded(self) -> bool:
        return any(o is not None and not self._is_within(o) for o in self.seen.values())


def spoken(point: GridPoint) -> str:
    """``2 streams, batch 1``."""
    return f"{count(point[0], 'stream')}, batch {point[1]}"
