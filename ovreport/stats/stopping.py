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


def _half_width(replicates: FloatArray) -> float:
    low, high = interval(replicates)
    return (high - low) / 2 / float(replicates.mean())
