"""What commands that make optimised versions show on the terminal meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click
from rich.console import Console

from ovreport.cli.printing import MessagePrinter
from ovreport.optimising.making import MakingProgress, MakingStarted, VersionMade
from ovreport.pipeline.display import Event
from ovreport.text.labels import count, rough_duration
from ovreport.text.numbers import show
from ovreport.text.terminal import printable


class MakingPrinter(MessagePrinter):
    """Prints which versions are made; on a terminal also how far the calibration is."""

    def __init__(self) -> None:
        self._status = Console().status("")

    def show(self, event: Event) -> None:
        """Print one step."""
        match event:
            case MakingStarted(model, version, parent, optimise):
                click.echo(printable(f"Making {model} · {version}: {optimise} of {parent}"))
            case MakingProgress(sets):
                self._status.update(f"{count(sets, 'input set')} read for the calibration")
            case VersionMade():
                _print_made(event)
            case _:
                super().show(event)

    @contextmanager
    def making(self, started: MakingStarted) -> Iterator[None]:  # noqa: ARG002
        """Show on a terminal that a version is being made."""
        self._status.update("reading the model")
        with self._status:
            yield


def _print_made(event: VersionMade) -> None:
    making = event.making
    took = rough_duration(making.duration_s)
    if making.peak_memory_bytes:
        took += f" with {show(making.peak_memory_bytes, 'bytes')} of memory"
    head = "Made" if event.is_new else "Made by an earlier run:"
    click.echo(printable(f"{head} {event.model} · {event.version} in {took}: {event.path}"))
