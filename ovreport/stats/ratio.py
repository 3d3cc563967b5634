"""How two cells compare: a ratio with its interval, and a verdict in one word."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, TypeAlias

import numpy as np

from ovreport.labels import count
from ovreport.run import CellResult
from ovreport.stats.bootstrap import CONFIDENCE, MIN_SLICES, FloatArray, interval, medians, weights
from ovreport.stats.estimate import Estimate
from ovreport.stats.figures import supported
from ovreport.stats.pool import Pool

Figure = Literal["throughput", "mean", "median", "p90", "p95", "p99"]
Verdict: TypeAlias = Literal["faster", "slower", "same", "inconclusive"]

_QUANTILE = {"median": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}


def ratio(a: CellResult, b: CellResult, figure: Figure) -> Estimate | None:
    """B's figure over A's; None where samples are too few for it.

    Cells that took turns are compared pair by pair of neighbouring slices, so that drift that both
    share cancels, and launches and pairs are resampled. The ratio of throughputs and of median
    latencies is the median of those of the pairs, on which a disturbance that hits one slice of a
    pair has no hold. Means and tails are there to show what is rare: theirs is the ratio of the
    figures of all slices, as it is for cells that did not take turns. Those are resampled
    independently, and ``method`` says so.
    """
    first, second = Pool.of(a), Pool.of(b)
    q = _QUANTILE.get(figure)
    if q is not None and not all(supported(q, len(p.latencies_s)) for p in (first, second)):
        return None
    once = [np.ones((1, len(pool.slices))) for pool in (first, second)]
    point = float((_value(second, figure, once[1]) / _value(first, figure, once[0]))[0])
    slices = min(len(first.slices), len(second.slices))
    if slices < MIN_SLICES:
        return Estimate(point, point, point, 0.0, f"no interval: only {count(slices, 'slice')}")
    if b.cell.id in a.interleaved_with and first.sizes == second.sizes:
        drawn_a = drawn_b = weights(first.sizes, seed=0)
        method = f"bootstrap over {len(first.sizes)} launches, {slices} pairs of slices in turn"
        if figure in ("throughput", "median"):
            pairs = second.by_slice(figure) / first.by_slice(figure)
            low, high = interval(medians(pairs, drawn_a))
            point = float(np.median(pairs))
            return Estimate(point, low, high, CONFIDENCE, f"median of pairs, {method}")
    else:
        drawn_a, drawn_b = weights(first.sizes, seed=0), weights(second.sizes, seed=1)
        method = "bootstrap of each; not measured side by side"
    low, high = interval(_value(second, figure, drawn_b) / _value(first, figure, drawn_a))
    return Estimate(point, min(low, point), max(high, point), CONFIDENCE, method)


def launch_ratio(a: Sequence[float], b: Sequence[float]) -> Estimate:
    """B's figure over A's, of figures that each launch gives once, such as the time to compile.

    The point is the ratio of the medians, the interval spans every ratio of a launch of B to one of
    A. It excludes 1 by chance if all launches of one come before all of the other: in 2 of
    C(n + m, n) orders, all equally likely if there is no difference. So two launches of each give a
    confidence of 67 %, three 90 %, and one gives none (the exact rank-sum test: Wilcoxon, 1945).

    Args:
        a: one positive figure for each launch.
    """
    n, m = len(a), len(b)
    point = float(np.median(b) / np.median(a))
    orders = math.comb(n + m, n)
    method = f"range over {n} and {m} launches"
    return Estimate(point, min(b) / max(a), max(b) / min(a), 1 - 2 / orders, method)


def _value(pool: Pool, figure: Figure, drawn: FloatArray) -> FloatArray:
    if figure == "throughput":
        return pool.throughput(drawn)
    if figure == "mean":
        return pool.mean(drawn)
    return pool.quantiles([_QUANTILE[figure]], drawn)[0]


def verdict(ratio: Estimate, noise: float, *, higher_is_better: bool) -> Verdict:
    """What a ratio says, given the noise below which a difference does not matter.

    Its whole interval beyond 1 ± noise is ``faster`` or ``slower``, wholly within is ``same``, and
    anything else is ``inconclusive``: measure longer. An estimate without an interval (confidence
    0) can never tell two versions apart.
    """
    if ratio.confidence == 0:
        return "inconclusive"
    if ratio.low > 1 + noise:
        return "faster" if higher_is_better else "slower"
    if ratio.high < 1 - noise:
        return "slower" if higher_is_better else "faster"
    return "same" if ratio.low >= 1 - noise and ratio.high <= 1 + noise else "inconclusive"
