"""Compares the outputs of two versions, and checks whether the base repeats its own outputs.

The outputs of a model with random numbers change from run to run. If versions do not agree, the
base runs once more on the same inputs, so that randomness is not reported as an error of a version.
If the base repeats its outputs, and the other version draws random numbers, that version also runs
once more, as its randomness may explain the difference.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ovreport.config.schema import OutputSettings
from ovreport.measuring.collect_outputs import Array, CollectedOutputs, Labels
from ovreport.measuring.worker_session import WorkerError
from ovreport.outputs.agreement import JudgedOutput, judged
from ovreport.outputs.drift import output_drift
from ovreport.outputs.pairing import OutputPair, paired
from ovreport.run import Failure, OutputDrift

Distances = tuple[float | None, ...]
"""Distance of each output to the same output of a second run; None if it is not known."""


@dataclass(frozen=True)
class ComparedOutputs:
    """All outputs of two versions."""

    outputs: tuple[OutputDrift, ...]
    repeats: tuple[Distances, Distances]
    """Distances of A and of B from themselves when the same inputs are repeated."""
    failure: Failure | None = None
    """Why a version could not run once more."""


def compared(
    both: tuple[CollectedOutputs, CollectedOutputs],
    labels: Labels | None,
    samples: int,
    tolerances: OutputSettings,
    again: tuple[Callable[[], CollectedOutputs], Callable[[], CollectedOutputs]],
    *,
    draws: tuple[bool, bool],
) -> ComparedOutputs:
    """Compare all outputs of two versions.

    Args:
        labels: right classes for the first output with scores.
        again: functions that run the base, and the other version, once more, or raise a
            :class:`WorkerError`.
        draws: whether the base, and the other version, draw random numbers. If the base does, equal
            outputs may be chance, as generators that are seeded by the clock agree for a second.
    """
    a, b = both
    pairs = list(paired(a.ports, b.ports))
    outputs = _drifts(pairs, both, labels)
    # Versions with bit-identical outputs also show that each repeats its own.
    same = [pair for pair, drift in zip(pairs, outputs, strict=True) if drift.same]
    of_a = _zero_at({pair.first for pair in same}, a)
    of_b = () if draws[0] else _zero_at({pair.second for pair in same}, b)
    if not draws[0] and not _are_doubtful(outputs, samples, tolerances):
        return ComparedOutputs(outputs, (of_a, of_b))
    try:
        of_a = distances(a, again[0]())
        outputs = _with_distances(pairs, outputs, of_a, ())
        if draws[1] and _are_doubtful(outputs, samples, tolerances):
            of_b = distances(b, again[1]())
            outputs = _with_distances(pairs, outputs, of_a, of_b)
    except WorkerError as error:
        return ComparedOutputs(outputs, (of_a, of_b), error.failure)
    return ComparedOutputs(outputs, (of_a, of_b))


def _with_distances(
    pairs: Sequence[OutputPair], outputs: Sequence[OutputDrift], of_a: Distances, of_b: Distances
) -> tuple[OutputDrift, ...]:
    """Return the outputs with the distances of each version to its second run, if it had one."""
    return tuple(
        drift.model_copy(
            update={
                "itself": _at(of_a, pair.first),
                "other_itself": _at(of_b, pair.second),
            }
        )
        for pair, drift in zip(pairs, outputs, strict=True)
    )


def _at(distances: Distances, place: int | None) -> float | None:
    return distances[place] if distances and place is not None else None


def _are_doubtful(outputs: Sequence[OutputDrift], samples: int, tolerances: OutputSettings) -> bool:
    return any(_is_doubtful(judged(drift, samples, tolerances)) for drift in outputs)


def _is_doubtful(judged: JudgedOutput) -> bool:
    """Return whether randomness of the model could explain the difference."""
    return judged.outcome in ("deviating", "different") or judged.drift.reason == "shape"


def _zero_at(places: set[int | None], collected: CollectedOutputs) -> Distances:
    return tuple(0.0 if n in places else None for n in range(len(collected.ports)))


def distances(before: CollectedOutputs, again: CollectedOutputs) -> Distances:
    """Return the distance of each output between two runs, over the sets of the second run."""
    return tuple(_distance(before.of(n), again.of(n)) for n in range(len(before.ports)))


def _distance(before: Sequence[Array] | None, again: Sequence[Array] | None) -> float | None:
    if before is None or again is None:
        return None
    return output_drift("", before[: len(again)], again).distance


def _drifts(
    pairs: Sequence[OutputPair],
    both: tuple[CollectedOutputs, CollectedOutputs],
    labels: Labels | None,
) -> tuple[OutputDrift, ...]:
    drifts: list[OutputDrift] = []
    for pair in pairs:
        a, b = (
            None if index is None else side.of(index)
            for side, index in zip(both, (pair.first, pair.second), strict=True)
        )
        if a is None or b is None:
            drifts.append(pair.drift("unreadable"))
            continue
        drift = output_drift(pair.name, a, b, labels, pair.types)
        labels = labels if drift.accuracy is None else None
        drifts.append(drift.model_copy(update={"other_name": pair.other_name}))
    return tuple(drifts)
