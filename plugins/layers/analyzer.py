"""Every layer that the device executed, and where the model's own layers went."""

from __future__ import annotations

from collections import Counter

import numpy as np

from ovreport.graphs.layers import (
    ExecutedLayer,
    SkippedLayer,
    attribute,
    fates,
    skipped_layers,
    unplaced_s,
)
from ovreport.labels import count
from ovreport.plugin import Analyzer
from ovreport.rendering.format import shorten, show
from ovreport.run import CellResult, Run
from ovreport.section import (
    Axis,
    Bars,
    Block,
    Chart,
    Column,
    Facts,
    Kind,
    Link,
    Role,
    Row,
    Section,
    Table,
    Tag,
    Value,
)
from ovreport.stats.figures import figures

from ..common import (
    by_type,
    focus_cells,
    focus_group,
    layer_anchor,
    longest,
    median_latency_s,
    total_s,
)

_CHART_TYPES = 10
# Shown in columns of their own, or meaningless to a reader.
_SHOWN_ELSEWHERE = frozenset(
    {"execOrder", "layerType", "primitiveType", "runtimePrecision", "originalLayersNames"}
)
_PORTS = frozenset({"Parameter", "Result", "Input", "Output"})
_WORDS = {
    "fused": "fused into",
    "kept": "kept, without work of its own",
    "removed": "replaced or removed: no layer carries its name",
}


class Layers(Analyzer):
    """Time by layer type and by layer, with what each layer fuses."""

    id = "layers"
    title = "Layers"
    reading = (
        "Layers as the device executes them, from a pass of its own with counters on: the median "
        "of several inferences. Open a layer to see what it fuses."
    )
    needs = frozenset({"layers"})
    order = 400

    def analyze(self, run: Run) -> Section:
        return Section(
            [
                focus_group(
                    run,
                    result,
                    [
                        _chart(result, layers),
                        _by_type(result, layers),
                        _reconciled(run, result, layers),
                        _table(run, result, layers),
                        *_skipped(run, result),
                        *_fates(run, result),
                    ],
                )
                for result, layers in focus_cells(run)
            ]
        )


def _chart(result: CellResult, layers: tuple[ExecutedLayer, ...]) -> Chart:
    types = list(by_type(layers).items())[:_CHART_TYPES]
    shares = [sum(layer.share for layer in found) for _, found in types]
    names = [name for name, _ in types]
    return Chart(
        f"types-{result.cell.id}",
        f"{show(shares[0], 'share')} of the time is in layers of type {names[0]}",
        Axis("share of the layers' time", "share"),
        Axis("", categories=names),
        [Bars(shares, [Role("type", name) for name in names])],
        "; ".join(f"{n} {show(s, 'share')}" for n, s in zip(names, shares, strict=True)),
        height=0.7 + 0.28 * len(names),
    )


def _by_type(result: CellResult, layers: tuple[ExecutedLayer, ...]) -> Table:
    precisions = sorted({layer.precision for layer in layers})
    rows = []
    for name, found in by_type(layers).items():
        counts = Counter(layer.precision for layer in found)
        rows.append(
            Row(
                {
                    "type": Tag(name, Role("type", name)),
                    "count": len(found),
                    "time": total_s(found),
                    "share": sum(layer.share for layer in found),
                    **{f"in-{p}": counts[p] or None for p in precisions},
                }
            )
        )
    columns = [
        Column("type", "Type"),
        Column("count", "Layers", "count"),
        Column("time", "Time", "duration"),
        Column("share", "Share", "share"),
        *(Column(f"in-{p}", p, "count", help=f"Layers executed in {p}.") for p in precisions),
    ]
    return Table(f"by-type-{result.cell.id}", "By layer type", columns, rows)


def _reconciled(run: Run, result: CellResult, layers: tuple[ExecutedLayer, ...]) -> Facts:
    """Latency = sum of the layers + what no layer accounts for; and what the counters cost."""
    assert result.profile is not None
    measured = figures(result).latency
    latency = median_latency_s(result)
    total = total_s(layers)
    profiled = float(np.median(result.profile.latencies_ns)) / 1e9
    facts: list[tuple[str, Value, Kind]] = [
        ("Median latency, measured without counters", measured.median or measured.mean, "duration"),
        ("Sum of the layers' medians", total, "duration"),
        ("Not accounted for by layers: latency − sum", latency - total, "duration"),
        ("Median latency with counters on", profiled, "duration"),
        ("What the counters cost", profiled - latency, "duration"),
        ("In no layer while counters are on: latency − sum", profiled - total, "duration"),
        ("Profiled inferences", len(result.profile.latencies_ns), "count"),
    ]
    if lost := unplaced_s(run, result):
        facts.insert(3, ("In layers that the runtime graph does not hold", lost, "duration"))
    return Facts(f"sum-{result.cell.id}", "How the layers add up", facts)


def _table(run: Run, result: CellResult, layers: tuple[ExecutedLayer, ...]) -> Table:
    ranked = longest(layers)
    cumulative = dict(zip(ranked, np.cumsum([layer.share for layer in ranked]), strict=True))
    rows = [
        Row(
            {
                "name": shorten(layer.name, 60),
                "order": layer.order,
                "type": Tag(layer.type, Role("type", layer.type)),
                "kernel": layer.kernel,
                "precision": Tag(layer.precision, Role("precision", layer.precision)),
                "shape": ", ".join(layer.shapes),
                "time": layer.median_s,
                "spread": layer.high_s - layer.low_s,
                "share": layer.share,
                "cumulative": float(cumulative[layer]),
            },
            anchor=layer_anchor(result, layer),
            details=[_details(run, result, layer)],
        )
        for layer in layers
    ]
    columns = [
        Column("name", "Layer", "code"),
        Column("order", "Order", "count", help="Execution order."),
        Column("type", "Type"),
        Column("kernel", "Kernel", "code"),
        Column("precision", "Precision"),
        Column("shape", "Output", "code"),
        Column("time", "Time", "duration"),
        Column("spread", "Spread", "duration", help="Between the quartiles."),
        Column("share", "Share", "share"),
        Column("cumulative", "Cumulative", "share", help="Of this and all longer layers."),
    ]
    return Table(
        f"layers-{result.cell.id}",
        "Executed layers, in execution order",
        columns,
        rows,
        "Sorting by time shows the longest first; Cumulative is counted from the longest on.",
    )


def _details(run: Run, result: CellResult, layer: ExecutedLayer) -> Facts:
    assert result.runtime_graph is not None
    node = run.graphs[result.runtime_graph].nodes[layer.index]
    facts: list[tuple[str, Value, Kind]] = []
    if len(layer.name) > 60:
        facts.append(("Name", layer.name, "code"))
    if layer.originals and result.model_graph:
        original = run.graphs[result.model_graph].nodes
        for index in layer.originals:
            text = f"{original[index].type} {shorten(original[index].name, 60)}"
            place = f"op-{result.model_graph}-{result.cell.id}-{index}"
            facts.append(("Executes", Link(text, place), "text"))
            if settings := ", ".join(f"{k} {v}" for k, v in original[index].attributes.items()):
                facts.append((original[index].type, settings, "text"))
    for name in node.attributes:
        if name not in _SHOWN_ELSEWHERE:
            facts.append((name, attribute(node, name), "text"))
    facts.append(("In the graph", Link("show", f"node-{result.cell.id}-{layer.index}"), "text"))
    return Facts(f"d-{layer.index}", "", facts)


def _skipped(run: Run, result: CellResult) -> list[Block]:
    """Layers that the device lists without a time."""
    skipped = skipped_layers(run, result)
    rows = [
        Row(
            {
                "name": shorten(layer.name, 60),
                "type": Tag(layer.type, Role("type", layer.type)),
                "why": _reason(layer),
                "into": _runs_in(run, result, layer.into),
            }
        )
        for layer in skipped
    ]
    columns = [
        Column("name", "Layer", "code"),
        Column("type", "Type"),
        Column("why", "Why it takes no time"),
        Column("into", ""),
    ]
    title = "Layers that the device lists without a time"
    table = Table(f"skipped-{result.cell.id}", title, columns, rows, collapsed=True)
    return [table] if rows else []


def _reason(layer: SkippedLayer) -> str:
    if layer.into is not None:
        return "fused into"
    if layer.type in _PORTS:
        return "an input or output of the model"
    return "works in place" if layer.index is not None else "not in the runtime graph"


def _fates(run: Run, result: CellResult) -> list[Block]:
    """Layers of the model that do not run as a layer of their own; folded ones only counted."""
    known = fates(run, result)
    folded = sum(fate.kind == "folded" for fate in known.values())
    original = run.graphs[result.model_graph].nodes if result.model_graph else ()
    rows = [
        Row(
            {
                "name": shorten(original[index].name, 60),
                "type": original[index].type,
                "fate": _WORDS[fate.kind],
                "into": _runs_in(run, result, fate.layer),
            }
        )
        for index, fate in known.items()
        if fate.kind not in ("executed", "folded") and original[index].type not in _PORTS
    ]
    columns = [
        Column("name", "Layer of the model", "code"),
        Column("type", "Type"),
        Column("fate", "What became of it"),
        Column("into", ""),
    ]
    title = "Layers of the model that run inside others, or not at all"
    note = (
        "A layer whose name was lost counts as fused if only one layer can have taken it up. "
        f"Not listed: {count(folded, 'layer')} folded into constants while compiling."
    )
    table = Table(f"fates-{result.cell.id}", title, columns, rows, note, collapsed=True)
    return [table] if rows else []


def _runs_in(run: Run, result: CellResult, index: int | None) -> Link | None:
    """A link to the row of the layer that does the work."""
    if index is None or result.runtime_graph is None:
        return None
    name = run.graphs[result.runtime_graph].nodes[index].name
    return Link(shorten(name, 50), f"layer-{result.cell.id}-{index}")
