"""Medians of single values, and differences of independent figures, each with its interval."""

from __future__ import annotations

from math import hypot, sqrt

import numpy as np

from ovreport.stats.bootstrap import FloatArray
from ovreport.stats.error import CONFIDENCE
from ovreport.stats.estimate import Estimate

_Z = 1.96
# The interquartile range of a normal distribution, in standard deviations.
_IQR = 1.349
# The standard error of a median over that of a mean: √(π/2).
_MEDIAN = 1.2533


def median_of(values: FloatArray) -> Estimate:
    """The median of independent values.

    Its standard error is 1.2533 σ / √n, with σ taken from the quartiles (McGill, Tukey and Larsen,
    *Variations of Box Plots*, 1978). Of a single value nothing is known: the interval is unbounded.
    """
    point = float(np.median(values))
    if len(values) < 2:
        return Estimate(point, -np.inf, np.inf, CONFIDENCE, "a single value")
    low, high = np.quantile(values, [0.25, 0.75])
    half = _Z * _MEDIAN * float(high - low) / _IQR / sqrt(len(values))
    return Estimate(point, point - half, point + half, CONFIDENCE, f"median of {len(values)}")


def difference(a: Estimate, b: Estimate) -> Estimate:
    """A less B, of independent figures: squares of half-widths add up."""
    point = a.point - b.point
    below = hypot(a.point - a.low, b.high - b.point)
    above = hypot(a.high - a.point, b.point - b.low)
    return Estimate(point, point - below, point + above, CONFIDENCE, f"{a.method}; {b.method}")


def is_beyond_zero(difference: Estimate) -> bool:
    """Whether the interval of a difference leaves out zero, so that there is one."""
    return difference.low > 0 or difference.high < 0
