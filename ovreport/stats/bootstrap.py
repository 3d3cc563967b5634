"""Bootstrap over the slices of a single launch, if no other launch shows the scatter.

Requests of a slice are autocorrelated (the same caches, the same load), so slices are resampled,
not single latencies. Source: Davison and Hinkley, *Bootstrap Methods and their Application* (1997),
section 2.2.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

# The standard deviation of this many replicates has a relative error of 1.6 %.
REPLICATES = 2000


def weights(slices: int, replicates: int = REPLICATES) -> FloatArray:
    """Return how often each slice is drawn in each replicate, shape [replicates, slices]."""
    random = np.random.default_rng(0)
    return random.multinomial(slices, [1 / slices] * slices, size=replicates).astype(np.float64)


def medians(values: FloatArray, weights: FloatArray) -> FloatArray:
    """Return the weighted median of the values for each row of weights.

    Args:
        values: shape [slices].
        weights: shape [replicates, slices]; how often each value counts.

    Returns:
        Shape [replicates]. For an even number of values, the mean of the two in the middle.
    """
    order = np.argsort(values)
    counts = np.cumsum(weights[:, order], axis=1)
    # Middle places in each row's sorted values, from 0; both are equal if their number is odd.
    number = counts[:, -1:]
    low, high = np.floor((number - 1) / 2), np.floor(number / 2)
    middle = [values[order][(counts > place).argmax(axis=1)] for place in (low, high)]
    return np.asarray((middle[0] + middle[1]) / 2)
