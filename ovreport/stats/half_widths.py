"""Computes the half-widths of the intervals of cells while they are measured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ovreport.stats.bootstrap import FloatArray
from ovreport.stats.machine_speed import latency_slope, speed_error
from ovreport.stats.uncertainty import (
    EQUIVALENCE,
    MIN_SLICES,
    SURE,
    Error,
    between_launches,
    mean_of_medians,
    student,
)

# A tenth of the replicates of a final figure; this is computed after every turn.
_REPLICATES = 200
# Slices of a launch: enough to see their scatter, and not so many that one launch dominates.
_FEWEST, _MOST = 3, 20


@dataclass(frozen=True, slots=True)
class HalfWidths:
    """Relative half-widths of the intervals; infinite as long as there are too few slices."""

    throughput: float
    median: float

    @property
    def worst(self) -> float:
        """The larger of both half-widths."""
        return max(self.throughput, self.median)


UNKNOWN = HalfWidths(inf, inf)


@dataclass(frozen=True, slots=True)
class SliceSummary:
    """The figures of a slice that the stopping rule needs."""

    requests: int
    wall_s: float
    median_s: float
    start_s: float = 0.0
    reference_s: float | None = None
    """Time of the fixed computation, which shows the machine's speed."""

    @classmethod
    def of(
        cls,
        wall_ns: int,
        latencies_ns: NDArray[np.int64],
        start_ns: int = 0,
        reference_ns: int | None = None,
    ) -> SliceSummary:
        """Summarise a slice by its times and its latencies, shape [requests]."""
        return cls(
            len(latencies_ns),
            wall_ns / 1e9,
            float(np.median(latencies_ns)) / 1e9,
            start_ns / 1e9,
            reference_ns / 1e9 if reference_ns else None,
        )


Launches: TypeAlias = Sequence[Sequence[SliceSummary]]
"""A cell's slices so far, by launch."""

ValuesByLaunch: TypeAlias = list[FloatArray]
"""One number for each slice, by launch."""


def relative_precision(launches: Launches, typical: float = 0.0) -> HalfWidths:
    """Return the precision of a cell's figures after the slices so far.

    In place of the median latency, the mean of the slices' medians is used; it changes in the same
    way and is cheap to update. If there is one launch, its slices take the place of launches.

    Args:
        launches: the slices so far, by launch.
        typical: relative standard deviation of launches of the run's other cells.
    """
    filled = [launch for launch in launches if launch]
    if len(filled) == 1:
        filled, typical = [[summary] for summary in filled[0]], 0.0
        if len(filled) < MIN_SLICES:
            return UNKNOWN
    if not filled:
        return UNKNOWN
    sizes = [len(launch) for launch in filled]
    medians = [sum(s.median_s for s in launch) / len(launch) for launch in filled]
    rates = _rates(filled)
    return HalfWidths(*(_relative(values, sizes, typical) for values in (rates, medians)))


def machine_half_width(launches: Launches) -> float:
    """Return the relative half-width that the machine's changing speed causes; 0 if unknown."""
    slices = [summary for launch in launches for summary in launch]
    references_s = np.array([s.reference_s for s in slices if s.reference_s])
    if len(references_s) < len(slices):
        return 0.0
    reference, medians = np.log(references_s), np.log([s.median_s for s in slices])
    error = speed_error(np.array([s.start_s for s in slices]), reference)
    return latency_slope(reference, medians) * error.half_width if error else 0.0


def span_s(launches: Launches) -> float:
    """Return the seconds from the start of a cell's first slice to the end of its last."""
    slices = [summary for launch in launches for summary in launch]
    return slices[-1].start_s + slices[-1].wall_s - slices[0].start_s if slices else 0.0


def deviation(launches: Launches) -> float | None:
    """Return the relative standard deviation of the launches' throughput; None below two."""
    filled = [launch for launch in launches if launch]
    return float(np.std(np.log(_rates(filled)), ddof=1)) if len(filled) > 1 else None


def _rates(launches: Launches) -> list[float]:
    """Return the requests per second of each launch."""
    return [sum(s.requests for s in launch) / sum(s.wall_s for s in launch) for launch in launches]


def ratio_precision(a: Launches, b: Launches) -> HalfWidths:
    """Return the precision of B's figures over A's; the cells take turns, as in a comparison."""
    return HalfWidths(*(error.half_width if error else inf for _, error in _compared(a, b)))


def is_decided(a: Launches, b: Launches, least: float) -> bool:
    """Return whether B is known to be faster than A, slower, or the same within ``least``."""
    return all(
        error is not None and _is_decided(abs(change), error, least)
        for change, error in _compared(a, b)
    )


def _is_decided(change: float, error: Error, least: float) -> bool:
    def reach(confidence: float) -> float:
        return student(error.freedom, confidence) * error.deviation

    differs = change - error.half_width > least and change > reach(SURE)
    return differs or change + reach(EQUIVALENCE) <= least


def _compared(a: Launches, b: Launches) -> Iterator[tuple[float, Error | None]]:
    """Yield the logarithms of B's throughput and median latency over A's, with their errors."""
    for series in log_ratios(a, b):
        filled = [launch for launch in series if len(launch)]
        yield mean_of_medians(filled, _REPLICATES) if filled else (0.0, None)


def by_slice(launches: Launches) -> tuple[ValuesByLaunch, ValuesByLaunch]:
    """Return the requests per second and the median latency of each slice."""
    return (
        [np.array([s.requests / s.wall_s for s in launch]) for launch in launches],
        [np.array([s.median_s for s in launch]) for launch in launches],
    )


def log_ratios(a: Launches, b: Launches) -> tuple[ValuesByLaunch, ValuesByLaunch]:
    """Return logarithms of B's throughput and median latency over A's, for each pair of slices."""
    throughput, median = (
        [np.log(second / first) for first, second in zip(*pair, strict=True)]
        for pair in zip(by_slice(a), by_slice(b), strict=True)
    )
    return throughput, median


def slices_per_launch(series: ValuesByLaunch, launch_cost: float) -> int:
    """Return after how many slices another launch shows more than a further slice.

    ``sqrt(cost of a launch / cost of a slice × variance of slices / variance of launches)``:
    Kalibera and Jones, *Rigorous Benchmarking in Reasonable Time* (ISMM 2013), section 6.

    Args:
        series: values of the figure.
        launch_cost: the time of starting a launch, in slices.
    """
    several = [launch for launch in series if len(launch) > 1]
    if len(several) < 2:
        return _FEWEST
    within = float(np.mean([np.var(launch, ddof=1) for launch in several]))
    of_means = within * float(np.mean([1 / len(launch) for launch in several]))
    between = float(np.var([np.mean(launch) for launch in several], ddof=1)) - of_means
    best = float(np.sqrt(launch_cost * within / between)) if between > 0 else inf
    return int(np.clip(best, _FEWEST, _MOST))


def _relative(values: Sequence[float], sizes: Sequence[int], typical: float) -> float:
    """Return the half-width of the interval of a figure over the figure."""
    return between_launches(np.log(values), sizes, typical).half_width
