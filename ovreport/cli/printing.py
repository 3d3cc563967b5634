"""Messages that several commands print: warnings and the outcome of limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ovreport.pipeline import Event, GateChecked, Silent, Warned
from ovreport.text.terminal import printable

if TYPE_CHECKING:
    from ovreport.gate.checks import GateResult


class MessagePrinter(Silent):
    """Prints warnings and the outcome of limits."""

    def show(self, event: Event) -> None:
        """Print one step."""
        match event:
            case Warned(text):
                _print_warning(text)
            case GateChecked(gate):
                _print_gate(gate)


def _print_warning(text: str) -> None:
    click.echo(f"Warning: {printable(text)}.", err=True)


def _print_gate(gate: GateResult) -> None:
    for warning in gate.warnings:
        _print_warning(warning)
    for outcome in gate.outcomes:
        if outcome.status != "passed":
            head = f"{outcome.status.capitalize()}: {outcome.rule}: {outcome.model}"
            click.echo(printable(f"{head}, {outcome.cell}: {outcome.text}."), err=True)
    if gate.outcomes:
        counts = [f"{gate.count(s)} {s}" for s in ("passed", "broken", "inconclusive")]
        click.echo(f"Limits:   {', '.join(counts)}")
