"""What a use case shows while it works: to a person at a terminal, or to nobody."""

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
    from ovreport.outputs.agreement import OutputOptions
    from ovreport.planning.planned_cell import PlannedCell
    from ovreport.planning.resume import Resumption
    from ovreport.planning.search import Search
    from ovreport.run import Cell, CellResult, Roof, Run, SearchStep


@dataclass(frozen=True)
class Warned:
    """Something about the input that does not keep the work from being done."""

    text: str
    """A sentence without its full stop."""


@dataclass(frozen=True)
class Planned:
    """What a run measures, and in which order."""

    cells: tuple[PlannedCell, ...]
    searches: tuple[Search, ...]
    """Each comes to cells of its own, after those that are planned."""
    resumed: Resumption
    """What the run file holds already."""
    measure: Measure
    outputs: int
    """How often outputs of a version are collected after the cells."""


@dataclass(frozen=True)
class CellDone:
    """A cell is measured, or failed, and is stored."""

    result: CellResult


@dataclass(frozen=True)
class Searched:
    """What a search looks at next and why, or why it ended."""

    step: SearchStep
    among: Sequence[Cell]
    """All cells of the run, so that each can be named by what differs."""


@dataclass(frozen=True)
class ComparingOutputs:
    """Outputs of two versions are collected and compared."""

    base: Cell
    other: Cell


@dataclass(frozen=True)
class KeepingOutputs:
    """Outputs of a version are collected, to be compared with other runs."""

    cell: Cell


@dataclass(frozen=True)
class MeasuringRoof:
    """What a device can reach is measured."""

    device: str


@dataclass(frozen=True)
class RoofMeasured:
    """What a device can reach is stored."""

    roof: Roof


@dataclass(frozen=True)
class ReportWritten:
    """The report is on the disk; limits are checked after that."""

    run: Run
    report: Path
    outputs: OutputOptions
    """How the report judges outputs."""
    run_file: Path | None = None
    """Where measurements are kept, if they were made now."""


@dataclass(frozen=True)
class GateChecked:
    """All limits were checked, and their files are written."""

    gate: GateResult


Event: TypeAlias = (
    "Warned | Planned | PassStarted | CellStarted | SliceDone | CellDone | Searched"
    " | ComparingOutputs | KeepingOutputs | MeasuringRoof | RoofMeasured | ReportWritten"
    " | GateChecked"
)


class Display(Protocol):
    """Shows how the work goes. What it does changes nothing of the work."""

    def show(self, event: Event) -> None:
        """Show one step."""

    def measuring(self, report: Path, run_file: Path) -> AbstractContextManager[object]:
        """Return what lasts as long as measurements are added to the run file.

        An exception that ends the measuring early leaves through it.
        """

    def cells(
        self, planned: Sequence[PlannedCell], among: Sequence[Cell]
    ) -> AbstractContextManager[object]:
        """Return what lasts as long as these cells are measured.

        Args:
            planned: the cells that have no result yet.
            among: all cells of the run, so that each can be named by what differs.
        """


class Silent:
    """Shows nothing."""

    def show(self, event: Event) -> None:
        """Show nothing."""

    def measuring(self, report: Path, run_file: Path) -> AbstractContextManager[object]:  # noqa: ARG002
        """Return what does nothing."""
        return nullcontext()

    def cells(
        self,
        planned: Sequence[PlannedCell],  # noqa: ARG002
        among: Sequence[Cell],  # noqa: ARG002
    ) -> AbstractContextManager[object]:
        """Return what does nothing."""
        return nullcontext()


SILENT = Silent()
