"""Finds where a series of figures changes its level.

The split of the series minimises the squared deviations from each part's mean, in units of the
noise, plus a penalty for each split: optimal partitioning (Jackson et al., *An Algorithm for
Optimal Partitioning of Data on an Interval*, 2005), which finds the best of all splits in O(n²).
The noise is the median absolute deviation of successive differences, which changes of level hardly
affect (von Neumann's idea, made robust as by Rousseeuw and Croux, 1993).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

# Least number of values to estimate noise from: with four differences, its error is about 50 %.
MIN_VALUES = 6
# A single outlying run is not a level.
_MIN_PART = 2
# Penalty for a split, in squared deviations. Chosen by simulation: fewer than 6 % of series of 6 to
# 100 normal values with one level, whose noise is estimated from the series, are split.
_PENALTY = 32.0
# Converts the median absolute deviation of differences into the standard deviation of values.
_DEVIATION = 1.4826 / np.sqrt(2)


def change_points(values: Sequence[float], least_noise: float) -> tuple[int, ...]:
    """Return the places where a new level begins; none for fewer than :data:`MIN_VALUES` values.

    Args:
        values: values in order of time; logarithms, if relative changes matter.
        least_noise: the least standard deviation of the values, in their unit.
    """
    count = len(values)
    if count < MIN_VALUES:
        return ()
    series = np.asarray(values, dtype=np.float64)
    differences = np.diff(series)
    median = float(np.median(differences))
    noise = max(float(np.median(np.abs(differences - median)) * _DEVIATION), least_noise)
    scaled = series / noise
    sums = np.concatenate([[0.0], np.cumsum(scaled)])
    squares = np.concatenate([[0.0], np.cumsum(scaled**2)])
    best = np.full(count + 1, np.inf)
    best[0] = -_PENALTY
    before = np.zeros(count + 1, dtype=np.int64)
    for end in range(_MIN_PART, count + 1):
        starts = np.arange(0, end - _MIN_PART + 1)
        length = end - starts
        cost = squares[end] - squares[starts] - (sums[end] - sums[starts]) ** 2 / length
        total = best[starts] + cost + _PENALTY
        before[end] = starts[int(np.argmin(total))]
        best[end] = total.min()
    places = []
    place = int(before[count])
    while place:
        places.append(place)
        place = int(before[place])
    return tuple(reversed(places))
