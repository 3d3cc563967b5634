"""Answers as a run file keeps them, so that runs of different times can be compared.

A run file must stay small whatever a model puts out, so of large outputs some elements are kept:
places along the golden ratio, which are spread evenly however many they are, so that fewer of them
are the first ones of more. Errors and similarities over them are those of a sample. What digests of
all elements tell is exact: whether answers are equal to the bit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ovreport.run import OutputDrift, Port, RecordedOutput
from ovreport.stats.drift import (
    agreements,
    as_scores,
    best_classes,
    errors_of,
    probabilities,
    shape_text,
)

Array = NDArray[Any]

# Of all outputs and input sets of a version together: 64 KiB, and eight times 1,000 class scores
# are kept whole.
KEPT_VALUES = 16_384
_LEAST_VALUES = 16
# More samples than this do not make an agreement of classes better known than ±1.5 %.
_MOST_SAMPLES = 4096
_GOLDEN = (5**0.5 - 1) / 2


def digest(arrays: Sequence[Array]) -> str:
    """Of shapes, element types and values."""
    content = hashlib.sha256()
    for array in arrays:
        content.update(f"{array.dtype.str}{array.shape}".encode())
        content.update(np.ascontiguousarray(array).data)
    return content.hexdigest()[:16]


def kept_places(elements: int, kept: int) -> NDArray[np.int64]:
    """Which elements of a flat output are kept; those of a smaller ``kept`` come first."""
    if kept >= elements:
        return np.arange(elements)
    return np.asarray(elements * (np.arange(kept) * _GOLDEN % 1), dtype=np.int64)


def record(port: Port, arrays: Sequence[Array], outputs: int) -> RecordedOutput | None:
    """One output of all input sets; None where sets differ in shape or there is nothing.

    Args:
        outputs: how many share what is kept.
    """
    elements = arrays[0].size
    if not elements or any(array.shape != arrays[0].shape for array in arrays):
        return None
    share = KEPT_VALUES // (len(arrays) * outputs)
    kept = min(elements, max(_LEAST_VALUES, share))
    places = kept_places(elements, kept)
    values = np.concatenate([array.ravel()[places] for array in arrays])
    scores = as_scores(arrays)
    with np.errstate(over="ignore"):
        bits = values.astype(np.float32).view(np.int32)
    return RecordedOutput(
        names=port.names,
        shape=shape_text(arrays[0]),
        elements=elements,
        kept=kept,
        digests=tuple(digest([array]) for array in arrays),
        bits=bits.astype(np.int64),
        classes=0 if scores is None else scores.shape[1],
        best=() if scores is None else _first_of_each_set(best_classes(scores), len(arrays)),
        probabilities=scores is not None and probabilities(scores),
    )


def recorded_drift(
    name: str,
    a: RecordedOutput,
    b: RecordedOutput,
    sets: Sequence[tuple[int, int]],
    labels: Sequence[int] = (),
) -> OutputDrift:
    """One output of two versions over the sets that both were fed.

    Args:
        sets: places of a set in A and in B.
        labels: the right class of each sample of A's sets, if this output is to be scored.
    """
    drift = OutputDrift(name=name, shapes=(a.shape, b.shape))
    if (a.shape, a.elements) != (b.shape, b.elements):
        return drift
    kept = min(a.kept, b.kept)
    x, y = (
        [_values(output, place, kept) for place in places]
        for output, places in zip((a, b), zip(*sets, strict=True), strict=True)
    )
    update: dict[str, object] = errors_of(x, y)
    if kept < a.elements:
        differs = any(a.digests[i] != b.digests[j] for i, j in sets)
        update |= {"compared": (kept, a.elements), "differs_elsewhere": differs}
    if a.classes and a.classes == b.classes and _samples(a) == _samples(b):
        update["probabilities"] = a.probabilities and b.probabilities
        each = _samples(a)
        first, second = ([pair[side] for pair in sets] for side in (0, 1))
        update |= agreements(
            _of_sets(a.best, len(a.digests), first, each),
            _of_sets(b.best, len(b.digests), second, each),
            a.classes,
            _of_sets(labels, len(a.digests), first, each),
        )
    return drift.model_copy(update=update)


def _values(output: RecordedOutput, place: int, kept: int) -> NDArray[np.float32]:
    bits = output.bits[place * output.kept : (place + 1) * output.kept]
    values = bits.astype(np.int32).view(np.float32)
    whole = output.kept == output.elements
    return values[kept_places(output.elements, kept)] if whole else values[:kept]


def _first_of_each_set(best: NDArray[np.int64], sets: int) -> tuple[tuple[int, ...], ...]:
    each = max(1, _MOST_SAMPLES // sets)
    kept = best.reshape(sets, -1, best.shape[1])[:, :each].reshape(-1, best.shape[1])
    return tuple(map(tuple, kept.tolist()))


def _samples(output: RecordedOutput) -> int:
    """Of each set, as far as their best classes are kept."""
    return len(output.best) // len(output.digests)


def _of_sets(
    values: Sequence[Any], sets: int, chosen: Sequence[int], each: int
) -> NDArray[np.int64]:
    """The first values of each of the chosen sets."""
    rows = len(values) // sets
    picked = [values[n * rows : n * rows + each] for n in chosen]
    return np.array([value for part in picked for value in part], dtype=np.int64)
