"""Do versions of different runs give the same answers? As far as their run files tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ovreport.outputs.pairing import paired
from ovreport.outputs.recording import recorded_drift
from ovreport.run import (
    Answers,
    Cell,
    Failure,
    OutputDrift,
    Port,
    RecordedOutput,
    Recording,
    Run,
)


def answers_between(first: tuple[str, Run, Cell], second: tuple[str, Run, Cell]) -> Answers:
    """What two cells answered to the inputs that both were fed, or why that is not known.

    Args:
        first: the file that holds the run, for messages; the run; its cell.
    """
    (file_a, run_a, a), (file_b, run_b, b) = first, second
    if run_a.header == run_b.header and (known := _compared_already(run_a, a, b)) is not None:
        return known
    x, y = (_recording(run, cell) for run, cell in ((run_a, a), (run_b, b)))
    known = Answers(
        base=a,
        other=b,
        models=(_digest(run_a, a), _digest(run_b, b)),
        inputs="",
        input_data=x.input_data if x else "",
        samples=0,
    )

    def because(reason: str) -> Answers:
        return known.model_copy(update={"failure": Failure(stage="input", reason=reason)})

    for file, cell, recording in ((file_a, a, x), (file_b, b, y)):
        if recording is None:
            return because(f"{file} does not hold what {cell.model} ({cell.version}) answers")
        if recording.failure is not None:
            return known.model_copy(update={"failure": recording.failure})
    assert x is not None
    assert y is not None
    sets = [(place, y.inputs.index(d)) for place, d in enumerate(x.inputs) if d in y.inputs]
    if not sets:
        return because(f"they were not fed the same: {x.input_data}, and {y.input_data}")
    outputs = _drifts(_outputs(run_a, a, x), _outputs(run_b, b, y), sets, x.labels)
    return known.model_copy(
        update={
            "inputs": ",".join(x.inputs[place] for place, _ in sets),
            "samples": len(sets) * x.batch,
            "left_out": (max(len(x.inputs), len(y.inputs)) - len(sets)) * x.batch,
            "labels": x.labels_file,
            "outputs": tuple(outputs),
        }
    )


@dataclass(frozen=True)
class _Output:
    """An output of a model, and what a run file keeps of it."""

    port: Port
    kept: RecordedOutput | None


def _compared_already(run: Run, a: Cell, b: Cell) -> Answers | None:
    """Of one run that compared them itself, over all elements."""
    return next(
        (x for x in run.answers if (x.base.point, x.other.point) == (a.point, b.point)), None
    )


def _recording(run: Run, cell: Cell) -> Recording | None:
    return next((known for known in run.recordings if known.cell.point == cell.point), None)


def _digest(run: Run, cell: Cell) -> str:
    return run.model_file(cell.model, cell.version).sha256


def _outputs(run: Run, cell: Cell, recording: Recording) -> list[_Output]:
    """All outputs of a version; of some an earlier release kept nothing."""
    kept = recording.outputs
    ports = run.model_file(cell.model, cell.version).outputs
    if len(ports) <= len(kept):
        described = [Port(names=o.names, shape=o.shape, precision=o.type) for o in kept]
        known = [*ports, *described[len(ports) :]]
        return [_Output(port, output) for port, output in zip(known, kept, strict=True)]
    by_name = {name: output for output in kept for name in output.names}
    return [_Output(port, _first_of(by_name, port.names)) for port in ports]


def _first_of(by_name: Mapping[str, RecordedOutput], names: Sequence[str]) -> RecordedOutput | None:
    return next((by_name[name] for name in names if name in by_name), None)


def _drifts(
    a: Sequence[_Output],
    b: Sequence[_Output],
    sets: Sequence[tuple[int, int]],
    labels: Sequence[int],
) -> Iterator[OutputDrift]:
    """Labels are of the first output with scores."""
    for pair in paired([x.port for x in a], [x.port for x in b]):
        first, second = pair.of(a, b)
        if first is None or second is None or first.kept is None or second.kept is None:
            yield pair.drift("not_kept")
            continue
        drift = recorded_drift(pair.name, first.kept, second.kept, sets, labels, pair.types)
        labels = () if drift.accuracy is not None else labels
        yield drift.model_copy(update={"other_name": pair.other_name})
