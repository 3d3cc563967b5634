"""What requests that are too rare to have been seen could add to a mean.

Where a few requests take very long, by a power law, the mean rests on the slowest of them: most
series hold none of the slowest kind, so that their mean is too low and their scatter too small.
Then the mean beyond the fence of outliers is that of a Pareto distribution, whose index is
estimated from the outliers (B. M. Hill, *A simple general approach to inference about the tail of a
distribution*, Annals of Statistics 3, 1975); as for losses: J. Johansson, *Estimating the mean of
heavy-tailed distributions*, Extremes 6, 2003.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log1p, sqrt

import numpy as np

from ovreport.stats.bootstrap import FloatArray
from ovreport.stats.steady import outliers

# From this index on the variance exists, and launches scatter as they should.
_TAME = 2.0
# A heavier tail is not reckoned with: at an index of 1 there is no mean any more.
_LEAST_INDEX = 1.25
# What is known before any outlier is seen, as if so many had been, of an index of 2.
_PRIOR, _PRIOR_INDEX = 2, 2.0
# Standard errors of the index and of the number of outliers. With the scatter of the launches the
# interval of the mean then holds the truth as often as it says (benchmarks/coverage.py).
_REACH = 1.3
# Outliers of which the slower half shows whether they end.
_FEWEST = 10


@dataclass(frozen=True, slots=True)
class Tail:
    """How much lower and higher the mean may be for the tail alone, in logarithms."""

    below: float
    above: float


def heavy_tail(latencies: FloatArray) -> Tail | None:
    """None where slow requests, if there are any, do not rule the mean."""
    found = outliers(latencies)
    if not found.count:
        return None
    far = np.sort(latencies[latencies > found.fence])
    index = _index(far, found.fence)
    error = _REACH / sqrt(found.count + _PRIOR)
    if index * (1 - error) >= _TAME:
        return None
    mean, usual = float(latencies.mean()), float(np.median(latencies))
    seen = float((far - usual).sum()) / len(latencies)

    def change(side: int) -> float:
        """Where the tail is heavier or lighter, and longer or shorter, than it was seen."""
        number = max(0.0, found.count + side * _REACH * sqrt(found.count + 1))
        worse = max(_LEAST_INDEX, index * (1 - side * error))
        excess = found.fence * worse / (worse - 1) - usual
        return log1p((number / len(latencies) * excess - seen) / mean)

    return Tail(max(0.0, -change(-1)), max(0.0, change(1)))


def _index(far: FloatArray, fence: float) -> float:
    """Of the slower half alone where that falls off faster: a group of slow requests ends."""
    whole, half = _hill(far / fence), len(far) // 2
    if len(far) < _FEWEST:
        return whole
    upper = _hill(far[half:] / far[half])
    return upper if upper > whole * (1 + 2 / sqrt(half)) else whole


def _hill(ratios: FloatArray) -> float:
    seen = float(np.log(ratios).sum())
    return (len(ratios) + _PRIOR) / (seen + _PRIOR / _PRIOR_INDEX)
