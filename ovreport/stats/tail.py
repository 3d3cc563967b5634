"""Estimates the effect on a mean of slow requests that are too rare to be in the sample.

If latencies follow a power law, the mean depends on the slowest requests. Most samples hold none of
these, so that their mean is too low and their scatter too small. So the mean of outliers is that of
a Pareto distribution, whose index is estimated from them (B. M. Hill, *A simple general approach to
inference about the tail of a distribution*, Annals of Statistics 3, 1975), as for insurance losses
(J. Johansson, *Estimating the mean of heavy-tailed distributions*, Extremes 6, 2003).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log1p, sqrt

import numpy as np

from ovreport.stats.bootstrap import FloatArray
from ovreport.stats.steady import outliers

# From this index on, the variance exists, and the scatter of launches shows the error.
_FINITE_VARIANCE = 2.0
# The least index that is assumed: at an index of 1, the mean does not exist.
_LEAST_INDEX = 1.25
# Prior: as if this number of outliers, with this index, had been observed before.
_PRIOR, _PRIOR_INDEX = 2, 2.0
# The index and the number of outliers are varied by this many of their standard errors. Together
# with the scatter of launches, the interval of the mean then has its stated coverage
# (benchmarks/coverage.py).
_REACH = 1.3
# Least number of outliers whose slower half shows whether the tail ends.
_FEWEST = 10


@dataclass(frozen=True, slots=True)
class Tail:
    """How much lower and higher the mean may be because of the tail, in logarithms."""

    below: float
    above: float


def heavy_tail(latencies: FloatArray) -> Tail | None:
    """Return the effect of the tail; None if slow requests do not dominate the mean.

    Args:
        latencies: shape [requests].
    """
    slow = outliers(latencies)
    if not slow.count:
        return None
    far = np.sort(latencies[latencies > slow.fence])
    index = _index(far, slow.fence)
    error = _REACH / sqrt(slow.count + _PRIOR)
    if index * (1 - error) >= _FINITE_VARIANCE:
        return None
    mean, median = float(latencies.mean()), float(np.median(latencies))
    observed = float((far - median).sum()) / len(latencies)

    def change(side: int) -> float:
        """Return the change of the mean if the tail is heavier (1) or lighter (-1)."""
        number = max(0.0, slow.count + side * _REACH * sqrt(slow.count + 1))
        shifted = max(_LEAST_INDEX, index * (1 - side * error))
        excess = slow.fence * shifted / (shifted - 1) - median
        return log1p((number / len(latencies) * excess - observed) / mean)

    return Tail(max(0.0, -change(-1)), max(0.0, change(1)))


def _index(far: FloatArray, fence: float) -> float:
    """Return the tail's index: that of the slower half, if the tail ends more steeply there."""
    whole, half = _hill(far / fence), len(far) // 2
    if len(far) < _FEWEST:
        return whole
    upper = _hill(far[half:] / far[half])
    return upper if upper > whole * (1 + 2 / sqrt(half)) else whole


def _hill(ratios: FloatArray) -> float:
    logs = float(np.log(ratios).sum())
    return (len(ratios) + _PRIOR) / (logs + _PRIOR / _PRIOR_INDEX)
