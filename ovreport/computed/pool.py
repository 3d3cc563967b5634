"""Holds the slices of a cell as arrays, and computes its figures for any weights of the slices."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ovreport.run import CellResult, Slice
from ovreport.stats.bootstrap import FloatArray, weights
from ovreport.stats.machine_speed import latency_slope, speed_error
from ovreport.stats.tail import Tail, heavy_tail
from ovreport.stats.uncertainty import Error, between_launches, within_launch

# Limits of the bins from which quantiles of replicates are read. Each bin holds a quarter of a
# percent of the pooled latencies; bins of the upper tail are finer.
_QUANTILES = np.unique(np.concatenate([np.linspace(0, 1, 401), 1 - np.geomspace(1e-5, 0.05, 100)]))

Speed: TypeAlias = Literal[-1, 0, 1]
"""How a figure changes if the machine is slower: 1 rises (latency), -1 falls, 0 does not change."""


class Pool:
    """The slices of a cell that count.

    Args:
        launches: slices of each launch; launches without slices are left out.
        batch: samples in one request.
        typical: usual relative standard deviation between launches of the run's cells.
    """

    def __init__(
        self, launches: Sequence[Sequence[Slice]], batch: int, typical: float = 0.0
    ) -> None:
        self.typical = typical
        filled = [list(slices) for slices in launches if slices]
        self.sizes = [len(slices) for slices in filled]
        self.slices = [slice for slices in filled for slice in slices]
        self.batch = batch
        self.requests = np.array([s.requests for s in self.slices], dtype=np.float64)
        self.starts_s = np.array([s.start_ns / 1e9 for s in self.slices])
        self.wall_s = np.array([s.wall_ns / 1e9 for s in self.slices])
        self.cpu_s = np.array([s.cpu_ns / 1e9 for s in self.slices])
        self.latency_sums_s = np.array([s.latencies_ns.sum() / 1e9 for s in self.slices])

    @classmethod
    def of(cls, result: CellResult) -> Pool:
        """Collect the slices of a measured cell that count, by launch."""
        assert result.resolved is not None, "only measured cells have figures"
        counted = [[s for s in launch.slices if s.counted] for launch in result.launches]
        return cls(counted, result.resolved.batch, result.launch_deviation or 0.0)

    @cached_property
    def latencies_s(self) -> FloatArray:
        """All latencies, sorted, shape [requests]."""
        return np.sort(np.concatenate([s.latencies_ns for s in self.slices])) / 1e9

    @property
    def span_s(self) -> float:
        """Seconds from the first slice to the end of the last."""
        return float((self.starts_s + self.wall_s).max() - self.starts_s.min())

    @cached_property
    def drawn(self) -> FloatArray:
        """Weights of the slices for which figures are computed, shape [draws, slices].

        Each draw is a launch; if there is a single launch, its slices are resampled.
        """
        if len(self.sizes) > 1:
            return np.repeat(np.eye(len(self.sizes)), self.sizes, axis=1)
        return weights(len(self.slices))

    def error(self, values: FloatArray, speed: Speed = 0) -> Error | None:
        """Return the error of a figure; None if it is not known.

        Args:
            values: the figure for each row of :attr:`drawn`; its logarithm, if ``speed`` is not 0.
            speed: how the figure follows the speed of the machine.
        """
        if not np.isfinite(values).all():
            return None
        if self.machine is None or self._reference is None or not speed:
            return self._scatter(values, self.typical if speed else 0.0)
        reference = self.drawn @ self._reference / self.drawn.sum(axis=1)
        scatter = self._scatter(values - speed * self._slope * reference, self.typical)
        return scatter and scatter.with_independent(self.machine)

    def _scatter(self, values: FloatArray, typical: float) -> Error | None:
        if len(self.sizes) > 1:
            return between_launches(values, self.sizes, typical)
        return within_launch(values, len(self.slices))

    @cached_property
    def machine(self) -> Error | None:
        """Error of figures that changes of the machine's speed cause; None: not known."""
        if self._reference is None:
            return None
        error = speed_error(self.starts_s, self._reference)
        return error and Error(self._slope * error.deviation, error.freedom)

    @cached_property
    def _reference(self) -> FloatArray | None:
        """Logarithms of the reference's times, by slice; None if a slice has none."""
        times = [s.reference_ns for s in self.slices]
        return np.log([time for time in times if time]) if all(times) else None

    @cached_property
    def _slope(self) -> float:
        """Relative change of latencies over that of the reference, by least squares."""
        if self._reference is None:
            return 0.0
        return latency_slope(self._reference, np.log(self.by_slice("median")))

    @cached_property
    def tail(self) -> Tail | None:
        """Effect on the mean of slow requests that are too rare to be in the sample; None: none."""
        return heavy_tail(self.latencies_s)

    def share_error(self, latency_s: float) -> Error | None:
        """Return the error of the share of requests that take no longer than this."""
        within = np.array(
            [np.count_nonzero(s.latencies_ns <= latency_s * 1e9) for s in self.slices]
        )
        return self.error((self.drawn @ within) / (self.drawn @ self.requests))

    @cached_property
    def _moments(self) -> tuple[FloatArray, FloatArray]:
        """Sums of latencies and of their squares, shape [slices], in seconds.

        The overall mean is subtracted first, so that a difference of squares loses no digits.
        """
        mean = self.latency_sums_s.sum() / self.requests.sum()
        centred = [s.latencies_ns / 1e9 - mean for s in self.slices]
        return np.array([x.sum() for x in centred]), np.array([(x**2).sum() for x in centred])

    def by_slice(self, figure: Literal["throughput", "median"]) -> FloatArray:
        """Return the figure of each slice: samples per second, or seconds."""
        if figure == "throughput":
            return np.asarray(self.batch * self.requests / self.wall_s)
        return np.array([np.median(s.latencies_ns) for s in self.slices]) / 1e9

    def throughput(self, weights: FloatArray) -> FloatArray:
        """Return samples per second for each row of weights [replicates, slices]."""
        return np.asarray(self.batch * (weights @ self.requests) / (weights @ self.wall_s))

    def mean(self, weights: FloatArray) -> FloatArray:
        """Return the mean latency in seconds for each row of weights [replicates, slices]."""
        return np.asarray((weights @ self.latency_sums_s) / (weights @ self.requests))

    def deviation(self, weights: FloatArray) -> FloatArray:
        """Return the standard deviation of latencies, in seconds.

        The divisor is the number of latencies less one; for a single latency the result is NaN.

        Args:
            weights: shape [replicates, slices].
        """
        sums, squares = (weights @ moment for moment in self._moments)
        count = weights @ self.requests
        divisor = np.where(count > 1, count - 1, np.nan)
        return np.asarray(np.sqrt(np.maximum(squares - sums**2 / count, 0) / divisor))

    def cores(self, weights: FloatArray) -> FloatArray:
        """Return CPU time over wall time for each row of weights [replicates, slices]."""
        return np.asarray((weights @ self.cpu_s) / (weights @ self.wall_s))

    def quantiles(self, qs: Sequence[float], weights: FloatArray) -> list[FloatArray]:
        """Return, for each q, the latency quantile in seconds of each row of weights.

        All are computed at once, as the weighted histograms are most of the work.

        Args:
            qs: probabilities from 0 to 1.
            weights: shape [replicates, slices].
        """
        edges, counts = self._histograms
        # Sums of whole numbers, which do not depend on the order of addition.
        cumulated = weights @ np.cumsum(counts, axis=1)
        return [self._interpolated(q * cumulated[:, -1], cumulated, edges) for q in qs]

    @staticmethod
    def _interpolated(target: FloatArray, cumulated: FloatArray, edges: FloatArray) -> FloatArray:
        # Interpolate in the bin in which the cumulated count reaches the target.
        rows = np.arange(len(target))
        bins = _first_not_below(cumulated, target)
        above = cumulated[rows, bins]
        below = np.where(bins > 0, cumulated[rows, bins - 1], 0.0)
        fraction = np.divide(
            target - below, above - below, out=np.zeros_like(target), where=above > below
        )
        return np.asarray(edges[bins] + fraction * (edges[bins + 1] - edges[bins]))

    @cached_property
    def _histograms(self) -> tuple[FloatArray, NDArray[np.float64]]:
        """Edges [bins + 1] in seconds and counts [slices, bins]."""
        edges = np.unique(np.quantile(self.latencies_s, _QUANTILES))
        if len(edges) == 1:
            edges = np.array([edges[0], np.nextafter(edges[0], np.inf)])
        counts = [np.histogram(s.latencies_ns / 1e9, edges)[0] for s in self.slices]
        return edges, np.array(counts, dtype=np.float64)


def _first_not_below(ascending: FloatArray, target: FloatArray) -> NDArray[np.int64]:
    """Return each row's first bin that reaches its target, or the last; rows [replicates, bins].

    It is a binary search in all rows at once.
    """
    rows = np.arange(len(target))
    low, high = np.zeros(len(target), np.int64), np.full(len(target), ascending.shape[1] - 1)
    while np.any(low < high):
        middle = (low + high) // 2
        below = ascending[rows, middle] < target
        low, high = np.where(below, middle + 1, low), np.where(below, high, middle)
    return low
