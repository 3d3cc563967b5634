"""Finds the part of an output, such as a channel, in which two versions differ most.

The error of a whole output is dominated by its largest values: if a detector puts boxes up to 320
and scores up to 0.03 into one tensor, all scores may be wrong at an error of 0.1 %. So errors are
also computed for each index of each axis.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ovreport.run import WorstPart

Numbers = NDArray[np.float64]

# Fewer values than this do not show a channel's size: one score near 0 may have any relative error.
_LEAST_VALUES = 32
# If a part has nearly all of the error and is a different answer by itself, it is the cause. Few
# elements of a large output are kept, so a part along another axis, of which a single wrong element
# was kept, may have as large an error.
_NEARLY_ALL, _DIFFERENT_ERROR = 0.9, 0.44
# Somewhat more than the rounding of f32, 2^-23. A smaller channel may consist of rounding errors.
_ROUNDING = 1e-6


def channel_axes(shape: Sequence[int]) -> tuple[int, ...]:
    """Return the axes whose indices may have different units; the first axis is the batch.

    Outputs have no layout, so the shape decides: in ``[1,C,H,W]`` and ``[1,H,W,C]`` two equal
    extents are height and width, in ``[1,C,N]`` and ``[1,N,C]`` the smaller extent is that of the
    channels.
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
    """Return whether a neighbouring axis has the same extent, as height and width do."""
    if len(shape) < 4:
        return False
    return any(
        shape[axis] == shape[other] for other in (axis - 1, axis + 1) if 0 < other < len(shape)
    )


class Parts:
    """Sums of squared values and squared differences by index of each axis, over all sets."""

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
        """Add one set.

        Args:
            shape: shape of the whole output.
            places: places of the elements in the flat output.
            values: A's elements.
            differences: B − A.
        """
        if len(shape) != len(self._shape):
            return
        for axis in self._sums:
            inner = int(np.prod(shape[axis + 1 :], dtype=np.int64))
            index = places // inner % shape[axis]
            sums = [
                np.bincount(index, weights, minlength=shape[axis])
                for weights in (None, values * values, differences * differences)
            ]
            self._sums[axis] = _sum_of(self._sums[axis], np.array(sums, dtype=np.float64))

    def worst(self, *, one_unit: bool) -> WorstPart | None:
        """Return the part with the largest relative error; None if there is a single part.

        The error is relative to the size of the whole output, or of the part if that is larger, as
        most outputs have one unit. Along an axis of channels it is relative to the size of the
        part, if there are enough values.

        Args:
            one_unit: all channels have the same unit, as those of probabilities do.
        """
        parts = [
            self._worst_along(axis, to_part=axis in self._channels and not one_unit)
            for axis in self._sums
        ]
        _, worst = max(
            (part for part in parts if part is not None),
            key=lambda part: (_is_cause(*part), part[1].relative),
            default=(0.0, None),
        )
        return worst

    def _worst_along(self, axis: int, *, to_part: bool) -> tuple[float, WorstPart] | None:
        """Return the worst part along an axis, with its share of all squared errors.

        Args:
            axis: the axis.
            to_part: errors are relative to the size of the part.
        """
        counts, squares, squared_errors = self._sums[axis]
        if (counts > 0).sum() < 2:
            return None
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            whole = np.sqrt(squares.sum() / counts.sum())
            sizes, errors = (
                np.sqrt(sums / np.maximum(counts, 1)) for sums in (squares, squared_errors)
            )
            has_size = (counts >= _LEAST_VALUES) & (sizes > _ROUNDING * whole)
            scales = np.where(has_size, sizes, whole) if to_part else np.maximum(sizes, whole)
            # The relative error is 1 if A is zero and B is not.
            quotients = np.where(scales > 0, np.nan_to_num(errors / scales, nan=1.0), 1.0)
            relative = np.where(errors > 0, quotients, 0.0)
            index = int(relative.argmax())
            total = squared_errors.sum()
            share = finite(squared_errors[index] / total) if total else 0.0
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
    return share >= _NEARLY_ALL and part.relative >= _DIFFERENT_ERROR


def _sum_of(a: Numbers, b: Numbers) -> Numbers:
    """Add sums by index, shape [3, indices], of which either may have more indices."""
    longest = max(a.shape[1], b.shape[1])
    return np.asarray(sum(np.pad(x, ((0, 0), (0, longest - x.shape[1]))) for x in (a, b)))


def finite(value: Any) -> float:
    """Return a finite figure, as a run file needs it: infinity becomes the largest float, NaN 1."""
    return float(np.nan_to_num(value, nan=1.0))
