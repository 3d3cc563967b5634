"""Figures of a measured cell, each an :class:`~ovreport.stats.estimate.Estimate`."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ovreport.computed.memo import by_identity
from ovreport.computed.pool import Pool, Speed
from ovreport.run import CellResult
from ovreport.stats.bootstrap import FloatArray
from ovreport.stats.estimate import Estimate
from ovreport.stats.tail import Tail
from ovreport.stats.uncertainty import CONFIDENCE
from ovreport.text.labels import count, rough_duration

# If n samples lie beyond a percentile, their number varies by √n: below ten, the percentile's
# position is uncertain by more than a third of the tail.
MIN_BEYOND = 10
_ONE_LAUNCH = "within one launch, {}; launches may differ by more"
_CHANGING = "; the machine's speed changed meanwhile, which makes it wider"
_RARE = "; rare slow requests dominate it, and even slower ones may occur: see the median"
_SINGLE_REQUEST = "a launch holds a single request"
_PERCENTILES = (0.5, 0.9, 0.95, 0.99, 0.999)


@dataclass(frozen=True)
class LatencyFigures:
    """Latencies of all requests that count, in seconds; None: too few samples for a percentile."""

    count: int
    mean: Estimate
    median: Estimate | None
    p90: Estimate | None
    p95: Estimate | None
    p99: Estimate | None
    p999: Estimate | None
    deviation: Estimate | None
    """Standard deviation of single requests, in seconds; None for a single request."""
    low: float
    """The fastest request. Like the slowest, it is no estimate, as it depends on the count."""
    high: float
    """The slowest request."""


@dataclass(frozen=True)
class CellFigures:
    """Figures of a cell: ``throughput_fps`` in samples per second, times in seconds."""

    throughput_fps: Estimate
    cores: Estimate
    """CPU time of the worker over wall time."""
    latency: LatencyFigures
    read_s: Estimate
    compile_s: Estimate | None
    """Time of the launches that compiled the model; None if all loaded it from a cache."""
    cached_compile_s: Estimate | None
    """Time of the launches that loaded the model from the device's cache (``CACHE_DIR``)."""
    first_inference_s: Estimate
    span_s: float
    """Time from the first slice that counts to the end of the last."""


@by_identity
def figures(result: CellResult) -> CellFigures:
    """Return all figures of a measured cell."""
    pool = Pool.of(result)
    return CellFigures(
        throughput_fps=_with_tail(_over_slices(pool, pool.throughput, -1), pool.tail, falls=True),
        cores=_over_slices(pool, pool.cores, 0),
        latency=_latency(pool),
        read_s=over_launches([launch.read_ns / 1e9 for launch in result.launches]),
        compile_s=_compile(result, cached=False),
        cached_compile_s=_compile(result, cached=True),
        first_inference_s=over_launches(
            [launch.first_inference_ns / 1e9 for launch in result.launches]
        ),
        span_s=pool.span_s,
    )


def supported(q: float, count: int) -> bool:
    """Return whether enough of ``count`` samples lie beyond the quantile ``q`` to estimate it."""
    # In whole thousandths: 100 × (1 − 0.9) is 9.99…98.
    return count * round(1000 * (1 - q)) >= 1000 * MIN_BEYOND or (q == 0.5 and count >= 3)


def estimate(
    pool: Pool, point: float, values: FloatArray, speed: Speed, least: float = 0.0
) -> Estimate:
    """Return a figure that cannot be negative, with its interval.

    The interval of a positive figure is computed from logarithms, as that of a ratio is. If the
    scatter is small, the interval is the same; if it is large, the interval stays above zero.

    Args:
        pool: the slices.
        point: the figure of all slices.
        values: the figure for each row of :attr:`Pool.drawn`.
        speed: how the figure follows the speed of the machine.
        least: a lower bound of the figure.
    """
    slices, launches = count(len(pool.slices), "slice"), len(pool.sizes)
    positive = point > 0 and bool((values > 0).all())
    error = pool.error(np.log(values), speed) if positive else pool.error(values)
    if error is None:
        is_defined = bool(np.isfinite(values).all())
        reason = f"only {count(launches, 'launch')}, {slices}" if is_defined else _SINGLE_REQUEST
        return Estimate(point, point, point, 0.0, f"no interval: {reason}")
    method = _ONE_LAUNCH.format(slices)
    if launches > 1:
        method = f"scatter of {launches} launches, {slices}, within {rough_duration(pool.span_s)}"
    if positive and speed and pool.machine and 2 * pool.machine.deviation > error.deviation:
        method += _CHANGING
    if positive:
        spread = math.exp(error.half_width)
        low, high = point / spread, point * spread
    else:
        low, high = point - error.half_width, point + error.half_width
    return Estimate(point, max(least, low), high, CONFIDENCE, method)


def over_launches(values: Sequence[float]) -> Estimate:
    """Return the median and the range of a figure that each launch gives once.

    A range is no confidence interval, so the confidence is 0. One launch has no range.
    """
    if len(values) == 1:
        return Estimate(values[0], values[0], values[0], 0.0, "one launch, no interval")
    method = f"median and range of {len(values)} launches"
    return Estimate(float(np.median(values)), min(values), max(values), 0.0, method)


def _compile(result: CellResult, *, cached: bool) -> Estimate | None:
    """Return the time of the launches that compiled, or of those that loaded from a cache."""
    times = [x.compile_ns / 1e9 for x in result.launches if bool(x.from_cache) is cached]
    return over_launches(times) if times else None


def _over_slices(
    pool: Pool, figure: Callable[[FloatArray], FloatArray], speed: Speed, least: float = 0.0
) -> Estimate:
    """Return a figure that is defined for any weighting of the slices."""
    all_once = np.ones((1, len(pool.slices)))
    return estimate(pool, float(figure(all_once)[0]), figure(pool.drawn), speed, least)


def _with_tail(value: Estimate, tail: Tail | None, *, falls: bool) -> Estimate:
    """Widen the interval of a mean by the effect of rare slow requests.

    Args:
        value: the mean, or a rate.
        tail: the effect of rare requests on the mean.
        falls: the figure is a rate, which falls if the mean rises.
    """
    if tail is None or not value.confidence:
        return value
    down, up = (tail.above, tail.below) if falls else (tail.below, tail.above)
    low = value.point * math.exp(-math.hypot(math.log(value.point / value.low), down))
    high = value.point * math.exp(math.hypot(math.log(value.high / value.point), up))
    return replace(value, low=low, high=high, method=value.method + _RARE)


def _with_shares(percentile: Estimate, pool: Pool, q: float) -> Estimate:
    """Widen a percentile's interval by the scatter of the share of requests below it.

    If latencies form groups, a percentile jumps from one group to another, so that its own scatter
    between launches is misleading: R. S. Woodruff, *Confidence intervals for medians and other
    position measures*, JASA 47, 1952.
    """
    error = pool.share_error(percentile.point)
    if error is None or not percentile.confidence:
        return percentile
    reach = np.clip([q - error.half_width, q + error.half_width], 0, 1)
    low, high = map(float, np.quantile(pool.latencies_s, reach))
    return replace(percentile, low=min(percentile.low, low), high=max(percentile.high, high))


def _latency(pool: Pool) -> LatencyFigures:
    latencies = pool.latencies_s
    fastest = float(latencies[0])
    supported_qs = [q for q in _PERCENTILES if supported(q, len(latencies))]
    percentile = {
        q: _with_shares(
            estimate(pool, float(np.quantile(latencies, q)), values, 1, fastest), pool, q
        )
        for q, values in zip(supported_qs, pool.quantiles(supported_qs, pool.drawn), strict=True)
    }

    return LatencyFigures(
        count=len(latencies),
        mean=_with_tail(_over_slices(pool, pool.mean, 1, fastest), pool.tail, falls=False),
        median=percentile.get(0.5),
        p90=percentile.get(0.9),
        p95=percentile.get(0.95),
        p99=percentile.get(0.99),
        p999=percentile.get(0.999),
        deviation=_over_slices(pool, pool.deviation, 0) if len(latencies) > 1 else None,
        low=fastest,
        high=float(latencies[-1]),
    )
