"""The slices of a cell as arrays, and its figures under any weighting of the slices."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ovreport.run import CellResult, Slice
from ovreport.stats.bootstrap import FloatArray, weights
from ovreport.stats.machine_speed import speed_error
from ovreport.stats.tail import Tail, heavy_tail
from ovreport.stats.uncertainty import Error, between_launches, within_launch

# Bins of the pooled latencies that replicates of a quantile are read from: equal in samples, so
# that a bin holds a quarter of a percent, and finer in the upper tail.
_QUANTILES = np.unique(np.concatenate([np.linspace(0, 1, 401), 1 - np.geomspace(1e-5, 0.05, 100)]))

# What waits for memory may be slowed by more than what only computes; a slope beyond is chance.
_MOST_FOLLOWED = 2.0

Speed: TypeAlias = Literal[-1, 0, 1]
"""How a figure follows what the machine takes: 1 as a latency, -1 as a throughput, 0 not at all."""


class Pool:
    """Counted slices of one cell.

    Args:
        launches: slices of each launch; launches without slices are left out.
        batch: samples in one request.
        typical: relative standard deviation of launches of the run's cells.
    """

    def __init__(
        self, launches: Sequence[Sequence[Slice]], batch: int, typical: float = 0.0
    ) -> None:
        self.typical = typical
        filled = [list(slices) for slices in launches if slices]
        self.sizes = [len(slices) for slices in filled]
        self.slices = [one for slices in filled for one in slices]
        self.batch = batch
        self.requests = np.array([s.requests for s in self.slices], dtype=np.float64)
        self.starts_s = np.array([s.start_ns / 1e9 for s in self.slices])
        self.wall_s = np.array([s.wall_ns / 1e9 for s in self.slices])
        self.cpu_s = np.array([s.cpu_ns / 1e9 for s in self.slices])
        self.latency_sums_s = np.array([s.latencies_ns.sum() / 1e9 for s in self.slices])

    @classmethod
    def of(cls, result: CellResult) -> Pool:
        """Collect the counted slices of a measured cell, by launch."""
        assert result.resolved is not None, "only measured cells have figures"
        counted = [[s for s in launch.slices if s.counted] for launch in result.launches]
        return cls(counted, result.resolved.batch, result.launch_deviation or 0.0)

    @cached_property
    def latencies_s(self) -> FloatArray:
        """All latencies, sorted, shape [requests]."""
        return np.sort(np.concatenate([s.latencies_ns for s in self.slices])) / 1e9

    @property
    def span_s(self) -> float:
        """From the first slice to the end of the last."""
        return float((self.starts_s + self.wall_s).max() - self.starts_s.min())

    @cached_property
    def drawn(self) -> FloatArray:
        """Weights of the slices under which figures scatter, shape [draws, slices].

        Each launch by itself; of a single one, its slices resampled.
        """
        if len(self.sizes) > 1:
            return np.repeat(np.eye(len(self.sizes)), self.sizes, axis=1)
        return weights(len(self.slices))

    def error(self, values: FloatArray, speed: Speed = 0) -> Error | None:
        """Of a figure, from its values for each row of :attr:`drawn`; None where it is unknown.

        Args:
            values: logarithms, where the figure follows the speed of the machine.
            speed: how the figure follows it.
        """
        if not np.isfinite(values).all():
            return None
        if self.machine is None or self._reference is None or not speed:
            return self._own_error(values, self.typical if speed else 0.0)
        meanwhile = self.drawn @ self._reference / self.drawn.sum(axis=1)
        own = self._own_error(values - speed * self._follows * meanwhile, self.typical)
        return own and own.with_independent(self.machine)

    def _own_error(self, values: FloatArray, typical: float) -> Error | None:
        if len(self.sizes) > 1:
            return between_launches(values, self.sizes, typical)
        return within_launch(values, len(self.slices))

    @cached_property
    def machine(self) -> Error | None:
        """How far the figures may be off because the machine's speed changes; None: not known."""
        known = self._reference
        error = speed_error(self.starts_s, known) if known is not None else None
        return error and Error(self._follows * error.deviation, error.freedom)

    @cached_property
    def _reference(self) -> FloatArray | None:
        """Logarithm of what the reference took, by slice; None where a slice has none."""
        times = [s.reference_ns for s in self.slices]
        return np.log([time for time in times if time]) if all(times) else None

    @cached_property
    def _follows(self) -> float:
        """By how much latencies change where the reference does, as a part of its change."""
        if self._reference is None:
            return 0.0
        reference = self._reference - self._reference.mean()
        latencies = np.log(self.by_slice("median"))
        square = float(reference @ reference)
        return min(_MOST_FOLLOWED, max(0.0, float(reference @ latencies) / square)) if square else 0

    @cached_property
    def tail(self) -> Tail | None:
        """What requests too slow to have been seen could add to the mean; None: nothing."""
        return heavy_tail(self.latencies_s)

    def share_error(self, latency_s: float) -> Error | None:
        """Of the part of the requests that take no longer than this."""
        within = np.array(
            [np.count_nonzero(s.latencies_ns <= latency_s * 1e9) for s in self.slices]
        )
        return self.error((self.drawn @ within) / (self.drawn @ self.requests))

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
