"""What a use case shows while it works: to a person at a terminal, or to nobody."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from ovreport.gate.checks import Gate
    from ovreport.outputs.agreement import OutputOptions
    from ovreport.run import Run


@dataclass(frozen=True)
class Warned:
    """Something about the input that does not keep the work from being done."""

    text: str
    """A sentence without its full stop."""


@dataclass(frozen=True)
class ReportWritten:
    """The report is on the disk; limits are checked after that."""

    run: Run
    report: Path
    outputs: OutputOptions
    """How the report judges outputs."""


@dataclass(frozen=True)
class GateChecked:
    """All limits were checked, and their files are written."""

    gate: Gate


Event: TypeAlias = "Warned | ReportWritten | GateChecked"


class Display(Protocol):
    """Shows how the work goes. What it does changes nothing of the work."""

    def show(self, event: Event) -> None:
        """Show one step."""


class Silent:
    """Shows nothing."""

    def show(self, event: Event) -> None:
        """Show nothing."""


SILENT = Silent()
