"""Anchors of a report, spelled in one place, so that a link arrives where it should.

They consist of words for what stands there, ids of cells and numbers, never of names: so they are
safe in HTML, and no two are equal, as no two cells of a run have one id.
"""

from __future__ import annotations

from typing import Literal

from ovreport.run import Cell, CellResult

Place = Literal[
    "cell",  # its row in the table of configurations
    "key",  # in the summary
    "latency",  # in the table of latencies
    "layer",  # a row in the table of layers, by the index of the runtime graph's node
    "node",  # a box in the diagram of the runtime graph, by its index
    "op",  # a box in the diagram of the model's own graph, by its index
    "rate",  # in the table of fixed rates
    "sum",  # how the layers of the cell add up
]


def anchor(place: Place, of: Cell | CellResult, *index: int) -> str:
    """Where something about a cell stands."""
    cell = of if isinstance(of, Cell) else of.cell
    return "-".join((place, cell.id, *map(str, index)))
