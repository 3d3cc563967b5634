"""``ovreport export``: what was measured, for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ovreport.rendering.diagrams.files import FileFormat

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
@click.option(
    "--graph",
    "graph_format",
    type=click.Choice(["svg", "png", "dot"]),
    help="The runtime graph and the model's own, of each version; -o names the folder.",
)
@click.option("-o", "--output", "graph_folder", metavar="DIR", type=_FOLDER, help="For --graph.")
def export(
    run: Path,
    json_file: Path | None,
    csv_folder: Path | None,
    workbench_folder: Path | None,
    graph_format: FileFormat | None,
    graph_folder: Path | None,
) -> None:
    """Write the figures of RUN, a run file (.jsonl) or a report (.html), for other programs.

    Field names carry their units: throughput_fps, latency_ms, size_bytes.
    """
    from ovreport.analysis import Analysis, analyze
    from ovreport.cli.report import chosen_analyzers, report_settings
    from ovreport.computed.workbench import workbench_files
    from ovreport.errors import UserError
    from ovreport.export.documents import csv_files, json_text
    from ovreport.files import check_apart, check_writable, write_folder, write_whole
    from ovreport.runfile import read_run
    from ovreport.text.terminal import printable

    if not (json_file or csv_folder or workbench_folder or graph_format or graph_folder):
        raise UserError(
            f"{run}: nothing to export was named",
            "Give --json FILE, --csv DIR, --workbench-csv DIR or --graph svg -o DIR.",
        )
    if bool(graph_format) != bool(graph_folder):
        raise UserError(
            "--graph: no folder to write to" if graph_format else "-o: only --graph needs it",
            "Give both, such as --graph svg -o graphs.",
        )
    measured = read_run(run)
    if json_file and str(json_file) != "-":
        check_apart({"--json": json_file}, [run])
        check_writable(json_file, "--json")
    analyses: list[Analysis] = []
    if json_file or csv_folder:
        settings = report_settings(measured, str(run))
        analyses = analyze(measured, chosen_analyzers(settings), settings.config.report.suppress)
    if csv_folder:
        write_folder(csv_folder, csv_files(measured, analyses))
    if workbench_folder:
        write_folder(workbench_folder, workbench_files(measured))
    if graph_format and graph_folder:
        from ovreport.export.graphs import graph_files

        drawn = graph_files(measured, graph_format)
        write_folder(graph_folder, {name: file.content for name, file in drawn.items()})
        if smaller := [name for name, file in drawn.items() if file.scale < 1]:
            least = min(drawn[name].scale for name in smaller)
            click.echo(
                f"Drawn smaller, down to {least:.0%} of full size, as a PNG ends at 32,767 pixels: "
                f"{printable(', '.join(smaller))}. SVG has no such end.",
                err=True,
            )
    if json_file and str(json_file) == "-":
        click.echo(json_text(measured, analyses), nl=False)
    elif json_file:
        write_whole(json_file, json_text(measured, analyses))
