"""Measures how much two answers to the same input differ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ovreport.outputs.classes import Classes, as_scores, best_classes, class_fields, sum_to_one
from ovreport.outputs.elements import (
    Truths,
    are_codes,
    comparable,
    differences,
    equal_elements,
    same_bits,
)
from ovreport.outputs.parts import Parts, channel_axes, finite
from ovreport.run import LayerDrift, OutputDrift, Reason

Array = NDArray[Any]
Numbers = NDArray[np.float64]
Places = NDArray[np.int64]
Shape = tuple[int, ...]

# The part of the error that a factor or an offset may leave unexplained.
_UNEXPLAINED = 0.1
# Fewer values than this may lie on a line by chance.
_LEAST_VALUES = 16
# The part of the error that may remain after sorting both: what rounding causes. It is small, as
# sorting removes most of a random error, too.
_UNEXPLAINED_SORTED = 1e-3


def output_drift(
    name: str,
    a: Sequence[Array],
    b: Sequence[Array],
    labels: Classes | None = None,
    types: tuple[str, str] = ("", ""),
) -> OutputDrift:
    """Measure how much one output differs between two versions that got the same inputs.

    Args:
        name: the output's.
        a: A's array for each input set.
        b: B's array for each input set.
        labels: the right class of each sample, in order, if this output is to be scored.
        types: element types as OpenVINO names them.
    """
    sums = OutputSums(one_unit=are_probabilities(a) and are_probabilities(b))
    identical = types[0] == types[1]
    for x, y in zip(a, b, strict=True):
        sums.add(x.ravel(), y.ravel(), (x.shape, y.shape), np.arange(x.size))
        identical = identical and same_bits(x, y)
    drift = sums.drift(name, types).model_copy(update={"identical": identical})
    scores, others = as_scores(a, name), as_scores(b, name)
    if drift.reason is not None or scores is None or others is None:
        return drift
    classes = class_fields(best_classes(scores), best_classes(others), scores.shape[1], labels)
    probabilities = sum_to_one(scores, 1) and sum_to_one(others, 1)
    return drift.model_copy(update={"probabilities": probabilities, **classes})


def are_probabilities(arrays: Sequence[Array]) -> bool:
    """Return whether values along an axis of channels sum to one."""
    return any(
        all(x.ndim > axis and x.dtype.kind == "f" and sum_to_one(x, axis) for x in arrays)
        for axis in channel_axes(arrays[0].shape)
    )


# ---------------------------------------------------------------------------- sums


@dataclass(frozen=True)
class _Sums:
    """Sums over the elements of two arrays, A and B, that are finite in both."""

    count: int = 0
    squares: float = 0.0
    """A²."""
    other_squares: float = 0.0
    """B²."""
    products: float = 0.0
    """A × B."""
    squared_errors: float = 0.0
    """(B − A)²."""
    change: float = 0.0
    """B − A."""
    errors: float = 0.0
    """|B − A|."""
    largest: float = 0.0
    """The largest |B − A|."""

    @classmethod
    def of(cls, x: Numbers, y: Numbers, d: Numbers) -> _Sums:
        return cls(
            count=x.size,
            squares=float(x @ x),
            other_squares=float(y @ y),
            products=float(x @ y),
            squared_errors=float(d @ d),
            change=float(d.sum()),
            errors=float(np.abs(d).sum()),
            largest=float(np.abs(d).max(initial=0.0)),
        )

    def __add__(self, other: _Sums) -> _Sums:
        return _Sums(
            self.count + other.count,
            self.squares + other.squares,
            self.other_squares + other.other_squares,
            self.products + other.products,
            self.squared_errors + other.squared_errors,
            self.change + other.change,
            self.errors + other.errors,
            max(self.largest, other.largest),
        )

    @property
    def cosine(self) -> float:
        """Cosine of the angle between A and B as vectors; exactly 1 if they are equal."""
        if not self.squared_errors:
            return 1.0
        lengths = (self.squares * self.other_squares) ** 0.5
        return min(1.0, finite(self.products / lengths)) if lengths else 0.0

    @property
    def relative(self) -> float:
        return relative_error(self.squared_errors, self.squares)

    @property
    def factor(self) -> float | None:
        """B / A by least squares, if that explains the difference."""
        if not self.squared_errors or not self.squares or self.count < _LEAST_VALUES:
            return None
        factor = self.products / self.squares
        rest = self.other_squares - factor * self.products
        return finite(factor) if rest <= _UNEXPLAINED**2 * self.squared_errors else None

    @property
    def offset(self) -> float | None:
        """The mean of B − A, if that explains the difference."""
        if not self.squared_errors or self.count < _LEAST_VALUES:
            return None
        offset = self.change / self.count
        rest = self.squared_errors - offset * self.change
        return finite(offset) if rest <= _UNEXPLAINED**2 * self.squared_errors else None


def relative_error(squared_errors: float, squares: float) -> float:
    """Return ‖B − A‖ / ‖A‖ from the sums of their squares; 1 if A is zero and B is not."""
    return finite((squared_errors / squares) ** 0.5) if squares else float(squared_errors > 0)


class OutputSums:
    """One output of two versions, compared input set by input set."""

    def __init__(self, *, one_unit: bool) -> None:
        """Start without a set.

        Args:
            one_unit: all channels have the same unit, as those of probabilities do.
        """
        self._one_unit = one_unit
        self._shapes: tuple[list[Shape], list[Shape]] = ([], [])
        self._sums: list[_Sums | None] = []
        self._reasons: set[Reason] = set()
        self._parts: Parts | None = None
        self._empty = self._elements = self._differing = 0
        self._not_finite = self._unequal_not_finite = 0
        self._cosine = 1.0
        self._numbers = False
        self._reordered: set[bool] = set()

    def add(self, a: Array, b: Array, shapes: tuple[Shape, Shape], places: Places) -> None:
        """Add one set, or a sample of its elements.

        Args:
            a: A's elements, flat.
            b: B's elements, flat.
            shapes: shapes of both whole outputs.
            places: places of the given elements in the flat output, if the shapes agree.
        """
        for side, shape in zip(self._shapes, shapes, strict=True):
            side.append(shape)
        self._sums.append(None)
        if shapes[0] != shapes[1]:
            self._reasons.add("shape")
        elif not comparable(a, b):
            self._reasons.add("type")
        else:
            # Squares of very large doubles overflow to infinity; the figures are bounded later.
            with np.errstate(over="ignore", invalid="ignore"):
                self._compare(a, b, shapes[0], places)

    def _compare(self, a: Array, b: Array, shape: Shape, places: Places) -> None:
        same = equal_elements(a, b)
        self._empty += not a.size
        self._elements += a.size
        self._differing += a.size - int(same.sum())
        if a.dtype.kind in "SU":
            self._sums[-1] = _Sums()
            return
        finite = _finite_in(a) & _finite_in(b)
        self._not_finite += int((~finite).sum())
        self._unequal_not_finite += int((~finite & ~same).sum())
        x, y = (side[finite].astype(np.float64) for side in (a, b))
        d = differences(a[finite], b[finite])
        sums = self._sums[-1] = _Sums.of(x, y, d)
        if are_codes(a) and are_codes(b):
            return
        self._numbers = True
        # Without an element that is finite in both, equal infinities are equal.
        alike = sums.count or same.all()
        self._cosine = min(self._cosine, sums.cosine if alike else 0.0)
        if sums.squared_errors:
            self._reordered.add(_is_reordered(x, y, d))
        self._parts = self._parts or Parts(shape)
        self._parts.add(shape, places[finite], x, d)

    def drift(self, name: str, types: tuple[str, str] = ("", "")) -> OutputDrift:
        """Return the differences over all sets."""
        compared = [sums for sums in self._sums if sums is not None]
        drift = OutputDrift(
            name=name,
            shapes=self._shape_texts(),
            types=types,
            reason=next(iter(sorted(self._reasons)), None),
            sets=(len(compared), len(self._sums)),
        )
        if not compared:
            return drift
        total = sum(compared, _Sums())
        counts: dict[str, object] = {
            "empty_sets": self._empty,
            "elements": self._elements,
            "differing": self._differing,
            "not_finite": self._not_finite,
            "unequal_not_finite": self._unequal_not_finite,
        }
        if self._numbers and self._elements:
            counts["cosine"] = self._cosine
        if total.count:
            counts["max_abs"] = finite(total.largest)
            counts["mean_abs"] = finite(total.errors / total.count)
            counts |= self._relative(total) if self._numbers else {}
        return drift.model_copy(update=counts)

    def _relative(self, total: _Sums) -> dict[str, object]:
        assert self._parts is not None
        return {
            "relative": total.relative,
            "worst_set": self._worst_set(total),
            "worst_part": self._parts.worst(one_unit=self._one_unit)
            if total.squared_errors
            else None,
            "factor": total.factor,
            "offset": total.offset,
            "reordered": self._reordered == {True},
        }

    def _worst_set(self, total: _Sums) -> tuple[int, float]:
        """Return the set with the largest relative error, and this error.

        It is relative to the size of A in that set, or in all sets if that is larger.
        """
        mean = total.squares / total.count
        errors = [
            relative_error(sums.squared_errors, max(sums.squares, mean * sums.count))
            if sums is not None and sums.count
            else 0.0
            for sums in self._sums
        ]
        worst = int(np.argmax(errors))
        return worst, errors[worst]

    def _shape_texts(self) -> tuple[str, str]:
        """Return the shapes of the first set whose shapes differ, else the shape of all."""
        pairs = zip(*self._shapes, strict=True)
        differing = next(((a, b) for a, b in pairs if a != b), None)
        if differing is not None:
            return shape_text(differing[0]), shape_text(differing[1])
        text = common_shape(self._shapes[0])
        return text, text


def _finite_in(array: Array) -> Truths:
    return np.isfinite(array) if array.dtype.kind == "f" else np.ones(array.shape, np.bool_)


def _is_reordered(x: Numbers, y: Numbers, d: Numbers) -> bool:
    """Return whether sorting removes the error, so that both hold the same values."""
    rest = np.sort(y) - np.sort(x)
    return float(np.linalg.norm(rest)) <= _UNEXPLAINED_SORTED * float(np.linalg.norm(d))


# ---------------------------------------------------------------------------- layers


class LayerSums:
    """The output of a layer in both versions, compared input set by input set.

    Comparing all sets at once would need memory for every activation of the model in every set.
    """

    def __init__(self, name: str, type: str) -> None:
        self._name, self._type = name, type
        self._total = _Sums()
        self._cosine = 1.0
        self._comparable = True

    def add(self, a: Array, b: Array) -> None:
        """Add the layer's output of both versions for one input set.

        The layer is not comparable if shapes differ or if no element is finite in both.
        """
        if a.shape != b.shape or {a.dtype.kind, b.dtype.kind} - {*"fiu"}:
            self._comparable = False
            return
        both = _finite_in(a) & _finite_in(b)
        x, y = a[both], b[both]
        with np.errstate(over="ignore", invalid="ignore"):
            sums = _Sums.of(x.astype(np.float64), y.astype(np.float64), differences(x, y))
        self._comparable = self._comparable and sums.count > 0
        self._total += sums
        self._cosine = min(self._cosine, sums.cosine)

    def drift(self) -> LayerDrift | None:
        """Return the differences over all sets; None if they could not be compared."""
        if not self._comparable or not self._total.count:
            return None
        return LayerDrift(
            name=self._name,
            type=self._type,
            cosine=self._cosine,
            relative=self._total.relative,
            max_abs=finite(self._total.largest),
        )


# ---------------------------------------------------------------------------- shapes


def shape_text(shape: Sequence[int]) -> str:
    """Return a shape as OpenVINO prints it: ``[1,1000]``."""
    return f"[{','.join(map(str, shape))}]"


def common_shape(shapes: Sequence[Shape]) -> str:
    """Return the shape of several arrays, with ``?`` for extents that vary."""
    return f"[{','.join(_common_extents(shapes))}]"


def _common_extents(shapes: Sequence[Shape]) -> Iterator[str]:
    if len({len(shape) for shape in shapes}) > 1:
        yield "..."
        return
    for extents in zip(*shapes, strict=True):
        yield str(extents[0]) if len({*extents}) == 1 else "?"
