"""Collects the outputs of one version for each input set, in a separate worker."""

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
    """For each operator's name, the index of the model output that holds the operator's output."""
    _worker: WorkerSession
    _limit_s: float

    def collect(self, turn: int, target: Path) -> None:
        """Write the outputs for one input set: an ``.npz`` with an array for each output.

        Raises:
            WorkerError: the worker failed.
        """
        self._worker.ask("inference", self._limit_s, "answer", turn=turn, target=str(target))


@contextmanager
def output_worker(
    planned: PlannedCell, inputs: Path, settings: Measure, operators: Sequence[str] = ()
) -> Iterator[OutputWorker]:
    """Start a worker for a version, and end it after the block.

    Args:
        planned: the version's cell.
        inputs: file of arrays ``<set>_<input>``.
        settings: limits of the worker.
        operators: operators whose outputs are also collected.

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
    """One file for each set."""

    def of(self, index: int) -> list[Array] | None:
        """Return one output over all sets; None if numpy cannot represent its type."""
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
    """Run a version on all input sets, or on as many as fit into a time, at least one.

    Args:
        planned: the version's cell.
        inputs: file of arrays ``<set>_<input>``.
        settings: limits of the worker.
        target: path prefix of the files to write.
        seconds: the time; None for all sets.

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
    """Return the digest of each set in a file of arrays ``<set>_<input>``."""
    return [digest([values[index] for index in sorted(values)]) for values in input_sets(inputs)]


def input_sets(path: Path) -> Iterator[Mapping[int, Array]]:
    """Yield for each set its arrays by input."""
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
    """Return the record of a version's outputs for the run file, or why there are none.

    Args:
        planned: the version's cell.
        input_data: the inputs in words.
        digests: digests of the input sets, of which the first ones have outputs.
        collected: the outputs, or the failure.
        labels: right classes of the samples.
        labels_file: the file that holds them.
        itself: distance of each output to that of a second run, if there was one.
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
