"""How two cells compare: a ratio with its interval, and a verdict in one word."""

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
    """Whether the slices of two cells are pairs that were neighbours in time.

    Each has to name the other: of cells that took turns one may have been measured again since.
    """
    both = b.cell.id in a.interleaved_with and a.cell.id in b.interleaved_with
    return both and _counted(a) == _counted(b)


def _counted(result: CellResult) -> list[int]:
    """Slices of each launch."""
    return [sum(one.counted for one in launch.slices) for launch in result.launches]


def ratio(a: CellResult, b: CellResult, figure: Figure) -> Estimate | None:
    """B's figure over A's; None where samples are too few for it.

    Cells that took turns are compared launch by launch, so that drift that both share cancels, and
    the mean of the launches' ratios is taken. The ratio of throughputs and of median latencies is
    that of neighbouring slices, the median of a launch's pairs, on which a disturbance that hits
    one slice of a pair has no hold. A tail is there to show what is rare: its ratio is that of all
    requests of a launch. The ratio of means is that of all slices, as are all of cells that did not
    take turns; the errors of those are independent, and ``method`` says so. Ratios are averaged,
    and their intervals made, as logarithms.
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
    """B's figure over A's, of figures that each launch gives once, such as the time to compile.

    The point is the ratio of the medians, the interval spans every ratio of a launch of B to one of
    A. It excludes 1 by chance if all launches of one come before all of the other: in 2 of
    C(n + m, n) orders, all equally likely if there is no difference. So two launches of each give a
    confidence of 67 %, three 90 % (the exact rank-sum test: Wilcoxon, 1945). One launch of either
    gives none, as it shows nothing of how its launches differ.

    Args:
        a: one positive figure for each launch.
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
    """What a ratio says, given the noise below which a difference does not matter.

    It is ``faster`` or ``slower`` where the whole interval lies beyond 1 ± noise, and that of
    :data:`SURE` has no 1 in it. It is ``same`` where that of :data:`EQUIVALENCE` lies within, and
    anything else is ``inconclusive``: measure longer. An estimate without an interval (confidence
    0) can never tell two versions apart.
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
