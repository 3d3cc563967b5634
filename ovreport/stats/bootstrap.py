"""Bootstrap of the slices of one launch, where no other launch shows the scatter.

Requests of one slice are autocorrelated (the same caches, the same neighbours), so slices are drawn
and not single latencies. Source: Davison and Hinkley, *Bootstrap Methods and their Application*
(1997), section 2.2.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

# The deviation of so many replicates is known to 1.6 %.
REPLICATES = 2000


def weights(slices: int, replicates: int = REPLICATES) -> FloatArray:
    """How often each slice is drawn in each replicate, shape [replicates, slices]."""
    random = np.random.default_rng(0)
    return random.multinomial(slices, [1 / slices] * slices, size=replicates).astype(np.float64)


def medians(values: FloatArray, weights: FloatArray) -> FloatArray:
    """The median of the values under each row of weights.

    Args:
        values: shape [slices].
        weights: shape [replicates, slices]; a row counts each value so many times.

    Returns:
        Shape [replicates]; of an even number of values the mean of the two in the middle.
    """
    order = np.argsort(values)
    counts = np.cumsum(weights[:, order], axis=1)
    # Places from 0 in each row's sorted values: the same one twice where their number is odd.
    number = counts[:, -1:]
    low, high = np.floor((number - 1) / 2), np.floor(number / 2)
    middle = [values[order][(counts > place).argmax(axis=1)] for place in (low, high)]
    return np.asarray((middle[0] + middle[1]) / 2)
