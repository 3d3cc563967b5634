"""What the use cases return."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ovreport.gate.checks import GateResult
    from ovreport.run import Making, Run


@dataclass(frozen=True)
class MeasuredRun:
    """A run that was measured, its files, and the outcome of its limits."""

    run: Run
    run_file: Path
    report: Path
    gate: GateResult
    is_broken: bool
    """Whether a limit is broken, or inconclusive if that counts as broken."""

    @property
    def is_complete(self) -> bool:
        """Whether every cell was measured, and its layers were timed if profiling was on."""
        return not (self.run.failed or self.run.untimed)


@dataclass(frozen=True)
class Rendered:
    """A report that was written, and the run that is in it."""

    run: Run
    report: Path


@dataclass(frozen=True)
class Compared:
    """A comparison whose report was written, and the outcome of its limits."""

    run: Run
    """The run of both sides; the cells of a pair are two versions of one model."""
    report: Path
    gate: GateResult
    is_broken: bool
    """Whether a limit is broken, or inconclusive if that counts as broken."""


@dataclass(frozen=True)
class Exported:
    """The files that were written."""

    files: tuple[Path, ...]
    scales: Mapping[str, float]
    """Scales of the graphs that the size limit of PNG made smaller, by file name; 0.5 is half."""


@dataclass(frozen=True)
class Optimised:
    """A version that was made of a model."""

    path: Path
    """The IR; its weights are in the ``.bin`` file of the same name."""
    making: Making
    size_bytes: int
    parent_size_bytes: int
