"""Tables of layers that take time without computing, with the layers before and after each."""

from __future__ import annotations

from collections.abc import Sequence

from ovreport.computed.anchors import layer_anchor, node_anchor
from ovreport.computed.flow import Conversion, conversions, islands, readers_of
from ovreport.computed.focus import total_s
from ovreport.computed.fusion import unfused
from ovreport.computed.layer_kinds import CONVERTERS
from ovreport.computed.layers import ExecutedLayer, constant_nodes, layer_names
from ovreport.computed.precision import INT8
from ovreport.run import CellResult, Node, Run
from ovreport.section import Column, Row, Table
from ovreport.text.values import Link, Role, Tag

from ..layer_sections import evidence


def conversion_table(
    run: Run, result: CellResult, nodes: Sequence[Node], layers: Sequence[ExecutedLayer]
) -> list[Table]:
    """Return the table of reorders, conversions and transposes, with the edge that causes each."""
    converters = [
        conversion
        for conversion in conversions(nodes, layers)
        if conversion.layer.type in CONVERTERS
    ]
    links = _LayerLinks(run, result, layers)
    rows = [
        Row(
            {
                "layer": links.to(conversion.layer.index),
                "type": Tag(conversion.layer.type, Role("type", conversion.layer.type)),
                "from": links.to(conversion.source),
                "to": links.to(conversion.targets[0]) if conversion.targets else None,
                "change": _change(conversion),
                "size": conversion.size_bytes,
                "time": conversion.layer.median_s,
                "share": conversion.layer.share,
            }
        )
        for conversion in sorted(converters, key=lambda conversion: -conversion.layer.median_s)
    ]
    columns = [
        Column("layer", "Layer"),
        Column("type", "Type"),
        Column("from", "After"),
        Column("to", "Before"),
        Column("change", "Changes"),
        Column("size", "Tensor", "bytes"),
        *_TIMES,
    ]
    title = "Layers that only change layout, order or precision"
    return [Table(f"conversions-{result.cell.id}", title, columns, rows)] if rows else []


def _change(conversion: Conversion) -> str:
    """Return what changes: ``f32 → u8, abcd → acdb``, or ``order of dimensions``."""
    changes = []
    if conversion.changes_precision:
        changes.append(" → ".join(conversion.precisions))
    if conversion.layer.type == "Transpose":
        changes.append("order of dimensions")
    elif conversion.changes_layout:
        changes.append(" → ".join(conversion.layouts))
    return ", ".join(changes) or "memory only"


def island_table(
    result: CellResult, nodes: Sequence[Node], layers: Sequence[ExecutedLayer]
) -> list[Table]:
    """Return the table of floating-point layers inside INT8, with the INT8 layers around them."""
    readers = readers_of(nodes)
    executed = {layer.index: layer for layer in layers}

    def int8_layers(indices: Sequence[int]) -> list[ExecutedLayer]:
        return [
            executed[index] for index in dict.fromkeys(indices) if _is_int8(executed.get(index))
        ]

    rows = []
    for island in sorted(islands(nodes, layers), key=lambda island: -total_s(island)):
        before = int8_layers(
            [source for layer in island for source, _ in nodes[layer.index].inputs]
        )
        after = int8_layers([reader for layer in island for reader in readers[layer.index]])
        rows.append(
            Row(
                {
                    "layers": evidence(result, island),
                    "count": len(island),
                    "precisions": ", ".join(dict.fromkeys(layer.precision for layer in island)),
                    "before": evidence(result, before, 3),
                    "after": evidence(result, after, 3),
                    "time": total_s(island),
                    "share": sum(layer.share for layer in island),
                }
            )
        )
    columns = [
        Column("layers", "Its longest layers"),
        Column(
            "count",
            "Layers",
            "count",
            help="Number of layers, including the conversions at the borders.",
        ),
        Column("precisions", "Precision"),
        Column("before", "INT8 before"),
        Column("after", "INT8 after"),
        *_TIMES,
    ]
    title = "Floating point between INT8 layers"
    return [Table(f"islands-{result.cell.id}", title, columns, rows)] if rows else []


def _is_int8(layer: ExecutedLayer | None) -> bool:
    return layer is not None and layer.precision in INT8


def fusion_table(
    run: Run, result: CellResult, nodes: Sequence[Node], layers: Sequence[ExecutedLayer]
) -> list[Table]:
    """Return the table of element-wise layers that run separately after a product."""
    links = _LayerLinks(run, result, layers)
    constant = constant_nodes(nodes)
    model = run.graphs[result.model_graph].nodes if result.model_graph else ()
    rows = [
        Row(
            {
                "layer": links.to(item.layer.index),
                "type": Tag(item.layer.type, Role("type", item.layer.type)),
                "product": links.to(item.product),
                "between": links.to_first(item.between),
                "others": links.to_first([node for node in item.others if node not in constant]),
                "time": item.layer.median_s,
                "share": item.layer.share,
            }
        )
        for item in sorted(unfused(nodes, layers, model), key=lambda item: -item.layer.median_s)
    ]
    columns = [
        Column("layer", "Layer"),
        Column("type", "Type"),
        Column("product", "Not fused into"),
        Column("between", "Layer between"),
        Column("others", "Other reader"),
        *_TIMES,
    ]
    title = "Element-wise layers that were not fused"
    note = (
        "If a row names neither a layer between nor another reader, the device has no fused kernel "
        "for the operator or its precision."
    )
    return [Table(f"unfused-{result.cell.id}", title, columns, rows, note)] if rows else []


_TIMES = (Column("time", "Time", "duration"), Column("share", "Share", "share"))


class _LayerLinks:
    """Links to the rows of executed layers."""

    def __init__(self, run: Run, result: CellResult, layers: Sequence[ExecutedLayer]) -> None:
        self._names = layer_names(run, result).runtime
        self._anchors = {layer.index: layer_anchor(result, layer) for layer in layers}
        self._result = result

    def to(self, index: int) -> Link:
        """Return a link to the layer's row, or else to its node in the diagram."""
        anchor = self._anchors.get(index, node_anchor(self._result, index))
        return Link(self._names.get(index, "a constant"), anchor)

    def to_first(self, indices: Sequence[int]) -> tuple[Link, ...]:
        return tuple(self.to(index) for index in indices[:3])
