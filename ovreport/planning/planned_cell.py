"""A cell with everything that a worker needs to run it."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ovreport.planning.batches import Count
from ovreport.planning.decoders import Decoder
from ovreport.planning.matrix import turns_key
from ovreport.run import Cell, PartialLaunches, Port, Provenance, TokenSequence


@dataclass(frozen=True)
class PlannedCell:
    """A cell with everything that a worker needs to run it.

    Attributes:
        cell: the cell.
        model: absolute path of the model file.
        extensions: absolute paths of libraries with the model's custom operations.
        python: absolute path of the Python that runs the worker.
        ports: inputs in the model's file.
        outputs: outputs in the model's file.
        shapes: shape that each input runs with, by index.
        count: the samples in one request, which throughput counts.
        inputs: ``.npz`` file with the input data.
        input_data: the content of ``inputs`` in words.
        is_random: whether some of the input data is random.
        stateful: whether an inference leaves something for the next one.
        properties: properties to compile with, by OpenVINO's names.
        python_because: why the Python API must run the cell; empty if the C API can.
        provenance: everything that a result depends on.
        decoder: the model's inputs by their meaning, if a request is a sequence of tokens.
        sequence: that sequence; ``shapes`` are then those with which the prompt is read.
    """

    cell: Cell
    model: Path
    extensions: tuple[Path, ...]
    python: Path
    ports: tuple[Port, ...]
    outputs: tuple[Port, ...]
    shapes: tuple[tuple[int, ...], ...]
    count: Count
    inputs: Path
    input_data: str
    is_random: bool
    stateful: bool
    properties: Mapping[str, str | int | float | bool]
    python_because: str
    provenance: Provenance
    decoder: Decoder | None = None
    sequence: TokenSequence | None = None

    @property
    def batch(self) -> int:
        """Samples in one request, as known before the model is compiled."""
        return self.count.samples

    @property
    def requests(self) -> int | None:
        """Requests in flight; None if the device chooses."""
        return self.cell.requests or (1 if self.cell.hint == "latency" else None)

    @property
    def setting(self) -> dict[str, Any]:
        """Arguments of the worker's commands to compile the model and set its inputs."""
        return {
            "path": str(self.model),
            "extensions": [str(path) for path in self.extensions],
            "device": self.cell.device,
            "shapes": self.decoder.open_shapes if self.decoder else self.shapes,
            "inputs": str(self.inputs),
            "properties": dict(self.properties),
        }

    @property
    def sequence_setting(self) -> dict[str, Any] | None:
        """What the worker needs to run sequences; None if a request is a single inference."""
        if self.decoder is None or self.sequence is None:
            return None
        return {"roles": self.decoder.roles, "new_tokens": self.sequence.new_tokens}

    @property
    def inferences(self) -> int:
        """Number of inferences in a request."""
        return self.sequence.new_tokens if self.sequence else 1


def groups(
    planned: Iterable[PlannedCell],
    interleave: Literal["versions", "model"],
    partial_launches: Sequence[PartialLaunches] = (),
    failed: Collection[str] = (),
) -> Iterator[list[PlannedCell]]:
    """Yield the groups of cells that take turns.

    Args:
        planned: cells of the plan, in which those of a group follow one another.
        interleave: which cells take turns.
        partial_launches: launches that a killed run completed.
        failed: ids of cells that failed in that run. They form a separate group if the other cells
            have launches without them.
    """
    for _, cells in itertools.groupby(planned, lambda item: turns_key(item.cell, interleave)):
        group = list(cells)
        not_failed = [item for item in group if item.cell.id not in failed]
        has_failed = len(not_failed) < len(group)
        if has_failed and not_failed and partial_launches_of(not_failed, partial_launches):
            yield not_failed
            yield [item for item in group if item.cell.id in failed]
        else:
            yield group


def partial_launches_of(
    group: Sequence[PlannedCell], partial_launches: Iterable[PartialLaunches]
) -> list[PartialLaunches]:
    """Return the launches of these cells that a killed run completed with the same provenance."""
    provenances = {item.cell.id: item.provenance for item in group}
    return [p for p in partial_launches if provenances.items() <= p.provenances.items()]
