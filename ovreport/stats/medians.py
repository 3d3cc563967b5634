"""Medians of single values, and differences of independent figures, each with its interval."""

from __future__ import annotations

from functools import cache
from math import comb, floor, hypot, sqrt

import numpy as np

from ovreport.stats.bootstrap import FloatArray
from ovreport.stats.estimate import Estimate
from ovreport.stats.uncertainty import CONFIDENCE

_Z = 1.96
# Beyond it 2ⁿ is too large for a float, and the exact sum takes long.
_MOST_EXACT = 1000
# The interquartile range of a normal distribution, in standard deviations.
_IQR = 1.349
# The standard error of a median over that of a mean: √(π/2).
_MEDIAN = 1.2533


def median_of(values: FloatArray) -> Estimate:
    """The median of independent values, with :func:`median_intervals`.

    Of a single value nothing is known: the interval is unbounded.
    """
    point = float(np.median(values))
    if len(values) < 2:
        return Estimate(point, -np.inf, np.inf, CONFIDENCE, "a single value")
    ((low, high),) = median_intervals(values[None]).tolist()
    return Estimate(point, low, high, CONFIDENCE, f"median of {len(values)}")


def median_intervals(values: FloatArray) -> FloatArray:
    """The ends of the interval of each row's median.

    They are values of the row, counted from either end by the binomial distribution (Conover,
    *Practical Nonparametric Statistics*, 1999, 3.2): right for any distribution, such as that of a
    layer that other programs interrupt in every second inference. Of fewer than six values no two
    are far enough apart; there the standard error is 1.2533 σ / √n, with σ taken from the quartiles
    (McGill, Tukey and Larsen, *Variations of Box Plots*, 1978).
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
    """Which value from either end bounds the median; 0 where even the outermost do not.

    Of many values by the normal approximation with its correction for continuity (Conover, 3.2).
    """
    if number > _MOST_EXACT:
        return floor((number + 1 - _Z * sqrt(number)) / 2)
    below, rank = 0, 0
    while (below := below + comb(number, rank)) <= (1 - CONFIDENCE) / 2 * 2**number:
        rank += 1
    return rank


def add(a: Estimate, b: Estimate) -> Estimate:
    """A and B together, of independent figures: squares of half-widths add up."""
    point = a.point + b.point
    below = hypot(a.point - a.low, b.point - b.low)
    above = hypot(a.high - a.point, b.high - b.point)
    return Estimate(point, point - below, point + above, CONFIDENCE, a.method)


def difference(a: Estimate, b: Estimate) -> Estimate:
    """A less B, of independent figures: squares of half-widths add up."""
    point = a.point - b.point
    below = hypot(a.point - a.low, b.high - b.point)
    above = hypot(a.high - a.point, b.point - b.low)
    return Estimate(point, point - below, point + above, CONFIDENCE, f"{a.method}; {b.method}")


def is_beyond_zero(difference: Estimate) -> bool:
    """Whether the interval of a difference leaves out zero, so that there is one."""
    return difference.low > 0 or difference.high < 0
