"""``ovreport render``: write the report again, from a run file or a report."""

from __future__ import annotations

import gc
from pathlib import Path

import click


@click.command()
@click.argument("run", metavar="RUN", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default=Path("report.html"),
    show_default=True,
    help="Report to write.",
)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="Take [report], [compare] and [analyzer] from this config instead of the run's.",
)
@click.option("--no-data", is_flag=True, help="Leave the measured data out of the report.")
@click.option(
    "--redact",
    is_flag=True,
    help="Leave out host name, user name and folders, in the page and in its data.",
)
def render(run: Path, output: Path, config: Path | None, no_data: bool, redact: bool) -> None:
    """Write the report of RUN, a run file (.jsonl) or a report (.html), without measuring.

    Plugin files and templates are loaded only where --config names them.
    """
    from ovreport import pipeline
    from ovreport.cli.printing import MessagePrinter
    from ovreport.text.terminal import printable_line

    gc.disable()  # objects of one rendering live until its end; saves a quarter of the time
    pipeline.render(
        run, output, config=config, with_data=not no_data, redact=redact, display=MessagePrinter()
    )
    click.echo(printable_line(f"Report: {output}"))
