"""Where a series of figures changes its level.

The series is split so that the squared deviations from each part's mean, in units of the noise,
plus a penalty for each split, are least: optimal partitioning (Jackson et al., *An Algorithm for
Optimal Partitioning of Data on an Interval*, 2005), which finds the best of all splits in O(n²).
The noise is estimated from neighbours, whose differences a change of level hardly affects: the
median absolute deviation of successive differences (von Neumann's idea, made robust as by
Rousseeuw and Croux, 1993).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

# Noise cannot be estimated from fewer values: that of four differences is wrong by half of itself.
MIN_VALUES = 6
# A single run that stands out is not a level.
_MIN_PART = 2
# Of each split, in squared deviations. Chosen by simulation: of series of 6 to 100 normal values
# about one level, whose noise is estimated from themselves, less than 6 % are split at all.
_PENALTY = 32.0
# Of 1/1.4826 and √2: from the median deviation of differences to the deviation of values.
_DEVIATION = 1.4826 / np.sqrt(2)


def change_points(values: Sequence[float], least_noise: float) -> tuple[int, ...]:
    """Places at which a new level begins; empty for fewer than :data:`MIN_VALUES` values.

    Args:
        values: in order of time; logarithms, where relative changes count.
        least_noise: standard deviation that the values have at least, in their unit.
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
    found = []
    at = int(before[count])
    while at:
        found.append(at)
        at = int(before[at])
    return tuple(reversed(found))
