"""The events that a use case shows while it works, and the displays that take them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from ovreport.config.schema import Measure
    from ovreport.gate.checks import GateResult
    from ovreport.measuring.scheduler import CellStarted, PassStarted, SliceDone
    from ovreport.optimising.making import MakingEvent, MakingStarted
    from ovreport.planning.planned_cell import PlannedCell
    from ovreport.planning.resume import Resumption
    from ovreport.planning.search import Search
    from ovreport.run import Cell, CellResult, Roof, Run, SearchStep


@dataclass(frozen=True)
class Warned:
    """A fault of the input that does not stop the work."""

    text: str
    """A sentence without its full stop."""


@dataclass(frozen=True)
class Planned:
    """What a run measures, and in which order."""

    cells: tuple[PlannedCell, ...]
    searches: tuple[Search, ...]
    """They measure further cells after the planned ones."""
    resumed: Resumption
    """What the run file already holds."""
    measure: Measure
    outputs: int
    """How often outputs of a version are collected after the cells."""


@dataclass(frozen=True)
class CellDone:
    """A cell is measured, or failed, and is stored."""

    result: CellResult


@dataclass(frozen=True)
class Searched:
    """A step of a search: what it measures next and why, or why it ended."""

    step: SearchStep
    all_cells: Sequence[Cell]
    """All cells of the run, so that each can be named by what differs."""


@dataclass(frozen=True)
class ComparingOutputs:
    """Outputs of two versions are collected and compared."""

    base: Cell
    other: Cell


@dataclass(frozen=True)
class KeepingOutputs:
    """Outputs of a version are collected for later comparisons with other runs."""

    cell: Cell


@dataclass(frozen=True)
class MeasuringRoof:
    """The measurement of what a device can reach begins."""

    device: str


@dataclass(frozen=True)
class RoofMeasured:
    """What a device can reach is measured and stored."""

    roof: Roof


@dataclass(frozen=True)
class ReportWritten:
    """The report is on the disk; limits are checked after that."""

    run: Run
    report: Path
    run_file: Path | None = None
    """Where measurements are kept, if this use case made them."""


@dataclass(frozen=True)
class GateChecked:
    """All limits were checked, and their files are written."""

    gate: GateResult


Event: TypeAlias = (
    "Warned | MakingEvent | Planned | PassStarted | CellStarted | SliceDone | CellDone | Searched"
    " | ComparingOutputs | KeepingOutputs | MeasuringRoof | RoofMeasured | ReportWritten"
    " | GateChecked"
)


class Display(Protocol):
    """Shows the progress of the work and has no effect on it."""

    def show(self, event: Event) -> None:
        """Show one step."""

    def measuring(self, report: Path, run_file: Path) -> AbstractContextManager[object]:
        """Return a context that is open while measurements are added to the run file.

        An exception that ends measuring early passes through it.
        """

    def making(self, started: MakingStarted) -> AbstractContextManager[object]:
        """Return a context that is open while a version is made of another."""

    def cells(
        self, planned: Sequence[PlannedCell], all_cells: Sequence[Cell]
    ) -> AbstractContextManager[object]:
        """Return a context that is open while these cells are measured.

        Args:
            planned: the cells that have no result yet.
            all_cells: all cells of the run, so that each can be named by what differs.
        """


class Silent:
    """Shows nothing."""

    def show(self, event: Event) -> None:
        """Show nothing."""

    def measuring(self, report: Path, run_file: Path) -> AbstractContextManager[object]:  # noqa: ARG002
        """Return a context that does nothing."""
        return nullcontext()

    def making(self, started: MakingStarted) -> AbstractContextManager[object]:  # noqa: ARG002
        """Return a context that does nothing."""
        return nullcontext()

    def cells(
        self,
        planned: Sequence[PlannedCell],  # noqa: ARG002
        all_cells: Sequence[Cell],  # noqa: ARG002
    ) -> AbstractContextManager[object]:
        """Return a context that does nothing."""
        return nullcontext()


SILENT = Silent()
