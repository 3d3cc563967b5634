"""How well a cell is known while it is being measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

import numpy as np

from ovreport.run import Slice
from ovreport.stats.bootstrap import MIN_SLICES, FloatArray, interval, weights

# Asked after every slice: a tenth of the replicates of a final figure is enough to stop by.
_REPLICATES = 200
# Slices of a launch: enough to see how they vary, and not so many that it rules the others.
_FEWEST, _MOST = 2, 20


@dataclass(frozen=True, slots=True)
class Precision:
    """Relative half-widths of the intervals; infinite while too little is known."""

    throughput: float
    median: float

    @property
    def worst(self) -> float:
        return max(self.throughput, self.median)


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


def relative_precision(launches: Sequence[Sequence[SliceSummary]], seed: int) -> Precision:
    """Precision after the slices so far.

    The median latency is judged by the mean of the slices' medians, which moves as the median of
    all requests does and costs nothing to follow.
    """
    filled = [launch for launch in launches if launch]
    slices = [one for launch in filled for one in launch]
    if len(slices) < MIN_SLICES:
        return Precision(inf, inf)
    drawn = weights([len(launch) for launch in filled], seed, _REPLICATES)
    requests = np.array([s.requests for s in slices], dtype=np.float64)
    wall_s = np.array([s.wall_s for s in slices])
    medians = np.array([s.median_s for s in slices])
    return Precision(
        throughput=_half_width((drawn @ requests) / (drawn @ wall_s)),
        median=_half_width((drawn @ medians) / drawn.sum(axis=1)),
    )


def slices_per_launch(launches: Sequence[Sequence[SliceSummary]], launch_cost: float) -> int:
    """How many slices of a launch pay before another launch tells more.

    ``sqrt(cost of a launch / cost of a slice × variance of slices / variance of launches)``:
    Kalibera and Jones, *Rigorous Benchmarking in Reasonable Time* (ISMM 2013), section 6. Of the
    throughput and the median latency, the one that asks for more launches decides.

    Args:
        launch_cost: of a launch, in slices.
    """
    throughput = [[s.requests / s.wall_s for s in launch] for launch in launches]
    median = [[s.median_s for s in launch] for launch in launches]
    best = min(_balance(throughput, launch_cost), _balance(median, launch_cost))
    return int(np.clip(best, _FEWEST, _MOST))


def _balance(launches: Sequence[Sequence[float]], launch_cost: float) -> float:
    several = [launch for launch in launches if len(launch) > 1]
    if len(several) < 2:
        return _FEWEST
    within = float(np.mean([np.var(launch, ddof=1) for launch in several]))
    of_means = within * float(np.mean([1 / len(launch) for launch in several]))
    between = float(np.var([np.mean(launch) for launch in several], ddof=1)) - of_means
    return float(np.sqrt(launch_cost * within / between)) if between > 0 else inf


def _half_width(replicates: FloatArray) -> float:
    low, high = interval(replicates)
    return (high - low) / 2 / float(replicates.mean())
