"""A cell with all that a worker needs to run it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ovreport.run import Basis, Cell


@dataclass(frozen=True)
class PlannedCell:
    """Paths are absolute; ``shapes`` are concrete, by input index; ``batch`` is what throughput
    counts; ``inputs`` is an ``.npz`` file that the parent wrote, ``input_data`` says in words what
    is in it; ``properties`` are compiled with, as OpenVINO names them; ``basis`` is what a result
    will depend on."""

    cell: Cell
    model: Path
    python: Path
    shapes: tuple[tuple[int, ...], ...]
    batch: int
    inputs: Path
    input_data: str
    properties: Mapping[str, str | int | float | bool]
    basis: Basis
