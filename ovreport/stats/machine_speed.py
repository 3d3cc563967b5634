"""How much a machine's speed at some moments differs from its speed on the whole.

The speed of a machine that others share, or that heat slows, is no independent draw in each slice:
a slow second follows on a slow second. The logarithm of what a fixed computation takes is modelled
as a stationary process whose correlation falls exponentially with time, as that of a machine does
which changes between two speeds at random (G. E. Uhlenbeck and L. S. Ornstein, *On the theory of
the Brownian motion*, Physical Review 36, 1930), and noise of its own at each moment.

How long a machine remembers its speed is not known. Each of several times counts by its residual
likelihood, which allows for the mean being estimated as well (H. D. Patterson and R. Thompson,
*Recovery of inter-block information when block sizes are unequal*, Biometrika 58, 1971).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ovreport.stats.bootstrap import FloatArray
from ovreport.stats.uncertainty import Error

# The work grows with the cube of the moments, and neighbours tell nearly the same.
_MOST = 40
_FEWEST = 6
# Memories of the machine that are tried, between the moments' distance and half of their span:
# a longer memory cannot be told from a drift.
_MEMORIES, _LONGEST = 8, 0.5
# Variance of the noise, in those of the machine.
_NOISES = (0.03, 0.3, 3.0)
# Chosen by simulation (benchmarks/coverage.py): a memory that is estimated leaves no fewer.
_LEAST_FREEDOM = 2


@dataclass(frozen=True, slots=True)
class _Fit:
    """One memory and noise: how likely, the variance of the mean, and independent moments."""

    log_likelihood: float
    variance: float
    moments: float


def speed_error(times_s: FloatArray, logs: FloatArray) -> Error | None:
    """How far the machine's mean speed at some moments may be from that on the whole, relative.

    Args:
        times_s: ascending.
        logs: of what the fixed computation took.

    Returns:
        None where there are too few moments to tell, or no scatter.
    """
    size = -(-len(logs) // _MOST)
    times, values = (_thinned(series, size) for series in (times_s, logs))
    if len(values) < _FEWEST or np.ptp(values) == 0 or np.ptp(times) <= 0:
        return None
    fits = _fits(times, values)
    likelihoods = np.array([fit.log_likelihood for fit in fits])
    weights = np.exp(likelihoods - likelihoods.max())
    weights /= weights.sum()
    variance = float(weights @ [fit.variance for fit in fits])
    moments = float(weights @ [fit.moments for fit in fits])
    return Error(float(np.sqrt(variance)), max(_LEAST_FREEDOM, int(moments) - 1))


def _thinned(values: FloatArray, size: int) -> FloatArray:
    """Means of so many neighbours each; those that do not fill a part at the end are left out."""
    whole = len(values) // size * size
    return np.asarray(values[:whole].reshape(-1, size).mean(axis=1))


def _fits(times: FloatArray, values: FloatArray) -> list[_Fit]:
    count, span = len(values), float(np.ptp(times))
    apart = np.abs(times[:, None] - times[None, :])
    observed = np.column_stack([np.ones(count), values])
    return [
        _fit(np.exp(-apart / memory), noise, observed)
        for memory in np.geomspace(span / count, _LONGEST * span, _MEMORIES)
        for noise in _NOISES
    ]


def _fit(correlation: FloatArray, noise: float, observed: FloatArray) -> _Fit:
    """Generalised least squares with the variance at its residual likelihood's greatest."""
    count = len(observed)
    root = np.linalg.cholesky(correlation + noise * np.eye(count))
    ones, values = np.linalg.solve(root, observed).T
    information = float(ones @ ones)
    rest = values - (ones @ values) / information * ones
    variance = float(rest @ rest) / (count - 1)
    log_likelihood = -0.5 * (
        2 * float(np.log(np.diag(root)).sum())
        + np.log(information)
        + (count - 1) * np.log(variance)
    )
    shared = float(correlation.mean())
    return _Fit(log_likelihood, variance * shared, 1 / shared)
