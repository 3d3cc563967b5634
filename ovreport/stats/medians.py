"""Medians of single values, and sums and differences of independent figures, with intervals."""

from __future__ import annotations

from functools import cache
from math import comb, floor, hypot, sqrt

import numpy as np

from ovreport.stats.bootstrap import FloatArray
from ovreport.stats.estimate import Estimate
from ovreport.stats.uncertainty import CONFIDENCE

_Z = 1.96
# Above this number, 2ⁿ is too large for a float, and the exact sum takes too long.
_MOST_EXACT = 1000
# The interquartile range of a normal distribution, in standard deviations.
_IQR = 1.349
# The standard error of a median over that of a mean: √(π/2).
_MEDIAN = 1.2533


def median_of(values: FloatArray) -> Estimate:
    """Return the median of independent values, with :func:`median_intervals`.

    The interval of a single value is unbounded.
    """
    point = float(np.median(values))
    if len(values) < 2:
        return Estimate(point, -np.inf, np.inf, CONFIDENCE, "a single value")
    ((low, high),) = median_intervals(values[None]).tolist()
    return Estimate(point, low, high, CONFIDENCE, f"median of {len(values)}")


def median_intervals(values: FloatArray) -> FloatArray:
    """Return the ends of the interval of each row's median, shape [rows, 2].

    They are values of the row, whose ranks follow from the binomial distribution (Conover,
    *Practical Nonparametric Statistics*, 1999, 3.2). This holds for any distribution, such as that
    of a layer that other programs interrupt in every second inference. With fewer than six values,
    even the outermost do not bound the median with 95 % confidence; there the standard error is
    1.2533 σ / √n, where σ is estimated from the quartiles (McGill, Tukey and Larsen, *Variations of
    Box Plots*, 1978).

    Args:
        values: shape [rows, values].
    """
    number = values.shape[1]
    if rank := _rank(number):
        ordered = np.sort(values, axis=1)
        return np.stack([ordered[:, rank - 1], ordered[:, number - rank]], axis=1)
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75], axis=1)
    half = _Z * _MEDIAN * (high - low) / _IQR / sqrt(number)
    return np.stack([middle - half, middle + half], axis=1)


@cache
def _rank(number: int) -> int:
    """Return the rank, from either end, of the values that bound the median; 0: none does.

    For many values it is the normal approximation with continuity correction (Conover, 3.2).
    """
    if number > _MOST_EXACT:
        return floor((number + 1 - _Z * sqrt(number)) / 2)
    below, rank = 0, 0
    while (below := below + comb(number, rank)) <= (1 - CONFIDENCE) / 2 * 2**number:
        rank += 1
    return rank


def add(a: Estimate, b: Estimate) -> Estimate:
    """Return the sum of two independent figures; the squares of half-widths add up."""
    point = a.point + b.point
    below = hypot(a.point - a.low, b.point - b.low)
    above = hypot(a.high - a.point, b.high - b.point)
    return Estimate(point, point - below, point + above, CONFIDENCE, a.method)


def difference(a: Estimate, b: Estimate) -> Estimate:
    """Return the difference of two independent figures; the squares of half-widths add up."""
    point = a.point - b.point
    below = hypot(a.point - a.low, b.high - b.point)
    above = hypot(a.high - a.point, b.point - b.low)
    return Estimate(point, point - below, point + above, CONFIDENCE, f"{a.method}; {b.method}")


def is_beyond_zero(difference: Estimate) -> bool:
    """Return whether the interval of a difference excludes zero."""
    return difference.low > 0 or difference.high < 0
