"""Hierarchical bootstrap: launches are drawn first, then slices within each.

Requests of one slice are autocorrelated (the same caches, the same neighbours), and slices of one
launch share a memory layout; so neither single latencies nor slices alone are independent draws.
Resampling the outer level and then the inner one keeps both kinds of variation. Source: Davison
and Hinkley, *Bootstrap Methods and their Application* (1997), section 3.8; for benchmarks,
Kalibera and Jones, *Rigorous Benchmarking in Reasonable Time* (ISMM 2013).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

CONFIDENCE = 0.95
# The ends of a 95 % percentile interval then rest on 50 replicates each.
REPLICATES = 2000
# Fewer draws than this have too few distinct resamples to speak of an interval.
MIN_SLICES = 5


def weights(launch_sizes: Sequence[int], seed: int, replicates: int = REPLICATES) -> FloatArray:
    """How often each slice is drawn in each replicate.

    Args:
        launch_sizes: slices in each launch.

    Returns:
        Shape [replicates, sum(launch_sizes)].
    """
    random = np.random.default_rng(seed)
    launches = len(launch_sizes)
    drawn = random.multinomial(launches, [1 / launches] * launches, size=replicates)
    blocks = [
        random.multinomial(drawn[:, launch] * size, [1 / size] * size)
        for launch, size in enumerate(launch_sizes)
    ]
    return np.concatenate(blocks, axis=1).astype(np.float64)


def interval(values: FloatArray, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Percentile interval of bootstrap replicates, shape [replicates]."""
    tail = (1 - confidence) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return float(low), float(high)


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
