"""Messages that several commands print: warnings and the outcome of limits."""

from __future__ import annotations

import click

from ovreport.pipeline import Event, GateChecked, Silent, Warned
from ovreport.text.terminal import printable_line


class MessagePrinter(Silent):
    """Prints warnings and the outcome of limits."""

    def show(self, event: Event) -> None:
        """Print one step."""
        match event:
            case Warned(text):
                _print_warning(text)
            case GateChecked():
                _print_gate(event)


def _print_warning(text: str) -> None:
    click.echo(f"Warning: {printable_line(text)}.", err=True)


def _print_gate(event: GateChecked) -> None:
    gate = event.gate
    for warning in gate.warnings:
        _print_warning(warning)
    for outcome in gate.outcomes:
        if outcome.status != "passed":
            head = f"{outcome.status.capitalize()}: {outcome.rule}: {outcome.model}"
            click.echo(printable_line(f"{head}, {outcome.cell}: {outcome.text}."), err=True)
    if gate.outcomes:
        counts = [f"{gate.count(s)} {s}" for s in ("passed", "broken", "inconclusive")]
        click.echo(f"Limits:   {', '.join(counts)}")
