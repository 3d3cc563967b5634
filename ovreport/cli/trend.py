"""``ovreport trend``: follow many runs over time in one report."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("runs", metavar="RUN...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default=Path("trend.html"),
    show_default=True,
    help="Report to write.",
)
@click.option("--no-data", is_flag=True, help="Leave the measured data out of the report.")
def trend(runs: tuple[Path, ...], output: Path, no_data: bool) -> None:
    """Follow models and configurations over many RUNs, each a run file or a report.

    Runs are ordered by their start. A run that is given twice, such as its run file and its report,
    counts once. The report dates every change of level and names what changed with it (OpenVINO,
    machine, model files).

    \b
    ovreport trend runs/*.jsonl -o trend.html
    """
    from ovreport import pipeline
    from ovreport.cli.printing import MessagePrinter
    from ovreport.text.terminal import printable_line

    pipeline.trend(runs, output, with_data=not no_data, display=MessagePrinter())
    click.echo(printable_line(f"Report: {output}"))
