"""``ovreport export``: what was measured, for other programs."""

from __future__ import annotations

from pathlib import Path

import click

_FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command()
@click.argument("run", metavar="RUN", type=click.Path(path_type=Path))
@click.option(
    "--json",
    "json_file",
    metavar="FILE",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    help="All figures, layers and findings as one JSON document; - for standard output.",
)
@click.option(
    "--csv",
    "csv_folder",
    metavar="DIR",
    type=_FOLDER,
    help="The same as tables: cells.csv, layers.csv, operators.csv, findings.csv and more.",
)
@click.option(
    "--workbench-csv",
    "workbench_folder",
    metavar="DIR",
    type=_FOLDER,
    help="Per-layer and inference reports in the format of the Deep Learning Workbench.",
)
def export(
    run: Path, json_file: Path | None, csv_folder: Path | None, workbench_folder: Path | None
) -> None:
    """Write the figures of RUN, a run file (.jsonl) or a report (.html), for other programs.

    Field names carry their units: throughput_fps, latency_ms, size_bytes.
    """
    from ovreport.analysis import Analysis, analyze
    from ovreport.cli.report import chosen_analyzers, report_settings
    from ovreport.errors import UserError
    from ovreport.export.documents import csv_files, json_text
    from ovreport.export.workbench import workbench_files
    from ovreport.output import check_writable, write_folder, write_whole
    from ovreport.runfile import read_run

    if not (json_file or csv_folder or workbench_folder):
        raise UserError(
            f"{run}: nothing to export was named",
            "Give --json FILE, --csv DIR or --workbench-csv DIR.",
        )
    measured = read_run(run)
    if json_file and str(json_file) != "-":
        check_writable(json_file, "--json")
    analyses: list[Analysis] = []
    if json_file or csv_folder:
        settings = report_settings(measured, str(run))
        analyses = analyze(measured, chosen_analyzers(settings), settings.config.report.suppress)
    if csv_folder:
        write_folder(csv_folder, csv_files(measured, analyses))
    if workbench_folder:
        write_folder(workbench_folder, workbench_files(measured))
    if json_file and str(json_file) == "-":
        click.echo(json_text(measured, analyses), nl=False)
    elif json_file:
        write_whole(json_file, json_text(measured, analyses))
