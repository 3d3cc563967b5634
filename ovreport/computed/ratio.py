"""Compares two cells: a ratio with its interval, and a verdict."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, TypeAlias

import numpy as np

from ovreport.computed.figures import supported
from ovreport.computed.pool import Pool, Speed
from ovreport.run import CellResult
from ovreport.stats.bootstrap import FloatArray
from ovreport.stats.estimate import Estimate
from ovreport.stats.uncertainty import CONFIDENCE, EQUIVALENCE, SURE, mean_of_medians
from ovreport.text.labels import count

Figure = Literal["throughput", "mean", "median", "p90", "p95", "p99"]
Verdict: TypeAlias = Literal["faster", "slower", "same", "inconclusive"]

_QUANTILE = {"median": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}


def in_turn(a: CellResult, b: CellResult) -> bool:
    """Return whether the slices of two cells are pairs that were neighbours in time.

    Each must name the other, since one of two cells that took turns may have been measured again.
    """
    both = b.cell.id in a.interleaved_with and a.cell.id in b.interleaved_with
    return both and _counted(a) == _counted(b)


def _counted(result: CellResult) -> list[int]:
    """Return the number of slices of each launch that count."""
    return [sum(slice.counted for slice in launch.slices) for launch in result.launches]


def ratio(a: CellResult, b: CellResult, figure: Figure) -> Estimate | None:
    """Return B's figure over A's; None if there are too few samples.

    Cells that took turns are compared launch by launch, so that common drift cancels; the ratio is
    the mean over launches. For throughput and median latency, the ratio of a launch is the median
    over pairs of neighbouring slices, so that disturbances of single slices do not affect it. For
    higher percentiles, it is the ratio over all requests of the launch, since rare requests matter.
    The ratio of means is that of all slices. So are all ratios of cells that did not take turns;
    their errors are independent, and ``method`` says so. Means and intervals of ratios are computed
    from logarithms.
    """
    first, second = Pool.of(a), Pool.of(b)
    q = _QUANTILE.get(figure)
    if q is not None and not all(supported(q, len(p.latencies_s)) for p in (first, second)):
        return None
    once = [np.ones((1, len(pool.slices))) for pool in (first, second)]
    point = float((_value(second, figure, once[1]) / _value(first, figure, once[0]))[0])
    launches = min(len(pool.sizes) for pool in (first, second))
    slices = min(len(pool.slices) for pool in (first, second))
    if not in_turn(a, b):
        speed: Speed = -1 if figure == "throughput" else 1
        errors = [p.error(np.log(_value(p, figure, p.drawn)), speed) for p in (first, second)]
        error = errors[0].with_independent(errors[1]) if errors[0] and errors[1] else None
        method = "scatter of each; not measured side by side"
    elif figure in ("throughput", "median"):
        pairs = np.log(second.by_slice(figure) / first.by_slice(figure))
        mean, error = mean_of_medians(np.split(pairs, np.cumsum(first.sizes)[:-1]))
        point = math.exp(mean)
        method = f"medians of {slices} pairs of slices in turn"
    else:
        ratios = np.log(_value(second, figure, second.drawn) / _value(first, figure, first.drawn))
        error = first.error(ratios)
        if figure != "mean" and launches > 1:
            point = math.exp(float(np.average(ratios, weights=first.sizes)))
        method = f"{slices} pairs of slices in turn"
    if error is None:
        return Estimate(point, point, point, 0.0, f"no interval: only {count(slices, 'slice')}")
    spread = math.exp(error.half_width)
    where = f"scatter of {launches} launches" if launches > 1 else "within one launch"
    low, high = point / spread, point * spread
    return Estimate(point, low, high, CONFIDENCE, f"{where}; {method}", error.freedom)


def launch_ratio(a: Sequence[float], b: Sequence[float]) -> Estimate:
    """Return B's figure over A's, for figures that each launch gives once, such as compile time.

    The point is the ratio of the medians; the interval spans all ratios of a launch of B to one of
    A. It excludes 1 by chance if all figures of one are below all of the other: in 2 of C(n + m, n)
    orders, which are equally likely if there is no difference. So two launches of each give a
    confidence of 67 %, three 90 % (the exact rank-sum test: Wilcoxon, 1945). A single launch gives
    no confidence, as it does not show how launches differ.

    Args:
        a: one positive figure for each launch of A.
        b: the same for B.
    """
    n, m = len(a), len(b)
    point = float(np.median(b) / np.median(a))
    orders = math.comb(n + m, n)
    method = f"range over {n} and {m} launches"
    confidence = 1 - 2 / orders if min(n, m) > 1 else 0.0
    return Estimate(point, min(b) / max(a), max(b) / min(a), confidence, method)


def _value(pool: Pool, figure: Figure, drawn: FloatArray) -> FloatArray:
    if figure == "throughput":
        return pool.throughput(drawn)
    if figure == "mean":
        return pool.mean(drawn)
    return pool.quantiles([_QUANTILE[figure]], drawn)[0]


def verdict(ratio: Estimate, noise: float, *, higher_is_better: bool) -> Verdict:
    """Return the verdict on a ratio, given the noise below which a difference does not matter.

    It is ``faster`` or ``slower`` if the whole interval lies beyond 1 ± noise, and the interval at
    confidence :data:`SURE` excludes 1. It is ``same`` if the interval at :data:`EQUIVALENCE` lies
    within 1 ± noise. Otherwise, and without an interval (confidence 0), it is ``inconclusive``:
    measure longer.
    """
    if ratio.confidence == 0:
        return "inconclusive"
    sure = ratio.at(SURE)
    if ratio.low > 1 + noise and sure.low > 1:
        return "faster" if higher_is_better else "slower"
    if ratio.high < 1 - noise and sure.high < 1:
        return "slower" if higher_is_better else "faster"
    narrow = ratio.at(EQUIVALENCE)
    return "same" if narrow.low >= 1 - noise and narrow.high <= 1 + noise else "inconclusive"
