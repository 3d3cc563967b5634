"""How far a figure may be off.

Requests of a slice depend on each other, and slices of a launch share its memory layout, so only
launches are independent draws. Each launch gives the figure for itself. With L of them, whose
standard deviation is s and whose shares of the slices are w, the figure of all is off by s·√Σw²
(s/√L where launches are alike), known with L − 1 degrees of freedom: its interval is Student's
(*The probable error of a mean*, Biometrika 6, 1908). That is exact for launches of the same length
and normal scatter, however much of it is of launches and of slices; for benchmarks, Kalibera and
Jones, *Rigorous Benchmarking in Reasonable Time* (ISMM 2013). A bootstrap of so few
launches is too narrow: three of them show two thirds of their variance, and not how little that is
known.

All launches share the machine, and its speed changes in time. Where a fixed computation shows how
(:mod:`ovreport.stats.machine_speed`), the error has two parts: how the launches differ beside the
machine's speed, and how far the machine's speed meanwhile may be from that on the whole.

Where there is one launch, what launches differ by is not known at all. The interval is then that of
its slices, by bootstrap, and covers nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import cos, inf, pi, sin, sqrt, tan

import numpy as np

from ovreport.stats.bootstrap import REPLICATES, FloatArray, medians, weights

CONFIDENCE = 0.95
# Two one-sided tests at 5 % call figures the same where the interval at 90 % lies within what does
# not matter: D. J. Schuirmann, *A comparison of the two one-sided tests procedure and the power
# approach*, Journal of Pharmacokinetics and Biopharmaceutics 15, 1987.
EQUIVALENCE = 0.90
# A report compares many figures, and where intervals are wide one in twenty has no 1 in it by
# chance: two are called different only where they are so at this confidence as well.
SURE = 0.99
# Halvings of a right angle: to the last digit of a number.
_HALVINGS = 60
# Of one launch, fewer slices than this have too few distinct resamples to speak of an interval.
MIN_SLICES = 5
# With fewer cells than this their median is as much chance as each of them.
_FEWEST_CELLS = 4
# Degrees of freedom that they count for, and how many times their deviation is still like theirs.
_TYPICAL, _ALIKE = 8, 2.0


@dataclass(frozen=True, slots=True)
class Error:
    """A standard error, and with how many degrees of freedom it is known."""

    deviation: float
    freedom: int

    @property
    def half_width(self) -> float:
        """Of the confidence interval."""
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
    """Student's t that an interval of this confidence reaches to either side."""
    low, high = 0.0, pi / 2  # of the angle whose tangent is t over the root of the freedom
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if _within(middle, freedom) < confidence else (low, middle)
    return tan(low) * sqrt(freedom)


def _within(angle: float, freedom: int) -> float:
    """The part of Student's distribution between -t and t: a finite sum.

    Abramowitz and Stegun, *Handbook of Mathematical Functions*, 26.7.3 and 26.7.4.
    """
    odd = freedom % 2
    term = cos(angle) if odd else 1.0
    total = 0.0
    for power in range(2 if odd else 1, freedom, 2):
        total += term
        term *= cos(angle) ** 2 * power / (power + 1)
    return (angle + sin(angle) * total) * 2 / pi if odd else sin(angle) * total


def between_launches(values: FloatArray, sizes: Sequence[int], typical: float = 0.0) -> Error:
    """Return the standard error of a figure that several launches measured.

    Args:
        values: the figure of each.
        sizes: slices of each.
        typical: standard deviation of launches of the run's other cells; 0: not known. Few launches
            may agree by chance, or differ, so it counts as much as some launches more, unless these
            differ far more (G. K. Smyth, *Linear models and empirical Bayes methods*, SAGMB 3,
            2004: the moderated t).
    """
    part = sqrt(float(np.sum((np.array(sizes) / sum(sizes)) ** 2)))
    own, freedom = float(np.std(values, ddof=1)), len(sizes) - 1
    if not typical or own > _ALIKE * typical:
        return Error(own * part, freedom)
    both = (freedom * own**2 + _TYPICAL * typical**2) / (freedom + _TYPICAL)
    return Error(sqrt(both) * part, freedom + _TYPICAL)


def typical_deviation(deviations: Sequence[float]) -> float:
    """Return the usual deviation of a launch, from the cells of a run; 0 for too few cells.

    It is the median, since one cell whose launches differ much says nothing about the others.
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
    """The medians of launches, averaged by their slices, and how far that may be off.

    A disturbed slice does not move the median of its launch. Launches are few, and their
    differences have no outliers.

    Args:
        series: one number for each slice, by launch.
    """
    sizes = [len(launch) for launch in series]
    values = np.array([np.median(launch) for launch in series])
    if len(sizes) > 1:
        error: Error | None = between_launches(values, sizes)
    else:
        error = within_launch(medians(series[0], weights(sizes[0], replicates)), sizes[0])
    return float(np.average(values, weights=sizes)), error
