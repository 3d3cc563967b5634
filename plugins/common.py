"""What the sections about layers share."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ovreport.graphs.layers import ExecutedLayer, executed_layers
from ovreport.labels import label
from ovreport.run import CellResult, Run
from ovreport.section import Block, Group, Link, Text


def focus_cells(run: Run) -> Iterator[tuple[CellResult, tuple[ExecutedLayer, ...]]]:
    """For each version, the cell whose layers are shown, and its layers."""
    for model, version in run.versions:
        result = run.focus(model, version)
        if result is not None and (layers := executed_layers(run, result)):
            yield result, layers


def focus_group(run: Run, result: CellResult, blocks: list[Block]) -> Group:
    """Blocks under the version's heading, with a sentence which cell they are of."""
    cell = result.cell
    note = Text(f"of-{cell.id}", f"Layers of the cell {label(cell, run.header.plan)}.")
    several = len({r.cell.id for r in run.done}) > 1
    return Group(f"{cell.model} · {cell.version}", [note, *blocks] if several else blocks)


def layer_anchor(result: CellResult, layer: ExecutedLayer) -> str:
    """The layer's row in the table of layers."""
    return f"layer-{result.cell.id}-{layer.index}"


def links(
    result: CellResult, layers: list[ExecutedLayer], text: Callable[[ExecutedLayer], str]
) -> list[Link]:
    """Links to the rows of layers."""
    return [Link(text(layer), layer_anchor(result, layer)) for layer in layers]
