"""The graph that the device executed, and the model's own, as diagrams."""

from __future__ import annotations

from ovreport.computed.focus import focus_cells
from ovreport.plugin import Analyzer
from ovreport.run import Run
from ovreport.section import Section

from ..common import focus_group
from .original import original_graph
from .runtime import runtime_graph


class ModelGraph(Analyzer):
    """Both graphs, coloured by type, time, precision or fate."""

    id = "model_graph"
    title = "Model graph"
    reading = (
        "The flow of data, top to bottom. Thick outlines with a rank mark the longest layers, "
        "strong arrows the path that takes longest, dashed red arrows a change of precision. A "
        "node leads to its row in the table of layers; point at it for its constants and settings."
    )
    # Times, and what became of the model's operators, are known of profiled layers alone.
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
