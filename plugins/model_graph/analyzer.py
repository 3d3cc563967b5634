"""Diagrams of the graph that the device executed and of the model's own graph."""

from __future__ import annotations

from ovreport.computed.focus import focus_cells
from ovreport.plugin import Analyzer
from ovreport.run import Run
from ovreport.section import Section

from ..layer_sections import focus_group
from .original import original_graph
from .runtime import runtime_graph


class ModelGraph(Analyzer):
    """Show both graphs, coloured by type, time, precision or fate."""

    id = "model_graph"
    title = "Model graph"
    reading = (
        "Data flows from top to bottom. Thick outlines with a rank mark the longest layers, strong "
        "arrows the critical path, dashed red arrows a change of precision. Click a node for its "
        "row in the table of layers; point at it for its constants and settings."
    )
    # Only profiled layers have times, and only they show what became of the model's operators.
    needs = frozenset({"layers"})
    order = 700
    exports_diagrams = True

    def analyze(self, run: Run) -> Section:
        return Section(
            [
                focus_group(
                    run,
                    result,
                    [runtime_graph(run, result, layers), *original_graph(run, result, layers)],
                )
                for result, layers in focus_cells(run)
            ]
        )
