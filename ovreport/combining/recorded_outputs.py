"""Compare the outputs of versions from different runs, as far as run files keep them."""

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
    """Compare the outputs of two cells for the inputs that both got, or say why that is impossible.

    Args:
        first: the file that holds the run, for messages; the run; its cell.
        second: the same of the other cell.
    """
    (file_a, run_a, a), (file_b, run_b, b) = first, second
    if run_a.header == run_b.header and (answers := _compared_already(run_a, a, b)) is not None:
        return answers
    x, y = (_recording(run, cell) for run, cell in ((run_a, a), (run_b, b)))
    answers = Answers(
        base=a,
        other=b,
        models=(_digest(run_a, a), _digest(run_b, b)),
        inputs="",
        input_data=x.input_data if x else "",
        samples=0,
    )

    def failed(reason: str) -> Answers:
        return answers.model_copy(update={"failure": Failure(stage="input", reason=reason)})

    for file, cell, recording in ((file_a, a, x), (file_b, b, y)):
        if recording is None:
            return failed(f"{file} does not hold the outputs of {cell.model} ({cell.version})")
        if recording.failure is not None:
            return answers.model_copy(update={"failure": recording.failure})
    assert x is not None
    assert y is not None
    sets = [(place, y.inputs.index(d)) for place, d in enumerate(x.inputs) if d in y.inputs]
    if not sets:
        return failed(f"they did not get the same inputs: {x.input_data}, and {y.input_data}")
    outputs = _drifts(_outputs(run_a, a, x), _outputs(run_b, b, y), sets, x.labels)
    return answers.model_copy(
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
    """Return the comparison that the run itself made, which covers all elements."""
    return next(
        (x for x in run.answers if (x.base.point, x.other.point) == (a.point, b.point)), None
    )


def _recording(run: Run, cell: Cell) -> Recording | None:
    return next(
        (recording for recording in run.recordings if recording.cell.point == cell.point), None
    )


def _digest(run: Run, cell: Cell) -> str:
    return run.model_file(cell.model, cell.version).sha256


def _outputs(run: Run, cell: Cell, recording: Recording) -> list[_Output]:
    """Return all outputs of a version; earlier releases kept nothing of some."""
    kept = recording.outputs
    ports = run.model_file(cell.model, cell.version).outputs
    if len(ports) <= len(kept):
        described = [Port(names=o.names, shape=o.shape, precision=o.type) for o in kept]
        all_ports = [*ports, *described[len(ports) :]]
        return [_Output(port, output) for port, output in zip(all_ports, kept, strict=True)]
    by_name = {name: output for output in kept for name in output.names}
    return [_Output(port, _kept_under(by_name, port.names)) for port in ports]


def _kept_under(
    by_name: Mapping[str, RecordedOutput], names: Sequence[str]
) -> RecordedOutput | None:
    return next((by_name[name] for name in names if name in by_name), None)


def _drifts(
    a: Sequence[_Output],
    b: Sequence[_Output],
    sets: Sequence[tuple[int, int]],
    labels: Sequence[int],
) -> Iterator[OutputDrift]:
    """Yield how far each pair of outputs differs; labels belong to the first output with scores."""
    for pair in paired([x.port for x in a], [x.port for x in b]):
        first, second = pair.of(a, b)
        if first is None or second is None or first.kept is None or second.kept is None:
            yield pair.drift("not_kept")
            continue
        drift = recorded_drift(pair.name, first.kept, second.kept, sets, labels, pair.types)
        labels = () if drift.accuracy is not None else labels
        yield drift.model_copy(update={"other_name": pair.other_name})
