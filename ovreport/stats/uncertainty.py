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
(:mod:`ovreport.stats.machine`), the error has two parts: how the launches differ beside the
machine's speed, and how far the machine's speed meanwhile may be from that on the whole.

Where there is one launch, what launches differ by is not known at all. The interval is then that of
its slices, by bootstrap, and covers nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, sqrt
from statistics import NormalDist

import numpy as np

from ovreport.stats.bootstrap import REPLICATES, FloatArray, medians, weights

CONFIDENCE = 0.95
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
        """Of a sum or difference of two figures that know nothing of each other.

        B. L. Welch, *The generalization of Student's problem when several different population
        variances are involved*, Biometrika 34, 1947.
        """
        squares = self.deviation**2, other.deviation**2
        parts = squares[0] ** 2 / self.freedom + squares[1] ** 2 / other.freedom
        freedom = sum(squares) ** 2 / parts if parts else inf
        least, most = min(self.freedom, other.freedom), self.freedom + other.freedom
        return Error(sqrt(sum(squares)), int(min(most, max(least, freedom))))


def student(freedom: int) -> float:
    """Student's t that an interval of :data:`CONFIDENCE` reaches to either side.

    Abramowitz and Stegun, *Handbook of Mathematical Functions*, 26.7.5, which is off by 0.1 % at
    three degrees of freedom; for one and two the exact quantiles.
    """
    if freedom == 1:
        return float(np.tan(np.pi / 2 * CONFIDENCE))
    if freedom == 2:
        return CONFIDENCE * sqrt(2 / (1 - CONFIDENCE**2))
    z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    terms = (
        z,
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return float(sum(term / freedom**power for power, term in enumerate(terms)))


def between_launches(values: FloatArray, sizes: Sequence[int], typical: float = 0.0) -> Error:
    """Of a figure of several launches.

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
    """Of a launch, from the cells of a run; 0 for too few of them.

    It is the median, since one cell whose launches differ much says nothing about the others.
    """
    return float(np.median(deviations)) if len(deviations) >= _FEWEST_CELLS else 0.0


def within_launch(replicates: FloatArray, slices: int) -> Error | None:
    """Of a figure of one launch, from those of its resampled slices; None for too few slices."""
    if slices < MIN_SLICES:
        return None
    return Error(float(np.std(replicates)) * sqrt(slices / (slices - 1)), slices - 1)


def mean_of_medians(
    series: Sequence[FloatArray], replicates: int = REPLICATES
) -> tuple[float, Error | None]:
    """The medians of launches, averaged by their slices, and how far that may be off.

    A slice that was disturbed has no hold on the median of its launch; launches are few, and what
    they differ by has no outliers.

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
