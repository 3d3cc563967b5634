"""Standard errors and confidence intervals of figures.

Requests of a slice depend on each other, and slices of a launch share its memory layout, so only
launches are independent. The figure is computed for each launch. With L launches, whose figures
have the standard deviation s and whose shares of the slices are w, the standard error is s·√Σw²
(s/√L for equal launches), with L − 1 degrees of freedom: its interval is Student's
(*The probable error of a mean*, Biometrika 6, 1908). That is exact for launches of equal length
and normal scatter, whether it is between launches or between slices; for benchmarks, see Kalibera
and Jones, *Rigorous Benchmarking in Reasonable Time* (ISMM 2013). A bootstrap of so few launches is
too narrow: three launches show two thirds of their variance, and a bootstrap ignores how uncertain
this variance is.

All launches share the machine, whose speed changes over time. If a fixed computation shows these
changes (:mod:`ovreport.stats.machine_speed`), the error has two parts: the scatter of launches
without the changes of speed, and the difference between the machine's speed during the measurement
and its overall speed.

With a single launch, the scatter between launches is unknown. The interval is then that of its
slices, by bootstrap, and covers nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from math import inf, pi, sqrt, tan

import numpy as np

from ovreport.stats.bootstrap import REPLICATES, FloatArray, medians, weights

CONFIDENCE = 0.95
# Two one-sided tests at 5 % find figures equal if the interval at 90 % lies within the difference
# that does not matter: D. J. Schuirmann, *A comparison of the two one-sided tests procedure and the
# power approach*, Journal of Pharmacokinetics and Biopharmaceutics 15, 1987.
EQUIVALENCE = 0.90
# A report compares many figures, and one in twenty intervals excludes 1 by chance. So figures are
# called different only if the interval at this confidence excludes 1, too.
SURE = 0.99
# Parts of an interval in each step of a search, and steps: they reach the precision of a float.
_PARTS, _STEPS = 64, 9
# Fewer slices of a launch than this have too few distinct resamples for an interval.
MIN_SLICES = 5
# Fewer cells than this give no reliable median.
_FEWEST_CELLS = 4
# Degrees of freedom of the usual deviation, and the multiple of it above which it is not used.
_TYPICAL, _ALIKE = 8, 2.0


@dataclass(frozen=True, slots=True)
class Error:
    """A standard error with its degrees of freedom."""

    deviation: float
    freedom: int

    @property
    def half_width(self) -> float:
        """Half-width of the confidence interval."""
        return student(self.freedom) * self.deviation

    def with_independent(self, other: Error) -> Error:
        """Return the error of a sum or difference of two independent figures.

        B. L. Welch, *The generalization of Student's problem when several different population
        variances are involved*, Biometrika 34, 1947.
        """
        squares = self.deviation**2, other.deviation**2
        parts = squares[0] ** 2 / self.freedom + squares[1] ** 2 / other.freedom
        freedom = sum(squares) ** 2 / parts if parts else inf
        least, most = min(self.freedom, other.freedom), self.freedom + other.freedom
        return Error(sqrt(sum(squares)), int(min(most, max(least, freedom))))


@cache
def student(freedom: int, confidence: float = CONFIDENCE) -> float:
    """Return Student's t of a two-sided interval at this confidence."""
    angle = _crossing(lambda angles: _within(angles, freedom), pi / 2, confidence)
    return tan(angle) * sqrt(freedom)


def mixture_half_width(deviations: FloatArray, shares: FloatArray, freedom: int) -> float:
    """Return the half-width of the interval of a mixture of Student's distributions about 0.

    Args:
        deviations: standard errors of the parts, positive.
        shares: shares of the parts; their sum is 1.
        freedom: degrees of freedom of every part.
    """

    def within(half_widths: FloatArray) -> FloatArray:
        angles = np.arctan(half_widths[:, None] / deviations / sqrt(freedom))
        return np.asarray(_within(angles, freedom) @ shares)

    widest = float(deviations.max()) * student(freedom)
    return _crossing(within, widest, CONFIDENCE)


def _crossing(rising: Callable[[FloatArray], FloatArray], most: float, level: float) -> float:
    """Return the argument from 0 to ``most`` at which a rising function reaches the level."""
    low, high = 0.0, most
    for _ in range(_STEPS):
        places = np.linspace(low, high, _PARTS + 1)
        part = int(np.searchsorted(rising(places[1:-1]), level))
        low, high = float(places[part]), float(places[part + 1])
    return (low + high) / 2


def _within(angles: FloatArray, freedom: int) -> FloatArray:
    """Return the probability between −t and t in Student's distribution, a finite sum.

    Abramowitz and Stegun, *Handbook of Mathematical Functions*, 26.7.3 and 26.7.4.

    Args:
        angles: angles whose tangents are t / √freedom.
    """
    odd = freedom % 2
    cosines = np.cos(angles)
    term = cosines if odd else np.ones_like(angles)
    total = np.zeros_like(angles)
    for power in range(2 if odd else 1, freedom, 2):
        total = total + term
        term = term * (cosines**2 * power / (power + 1))
    sines = np.sin(angles) * total
    return np.asarray((angles + sines) * 2 / pi if odd else sines)


def between_launches(values: FloatArray, sizes: Sequence[int], typical: float = 0.0) -> Error:
    """Return the standard error of a figure that several launches measured.

    Args:
        values: the figure of each launch.
        sizes: the number of slices of each launch.
        typical: usual standard deviation between launches of the run's cells; 0: not known. Since
            few launches may agree or differ by chance, it counts like some more launches, unless
            the launches differ far more (the moderated t: G. K. Smyth, *Linear models and empirical
            Bayes methods*, SAGMB 3, 2004).
    """
    part = sqrt(float(np.sum((np.array(sizes) / sum(sizes)) ** 2)))
    deviation, freedom = float(np.std(values, ddof=1)), len(sizes) - 1
    if not typical or deviation > _ALIKE * typical:
        return Error(deviation * part, freedom)
    variance = (freedom * deviation**2 + _TYPICAL * typical**2) / (freedom + _TYPICAL)
    return Error(sqrt(variance) * part, freedom + _TYPICAL)


def typical_deviation(deviations: Sequence[float]) -> float:
    """Return the usual deviation of a launch, from the cells of a run; 0 for too few cells.

    It is the median, so that a single cell whose launches differ much does not affect it.
    """
    return float(np.median(deviations)) if len(deviations) >= _FEWEST_CELLS else 0.0


def within_launch(replicates: FloatArray, slices: int) -> Error | None:
    """Return the error of one launch's figure from its resampled slices; None for too few."""
    if slices < MIN_SLICES:
        return None
    return Error(float(np.std(replicates)) * sqrt(slices / (slices - 1)), slices - 1)


def mean_of_medians(
    series: Sequence[FloatArray], replicates: int = REPLICATES
) -> tuple[float, Error | None]:
    """Return the mean of the launches' medians, weighted by their slices, and its error.

    The median of a launch is not affected by single disturbed slices. Launches are averaged, as
    they are few and their differences have no outliers.

    Args:
        series: one number for each slice, by launch.
        replicates: resamples of the slices, if there is a single launch.
    """
    sizes = [len(launch) for launch in series]
    values = np.array([np.median(launch) for launch in series])
    if len(sizes) > 1:
        error: Error | None = between_launches(values, sizes)
    else:
        error = within_launch(medians(series[0], weights(sizes[0], replicates)), sizes[0])
    return float(np.average(values, weights=sizes)), error
