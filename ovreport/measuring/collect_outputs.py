"""One version's answers, input set by input set, from a worker of its own."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ovreport.config.schema import Measure
from ovreport.measuring.worker_session import WorkerSession
from ovreport.outputs.recording import digest, record
from ovreport.planning.planned_cell import PlannedCell
from ovreport.run import Failure, Port, Recording

Array = NDArray[Any]
Labels = NDArray[np.int64]


@dataclass(frozen=True)
class OutputWorker:
    """A worker with a compiled model, ready to collect outputs."""

    ports: tuple[Port, ...]
    sets: int
    operators: Mapping[str, int]
    """By name, the output that holds what the operator puts out."""
    _worker: WorkerSession
    _limit_s: float

    def collect(self, turn: int, target: Path) -> None:
        """Writes what comes out for one input set: an ``.npz`` with an array for each output.

        Raises:
            WorkerError: the worker failed.
        """
        self._worker.ask("inference", self._limit_s, "answer", turn=turn, target=str(target))


@contextmanager
def output_worker(
    planned: PlannedCell, inputs: Path, settings: Measure, operators: Sequence[str] = ()
) -> Iterator[OutputWorker]:
    """Starts a worker for a version, and ends it.

    Args:
        inputs: file of arrays ``<set>_<input>``.
        operators: those whose output is wanted beside the model's own.

    Raises:
        WorkerError: the worker failed.
    """
    with WorkerSession(planned.python, memory_limit_mib=settings.memory_limit_mib) as worker:
        prepared = worker.ask(
            "compile",
            settings.compile_limit,
            "prepare",
            **planned.setting | {"inputs": str(inputs)},
            operators=list(operators),
        )
        ports = tuple(Port.model_validate(port) for port in prepared["outputs"])
        yield OutputWorker(
            ports, prepared["sets"], prepared["operators"], worker, settings.inference_limit
        )


@dataclass(frozen=True)
class CollectedOutputs:
    """The outputs of one version; arrays are read from their files on demand."""

    ports: tuple[Port, ...]
    files: tuple[Path, ...]
    """One for each set."""

    def of(self, index: int) -> list[Array] | None:
        """One output over all sets; None where its type has no form in numpy."""
        outputs_of_sets = []
        for file in self.files:
            with np.load(file, allow_pickle=False) as arrays:
                if str(index) not in arrays.files:
                    return None
                outputs_of_sets.append(arrays[str(index)])
        return outputs_of_sets


def all_answers(
    planned: PlannedCell,
    inputs: Path,
    settings: Measure,
    target: Path,
    seconds: float | None = None,
) -> CollectedOutputs:
    """Feeds a version all input sets, or as many as fit into a time, one at least.

    Args:
        target: of the files, whose names begin with its.

    Raises:
        WorkerError: the worker failed.
    """
    files: list[Path] = []
    with output_worker(planned, inputs, settings) as worker:
        started = time.monotonic()
        for turn in range(worker.sets):
            if files and seconds is not None and time.monotonic() - started > seconds:
                break
            files.append(target.with_name(f"{target.name}-{turn}.npz"))
            worker.collect(turn, files[-1])
        return CollectedOutputs(worker.ports, tuple(files))


# ---------------------------------------------------------------------------- recording


def input_digests(inputs: Path) -> list[str]:
    """Of each set of a file of arrays ``<set>_<input>``."""
    return [digest([values[index] for index in sorted(values)]) for values in input_sets(inputs)]


def input_sets(path: Path) -> Iterator[Mapping[int, Array]]:
    """Arrays by input, set by set."""
    with np.load(path, allow_pickle=False) as arrays:
        places = [tuple(map(int, name.split("_"))) for name in arrays.files]
        for turn in sorted({turn for turn, _ in places}):
            yield {index: arrays[f"{turn}_{index}"] for t, index in places if t == turn}


def recording(
    planned: PlannedCell,
    input_data: str,
    digests: Sequence[str],
    collected: CollectedOutputs | Failure,
    labels: Labels | None,
    labels_file: str,
    itself: Sequence[float | None] = (),
) -> Recording:
    """What a run file keeps of a version's answers, or why there are none.

    Args:
        digests: of the sets that were fed, of which the first have outputs.
        itself: how far each output is from itself, where that was looked at.
    """
    without_outputs = Recording(
        cell=planned.cell,
        model=planned.provenance.model,
        inputs=tuple(digests),
        input_data=input_data,
        batch=planned.batch,
        failure=collected if isinstance(collected, Failure) else None,
    )
    if isinstance(collected, Failure):
        return without_outputs
    sets = len(collected.files)
    outputs = []
    for index, port in enumerate(collected.ports):
        arrays = collected.of(index)
        if arrays is not None:
            repeats = itself[index] if itself else None
            outputs.append(record(port, arrays, len(collected.ports), repeats))
    right = () if labels is None else tuple(labels[: sets * planned.batch].tolist())
    return without_outputs.model_copy(
        update={
            "inputs": tuple(digests[:sets]),
            "outputs": tuple(outputs),
            "labels": right,
            "labels_file": labels_file,
        }
    )
