"""``ovreport compare``: compare two runs, of any time and machine, in one report."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from ovreport.cli.gate import EXIT_CODE, gate_options, limits
from ovreport.cli.option_types import Pin


@click.command()
@click.argument("base_run", metavar="BASE", type=click.Path(path_type=Path))
@click.argument("candidate_run", metavar="CANDIDATE", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default=Path("compare.html"),
    show_default=True,
    help="Report to write.",
)
@click.option(
    "--base",
    multiple=True,
    type=Pin(),
    help="Compare only cells of BASE with this value: version=parent, device=CPU. Repeat for "
    "several. This value may differ in CANDIDATE.",
)
@click.option(
    "--candidate",
    multiple=True,
    type=Pin(),
    help="Compare only cells of CANDIDATE with this value.",
)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="Take [report], [compare] and [analyzer] from this config instead of CANDIDATE's.",
)
@gate_options
@click.option("--no-data", is_flag=True, help="Leave the measured data out of the report.")
def compare(
    base_run: Path,
    candidate_run: Path,
    output: Path,
    base: tuple[tuple[str, str], ...],
    candidate: tuple[tuple[str, str], ...],
    config: Path | None,
    no_data: bool,
    **gate: Any,
) -> None:
    """Compare CANDIDATE with BASE, each a run file (.jsonl) or a report (.html).

    The cells that both have are compared: those of the same model, version and configuration. If
    each side has only one model, version or runtime, its names may differ.

    \b
    ovreport compare before.html after.html -o compare.html --fail-on 'throughput<-5%'
    ovreport compare run.jsonl run.jsonl --base version=parent --candidate version=optimized
    ovreport compare run.jsonl run.jsonl --base device=CPU --candidate device=GPU
    """
    from ovreport import pipeline
    from ovreport.cli.progress import ComparisonDisplay

    compared = pipeline.compare(
        base_run,
        candidate_run,
        output,
        base_cells=dict(base),
        candidate_cells=dict(candidate),
        config=config,
        limits=limits(gate),
        with_data=not no_data,
        display=ComparisonDisplay(),
    )
    sys.exit(EXIT_CODE if compared.is_broken else 0)
