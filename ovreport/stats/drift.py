"""How far two answers to the same question are apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ovreport.run import LayerDrift, OutputDrift

Array = NDArray[Any]
Classes = NDArray[np.int64]
BEST = 5
# Rows of an output that sum to one as closely as INT8 and f16 softmaxes do are probabilities.
_SUM_TOLERANCE = 0.02
# Without that sign, two-dimensional outputs of so many columns may be scores of classes.
_MIN_CLASSES = 10


def output_drift(
    name: str,
    a: Sequence[Array],
    b: Sequence[Array],
    labels: Classes | None = None,
) -> OutputDrift:
    """One output of two versions over the same inputs.

    Args:
        a: an array for each input set.
        labels: the right class of each sample, in order, if this output is to be scored.
    """
    shapes = (shape_text(a[0]), shape_text(b[0]))
    if [x.shape for x in a] != [x.shape for x in b] or not a[0].size:
        return OutputDrift(name=name, shapes=shapes)
    update = errors_of(a, b)
    x, y = as_scores(a), as_scores(b)
    if x is not None and y is not None:
        update["probabilities"] = probabilities(x) and probabilities(y)
        update |= agreements(best_classes(x), best_classes(y), x.shape[1], labels)
    return OutputDrift(name=name, shapes=shapes).model_copy(update=update)


def errors_of(a: Sequence[Array], b: Sequence[Array]) -> dict[str, object]:
    """Fields of :class:`OutputDrift` about the values of all input sets."""
    return {
        "cosine": min(cosine(x, y) for x, y in zip(a, b, strict=True)),
        "not_finite": _not_finite(a, b),
        **_errors(a, b),
    }


def agreements(
    a: Classes, b: Classes, classes: int, labels: Classes | None = None
) -> dict[str, object]:
    """Fields of :class:`OutputDrift` about the best classes of each sample, [samples, best]."""
    update: dict[str, object] = {"top1": agreement(a, b, 1)}
    several = classes > BEST
    if several:
        update["top5"] = agreement(a, b, BEST)
    if labels is not None and len(labels) == len(a):
        update["accuracy"] = (accuracy(a, labels, 1), accuracy(b, labels, 1))
        if several:
            update["accuracy5"] = (accuracy(a, labels, BEST), accuracy(b, labels, BEST))
    return update


class LayerSums:
    """What a layer puts out in both versions, compared input set by input set.

    All sets at once would need the memory of every activation of a model times their number.
    """

    def __init__(self, name: str, type: str) -> None:
        self._name, self._type = name, type
        self._squares = self._apart = self._largest = 0.0
        self._cosine = 1.0
        self._sets = 0
        self._comparable = True

    def add(self, a: Array, b: Array) -> None:
        """One set; of other shapes, or without an element finite in both, nothing can be said."""
        if a.shape != b.shape or not a.size or {a.dtype.kind, b.dtype.kind} - {*"fiu"}:
            self._comparable = False
            return
        x, y = _finite(a, b)
        if not x.size:
            self._comparable = False
            return
        self._sets += 1
        self._squares += float(x @ x)
        self._apart += float((y - x) @ (y - x))
        self._largest = max(self._largest, float(np.abs(y - x).max()))
        self._cosine = min(self._cosine, cosine(a, b))

    def drift(self) -> LayerDrift | None:
        """Over all sets; None where they could not be compared."""
        if not self._comparable or not self._sets:
            return None
        return LayerDrift(
            name=self._name,
            type=self._type,
            cosine=self._cosine,
            relative=_relative(self._apart**0.5, self._squares**0.5),
            max_abs=self._largest,
        )


def cosine(a: Array, b: Array) -> float:
    """Of the angle between two arrays taken as vectors; exactly 1 for equal ones.

    Of the elements that are finite in both; where there are none, equal infinities are equal.
    """
    x, y = _finite(a, b)
    if np.array_equal(x, y) if x.size else np.array_equal(a, b, equal_nan=True):
        return 1.0
    lengths = float(np.linalg.norm(x) * np.linalg.norm(y))
    return min(1.0, float(x @ y) / lengths) if lengths else 0.0


def agreement(a: Classes, b: Classes, best: int) -> float:
    """Share of the best classes of A that are among the best of B, in any order."""
    pairs = zip(a[:, :best], b[:, :best], strict=True)
    return float(np.mean([len(set(x) & set(y)) / best for x, y in pairs]))


def accuracy(classes: Classes, labels: Classes, best: int) -> float:
    """Share of samples whose right class is among the best."""
    pairs = zip(labels, classes[:, :best], strict=True)
    return float(np.mean([label in row for label, row in pairs]))


def best_classes(scores: Array) -> Classes:
    """The five classes with the highest scores, [samples, 5], best first; of equal ones the first.

    Of fewer classes all.
    """
    order = np.argsort(-scores, axis=1, kind="stable")
    return np.asarray(order[:, :BEST], dtype=np.int64)


def _errors(a: Sequence[Array], b: Sequence[Array]) -> dict[str, float]:
    """Largest and mean absolute error, and ‖B − A‖ / ‖A‖, over all elements finite in both.

    Nothing where there are none.
    """
    pairs = [_finite(x, y) for x, y in zip(a, b, strict=True)]
    x, y = (np.concatenate(side) for side in zip(*pairs, strict=True))
    if not x.size:
        return {}
    apart = np.abs(y - x)
    length = float(np.linalg.norm(x))
    distance = float(np.linalg.norm(apart))
    return {
        "max_abs": float(apart.max()),
        "mean_abs": float(apart.mean()),
        "relative": _relative(distance, length),
    }


def _relative(distance: float, length: float) -> float:
    return distance / length if length else float(distance > 0)


def _finite(a: Array, b: Array) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The elements that are finite in both, flat; the others are counted by themselves."""
    x, y = a.astype(np.float64).ravel(), b.astype(np.float64).ravel()
    kept = np.isfinite(x) & np.isfinite(y)
    return x[kept], y[kept]


def _not_finite(a: Sequence[Array], b: Sequence[Array]) -> int:
    return sum(x.size - _finite(x, y)[0].size for x, y in zip(a, b, strict=True))


def as_scores(arrays: Sequence[Array]) -> Array | None:
    """[samples, classes] if an output may be that; extents of one behind do not matter."""
    if any(x.ndim < 2 or int(np.prod(x.shape[2:])) != 1 or x.dtype.kind != "f" for x in arrays):
        return None
    scores = np.concatenate([x.reshape(x.shape[0], x.shape[1]) for x in arrays])
    wide = scores.shape[1] >= _MIN_CLASSES
    return scores if wide or (scores.shape[1] > 1 and probabilities(scores)) else None


def probabilities(scores: Array) -> bool:
    """Whether the scores of every sample sum to one."""
    sums = scores.sum(axis=1)
    return bool((scores >= 0).all() and (np.abs(sums - 1) <= _SUM_TOLERANCE).all())


def shape_text(array: Array) -> str:
    """As OpenVINO prints it: ``[1,1000]``."""
    return f"[{','.join(map(str, array.shape))}]"
