"""Finds warm-up, drift, outliers and modes of a series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import erfc, expm1, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]

# Most batches of a series for finding its warm-up, which they locate to 1 % of the series.
_BATCHES = 100
# Most batches for finding drift: without a limit, pairs of an hour's slices would take gigabytes.
_PAIRED = 500
# Fewer batches than this cannot show where the steady state begins.
_LEAST = 6
# A warm-up that changes the mean by a smaller fraction is ignored.
_MATTERS = 0.005


def warm_up(latencies: ArrayLike) -> int | None:
    """Return the number of requests before the steady state.

    The truncation minimises the error of the mean of the rest, ``sum((x - mean)²) / n²`` (MSER:
    K. P. White, *An effective truncation heuristic for bias reduction in simulation output*,
    Simulation 69(6), 1997; in batches: White, Cobb and Spratt, *A comparison of five steady-state
    truncation heuristics for simulation*, WSC 2000). A batch is represented by its median instead
    of its mean, since a single interrupted request is no warm-up.

    Args:
        latencies: shape [requests].

    Returns:
        None if the truncation is in the second half, as the series is too short.
    """
    values = np.asarray(latencies, dtype=np.float64)
    batches, size = _batches(values, _BATCHES)
    if len(batches) < _LEAST:
        return None
    left = np.arange(len(batches), 0, -1)
    centre = batches.mean()
    sums = np.cumsum((batches - centre)[::-1])[::-1]
    squares = np.cumsum((batches - centre)[::-1] ** 2)[::-1]
    score = (squares - sums**2 / left) / left**2
    # A truncation near the end is excluded: a few values may agree by chance.
    best = int(np.argmin(score[: -(_LEAST // 2)]))
    if abs(sums[best] / left[best]) < _MATTERS * centre:
        return 0
    return best * size if best <= len(batches) / 2 else None


def _batches(values: FloatArray, most: int) -> tuple[FloatArray, int]:
    """Return medians of equal parts of a series, and the size of a part.

    Values at the end that do not fill a part are left out.

    Args:
        values: the series.
        most: the largest number of parts.
    """
    size = max(1, -(-len(values) // most))
    whole = len(values) // size * size
    return np.median(values[:whole].reshape(-1, size), axis=1), size


def drift(values: Sequence[float]) -> float:
    """Return the relative change over a positive series; 0 if it may be chance.

    The change is the median of all pairwise slopes (P. K. Sen, *Estimates of the regression
    coefficient based on Kendall's tau*, JASA 63, 1968) of logarithms, so that it stays above −1.
    Chance is excluded by the Mann-Kendall test at 1 % (H. B. Mann, *Nonparametric tests against
    trend*, Econometrica 13, 1945), which does not depend on the logarithm.
    """
    series, _ = _batches(np.log(np.asarray(values, dtype=np.float64)), _PAIRED)
    count = len(series)
    if count < 8:  # the test's normal approximation needs at least 8
        return 0.0
    first, second = np.triu_indices(count, 1)
    rises = series[second] - series[first]
    deviation = sqrt(count * (count - 1) * (2 * count + 5) / 18)
    score = (abs(float(np.sign(rises).sum())) - 1) / deviation
    if erfc(max(score, 0.0) / sqrt(2)) > 0.01:
        return 0.0
    slope = float(np.median(rises / (second - first)))
    return expm1(slope * (count - 1))


@dataclass(frozen=True, slots=True)
class Outliers:
    """The ``count`` requests above ``fence``, which account for ``share`` of the mean."""

    count: int
    fence: float
    share: float


def outliers(latencies: ArrayLike) -> Outliers:
    """Return requests that are "far out", three interquartile ranges above the third quartile.

    J. W. Tukey, *Exploratory Data Analysis*, 1977.
    """
    values = np.asarray(latencies, dtype=np.float64)
    lower, median, upper = np.quantile(values, [0.25, 0.5, 0.75])
    fence = float(upper + 3 * (upper - lower))
    far = values[values > fence]
    excess = float((far - median).sum())
    return Outliers(len(far), fence, excess / float(values.sum()))


@dataclass(frozen=True, slots=True)
class Modes:
    """Two groups of latencies with few between them."""

    low: float
    high: float
    split: float
    """The least dense point between them."""
    high_share: float
    """Fraction of the requests above ``split``."""


def modes(latencies: ArrayLike) -> Modes | None:
    """Return the two groups of latencies, or None if there is one group.

    There are two if a kernel density of the logarithms has two peaks that differ by at least 5 %,
    each with a tenth of the requests, and falls between them to half of the lower peak. Silverman's
    rule sets the width of the kernel, which for two groups is rather too wide than too narrow (B.
    W. Silverman, *Density Estimation*, 1986, section 3.4).
    """
    values = np.log(np.sort(np.asarray(latencies, dtype=np.float64)))
    if len(values) < 50:
        return None
    bottom, lower, upper, top = np.quantile(values, [0.005, 0.25, 0.75, 0.995])
    kept = values[(values >= bottom) & (values <= top)]
    width = 0.9 * min(float(kept.std()), float(upper - lower) / 1.34) * len(kept) ** -0.2
    if width <= 0:
        return None
    edges = np.linspace(bottom - 3 * width, top + 3 * width, 513)
    step = edges[1] - edges[0]
    reach = np.arange(-4 * width, 4 * width + step, step)
    kernel = np.exp(-0.5 * (reach / width) ** 2)
    density = np.convolve(np.histogram(kept, edges)[0], kernel, mode="same")
    return _two_peaks(density, (edges[:-1] + edges[1:]) / 2, kept)


def _two_peaks(density: FloatArray, places: FloatArray, kept: FloatArray) -> Modes | None:
    inner = density[1:-1]
    peaks = np.flatnonzero((inner > density[:-2]) & (inner >= density[2:])) + 1
    main = int(peaks[np.argmax(density[peaks])])
    best: tuple[float, Modes] | None = None
    for other in map(int, peaks):
        first, second = sorted((main, other))
        if places[second] - places[first] < np.log(1.05):
            continue
        valley = first + int(np.argmin(density[first : second + 1]))
        above = float((kept > places[valley]).mean())
        is_shallow = density[valley] > density[other] / 2
        if is_shallow or not 0.1 <= above <= 0.9:
            continue
        low, high, split = (float(np.exp(places[place])) for place in (first, second, valley))
        if best is None or density[other] > best[0]:
            best = (float(density[other]), Modes(low, high, split, above))
    return best[1] if best else None
