"""How the times of the layers add up to the latency, and what is known of the rest."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ovreport.computed.figures import figures
from ovreport.computed.layers import executed_layers, unplaced_s
from ovreport.computed.memo import by_identity
from ovreport.run import CellResult, Run
from ovreport.stats.bootstrap import FloatArray
from ovreport.stats.estimate import Estimate
from ovreport.stats.medians import difference, median_of


@dataclass(frozen=True)
class Gap:
    """Latency and layers of a cell, in seconds.

    The latency is of the measured slices, without counters; all else is of the profiling pass.
    """

    latency: Estimate
    layers: Estimate
    """Sum of the layers' medians."""
    means: float
    """Sum of the layers' means, which hold what disturbed single inferences."""
    unplaced: float
    """In layers that are not in the runtime graph."""
    profiled: Estimate
    """Latency with counters on."""
    outside: float
    """What is in no layer, of the inferences that the layers' times are of: the median."""

    @property
    def rest(self) -> Estimate:
        """Latency less the sum of the layers."""
        return difference(self.latency, self.layers)

    @property
    def passes(self) -> Estimate:
        """Latency with counters less latency without them.

        It is what counters cost, and any other difference between the two passes.
        """
        return difference(self.profiled, self.latency)


@by_identity
def gap(run: Run, result: CellResult) -> Gap:
    """Of a profiled cell."""
    assert result.profile is not None
    layers = result.profile.layers
    total = sum(layer.median_s for layer in executed_layers(run, result))
    profiled, sums = result.profile.latencies_ns / 1e9, _sums(result)
    return Gap(
        latency=_latency(result),
        layers=_around(total, median_of(sums)),
        means=sum(float(np.mean(x.times_ns)) for x in layers if len(x.times_ns)) / 1e9,
        unplaced=unplaced_s(run, result),
        profiled=median_of(profiled),
        outside=float(np.median(profiled - sums)),
    )


def _latency(result: CellResult) -> Estimate:
    """With the scatter of single requests where launches and slices are too few to tell theirs."""
    known = figures(result).latency
    latency = known.median or known.mean
    if latency.confidence:
        return latency
    requests = np.concatenate([one.latencies_ns for one in result.slices]) / 1e9
    return _around(latency.point, median_of(requests))


def _around(point: float, other: Estimate) -> Estimate:
    """A figure with the interval of another, moved to it."""
    moved = point - other.point
    return replace(other, point=point, low=other.low + moved, high=other.high + moved)


def _sums(result: CellResult) -> FloatArray:
    """What the layers of each inference took together, of those that ran in each."""
    assert result.profile is not None
    number = len(result.profile.latencies_ns)
    times = [x.times_ns for x in result.profile.layers if len(x.times_ns) == number]
    return np.asarray(np.sum(times, axis=0) / 1e9) if times else np.zeros(number)
