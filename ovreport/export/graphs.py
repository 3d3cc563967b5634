"""The diagrams of a run as files."""

from __future__ import annotations

from collections.abc import Iterator

from ovreport.analysis import analyze, installed
from ovreport.computed.workbench import file_name
from ovreport.errors import UserError
from ovreport.rendering.diagrams.files import DiagramFile, FileFormat, diagram_file
from ovreport.rendering.diagrams.graphviz import LayoutError
from ovreport.run import Run
from ovreport.section import Crashed, Diagram, Skipped


def graph_files(run: Run, format: FileFormat) -> dict[str, DiagramFile]:
    """By file name: each diagram that the section *Model graph* has, and what is inside it.

    Raises:
        UserError: the run holds no graph, or one cannot be drawn.
    """
    (analysis,) = analyze(run, [installed()["model_graph"]()], [])
    if isinstance(analysis.outcome, Skipped):
        raise UserError(f"--graph: {analysis.outcome.reason}", "Measure with profiling on.")
    if isinstance(analysis.outcome, Crashed):
        raise UserError(
            f"--graph: the diagrams could not be made: {analysis.outcome.error}",
            "The report has the section *Model graph* with the same error.",
            detail=analysis.outcome.trace,
        )
    files = {}
    for group in analysis.outcome.groups:
        for block in group.blocks:
            if not isinstance(block, Diagram):
                continue
            for diagram in _with_inner(block):
                name = file_name(*group.heading.split(" · "), diagram.id)
                try:
                    files[f"{name}.{format}"] = diagram_file(diagram, format)
                except LayoutError as error:
                    raise UserError(f"--graph {format}: {diagram.title}: {error}", "") from error
    if not files:
        raise UserError(
            "--graph: no cell whose layers the report shows has layer times",
            "Measure with profiling on.",
        )
    return files


def _with_inner(diagram: Diagram) -> Iterator[Diagram]:
    yield diagram
    for inner in diagram.inner:
        yield from _with_inner(inner)
