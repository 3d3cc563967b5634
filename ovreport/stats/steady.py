"""Where the steady state of a series begins, and what disturbs it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import erfc, expm1, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]

# A series is cut into so many batches at most: enough to place its beginning to a percent of it.
_BATCHES = 100
# And to follow its course: the pairs of more would take gigabytes for an hour of slices.
_PAIRED = 500
# Fewer values than these cannot show where they become steady.
_LEAST = 6
# A beginning that moves the mean by less is not worth cutting off.
_MATTERS = 0.005


def warm_up(latencies: ArrayLike) -> int | None:
    """How many requests at the start do not belong to the steady state, shape [requests].

    The truncation that makes the mean of the rest best known: it has the least
    ``sum((x - mean)²) / n²`` (MSER: K. P. White, *An effective truncation heuristic for bias
    reduction in simulation output*, Simulation 69(6), 1997; in batches: White, Cobb and Spratt,
    *A comparison of five steady-state truncation heuristics for simulation*, WSC 2000). A batch
    is its median instead of its mean, since one interrupted request is no warm-up.

    Returns:
        None where the truncation would be in the second half: the series is too short to tell.
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
    # The last few always look steady among themselves.
    best = int(np.argmin(score[: -(_LEAST // 2)]))
    if abs(sums[best] / left[best]) < _MATTERS * centre:
        return 0
    return best * size if best <= len(batches) / 2 else None


def _batches(values: FloatArray, most: int) -> tuple[FloatArray, int]:
    """Medians of equal parts of a series, no more than so many, and the size of a part.

    Values that do not fill a part at the end are left out.
    """
    size = max(1, -(-len(values) // most))
    whole = len(values) // size * size
    return np.median(values[:whole].reshape(-1, size), axis=1), size


def drift(values: Sequence[float]) -> float:
    """Relative change from the first to the last of a positive series; 0 where it may be chance.

    Size: the median of all pairwise slopes (P. K. Sen, *Estimates of the regression coefficient
    based on Kendall's tau*, JASA 63, 1968), of logarithms, so that what falls never falls below
    nothing. Chance: the Mann-Kendall test at 1 % (H. B. Mann, *Nonparametric tests against trend*,
    Econometrica 13, 1945), for which logarithms change nothing.
    """
    series, _ = _batches(np.log(np.asarray(values, dtype=np.float64)), _PAIRED)
    count = len(series)
    if count < 8:  # the test's normal approximation needs as many
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
    """Requests above ``fence``: ``count`` of them, which add ``share`` to the mean."""

    count: int
    fence: float
    share: float


def outliers(latencies: ArrayLike) -> Outliers:
    """Requests "far out": three interquartile ranges above the third quartile.

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
    """Least dense point between them."""
    high_share: float
    """Fraction of the requests above it."""


def modes(latencies: ArrayLike) -> Modes | None:
    """The two groups that latencies fall into, or None if there is one.

    A kernel density of their logarithms has two peaks, at least 5 % apart, each a tenth of the
    requests, and falls between them to half of the lesser peak. Silverman's rule sets the width
    of the kernel, which is too wide rather than too narrow where there are two groups (B. W.
    Silverman, *Density Estimation*, 1986, section 3.4).
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
        shallow = density[valley] > density[other] / 2
        if shallow or not 0.1 <= above <= 0.9:
            continue
        low, high, split = (float(np.exp(places[place])) for place in (first, second, valley))
        found = Modes(low, high, split, above)
        if best is None or density[other] > best[0]:
            best = (float(density[other]), found)
    return best[1] if best else None
