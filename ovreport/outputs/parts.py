"""In which part of an output, such as one of its channels, two versions differ most.

An error over a whole output is that of its largest values: a detector that puts boxes up to 320 and
scores up to 0.03 into one tensor may have all scores wrong at an error of 0.1 %. So errors are also
taken index by index along every axis.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ovreport.run import WorstPart

Numbers = NDArray[np.float64]

# Fewer values do not tell how large a channel is: one score near zero is off by any percentage.
_LEAST_VALUES = 32
# A part that holds nearly all of the error, and is another answer by itself, is where the error is.
# Of a large output few elements are kept, and a part along another axis, of which one wrong element
# is kept, has as large an error.
_HOLDS_ALL, _ANOTHER_ANSWER = 0.9, 0.44
# What f32 rounds an output by, 2^-23, and some: below it a channel has no size of its own.
_ROUNDING = 1e-6


def channel_axes(shape: Sequence[int]) -> tuple[int, ...]:
    """Axes whose indices may have units of their own; the first axis is the batch.

    Outputs name no layout, so the shape tells: ``[1,C,H,W]`` and ``[1,H,W,C]`` by the two extents
    that are equal, ``[1,C,N]`` and ``[1,N,C]`` by the smaller one.
    """
    rank = len(shape)
    if rank < 2:
        return ()
    candidates = [
        axis
        for axis in dict.fromkeys((1, rank - 1))
        if shape[axis] > 1 and not _is_spatial(axis, shape)
    ]
    if not candidates:
        return (1,)
    if rank > 4:  # anchors and channels, such as [1,3,80,80,85]
        return tuple(candidates)
    return (min(candidates, key=lambda axis: shape[axis]),)


def _is_spatial(axis: int, shape: Sequence[int]) -> bool:
    """Whether it is one of two neighbours of one extent, as height and width are."""
    if len(shape) < 4:
        return False
    return any(
        shape[axis] == shape[other] for other in (axis - 1, axis + 1) if 0 < other < len(shape)
    )


class Parts:
    """Squares of values and of differences, by index along each axis, summed set by set."""

    def __init__(self, shape: Sequence[int]) -> None:
        self._shape = tuple(shape)
        self._channels = channel_axes(shape)
        self._sums: dict[int, Numbers] = {
            axis: np.zeros((3, 0)) for axis, extent in enumerate(shape) if extent > 1
        }

    def add(
        self,
        shape: Sequence[int],
        places: NDArray[np.int64],
        values: Numbers,
        differences: Numbers,
    ) -> None:
        """One set.

        Args:
            shape: of the whole output.
            places: in the flat output, of the elements that follow.
        """
        if len(shape) != len(self._shape):
            return
        for axis in self._sums:
            inner = int(np.prod(shape[axis + 1 :], dtype=np.int64))
            index = places // inner % shape[axis]
            found = [
                np.bincount(index, weights, minlength=shape[axis])
                for weights in (None, values * values, differences * differences)
            ]
            self._sums[axis] = _sum_of(self._sums[axis], np.array(found, dtype=np.float64))

    def worst(self, *, one_unit: bool) -> WorstPart | None:
        """The part with the largest error; None where there is a single part.

        An error is relative to the size of the whole output, or of the part if that is larger, as
        most outputs are of one unit. Along an axis of channels it is relative to the part's own
        size, if enough values tell it.

        Args:
            one_unit: channels have no units of their own, as those of probabilities.
        """
        found = [
            self._along(axis, own=axis in self._channels and not one_unit) for axis in self._sums
        ]
        _, worst = max(
            (part for part in found if part is not None),
            key=lambda part: (_is_cause(*part), part[1].relative),
            default=(0.0, None),
        )
        return worst

    def _along(self, axis: int, *, own: bool) -> tuple[float, WorstPart] | None:
        """The worst part along an axis, after its share of all squared errors."""
        counts, squares, apart = self._sums[axis]
        if (counts > 0).sum() < 2:
            return None
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            whole = np.sqrt(squares.sum() / counts.sum())
            sizes, errors = (np.sqrt(sums / np.maximum(counts, 1)) for sums in (squares, apart))
            known = (counts >= _LEAST_VALUES) & (sizes > _ROUNDING * whole)
            scales = np.where(known, sizes, whole) if own else np.maximum(sizes, whole)
            # Where A is zero and B is not, the error is all there is.
            quotients = np.where(scales > 0, np.nan_to_num(errors / scales, nan=1.0), 1.0)
            relative = np.where(errors > 0, quotients, 0.0)
            index = int(relative.argmax())
            share = finite(apart[index] / apart.sum()) if apart.any() else 0.0
        others = (counts > 0) & (np.arange(len(counts)) != index)
        places = [str(index) if n == axis else ":" for n in range(len(self._shape))]
        return share, WorstPart(
            where=f"[{','.join(places)}]",
            relative=finite(relative[index]),
            typical=finite(np.median(relative[others])),
            error=finite(errors[index]),
            typical_error=finite(np.median(errors[others])),
            size=finite(sizes[index]),
            whole_size=finite(whole),
        )


def _is_cause(share: float, part: WorstPart) -> bool:
    return share >= _HOLDS_ALL and part.relative >= _ANOTHER_ANSWER


def _sum_of(a: Numbers, b: Numbers) -> Numbers:
    """Of sums by index, of which either may have more."""
    longest = max(a.shape[1], b.shape[1])
    return np.asarray(sum(np.pad(x, ((0, 0), (0, longest - x.shape[1]))) for x in (a, b)))


def finite(value: Any) -> float:
    """A figure as a run file holds it: what is too large for a float is the largest one."""
    return float(np.nan_to_num(value, nan=1.0))
