"""``ovreport render``: the report again, from a run file or a report."""

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
    help="Take [report] and [analyzer] from this config instead of the run's own.",
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
    from ovreport.rendering.charts.process import drawing

    gc.disable()  # what a single rendering allocates lives until its end; saves a quarter of it
    with drawing() as charts:  # its process starts while this one still imports and reads
        from ovreport.cli.report import report_settings, with_report_of, write_report
        from ovreport.config.load import load_report
        from ovreport.files import check_apart, check_writable
        from ovreport.runfile import is_report, read_run
        from ovreport.runfile.redaction import redacted
        from ovreport.text.terminal import printable

        measured = read_run(run)
        # A report may take the place of the one that it is made from, if that loses nothing.
        loses = no_data or redact or not is_report(run)
        check_apart({"-o": output}, [config, run if loses else None])
        check_writable(output, "-o")
        if config:
            settings = load_report(config, measured.header.config)
            measured = with_report_of(measured, settings)
        else:
            settings = report_settings(measured, str(run))
        if redact:
            measured = redacted(measured)
        write_report(measured, settings, output, charts, with_data=not no_data)
    click.echo(printable(f"Report: {output}"))
