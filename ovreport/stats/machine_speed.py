"""Estimates how much a machine's speed at some moments differs from its long-run speed.

The speeds of successive slices are not independent if other programs share the machine or heat
slows it: after a slow second, another slow second is likely. The model is for the logarithm of the
time of a fixed computation. It is the sum of a stationary process whose correlation falls
exponentially with time (G. E. Uhlenbeck and L. S. Ornstein, *On the theory of the Brownian motion*,
Physical Review 36, 1930), as that of a machine that alternates between two speeds at random, and of
independent noise at each moment.

The memory of the process is unknown, and a short run cannot show it: a machine that has been slow
for six seconds may recover in the next ten, or stay slow for a minute. So no single memory is
chosen. Before the run, all memories between the distance of two moments and :data:`_LONGEST_S` are
equally likely, on a logarithmic scale, and so are all sizes of the process and of the noise. Each
is weighted by its residual likelihood, which allows for the estimated mean (H. D. Patterson and R.
Thompson, *Recovery of inter-block information when block sizes are unequal*, Biometrika 58, 1971).
The interval is that of the mixture (J. A. Hoeting et al., *Bayesian model averaging: a tutorial*,
Statistical Science 14, 1999). It is wide if the speed changed and the data allow long memories, and
narrow if the computation scattered independently.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ovreport.stats.bootstrap import FloatArray
from ovreport.stats.uncertainty import Error, mixture_half_width, student

# The work grows with the cube of the moments, and neighbours show nearly the same.
_MOST = 40
_FEWEST = 6
# Intervals allow for changes once a minute, as far as the run shows them. Longer memories would
# widen all intervals, and a run of some seconds cannot show such slow changes. In simulations
# (benchmarks/coverage.py), two minutes made intervals a fifth wider and included more drifts.
_LONGEST_S = 60.0
# Neighbouring memories differ by a factor of 1.5 to 2; the data of one run cannot separate them.
_MEMORIES = 12
# Variance of the noise over that of the process: from nearly no noise to nearly all noise.
_NOISES = (0.001, 0.01, 0.1, 1.0, 10.0)
# If the memory is longer than the run, few degrees of freedom are left.
_LEAST_FREEDOM = 2
# Expected slope of latencies, and its standard deviation: a slower machine is equally slower for
# the model, but work that waits for memory follows the clock less, or suffers more from neighbours.
_SLOPE, _SLOPE_DEVIATION = 1.0, 0.5
# Larger slopes are likely to be chance.
_MOST_SLOPE = 2.0


@dataclass(frozen=True, slots=True)
class _Fit:
    """Likelihood, standard error of the mean and independent moments, for one memory and noise."""

    log_likelihood: float
    deviation: float
    moments: float


def latency_slope(reference: FloatArray, latencies: FloatArray) -> float:
    """Return the relative change of latencies over that of the fixed computation.

    It is the slope of a regression line, shrunk to the expected slope as far as the data leave it
    uncertain (D. V. Lindley and A. F. M. Smith, *Bayes estimates for the linear model*, JRSS B 34,
    1972).

    Args:
        reference: logarithms of the times of the computation, by slice.
        latencies: logarithms of the latencies of the same slices.
    """
    if len(reference) < _FEWEST:
        return _SLOPE
    x, y = reference - reference.mean(), latencies - latencies.mean()
    square, product = float(x @ x), float(x @ y)
    if not square:
        return _SLOPE
    residuals = y - product / square * x
    weight = float(residuals @ residuals) / (len(x) - 2) / _SLOPE_DEVIATION**2
    slope = (product + weight * _SLOPE) / (square + weight)
    return min(_MOST_SLOPE, max(0.0, slope))


def speed_error(times_s: FloatArray, logs: FloatArray) -> Error | None:
    """Return the relative error of the machine's mean speed as an estimate of its long-run speed.

    Args:
        times_s: the moments in ascending order.
        logs: logarithms of the times that the fixed computation took.

    Returns:
        None if there are too few moments, or no scatter.
    """
    size = -(-len(logs) // _MOST)
    times, values = (_thinned(series, size) for series in (times_s, logs))
    if len(values) < _FEWEST or np.ptp(values) == 0 or np.ptp(times) <= 0:
        return None
    fits = _fits(times, values)
    likelihoods = np.array([fit.log_likelihood for fit in fits])
    weights = np.exp(likelihoods - likelihoods.max())
    weights /= weights.sum()
    deviations = np.array([fit.deviation for fit in fits])
    moments = float(weights @ [fit.moments for fit in fits])
    freedom = max(_LEAST_FREEDOM, int(moments) - 1)
    half_width = mixture_half_width(deviations, weights, len(values) - 1)
    return Error(half_width / student(freedom), freedom)


def _thinned(values: FloatArray, size: int) -> FloatArray:
    """Return the means of groups of ``size`` neighbours; an incomplete last group is left out."""
    whole = len(values) // size * size
    return np.asarray(values[:whole].reshape(-1, size).mean(axis=1))


def _fits(times: FloatArray, values: FloatArray) -> list[_Fit]:
    count, span = len(values), float(np.ptp(times))
    distances = np.abs(times[:, None] - times[None, :])
    observed = np.column_stack([np.ones(count), values])
    return [
        _fit(np.exp(-distances / memory), noise, observed)
        for memory in np.geomspace(span / count, max(span, _LONGEST_S), _MEMORIES)
        for noise in _NOISES
    ]


def _fit(correlation: FloatArray, noise: float, observed: FloatArray) -> _Fit:
    """Fit by generalised least squares, with the variance that maximises the residual likelihood.

    If all sizes of process and noise together are equally likely, the integral over them has the
    same form, and the mean has Student's distribution with one degree of freedom less than there
    are moments.
    """
    count = len(observed)
    root = np.linalg.cholesky(correlation + noise * np.eye(count))
    ones, values = np.linalg.solve(root, observed).T
    information = float(ones @ ones)
    residuals = values - (ones @ values) / information * ones
    variance = float(residuals @ residuals) / (count - 1)
    log_likelihood = -0.5 * (
        2 * float(np.log(np.diag(root)).sum())
        + np.log(information)
        + (count - 1) * np.log(variance)
    )
    shared = float(correlation.mean())
    return _Fit(log_likelihood, float(np.sqrt(variance * shared)), 1 / shared)
