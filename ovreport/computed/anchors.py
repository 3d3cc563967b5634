"""Anchors of a report: each that a link leads to from another module is spelled here alone.

They consist of words for what stands there, ids of cells and numbers, never of names. So they are
safe in HTML, and no two are equal, as no two cells of a run have one id.
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
    "key",  # in the summary
    "latency",  # in the table of latencies
    "layer",  # a row in the table of layers, by the index of the runtime graph's node
    "node",  # a box in the diagram of the runtime graph, by its index
    "op",  # a box in the diagram of the model's own graph, by its index
    "rate",  # in the table of fixed rates
    "sum",  # how the layers of the cell add up
]


def anchor(place: CellPlace, of: Cell | CellResult, *index: int) -> str:
    """Return the anchor of something about a cell."""
    cell = of if isinstance(of, Cell) else of.cell
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
