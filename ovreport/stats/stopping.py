"""How well cells are known while they are being measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import TypeAlias

import numpy as np

from ovreport.run import Slice
from ovreport.stats.bootstrap import MIN_SLICES, FloatArray, interval, medians, weights

# Asked after every slice: a tenth of the replicates of a final figure is enough to stop by.
_REPLICATES = 200
# Slices of a launch: enough to see how they vary, and not so many that it rules the others.
_FEWEST, _MOST = 5, 20


@dataclass(frozen=True, slots=True)
class Precision:
    """Relative half-widths of the intervals; infinite while too little is known."""

    throughput: float
    median: float

    @property
    def worst(self) -> float:
        return max(self.throughput, self.median)


UNKNOWN = Precision(inf, inf)


@dataclass(frozen=True, slots=True)
class SliceSummary:
    """All that the stopping rule needs of a slice."""

    requests: int
    wall_s: float
    median_s: float

    @classmethod
    def of(cls, measured: Slice) -> SliceSummary:
        return cls(
            measured.requests, measured.wall_ns / 1e9, float(np.median(measured.latencies_ns)) / 1e9
        )


Launches: TypeAlias = Sequence[Sequence[SliceSummary]]
"""A cell's slices so far, by launch."""

Series: TypeAlias = list[FloatArray]
"""One number for each slice, by launch."""


def relative_precision(launches: Launches, seed: int) -> Precision:
    """Precision of a cell's figures after the slices so far.

    The median latency is judged by the mean of the slices' medians, which moves as the median of
    all requests does and costs nothing to follow.
    """
    filled = [launch for launch in launches if launch]
    slices = [one for launch in filled for one in launch]
    if len(slices) < MIN_SLICES:
        return UNKNOWN
    drawn = weights([len(launch) for launch in filled], seed, _REPLICATES)
    requests = np.array([s.requests for s in slices], dtype=np.float64)
    wall_s = np.array([s.wall_s for s in slices])
    medians_s = np.array([s.median_s for s in slices])
    return Precision(
        throughput=_half_width((drawn @ requests) / (drawn @ wall_s)),
        median=_half_width((drawn @ medians_s) / drawn.sum(axis=1)),
    )


def ratio_precision(a: Launches, b: Launches, seed: int) -> Precision:
    """Precision of B's figures over A's, of cells that take turns: as the report compares them."""
    throughput, median = (
        [launch for launch in series if len(launch)] for series in log_ratios(a, b)
    )
    sizes = [len(launch) for launch in throughput]
    if sum(sizes) < MIN_SLICES:
        return UNKNOWN
    drawn = weights(sizes, seed, _REPLICATES)
    return Precision(
        *(_half_width(np.exp(medians(np.concatenate(s), drawn))) for s in (throughput, median))
    )


def by_slice(launches: Launches) -> tuple[Series, Series]:
    """Requests a second and median latency of each slice."""
    return (
        [np.array([s.requests / s.wall_s for s in launch]) for launch in launches],
        [np.array([s.median_s for s in launch]) for launch in launches],
    )


def log_ratios(a: Launches, b: Launches) -> tuple[Series, Series]:
    """Of B's throughput and median latency over A's, for each pair of slices in turn."""
    throughput, median = (
        [np.log(second / first) for first, second in zip(*pair, strict=True)]
        for pair in zip(by_slice(a), by_slice(b), strict=True)
    )
    return throughput, median


def slices_per_launch(series: Series, launch_cost: float) -> int:
    """How many slices of a launch pay before another launch tells more.

    ``sqrt(cost of a launch / cost of a slice × variance of slices / variance of launches)``:
    Kalibera and Jones, *Rigorous Benchmarking in Reasonable Time* (ISMM 2013), section 6.

    Args:
        series: of what is to be known.
        launch_cost: of a launch, in slices.
    """
    several = [launch for launch in series if len(launch) > 1]
    if len(several) < 2:
        return _FEWEST
    within = float(np.mean([np.var(launch, ddof=1) for launch in several]))
    of_means = within * float(np.mean([1 / len(launch) for launch in several]))
    between = float(np.var([np.mean(launch) for launch in several], ddof=1)) - of_means
    best = float(np.sqrt(launch_cost * within / between)) if between > 0 else inf
    return int(np.clip(best, _FEWEST, _MOST))


def _half_width(replicates: FloatArray) -> float:
    low, high = interval(replicates)
    return (high - low) / 2 / float(replicates.mean())
