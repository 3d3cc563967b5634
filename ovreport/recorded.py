"""Do versions of different runs give the same answers? As far as their run files tell."""

from __future__ import annotations

from collections.abc import Iterator

from ovreport.run import (
    Answers,
    Cell,
    Failure,
    OutputDrift,
    Port,
    Recording,
    Run,
    counterparts,
)
from ovreport.stats.recorded import recorded_drift


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
    return known.model_copy(
        update={
            "inputs": ",".join(x.inputs[place] for place, _ in sets),
            "samples": len(sets) * x.batch,
            "labels": x.labels_file,
            "outputs": tuple(_drifts(x, y, sets)),
        }
    )


def _compared_already(run: Run, a: Cell, b: Cell) -> Answers | None:
    """Of one run that compared them itself, over all elements."""
    return next(
        (x for x in run.answers if (x.base.point, x.other.point) == (a.point, b.point)), None
    )


def _recording(run: Run, cell: Cell) -> Recording | None:
    return next((known for known in run.recordings if known.cell.point == cell.point), None)


def _digest(run: Run, cell: Cell) -> str:
    return run.model_file(cell.model, cell.version).sha256


def _drifts(a: Recording, b: Recording, sets: list[tuple[int, int]]) -> Iterator[OutputDrift]:
    """Labels are of the first output with scores."""
    labels = a.labels
    ports = [
        [Port(names=output.names, shape=output.shape, precision="") for output in side.outputs]
        for side in (a, b)
    ]
    for place, (output, other) in enumerate(zip(a.outputs, counterparts(*ports), strict=True)):
        name = output.names[0] if output.names else str(place)
        if other is None:
            yield OutputDrift(name=name, shapes=(output.shape, ""))
            continue
        drift = recorded_drift(name, output, b.outputs[other], sets, labels)
        labels = () if drift.accuracy is not None else labels
        yield drift
