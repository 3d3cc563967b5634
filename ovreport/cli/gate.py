"""Options of ``run`` and ``compare`` that can fail a CI job."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from ovreport.pipeline import Limits

EXIT_CODE = 3


def gate_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that can fail a CI job; the command gets them as ``gate_…``."""
    path = click.Path(dir_okay=False, path_type=Path)
    for option in (
        click.option(
            "--markdown", "gate_markdown", metavar="FILE", type=path,
            help="Write verdicts and limits as Markdown, such as for a job summary.",
        ),
        click.option(
            "--junit", "gate_junit", metavar="FILE", type=path,
            help="Write the outcome of every limit as JUnit XML.",
        ),
        click.option(
            "--inconclusive", "gate_inconclusive", type=click.Choice(("pass", "fail")),
            help="How to count a limit that the intervals do not decide.  [default: pass]",
        ),
        click.option(
            "--fail-on", "gate_rules", multiple=True, metavar="RULE",
            help="Exit with code 3 if the whole interval is beyond this limit: 'throughput<-5%' "
            "against the base, 'p95>10ms where hint=latency' for the figure itself. Repeat for "
            "several.",
        ),
    ):  # fmt: skip
        command = option(command)
    return command


def limits(options: Mapping[str, Any]) -> Limits:
    """Return the limits that the options ask for."""
    from ovreport.pipeline import Limits

    return Limits(
        rules=options["gate_rules"],
        inconclusive=options["gate_inconclusive"],
        junit=options["gate_junit"],
        markdown=options["gate_markdown"],
    )
