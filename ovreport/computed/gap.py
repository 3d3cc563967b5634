"""The gap between the latency and the sum of layer times."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ovreport.computed.figures import figures
from ovreport.computed.focus import holds_means
from ovreport.computed.layers import executed_layers, unplaced_s
from ovreport.computed.memo import by_identity
from ovreport.run import CellResult, Run
from ovreport.stats.bootstrap import FloatArray
from ovreport.stats.estimate import Estimate
from ovreport.stats.medians import difference, median_of


@dataclass(frozen=True)
class Gap:
    """Latency and layer times of a cell, in seconds.

    ``latency`` is measured in the slices, without counters; all other times, in the profiling pass.
    """

    latency: Estimate
    layers: Estimate
    """Sum of the layers' medians."""
    means: float
    """Sum of the layers' means, which include disturbances of single inferences.

    It equals ``layers`` if the layers' times are running means."""
    unplaced: float
    """Time of layers that are not in the runtime graph."""
    profiled: Estimate
    """Latency with counters."""
    outside: float
    """Median time outside all layers, over the profiled inferences."""

    @property
    def rest(self) -> Estimate:
        """Latency less the sum of the layers."""
        return difference(self.latency, self.layers)

    @property
    def passes(self) -> Estimate:
        """Latency with counters less latency without: their cost, and drift between both passes."""
        return difference(self.profiled, self.latency)


@by_identity
def gap(run: Run, result: CellResult) -> Gap:
    """Return the gap of a profiled cell."""
    assert result.profile is not None
    layers = result.profile.layers
    total = sum(layer.median_s for layer in executed_layers(run, result))
    means = sum(float(np.mean(x.times_ns)) for x in layers if len(x.times_ns)) / 1e9
    profiled, sums = result.profile.latencies_ns / 1e9, _sums(result)
    scatter, outside = median_of(sums), float(np.median(profiled - sums))
    if holds_means(result):
        # Running means depend on each other, so they show neither the scatter nor the time of
        # single inferences. The latencies of the profiled inferences do.
        means, scatter, outside = total, median_of(profiled), float(np.median(profiled)) - total
    return Gap(
        latency=_latency(result),
        layers=_around(total, scatter),
        means=means,
        unplaced=unplaced_s(run, result),
        profiled=median_of(profiled),
        outside=outside,
    )


def _latency(result: CellResult) -> Estimate:
    """Return the latency; with too few launches and slices, single requests give its interval."""
    latencies = figures(result).latency
    latency = latencies.median or latencies.mean
    if latency.confidence:
        return latency
    requests = np.concatenate([slice.latencies_ns for slice in result.slices]) / 1e9
    return _around(latency.point, median_of(requests))


def _around(point: float, other: Estimate) -> Estimate:
    """Return a time with another time's interval, scaled; a shifted one could begin below zero."""
    scale = point / other.point if other.point > 0 else 1.0
    return replace(other, point=point, low=other.low * scale, high=other.high * scale)


def _sums(result: CellResult) -> FloatArray:
    """Return the sum of layer times of each inference, shape [profiled inferences].

    Layers that did not run in every inference are left out.
    """
    assert result.profile is not None
    number = len(result.profile.latencies_ns)
    times = [x.times_ns for x in result.profile.layers if len(x.times_ns) == number]
    return np.asarray(np.sum(times, axis=0) / 1e9) if times else np.zeros(number)
