"""Records answers in a run file, so that versions of different runs can be compared.

A run file must stay small, so only a sample of a large output is kept. Its places follow the golden
ratio: they are spread evenly, and the places of a small sample are the first ones of a larger
sample. Errors and similarities are those of the sample. Digests of all elements show exactly
whether answers are identical bit for bit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import accumulate
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ovreport.outputs.classes import as_scores, best_classes, class_fields
from ovreport.outputs.drift import OutputSums, are_probabilities, common_shape, shape_text
from ovreport.run import OutputDrift, Port, RecordedOutput

Array = NDArray[Any]

# Values kept of all outputs and input sets of a version together: 64 KiB of f32 or 128 KiB of wider
# types, which is enough to keep eight times 1,000 class scores whole.
KEPT_VALUES = 16_384
_LEAST_VALUES = 16
# With this number of samples, the agreement of classes has an interval of ±1.5 %, which is enough.
_MOST_SAMPLES = 4096
_GOLDEN = (5**0.5 - 1) / 2
# Storage of element types that f32 cannot represent.
_WIDE: dict[str, str] = {
    "f64": "f8", "i32": "i8", "u32": "i8", "i64": "i8", "u64": "u8", "boolean": "i8",
}  # fmt: skip
_TEXT = "string"


def digest(arrays: Sequence[Array]) -> str:
    """Return a digest of shapes, element types and values."""
    content = hashlib.sha256()
    for array in arrays:
        content.update(f"{array.dtype.str}{array.shape}".encode())
        content.update(np.ascontiguousarray(array).data)
    return content.hexdigest()[:16]


def kept_places(elements: int, kept: int) -> NDArray[np.int64]:
    """Return the places of the kept elements in a flat output.

    The places for a smaller ``kept`` are the first ones of those for a larger.
    """
    if kept >= elements:
        return np.arange(elements)
    return np.asarray(elements * (np.arange(kept) * _GOLDEN % 1), dtype=np.int64)


def record(
    port: Port, arrays: Sequence[Array], outputs: int, itself: float | None = None
) -> RecordedOutput:
    """Record one output of all input sets.

    Args:
        port: the output.
        arrays: its values for each input set.
        outputs: number of outputs that share :data:`KEPT_VALUES`.
        itself: how much it differs from itself if the input is repeated; None if this was not
            measured.
    """
    elements = max(array.size for array in arrays)
    share = KEPT_VALUES // (len(arrays) * outputs)
    kept = min(elements, max(_LEAST_VALUES, share))
    values = [array.ravel()[kept_places(array.size, kept)] for array in arrays]
    shapes = [array.shape for array in arrays]
    # Best classes are kept set by set, the same number of each.
    scores = as_scores(arrays, " ".join(port.names)) if len({*shapes}) == 1 else None
    return RecordedOutput(
        names=port.names,
        type=port.precision,
        shape=common_shape(shapes),
        shapes=tuple(map(shape_text, shapes)) if len({*shapes}) > 1 else (),
        elements=elements,
        kept=kept,
        digests=tuple(digest([array]) for array in arrays),
        bits=np.concatenate([_as_bits(part, port.precision) for part in values]),
        classes=0 if scores is None else scores.shape[1],
        best=() if scores is None else _first_of_each_set(best_classes(scores), len(arrays)),
        probabilities=are_probabilities(arrays),
        not_finite=tuple(map(_not_finite, arrays)),
        itself=itself,
    )


def recorded_drift(
    name: str,
    a: RecordedOutput,
    b: RecordedOutput,
    sets: Sequence[tuple[int, int]],
    labels: Sequence[int] = (),
    types: tuple[str, str] = ("", ""),
) -> OutputDrift:
    """Measure how much one output differs between two versions, over the sets that both were given.

    Args:
        name: the output's.
        a: A's recording.
        b: B's recording.
        sets: places of each common set in A and in B.
        labels: the right class of each sample of A's sets, if this output is to be scored.
        types: element types, for recordings of earlier releases, which do not have them.
    """
    types = a.type or types[0], b.type or types[1]
    sums = OutputSums(one_unit=a.probabilities and b.probabilities)
    for i, j in sets:
        shapes = a.extents[i], b.extents[j]
        kept = min(a.kept, b.kept, *map(prod, shapes))
        x, y = _values(a, i, kept), _values(b, j, kept)
        sums.add(x, y, shapes, kept_places(prod(shapes[0]), kept))
    drift = sums.drift(name, types)
    update: dict[str, object] = _over_all_elements(a, b, sets, drift)
    if {*types} & {*_WIDE, _TEXT} and not (a.type and b.type) and update["differs_elsewhere"]:
        # Earlier releases kept all types as f32, so that figures of these types are wrong.
        return OutputDrift(name=name, shapes=drift.shapes, types=types, reason="not_kept")
    update |= {"itself": a.itself, "other_itself": b.itself}
    if a.classes and a.classes == b.classes and _samples(a) == _samples(b):
        update |= _agreements(a, b, sets, labels)
    return drift.model_copy(update=update)


def _over_all_elements(
    a: RecordedOutput, b: RecordedOutput, sets: Sequence[tuple[int, int]], drift: OutputDrift
) -> dict[str, object]:
    """Return fields from digests and counts of all elements, including those that are not kept."""
    equal = [a.digests[i] == b.digests[j] for i, j in sets]
    kept = min(a.kept, b.kept)
    whole = kept >= max(a.elements, b.elements)
    rounded = not (a.type and b.type)
    update: dict[str, object] = {
        "identical": all(equal) and drift.types[0] == drift.types[1],
        "compared": None if whole or drift.reason is not None else (kept, a.elements),
        "differs_elsewhere": not all(equal)
        and not drift.differing
        and drift.reason is None
        and (rounded or not whole),
    }
    if a.not_finite and b.not_finite:
        counts = [(a.not_finite[i], b.not_finite[j]) for i, j in sets]
        unequal = sum(abs(x - y) for x, y in counts)
        update["not_finite"] = sum(map(max, counts))
        update["unequal_not_finite"] = max(unequal, drift.unequal_not_finite or 0)
    return update


# ---------------------------------------------------------------------------- elements


def _as_bits(values: Array, kind: str) -> NDArray[np.int64]:
    if values.dtype.kind == "S":
        return np.array([_text_bits(value) for value in values.tolist()], dtype=np.int64)
    if kind in _WIDE:
        return values.astype(_WIDE[kind]).view(np.int64)
    with np.errstate(over="ignore"):
        return values.astype(np.float32).view(np.int32).astype(np.int64)


def _text_bits(text: bytes) -> int:
    return int.from_bytes(hashlib.sha256(text).digest()[:8], "little", signed=True)


def _values(output: RecordedOutput, place: int, kept: int) -> Array:
    """Return the first ``kept`` of the recorded values of a set."""
    sizes = [prod(extents) for extents in output.extents]
    starts = [0, *accumulate(min(size, output.kept) for size in sizes)]
    bits = output.bits[starts[place] : starts[place + 1]]
    values: Array
    if output.type == _TEXT:
        values = bits.view("S8")
    elif output.type in _WIDE:
        values = bits.view(_WIDE[output.type])
    else:
        values = bits.astype(np.int32).view(np.float32)
    whole = len(values) == sizes[place]
    return values[kept_places(sizes[place], kept)] if whole else values[:kept]


def _not_finite(array: Array) -> int:
    return int((~np.isfinite(array)).sum()) if array.dtype.kind == "f" else 0


# ---------------------------------------------------------------------------- classes


def _agreements(
    a: RecordedOutput, b: RecordedOutput, sets: Sequence[tuple[int, int]], labels: Sequence[int]
) -> dict[str, object]:
    samples = _samples(a)
    first, second = ([pair[side] for pair in sets] for side in (0, 1))
    return {
        "probabilities": a.probabilities and b.probabilities,
        **class_fields(
            _of_sets(a.best, len(a.digests), first, samples),
            _of_sets(b.best, len(b.digests), second, samples),
            a.classes,
            _of_sets(labels, len(a.digests), first, samples),
        ),
    }


def _first_of_each_set(best: NDArray[np.int64], sets: int) -> tuple[tuple[int, ...], ...]:
    samples = max(1, _MOST_SAMPLES // sets)
    kept = best.reshape(sets, -1, best.shape[1])[:, :samples].reshape(-1, best.shape[1])
    return tuple(map(tuple, kept.tolist()))


def _samples(output: RecordedOutput) -> int:
    """Return the number of samples of each set whose best classes are kept."""
    return len(output.best) // len(output.digests)


def _of_sets(
    values: Sequence[Any], sets: int, chosen: Sequence[int], samples: int
) -> NDArray[np.int64]:
    """Return the values of the first samples of each chosen set."""
    rows = len(values) // sets
    parts = [values[n * rows : n * rows + samples] for n in chosen]
    return np.array([value for part in parts for value in part], dtype=np.int64)
