"""``ovreport export``: write the figures of a run for other programs."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ovreport.rendering.diagrams.standalone import FileFormat

_FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command()
@click.argument("run", metavar="RUN", type=click.Path(path_type=Path))
@click.option(
    "--json",
    "json_file",
    metavar="FILE",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    help="Write all figures, layers and findings as one JSON document; - for standard output.",
)
@click.option(
    "--csv",
    "csv_folder",
    metavar="DIR",
    type=_FOLDER,
    help="Write the same figures as tables: cells.csv, layers.csv, operators.csv and more.",
)
@click.option(
    "--workbench-csv",
    "workbench_folder",
    metavar="DIR",
    type=_FOLDER,
    help="Write per-layer and inference reports in the format of the Deep Learning Workbench.",
)
@click.option(
    "--graph",
    "graph_format",
    type=click.Choice(["svg", "png", "dot"]),
    help="Draw the runtime graph and the model's graph of each version; -o names the folder.",
)
@click.option(
    "-o",
    "--output",
    "graph_folder",
    metavar="DIR",
    type=_FOLDER,
    help="Folder for the files of --graph.",
)
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
    from ovreport import pipeline
    from ovreport.errors import UserError
    from ovreport.text.terminal import printable

    if bool(graph_format) != bool(graph_folder):
        raise UserError(
            "--graph: no folder to write to" if graph_format else "-o: only --graph needs it",
            "Give both, such as --graph svg -o graphs.",
        )
    printed = io.StringIO() if str(json_file) == "-" else None
    written = pipeline.export(
        run,
        json=printed or json_file,
        csv=csv_folder,
        workbench_csv=workbench_folder,
        graphs=graph_folder,
        graph_format=graph_format or "svg",
    )
    if smaller := written.scales:
        click.echo(
            f"Some diagrams are drawn smaller, down to {min(smaller.values()):.0%} of full size, "
            "because a PNG has at most 32,767 pixels in each direction: "
            f"{printable(', '.join(smaller))}. SVG has no such limit.",
            err=True,
        )
    if printed is not None:
        click.echo(printed.getvalue(), nl=False)
