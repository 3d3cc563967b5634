"""Feeds versions of a model the same inputs, in workers, and compares what they answer."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ovreport.config.schema import Measure
from ovreport.errors import UserError
from ovreport.graphs.matching import network, shared_names
from ovreport.measuring.planned import PlannedCell
from ovreport.measuring.planning import Planner
from ovreport.measuring.session import WorkerError, WorkerSession
from ovreport.run import Answers, LayerDrift, OutputDrift, Port, Run
from ovreport.stats.drift import layer_drift, output_drift

Array = NDArray[Any]
Labels = NDArray[np.int64]

# The two layouts of pictures: one version may take what the other does with channels last.
_LAYOUTS = ((0, 2, 3, 1), (0, 3, 1, 2))


@dataclass(frozen=True)
class Question:
    """Two cells to be fed the same. ``inputs`` are files of arrays ``<set>_<input>``, A's."""

    base: PlannedCell
    other: PlannedCell
    inputs: tuple[Path, ...]
    labels: Labels | None
    labels_file: str
    layers: bool

    @property
    def digest(self) -> str:
        content = hashlib.sha256()
        for path in self.inputs:
            content.update(path.read_bytes())
        return content.hexdigest()

    @property
    def input_data(self) -> str:
        several = len(self.inputs)
        more = f", and {several - 1} more of the next seeds" if several > 1 else ""
        return self.base.input_data + more


def questions(planner: Planner, planned: Sequence[PlannedCell]) -> list[Question]:
    """The baseline of every model against each of its other versions, runtimes, devices and
    precisions, in the first cell of each.

    Raises:
        UserError: labels cannot be read.
    """
    config = planner.source.config
    if not config.outputs.compare:
        return []
    found = []
    for model in dict.fromkeys(item.cell.model for item in planned):
        points: dict[tuple[object, ...], PlannedCell] = {}
        for item in (item for item in planned if item.cell.model == model):
            cell = item.cell
            points.setdefault((cell.version, cell.runtime, cell.device, cell.precision), item)
        named = config.analyzer.get("versions", {}).get("baseline", "parent")
        base = next((p for p in points.values() if p.cell.version == named), None)
        base = base or next(iter(points.values()))
        others = [item for item in points.values() if item is not base]
        if others:
            inputs = tuple(planner.samples(base, config.outputs.samples))
            labels, file = _labels(planner, base)
            found += [
                Question(base, other, inputs, labels, file, config.outputs.layers)
                for other in others
            ]
    return found


def is_answered(question: Question, run: Run | None) -> bool:
    """Whether a run that is gone on with holds the answer, of these models and inputs."""
    return run is not None and any(
        (known.base, known.other) == (question.base.cell, question.other.cell)
        and known.models == _models(question)
        and known.inputs == question.digest
        and known.asked_layers == question.layers
        and known.failure is None
        for known in run.answers
    )


def answer(question: Question, run: Run, settings: Measure, folder: Path) -> Answers:
    """Runs both versions over all inputs; what goes wrong is kept as the reason."""
    known = Answers(
        base=question.base.cell,
        other=question.other.cell,
        models=_models(question),
        inputs=question.digest,
        input_data=question.input_data,
        samples=0,
        labels=question.labels_file,
        asked_layers=question.layers,
    )
    try:
        fed = _same_inputs(question, run, folder)
        both = [
            _Asked(item, inputs, settings, folder / f"outputs-{side}.npz", ())
            for side, (item, inputs) in enumerate(
                zip((question.base, question.other), fed, strict=True)
            )
        ]
        outputs = _outputs(both, question.labels)
    except WorkerError as error:
        return known.model_copy(update={"failure": error.failure})
    samples = both[0].sets * question.base.batch
    known = known.model_copy(update={"outputs": outputs, "samples": samples})
    if not question.layers:
        return known
    try:
        layers = tuple(_layers(question, run, settings, folder, fed))
    except WorkerError as error:
        return known.model_copy(update={"layers_failure": error.failure})
    return known.model_copy(update={"layers": layers})


# ---------------------------------------------------------------------------- asking


class _Asked:
    """What one version answered; arrays are read from the worker's file when they are wanted.

    Raises:
        WorkerError: the worker failed.
    """

    def __init__(
        self,
        planned: PlannedCell,
        inputs: Path,
        settings: Measure,
        target: Path,
        operators: Sequence[str],
    ) -> None:
        with np.load(inputs, allow_pickle=False) as arrays:
            self.sets = 1 + max((int(name.split("_")[0]) for name in arrays.files), default=0)
        limit = settings.memory_limit_mib
        with WorkerSession(
            planned.python, memory_limit_bytes=limit << 20 if limit else None
        ) as worker:
            told = worker.ask(
                "inference",
                settings.compile_limit + self.sets * settings.inference_limit,
                "outputs",
                path=str(planned.model),
                device=planned.cell.device,
                shapes=planned.shapes,
                inputs=str(inputs),
                properties=dict(planned.properties),
                target=str(target),
                operators=list(operators),
            )
        self.operators: dict[str, int] = told["operators"]
        """By name, the output that holds what the operator puts out."""
        self.ports = [Port.model_validate(port) for port in told["outputs"]]
        self._arrays = np.load(target, allow_pickle=False)

    def of(self, index: int) -> list[Array] | None:
        """One output over all sets; None where its type has no form in numpy."""
        names = [f"{turn}_{index}" for turn in range(self.sets)]
        if any(name not in self._arrays.files for name in names):
            return None
        return [self._arrays[name] for name in names]


def _outputs(both: Sequence[_Asked], labels: Labels | None) -> tuple[OutputDrift, ...]:
    """Outputs are matched by a common name, else by index; labels are of the first with scores."""
    a, b = both
    found: list[OutputDrift] = []
    scored = False
    for index, other in enumerate(_by_name(a.ports, b.ports)):
        name = a.ports[index].names[0] if a.ports[index].names else str(index)
        values = a.of(index), b.of(other) if other is not None else None
        if values[0] is None or values[1] is None:
            shapes = a.ports[index].shape, b.ports[other].shape if other is not None else ""
            found.append(OutputDrift(name=name, shapes=shapes))
            continue
        drift = output_drift(name, values[0], values[1], None if scored else labels)
        scored = scored or drift.accuracy is not None
        found.append(drift)
    return tuple(found)


def _by_name(first: Sequence[Port], second: Sequence[Port]) -> list[int | None]:
    """For each port of the first the index of its counterpart."""
    found: list[int | None] = []
    for index, port in enumerate(first):
        same = (i for i, other in enumerate(second) if {*port.names} & {*other.names})
        found.append(next(same, index if index < len(second) else None))
    return found


def _layers(
    question: Question,
    run: Run,
    settings: Measure,
    folder: Path,
    fed: Sequence[Path],
) -> Iterator[LayerDrift]:
    """What the last operator of every executed layer puts out for the first input set."""
    results = [
        next((r for r in run.done if r.cell.id == item.cell.id), None)
        for item in (question.base, question.other)
    ]
    a, b = (network(run, result) if result else None for result in results)
    if a is None or b is None:
        raise WorkerError("profile", "layers are known only of profiled cells")
    shared = shared_names(a.model, b.model)
    last = [
        next((i for i in sorted(layer.originals, reverse=True) if a.model[i].name in shared), None)
        for layer in a.layers
    ]
    wanted = {a.model[i].name: a.model[i].type for i in last if i is not None}
    one = [folder / f"first-{side}.npz" for side in (0, 1)]
    for source, target in zip(fed, one, strict=True):
        with np.load(source, allow_pickle=False) as arrays:
            np.savez(target, **{n: arrays[n] for n in arrays.files if n.startswith("0_")})
    both = [
        _Asked(item, inputs, settings, folder / f"layers-{side}.npz", list(wanted))
        for side, (item, inputs) in enumerate(
            zip((question.base, question.other), one, strict=True)
        )
    ]
    for name, type in wanted.items():
        if all(name in asked.operators for asked in both):
            x, y = (asked.of(asked.operators[name]) for asked in both)
            if x is not None and y is not None and (drift := layer_drift(name, type, x[0], y[0])):
                yield drift


# ---------------------------------------------------------------------------- inputs


def _same_inputs(question: Question, run: Run, folder: Path) -> tuple[Path, Path]:
    """One file of all sets for A, and the same for B: in its order, layout and element type.

    Raises:
        WorkerError: B takes other inputs.
    """
    files = folder / "same-0.npz", folder / "same-1.npz"
    sets = [values for path in question.inputs for values in _sets(path)]
    wanted = next(_sets(question.other.inputs))
    models = [
        run.model_file(item.cell.model, item.cell.version).inputs
        for item in (question.other, question.base)
    ]
    order = _by_name(*models)
    _save(files[0], sets)
    try:
        _save(files[1], [fitted_inputs(values, wanted, order) for values in sets])
    except ValueError as error:
        raise WorkerError("input", f"the versions take different inputs: {error}") from error
    return files


def _sets(path: Path) -> Iterator[Mapping[int, Array]]:
    """Arrays by input, set by set."""
    with np.load(path, allow_pickle=False) as arrays:
        places = [tuple(map(int, name.split("_"))) for name in arrays.files]
        for turn in sorted({turn for turn, _ in places}):
            yield {index: arrays[f"{turn}_{index}"] for t, index in places if t == turn}


def _save(path: Path, sets: Sequence[Mapping[int, Array]]) -> None:
    named = {f"{n}_{index}": x for n, values in enumerate(sets) for index, x in values.items()}
    np.savez(path, **named)  # type: ignore[arg-type]


def fitted_inputs(
    values: Mapping[int, Array], wanted: Mapping[int, Array], order: Sequence[int | None]
) -> dict[int, Array]:
    """A's arrays as B takes them; ``order`` holds A's input for each of B's.

    Raises:
        ValueError: numbers of inputs, or shapes, do not agree.
    """
    if len(values) != len(wanted):
        raise ValueError(f"{len(values)} and {len(wanted)}")
    fitted = {}
    for index, like in wanted.items():
        source = order[index]
        array = values[index if source is None else source]
        if array.shape != like.shape and array.ndim == 4:
            turned = [array.transpose(layout) for layout in _LAYOUTS]
            array = next((x for x in turned if x.shape == like.shape), array)
        if array.shape != like.shape:
            raise ValueError(f"shapes {list(array.shape)} and {list(like.shape)}")
        fitted[index] = np.ascontiguousarray(array.astype(like.dtype))
    return fitted


def _models(question: Question) -> tuple[str, str]:
    return question.base.basis.model, question.other.basis.model


# ---------------------------------------------------------------------------- labels


def _labels(planner: Planner, base: PlannedCell) -> tuple[Labels | None, str]:
    """The right classes of the base's given input, and their file's name."""
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
            "Labels belong to given inputs: name these with `input`.",
        )
    labels = read_labels(planner.source.resolve(version.labels))
    samples = sum(1 for _ in _sets(base.inputs)) * base.batch
    if len(labels) != samples:
        raise UserError(
            f"{planner.source.name}: model {version.name!r}: {len(labels)} labels for "
            f"{samples} samples",
            "Give one label for each sample of `input`, in its order.",
        )
    return labels, version.labels


def read_labels(path: Path) -> Labels:
    """Class ids of an ``.npy`` of integers, or of a text file with one in each line.

    Raises:
        UserError: it cannot be read or holds something else.
    """
    try:
        if path.suffix == ".npy":
            found = np.load(path, allow_pickle=False).ravel()
            if found.dtype.kind not in "iu":
                raise ValueError(f"elements of type {found.dtype}")
            return np.asarray(found, dtype=np.int64)
        return np.array([int(line) for line in path.read_text().split()], dtype=np.int64)
    except (OSError, ValueError, EOFError) as error:
        raise UserError(
            f"labels {path}: cannot be read: {error}",
            "Give an .npy of integers, or a text file with one class id in each line.",
        ) from error
