"""Layers that take no time, and what became of the layers of the model."""

from __future__ import annotations

from ovreport.computed.anchors import operator_anchor, row_anchor
from ovreport.computed.layers import SkippedLayer, fates, layer_names, skipped_layers
from ovreport.run import CellResult, Run
from ovreport.section import Block, Column, Row, Table
from ovreport.text.labels import count
from ovreport.text.short_names import short_names
from ovreport.text.values import Link, Role, Tag

PORTS = frozenset({"Parameter", "Result", "Input", "Output"})
_FATE_WORDS = {
    "executed": "executed as",
    "fused": "fused into",
    "kept": "kept, but takes no time",
    "folded": "folded into a constant while compiling",
    "removed": "replaced or removed: no layer has its name",
}
# A large model has ten thousand folded layers, which compute shapes or unpack weights, and which
# take no time when it runs.
_MOST_FOLDED = 200
_NAME = 60


def skipped_table(run: Run, result: CellResult) -> list[Block]:
    """Return the table of layers that the device lists without a time."""
    skipped = skipped_layers(run, result)
    short = short_names((layer.name for layer in skipped), _NAME)
    rows = [
        Row(
            {
                "name": short[layer.name],
                "type": Tag(layer.type, Role("type", layer.type)),
                "time": "not executed",
                "why": _reason(layer),
                "into": _runs_in(run, result, layer.into),
            }
        )
        for layer in skipped
    ]
    columns = [
        Column("name", "Layer", "code"),
        Column("type", "Type"),
        Column("time", "Time"),
        Column("why", "Why it takes no time"),
        Column("into", "Layer that runs it"),
    ]
    title = "Layers that the device lists without a time"
    table = Table(f"skipped-{result.cell.id}", title, columns, rows, collapsed=True)
    return [table] if rows else []


def _reason(layer: SkippedLayer) -> str:
    if layer.into is not None:
        return "fused into"
    if layer.type in PORTS:
        return "an input or output of the model"
    return "works in place" if layer.index is not None else "not in the runtime graph"


def fate_table(run: Run, result: CellResult) -> list[Block]:
    """Return the table of the model's layers, without constants, in the order of the model."""
    known_fates = fates(run, result)
    original = run.graphs[result.model_graph].nodes if result.model_graph else ()
    listed = [index for index in known_fates if original[index].type not in PORTS]
    folded = [index for index in listed if known_fates[index].kind == "folded"]
    left_out = frozenset(folded if len(folded) > _MOST_FOLDED else ())
    names = layer_names(run, result).model
    rows = [
        Row(
            {
                "name": Link(
                    names[index],
                    operator_anchor(result, index),
                ),
                "type": original[index].type,
                "fate": _FATE_WORDS[known_fates[index].kind],
                "into": _runs_in(run, result, known_fates[index].layer),
            }
        )
        for index in listed
        if index not in left_out
    ]
    columns = [
        Column("name", "Layer of the model"),
        Column("type", "Type"),
        Column("fate", "Fate"),
        Column("into", "Layer that runs it"),
    ]
    note = "A layer whose name was lost counts as fused if only one layer can contain it."
    if left_out:
        note += f" Not listed: {count(len(left_out), 'layer')} folded into constants."
    title = "Fate of the model's own layers"
    table = Table(f"fates-{result.cell.id}", title, columns, rows, note, collapsed=True)
    return [table] if rows else []


def _runs_in(run: Run, result: CellResult, index: int | None) -> Link | None:
    """Return a link to the row of the layer that does the work."""
    if index is None or result.runtime_graph is None:
        return None
    return Link(layer_names(run, result).runtime[index], row_anchor(result, index))
