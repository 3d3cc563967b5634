"""Export the diagrams of a run as files."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from ovreport.analysis import Analysis, analyze, installed
from ovreport.computed.workbench import file_name
from ovreport.errors import UserError
from ovreport.rendering.diagrams.graphviz import LayoutError
from ovreport.rendering.diagrams.standalone import DiagramFile, FileFormat, diagram_file
from ovreport.run import Run
from ovreport.section import Crashed, Diagram, Skipped


def graph_files(run: Run, format: FileFormat) -> dict[str, DiagramFile]:
    """Return by file name the diagrams that analyzers export, and the diagrams inside these.

    Raises:
        UserError: the run holds no graph, or one cannot be drawn.
    """
    analyzers = [kind() for kind in installed().values() if kind.exports_diagrams]
    analyses = analyze(run, analyzers)
    files = {}
    for name, diagram in chain.from_iterable(map(_named_diagrams, analyses)):
        try:
            files[f"{name}.{format}"] = diagram_file(diagram, format)
        except LayoutError as error:  # noqa: PERF203  # names the diagram that fails
            raise UserError(f"--graph {format}: {diagram.title}: {error}", "") from error
    if not files:
        reasons = [x.outcome.reason for x in analyses if isinstance(x.outcome, Skipped)]
        nothing = "no cell whose layers the report shows has layer times"
        raise UserError(f"--graph: {(*reasons, nothing)[0]}", "Measure with profiling on.")
    return files


def _named_diagrams(analysis: Analysis) -> Iterator[tuple[str, Diagram]]:
    if isinstance(analysis.outcome, Crashed):
        raise UserError(
            f"--graph: the diagrams could not be made: {analysis.outcome.error}",
            f"The report has the section *{analysis.analyzer.title}* with the same error.",
            detail=analysis.outcome.trace,
        )
    if isinstance(analysis.outcome, Skipped):
        return
    for group in analysis.outcome.groups:
        for block in group.blocks:
            if isinstance(block, Diagram):
                for diagram in _with_inner(block):
                    yield file_name(*group.heading.split(" · "), diagram.id), diagram


def _with_inner(diagram: Diagram) -> Iterator[Diagram]:
    yield diagram
    for inner in diagram.inner:
        yield from _with_inner(inner)
