"""The slices of a cell as arrays, and its figures under any weighting of the slices."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ovreport.run import CellResult, Slice
from ovreport.stats.bootstrap import FloatArray, weights
from ovreport.stats.error import Error, between_launches, within_launch

# Bins of the pooled latencies that replicates of a quantile are read from: equal in samples, so
# that a bin holds a quarter of a percent, and finer in the upper tail.
_QUANTILES = np.unique(np.concatenate([np.linspace(0, 1, 401), 1 - np.geomspace(1e-5, 0.05, 100)]))


class Pool:
    """Counted slices of one cell.

    Args:
        launches: slices of each launch; launches without slices are left out.
        batch: samples in one request.
    """

    def __init__(self, launches: Sequence[Sequence[Slice]], batch: int) -> None:
        filled = [list(slices) for slices in launches if slices]
        self.sizes = [len(slices) for slices in filled]
        self.slices = [one for slices in filled for one in slices]
        self.batch = batch
        self.requests = np.array([s.requests for s in self.slices], dtype=np.float64)
        self.wall_s = np.array([s.wall_ns / 1e9 for s in self.slices])
        self.cpu_s = np.array([s.cpu_ns / 1e9 for s in self.slices])
        self.latency_sums_s = np.array([s.latencies_ns.sum() / 1e9 for s in self.slices])

    @classmethod
    def of(cls, result: CellResult) -> Pool:
        assert result.resolved is not None, "only measured cells have figures"
        counted = [[s for s in launch.slices if s.counted] for launch in result.launches]
        return cls(counted, result.resolved.batch)

    @cached_property
    def latencies_s(self) -> FloatArray:
        """All latencies, sorted, shape [requests]."""
        return np.sort(np.concatenate([s.latencies_ns for s in self.slices])) / 1e9

    @cached_property
    def drawn(self) -> FloatArray:
        """Weights of the slices under which figures scatter, shape [draws, slices].

        Each launch by itself; of a single one, its slices resampled.
        """
        if len(self.sizes) > 1:
            return np.repeat(np.eye(len(self.sizes)), self.sizes, axis=1)
        return weights(len(self.slices))

    def error(self, values: FloatArray) -> Error | None:
        """Of a figure, from its values for each row of :attr:`drawn`; None where it is unknown."""
        if not np.isfinite(values).all():
            return None
        if len(self.sizes) > 1:
            return between_launches(values, self.sizes)
        return within_launch(values, len(self.slices))

    @cached_property
    def _moments(self) -> tuple[FloatArray, FloatArray]:
        """Sums of latencies and of their squares, shape [slices], in seconds.

        About the mean of all, so that a difference of squares loses no digits.
        """
        mean = self.latency_sums_s.sum() / self.requests.sum()
        off = [s.latencies_ns / 1e9 - mean for s in self.slices]
        return np.array([one.sum() for one in off]), np.array([(one**2).sum() for one in off])

    def by_slice(self, figure: Literal["throughput", "median"]) -> FloatArray:
        """The figure of each slice by itself: samples a second, or seconds."""
        if figure == "throughput":
            return np.asarray(self.batch * self.requests / self.wall_s)
        return np.array([np.median(s.latencies_ns) for s in self.slices]) / 1e9

    def throughput(self, weights: FloatArray) -> FloatArray:
        """Samples a second for each row of weights [replicates, slices]."""
        return np.asarray(self.batch * (weights @ self.requests) / (weights @ self.wall_s))

    def mean(self, weights: FloatArray) -> FloatArray:
        """Mean latency in seconds for each row of weights [replicates, slices]."""
        return np.asarray((weights @ self.latency_sums_s) / (weights @ self.requests))

    def deviation(self, weights: FloatArray) -> FloatArray:
        """Standard deviation of latencies in seconds for each row of weights [replicates, slices].

        The divisor is the number of latencies less one; of a single latency there is none (NaN).
        """
        sums, squares = (weights @ moment for moment in self._moments)
        count = weights @ self.requests
        divisor = np.where(count > 1, count - 1, np.nan)
        return np.asarray(np.sqrt(np.maximum(squares - sums**2 / count, 0) / divisor))

    def cores(self, weights: FloatArray) -> FloatArray:
        """CPU time over wall time for each row of weights [replicates, slices]."""
        return np.asarray((weights @ self.cpu_s) / (weights @ self.wall_s))

    def quantiles(self, qs: Sequence[float], weights: FloatArray) -> list[FloatArray]:
        """For each q the latency quantile in seconds of each row of weights [replicates, slices].

        All at once, as the weighted histograms are most of the work.
        """
        edges, counts = self._histograms
        # Weighted sums of cumulated counts: whole numbers, so the order of adding changes nothing.
        cumulated = weights @ np.cumsum(counts, axis=1)
        return [self._read_off(q * cumulated[:, -1], cumulated, edges) for q in qs]

    @staticmethod
    def _read_off(target: FloatArray, cumulated: FloatArray, edges: FloatArray) -> FloatArray:
        # The bin in which the cumulated count passes the target, and how far into it.
        rows = np.arange(len(target))
        place = _first_not_below(cumulated, target)
        above = cumulated[rows, place]
        below = np.where(place > 0, cumulated[rows, place - 1], 0.0)
        into = np.divide(
            target - below, above - below, out=np.zeros_like(target), where=above > below
        )
        return np.asarray(edges[place] + into * (edges[place + 1] - edges[place]))

    @cached_property
    def _histograms(self) -> tuple[FloatArray, NDArray[np.float64]]:
        """Edges [bins + 1] in seconds and counts [slices, bins]."""
        edges = np.unique(np.quantile(self.latencies_s, _QUANTILES))
        if len(edges) == 1:
            edges = np.array([edges[0], np.nextafter(edges[0], np.inf)])
        counts = [np.histogram(s.latencies_ns / 1e9, edges)[0] for s in self.slices]
        return edges, np.array(counts, dtype=np.float64)


def _first_not_below(ascending: FloatArray, target: FloatArray) -> NDArray[np.int64]:
    """In each row [replicates, bins] the first place that reaches its target, or the last one.

    A binary search in all rows at once.
    """
    rows = np.arange(len(target))
    low, high = np.zeros(len(target), np.int64), np.full(len(target), ascending.shape[1] - 1)
    while np.any(low < high):
        middle = (low + high) // 2
        below = ascending[rows, middle] < target
        low, high = np.where(below, middle + 1, low), np.where(below, high, middle)
    return low
