"""A cell with all that a worker needs to run it."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ovreport.planning.batches import Count
from ovreport.planning.matrix import turns_key
from ovreport.run import Cell, PartialLaunches, Port, Provenance


@dataclass(frozen=True)
class PlannedCell:
    """A cell with everything a worker needs.

    Paths are absolute; ``extensions`` are libraries with operations of the model's own;
    ``ports`` and ``outputs`` are the model's own, ``shapes`` what the inputs run with, by index;
    ``count`` is what throughput counts; ``inputs`` is an ``.npz`` file that the parent wrote,
    ``input_data`` says in words what is in it, ``is_random`` whether some of it is random;
    ``properties`` are compiled with, as OpenVINO names them; ``python_because`` says why the Python
    API runs it, and is empty where the C API can; ``provenance`` is what a result
    depends on.
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
    properties: Mapping[str, str | int | float | bool]
    python_because: str
    provenance: Provenance

    @property
    def batch(self) -> int:
        """Samples in one request, as far as is known before the model is compiled."""
        return self.count.samples

    @property
    def requests(self) -> int | None:
        """In flight; None leaves it to the device."""
        return self.cell.requests or (1 if self.cell.hint == "latency" else None)

    @property
    def setting(self) -> dict[str, Any]:
        """What a worker needs to compile the model and feed it, as arguments of its commands."""
        return {
            "path": str(self.model),
            "extensions": [str(path) for path in self.extensions],
            "device": self.cell.device,
            "shapes": self.shapes,
            "inputs": str(self.inputs),
            "properties": dict(self.properties),
        }


def groups(
    planned: Iterable[PlannedCell],
    interleave: Literal["versions", "model"],
    partial_launches: Sequence[PartialLaunches] = (),
    failed: Collection[str] = (),
) -> Iterator[list[PlannedCell]]:
    """The cells that take turns; the plan has them one after another.

    Args:
        partial_launches: launches that a killed run had done.
        failed: ids of cells that failed in it. They stand apart where the others have launches
            without them.
    """
    for _, cells in itertools.groupby(planned, lambda item: turns_key(item.cell, interleave)):
        group = list(cells)
        rest = [item for item in group if item.cell.id not in failed]
        if len(rest) < len(group) and rest and partial_launches_of(rest, partial_launches):
            yield rest
            yield [item for item in group if item.cell.id in failed]
        else:
            yield group


def partial_launches_of(
    group: Sequence[PlannedCell], partial_launches: Iterable[PartialLaunches]
) -> list[PartialLaunches]:
    """The launches of these cells that a killed run had done with just what they need now."""
    provenances = {item.cell.id: item.provenance for item in group}
    return [p for p in partial_launches if provenances.items() <= p.provenances.items()]
