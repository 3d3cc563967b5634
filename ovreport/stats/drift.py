"""How far two answers to the same question are apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ovreport.run import LayerDrift, OutputDrift

Array = NDArray[Any]
# Rows of an output that sum to one as closely as INT8 and f16 softmaxes do are probabilities.
_SUM_TOLERANCE = 0.02
# Without that sign, two-dimensional outputs of so many columns may be scores of classes.
_MIN_CLASSES = 10


def output_drift(
    name: str,
    a: Sequence[Array],
    b: Sequence[Array],
    labels: NDArray[np.int64] | None = None,
) -> OutputDrift:
    """One output of two versions over the same inputs.

    Args:
        a: an array for each input set.
        labels: the right class of each sample, in order, if this output is to be scored.
    """
    shapes = (_shape(a[0]), _shape(b[0]))
    if [x.shape for x in a] != [x.shape for x in b] or not a[0].size:
        return OutputDrift(name=name, shapes=shapes)
    drift = OutputDrift(
        name=name,
        shapes=shapes,
        cosine=min(cosine(x, y) for x, y in zip(a, b, strict=True)),
        not_finite=_not_finite(a, b),
        **_errors(a, b),
    )
    x, y = _as_scores(a), _as_scores(b)
    if x is None or y is None:
        return drift
    update: dict[str, object] = {
        "probabilities": _probabilities(x) and _probabilities(y),
        "top1": agreement(x, y, 1),
    }
    several = x.shape[1] > 5
    if several:
        update["top5"] = agreement(x, y, 5)
    if labels is not None and len(labels) == len(x):
        update["accuracy"] = (accuracy(x, labels, 1), accuracy(y, labels, 1))
        if several:
            update["accuracy5"] = (accuracy(x, labels, 5), accuracy(y, labels, 5))
    return drift.model_copy(update=update)


def layer_drift(name: str, type: str, a: Array, b: Array) -> LayerDrift | None:
    """What a layer puts out in both versions; None where shapes differ or it is no number."""
    if a.shape != b.shape or not a.size or a.dtype.kind not in "fiu" or b.dtype.kind not in "fiu":
        return None
    errors = _errors([a], [b])
    return LayerDrift(
        name=name,
        type=type,
        cosine=cosine(a, b),
        relative=errors["relative"],
        max_abs=errors["max_abs"],
    )


def cosine(a: Array, b: Array) -> float:
    """Of the angle between two arrays taken as vectors; exactly 1 for equal ones."""
    x, y = _flat(a), _flat(b)
    if np.array_equal(x, y):
        return 1.0
    lengths = float(np.linalg.norm(x) * np.linalg.norm(y))
    return min(1.0, float(x @ y) / lengths) if lengths else 0.0


def agreement(a: Array, b: Array, best: int) -> float:
    """Share of the best classes of A that are among the best of B, in any order."""
    pairs = zip(_best(a, best), _best(b, best), strict=True)
    return float(np.mean([len(set(x) & set(y)) / best for x, y in pairs]))


def accuracy(scores: Array, labels: NDArray[np.int64], best: int) -> float:
    """Share of samples whose right class is among the best."""
    found = _best(scores, best)
    return float(np.mean([label in row for label, row in zip(labels, found, strict=True)]))


def _errors(a: Sequence[Array], b: Sequence[Array]) -> dict[str, float]:
    """Largest and mean absolute error, and ‖B − A‖ / ‖A‖, over all elements finite in both."""
    x, y = (np.concatenate([_flat(one) for one in side]) for side in (a, b))
    apart = np.abs(y - x)
    length = float(np.linalg.norm(x))
    distance = float(np.linalg.norm(apart))
    return {
        "max_abs": float(apart.max()),
        "mean_abs": float(apart.mean()),
        "relative": distance / length if length else float(distance > 0),
    }


def _flat(array: Array) -> NDArray[np.float64]:
    """What is not finite counts as zero: it is counted by itself."""
    return np.nan_to_num(array.astype(np.float64).ravel(), posinf=0.0, neginf=0.0)


def _not_finite(a: Sequence[Array], b: Sequence[Array]) -> int:
    return sum(
        int(np.count_nonzero(~np.isfinite(x.astype(np.float64)) | ~np.isfinite(y)))
        for x, y in zip(a, b, strict=True)
    )


def _as_scores(arrays: Sequence[Array]) -> Array | None:
    """[samples, classes] if an output may be that; extents of one behind do not matter."""
    if any(x.ndim < 2 or int(np.prod(x.shape[2:])) != 1 or x.dtype.kind != "f" for x in arrays):
        return None
    scores = np.concatenate([x.reshape(x.shape[0], x.shape[1]) for x in arrays])
    wide = scores.shape[1] >= _MIN_CLASSES
    return scores if wide or (scores.shape[1] > 1 and _probabilities(scores)) else None


def _probabilities(scores: Array) -> bool:
    sums = scores.sum(axis=1)
    return bool((scores >= 0).all() and (np.abs(sums - 1) <= _SUM_TOLERANCE).all())


def _best(scores: Array, count: int) -> NDArray[np.int64]:
    """Classes with the highest scores, [samples, count]; of equal ones the first."""
    return np.asarray(np.argsort(-scores, axis=1, kind="stable")[:, :count], dtype=np.int64)


def _shape(array: Array) -> str:
    return f"[{','.join(map(str, array.shape))}]"
