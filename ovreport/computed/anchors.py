"""Anchors of a report: all targets of links from other modules are defined here.

An anchor consists of a fixed word, ids of cells and numbers, never of a user's names. So it is safe
in HTML, and unique, because ids of cells are unique in a run.
"""

from __future__ import annotations

from typing import Literal

from ovreport.computed.layers import ExecutedLayer
from ovreport.computed.pairs import Comparison, Pair
from ovreport.run import Cell, CellResult

MEMORY = "memory"
"""The table of memory in the section Environment."""

CellPlace = Literal[
    "cell",  # its row in the table of configurations
    "key",  # its row in the summary
    "latency",  # its row in the table of latencies
    "layer",  # a row in the table of layers, by the index of the runtime graph's node
    "node",  # a box in the diagram of the runtime graph, by its index
    "op",  # a box in the diagram of the model's own graph, by its index
    "rate",  # its row in the table of fixed rates
    "sum",  # the sum of its layers
]


def anchor(place: CellPlace, subject: Cell | CellResult, *index: int) -> str:
    """Return the anchor of a place of a cell."""
    cell = subject if isinstance(subject, Cell) else subject.cell
    return "-".join((place, cell.id, *map(str, index)))


def layer_anchor(result: CellResult, layer: ExecutedLayer) -> str:
    """Return the anchor of a layer's row in the table of layers."""
    return row_anchor(result, layer.index)


def row_anchor(result: CellResult, index: int) -> str:
    """Return the anchor of a layer's row in the table of layers, by the index of its node."""
    return anchor("layer", result, index)


def node_anchor(result: CellResult, index: int) -> str:
    """Return the anchor of a node in the diagram of the runtime graph."""
    return anchor("node", result, index)


def operator_anchor(result: CellResult, index: int) -> str:
    """Return the anchor of a node in the diagram of the model's own graph."""
    return anchor("op", result, index)


def verdict_anchor(comparison: Comparison, pair: Pair) -> str:
    """Return the anchor of a pair's first row in the table of verdicts."""
    return f"verdict-{comparison.axis}-{pair[0].cell.id}-{pair[1].cell.id}"


def matched_layers_anchor(comparison: Comparison, number: int) -> str:
    """Return the anchor of a group of matched layers, by its number in the comparison."""
    return f"pair-{comparison.id}-{number}"


def trend_run_anchor(number: int) -> str:
    """Return the anchor of a run of a trend, counted from zero."""
    return f"run-{number + 1}"


def levels_anchor(figure: str, cell: Cell) -> str:
    """Return the anchor of a figure of a cell in a trend's table of levels."""
    return f"levels-{figure}-{cell.id}"
