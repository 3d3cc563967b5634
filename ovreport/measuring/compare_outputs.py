"""Runs versions of a model on the same inputs, in workers, and compares their outputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path

import numpy as np

from ovreport.computed.matching import network, shared_names
from ovreport.config.schema import Measure
from ovreport.errors import UserError
from ovreport.measuring.collect_outputs import (
    Array,
    CollectedOutputs,
    Labels,
    all_answers,
    input_digests,
    input_sets,
    output_worker,
    recording,
)
from ovreport.measuring.control_outputs import ComparedOutputs, Distances, compared, distances
from ovreport.measuring.inputs import check_memory, file_digest, write_arrays
from ovreport.measuring.planner import Planner
from ovreport.measuring.worker_session import WorkerError
from ovreport.outputs.agreement import random_types
from ovreport.outputs.drift import LayerSums
from ovreport.planning.planned_cell import PlannedCell
from ovreport.run import (
    Answers,
    Cell,
    Failure,
    LayerDrift,
    Recording,
    Run,
    counterparts,
)
from ovreport.text.labels import count

# Time for collecting the outputs of the only version of a model, which its run does not compare.
_ALONE_S = 10.0
# Time for running a version again: the first sets already show whether a model is random.
_AGAIN_S = 10.0
# The two layouts of images: one version may have channels first and the other channels last.
_LAYOUTS = ((0, 2, 3, 1), (0, 3, 1, 2))


@dataclass(frozen=True)
class OutputInputs:
    """The inputs for collecting the outputs of a cell."""

    planner: Planner
    planned: PlannedCell
    labels: Labels | None
    labels_file: str

    @cached_property
    def files(self) -> tuple[Path, ...]:
        """Files of arrays ``<set>_<input>``, written at first use because a plan needs none.

        Raises:
            WorkerError: they cannot be written.
        """
        with _losing_outputs_only():
            seeds = self.planner.source.config.outputs.samples
            return tuple(self.planner.samples(self.planned, seeds))

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the input files."""
        return file_digest(self.files)

    def sets(self) -> list[Mapping[int, Array]]:
        """Return for each set its arrays by input.

        Raises:
            WorkerError: the arrays do not fit into memory.
        """
        with _losing_outputs_only():
            check_memory(
                sum(file.stat().st_size for file in self.files),
                "all inputs for comparing outputs",
                "Set fewer `samples` under [outputs], or a smaller `batch` or `shape`.",
            )
        return list(chain.from_iterable(map(input_sets, self.files)))

    @property
    def description(self) -> str:
        """The inputs in words, for the report."""
        several = len(self.files)
        more = f", and {several - 1} more of the next seeds" if several > 1 else ""
        return self.planned.input_data + more


@contextmanager
def _losing_outputs_only() -> Iterator[None]:
    """Turn an error of the inputs into a WorkerError: the outputs are lost, but not the run."""
    try:
        yield
    except UserError as error:
        raise WorkerError("input", str(error), error.detail) from error


@dataclass(frozen=True)
class Question:
    """Two cells whose outputs are compared, on the base's inputs."""

    base: PlannedCell
    other: PlannedCell
    inputs: OutputInputs
    layers: bool


def questions(planner: Planner, planned: Sequence[PlannedCell]) -> list[Question]:
    """Pair the baseline of every model with each other version, runtime, device and precision.

    The first cell of each represents it.

    Raises:
        UserError: labels cannot be read.
    """
    config = planner.source.config
    if not config.outputs.compare:
        return []
    pairs = []
    for points in _points(planned):
        baseline = config.compare.baseline
        base = next((p for p in points if baseline in _axis_values(p.cell)), points[0])
        others = [item for item in points if item is not base]
        if others:
            inputs = OutputInputs(planner, base, *_labels(planner, base))
            pairs += [Question(base, other, inputs, config.outputs.layers) for other in others]
    return pairs


def _axis_values(cell: Cell) -> tuple[str, ...]:
    """Return what a baseline may name."""
    return (cell.version, cell.runtime, cell.device)


@dataclass(frozen=True)
class LoneVersion:
    """The only version of a model in a run; its outputs are kept for later comparisons."""

    planned: PlannedCell
    inputs: OutputInputs


def lone_versions(planner: Planner, planned: Sequence[PlannedCell]) -> list[LoneVersion]:
    """Return the only version of each model that has just one.

    Raises:
        UserError: labels cannot be read.
    """
    if not planner.source.config.outputs.compare:
        return []
    return [
        LoneVersion(cell, OutputInputs(planner, cell, *_labels(planner, cell)))
        for cell, *others in _points(planned)
        if not others
    ]


def _points(planned: Sequence[PlannedCell]) -> list[list[PlannedCell]]:
    """Return for each model the first cell of each version, runtime, device and precision."""
    points_by_model: dict[str, dict[tuple[object, ...], PlannedCell]] = {}
    for item in planned:
        points_by_model.setdefault(item.cell.model, {}).setdefault(item.cell.point, item)
    return [list(points.values()) for points in points_by_model.values()]


def is_recorded(lone: LoneVersion, run: Run | None) -> bool:
    """Return whether a resumed run holds the outputs of this model for these inputs."""
    if run is None:
        return False
    try:
        digests = tuple(d for path in lone.inputs.files for d in input_digests(path))
    except WorkerError:  # collecting the outputs fails with it again, and keeps it as the reason
        return False
    return any(
        earlier.cell.point == lone.planned.cell.point
        and earlier.model == lone.planned.provenance.model
        and earlier.inputs == digests[: len(earlier.inputs)] != ()
        and earlier.failure is None
        for earlier in run.recordings
    )


def record_outputs(lone: LoneVersion, run: Run, settings: Measure, folder: Path) -> Recording:
    """Run the version on as many of its input sets as fit into some seconds.

    A model that draws random numbers runs twice.
    """
    planned, inputs, file = lone.planned, lone.inputs, folder / "alone.npz"
    collected: CollectedOutputs | Failure
    description, digests = planned.input_data, list[str]()
    repeats: Distances = ()
    try:
        _save(file, inputs.sets())
        description, digests = inputs.description, input_digests(file)
        collected = all_answers(planned, file, settings, folder / "outputs", _ALONE_S)
    except WorkerError as error:
        collected = error.failure
    if isinstance(collected, CollectedOutputs) and random_types(run, planned.cell):
        # If the second run fails, the operators still show that the model is random.
        with suppress(WorkerError):
            again = all_answers(planned, file, settings, folder / "again", _AGAIN_S)
            repeats = distances(collected, again)
    return recording(
        planned,
        description,
        digests,
        collected,
        inputs.labels,
        inputs.labels_file,
        repeats,
    )


def is_answered(question: Question, run: Run | None) -> bool:
    """Return whether a resumed run holds the comparison of these models for these inputs."""
    if run is None:
        return False
    try:
        inputs = question.inputs.digest
    except WorkerError:  # collecting the outputs fails with it again, and keeps it as the reason
        return False
    return any(
        (earlier.base, earlier.other) == (question.base.cell, question.other.cell)
        and earlier.models == _models(question)
        and earlier.inputs == inputs
        and earlier.asked_layers == question.layers
        and earlier.failure is None
        for earlier in run.answers
    )


def answer(
    question: Question, run: Run, settings: Measure, folder: Path
) -> tuple[Answers, tuple[Recording, ...]]:
    """Run both versions on all inputs and compare their outputs.

    Returns the comparison and the record of each version's outputs. A failure is kept in the
    comparison as its reason.
    """
    answers = Answers(
        base=question.base.cell,
        other=question.other.cell,
        models=_models(question),
        inputs="",
        input_data=question.base.input_data,
        samples=0,
        labels=question.inputs.labels_file,
        asked_layers=question.layers,
    )
    try:
        inputs_used = {
            "inputs": question.inputs.digest,
            "input_data": question.inputs.description,
        }
        answers = answers.model_copy(update=inputs_used)
        input_files = _same_inputs(question, run, folder)
    except WorkerError as error:
        return answers.model_copy(update={"failure": error.failure}), ()
    sides = list(zip((question.base, question.other), input_files, strict=True))
    a, b = (
        _outputs_or_failure(item, inputs, settings, folder / f"outputs-{side}")
        for side, (item, inputs) in enumerate(sides)
    )
    repeats: tuple[Distances, Distances] = ((), ())
    if isinstance(a, Failure) or isinstance(b, Failure):
        answers = answers.model_copy(update={"failure": a if isinstance(a, Failure) else b})
    else:
        both = _compared(question, run, (a, b), input_files, settings, folder / "again")
        repeats = both.repeats
        update = {"outputs": both.outputs, "repeat_failure": both.failure}
        answers = answers.model_copy(update=update | {"samples": _samples(question, a)})
    description = question.inputs.description
    labels = question.inputs.labels, question.inputs.labels_file
    recordings = tuple(
        recording(item, description, input_digests(inputs), outcome, *labels, distances_of_side)
        for (item, inputs), outcome, distances_of_side in zip(sides, (a, b), repeats, strict=True)
    )
    if answers.failure is not None or not question.layers:
        return answers, recordings
    try:
        layers = tuple(_layers(question, run, settings, folder, input_files))
    except WorkerError as error:
        return answers.model_copy(update={"layers_failure": error.failure}), recordings
    return answers.model_copy(update={"layers": layers}), recordings


def _outputs_or_failure(
    planned: PlannedCell, inputs: Path, settings: Measure, target: Path
) -> CollectedOutputs | Failure:
    try:
        return all_answers(planned, inputs, settings, target)
    except WorkerError as error:
        return error.failure


# ---------------------------------------------------------------------------- comparing


def _samples(question: Question, collected: CollectedOutputs) -> int:
    return len(collected.files) * question.base.batch


def _compared(
    question: Question,
    run: Run,
    both: tuple[CollectedOutputs, CollectedOutputs],
    inputs: Sequence[Path],
    settings: Measure,
    target: Path,
) -> ComparedOutputs:
    """Compare all outputs of both; if they do not agree, a version runs once more."""
    return compared(
        both,
        question.inputs.labels,
        _samples(question, both[0]),
        question.inputs.planner.source.config.outputs,
        (
            lambda: all_answers(question.base, inputs[0], settings, target, _AGAIN_S),
            lambda: all_answers(question.other, inputs[1], settings, target, _AGAIN_S),
        ),
        draws=(
            bool(random_types(run, question.base.cell)),
            bool(random_types(run, question.other.cell)),
        ),
    )


def _layers(
    question: Question,
    run: Run,
    settings: Measure,
    folder: Path,
    input_files: Sequence[Path],
) -> Iterator[LayerDrift]:
    """Yield the difference in the last operator of each executed layer, over all input sets."""
    results = [
        next((r for r in run.done if r.cell.id == item.cell.id), None)
        for item in (question.base, question.other)
    ]
    a, b = (network(run, result) if result else None for result in results)
    if a is None or b is None:
        raise WorkerError("profile", "layers can be compared only between profiled cells")
    shared = shared_names(a.model, b.model)
    last = [
        next((i for i in sorted(layer.originals, reverse=True) if a.model[i].name in shared), None)
        for layer in a.layers
    ]
    wanted = {a.model[i].name: a.model[i].type for i in last if i is not None}
    sums = {name: LayerSums(name, type) for name, type in wanted.items()}
    files = [folder / f"layers-{side}.npz" for side in (0, 1)]
    with ExitStack() as stack:
        workers = [
            stack.enter_context(output_worker(item, inputs, settings, list(wanted)))
            for item, inputs in zip((question.base, question.other), input_files, strict=True)
        ]
        for turn in range(workers[0].sets):
            for worker, file in zip(workers, files, strict=True):
                worker.collect(turn, file)
            with np.load(files[0], allow_pickle=False) as x, np.load(files[1]) as y:
                for name in wanted:
                    places = [str(worker.operators.get(name)) for worker in workers]
                    if places[0] in x.files and places[1] in y.files:
                        sums[name].add(x[places[0]], y[places[1]])
    yield from (drift for total in sums.values() if (drift := total.drift()) is not None)


# ---------------------------------------------------------------------------- inputs


def _same_inputs(question: Question, run: Run, folder: Path) -> tuple[Path, Path]:
    """Write all sets to a file for A and a file for B, each in its order, layout and types.

    Raises:
        WorkerError: B has different inputs, or the files cannot be written.
    """
    files = folder / "same-0.npz", folder / "same-1.npz"
    sets = question.inputs.sets()
    wanted = next(input_sets(question.other.inputs))
    models = [
        run.model_file(item.cell.model, item.cell.version).inputs
        for item in (question.other, question.base)
    ]
    order = counterparts(*models)
    _save(files[0], sets)
    try:
        _save(files[1], [fitted_inputs(values, wanted, order) for values in sets])
    except ValueError as error:
        raise WorkerError("input", f"the versions take different inputs: {error}") from error
    return files


def _save(path: Path, sets: Sequence[Mapping[int, Array]]) -> None:
    named = {f"{n}_{index}": x for n, values in enumerate(sets) for index, x in values.items()}
    with _losing_outputs_only():
        write_arrays(path, named)


def fitted_inputs(
    values: Mapping[int, Array], wanted: Mapping[int, Array], order: Sequence[int | None]
) -> dict[int, Array]:
    """Convert A's arrays for B; ``order`` holds the index of A's input for each of B's.

    Raises:
        ValueError: the numbers of inputs or their shapes differ.
    """
    if len(values) != len(wanted):
        raise ValueError(f"{len(values)} and {len(wanted)}")
    fitted = {}
    for index, like in wanted.items():
        source = order[index]
        array = values[index if source is None else source]
        if array.shape != like.shape and array.ndim == 4:
            transposed = [array.transpose(layout) for layout in _LAYOUTS]
            array = next((x for x in transposed if x.shape == like.shape), array)
        if array.shape != like.shape:
            raise ValueError(f"shapes {list(array.shape)} and {list(like.shape)}")
        fitted[index] = array.astype(like.dtype, order="C")
    return fitted


def _models(question: Question) -> tuple[str, str]:
    return question.base.provenance.model, question.other.provenance.model


# ---------------------------------------------------------------------------- labels


def _labels(planner: Planner, base: PlannedCell) -> tuple[Labels | None, str]:
    """Return the right classes for the base's given input, and the name of their file."""
    version = next(
        entry
        for entry in planner.source.config.model
        if (entry.name, entry.version) == (base.cell.model, base.cell.version)
    )
    if version.labels is None:
        return None, ""
    if version.input is None:
        raise UserError(
            f"{planner.source.name}: model {version.name!r}: `labels` without `input`",
            "Labels belong to given inputs: name the inputs with `input`.",
        )
    labels = read_labels(planner.source.resolve(version.labels))
    samples = sum(1 for _ in input_sets(base.inputs)) * base.batch
    if len(labels) != samples:
        raise UserError(
            f"{planner.source.name}: model {version.name!r}: {count(len(labels), 'label')} for "
            f"{count(samples, 'sample')}",
            "Give one label for each sample of `input`, in the same order, and name the batch "
            "dimension with `layout`.",
        )
    return labels, version.labels


def read_labels(path: Path) -> Labels:
    """Read class ids from an ``.npy`` of integers, or from a text file with one in each line.

    Raises:
        UserError: the file cannot be read or holds something else.
    """
    try:
        if path.suffix == ".npy":
            ids = np.load(path, allow_pickle=False).ravel()
            if ids.dtype.kind not in "iu":
                raise ValueError(f"elements of type {ids.dtype}")
            return np.asarray(ids, dtype=np.int64)
        return np.array(
            [int(line) for line in path.read_text(encoding="utf-8-sig").split()], dtype=np.int64
        )
    except (OSError, ValueError, OverflowError, MemoryError, EOFError) as error:
        raise UserError(
            f"labels {path}: cannot be read: {error}",
            "Give an .npy of integers, or a text file with one class id in each line.",
        ) from error
