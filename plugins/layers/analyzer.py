"""Every layer that the device executed, and what became of the model's own layers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ovreport.computed.anchors import anchor
from ovreport.computed.focus import by_type, focus_cells, holds_means, total_s
from ovreport.computed.gap import Gap, gap
from ovreport.computed.layers import ExecutedLayer
from ovreport.computed.point_names import point_name
from ovreport.computed.speed import median_s
from ovreport.computed.workbench import file_name, layer_report
from ovreport.plugin import Analyzer
from ovreport.run import CellResult, Run, is_busy
from ovreport.section import (
    Axis,
    Bars,
    Block,
    Chart,
    Column,
    Download,
    Facts,
    Finding,
    Row,
    Section,
    Table,
    Text,
)
from ovreport.stats.medians import is_beyond_zero
from ovreport.text.numbers import show
from ovreport.text.values import Kind, Link, Role, Tag, Value

from ..layer_sections import focus_group
from .fates import fate_table, skipped_table
from .table import layer_table

_CHART_TYPES = 10
_NO_COST = "within the noise of both latencies"
# Characters, about 5,000 layers. `ovreport export` writes larger reports.
_MOST_CSV = 300_000


class Layers(Analyzer):
    """Show time by layer type and by layer, and the operators that each layer fuses."""

    id = "layers"
    title = "Layers"
    reading = (
        "The layers that the device executes. Their times are medians of several "
        "inferences, measured separately, with counters on. Open a layer to see the operators "
        "that it fuses."
    )
    needs = frozenset({"layers"})
    order = 400

    def analyze(self, run: Run) -> Section:
        cells = list(focus_cells(run))
        return Section(
            [
                focus_group(
                    run,
                    result,
                    [
                        *_means(result),
                        _chart(result, layers),
                        _by_type(result, layers),
                        _sum_of_layers(run, result),
                        layer_table(run, result, layers),
                        *_download(run, result),
                        *skipped_table(run, result),
                        *fate_table(run, result),
                    ],
                )
                for result, layers in cells
            ],
            _disturbed(run, [result for result, _ in cells]),
        )


def _disturbed(run: Run, results: Sequence[CellResult]) -> list[Finding]:
    """Report other programs that ran while layers were timed; they slow only some layers."""
    return [
        Finding(
            "layers.disturbed",
            "warning",
            f"{point_name(run, result)}: other programs used {load:.1f} cores while the layers "
            "were timed: the layer times are too long, and not all by the same factor.",
            "Close other programs and measure again before acting on the times of single layers.",
            (Link("how the layers add up", anchor("sum", result)),),
            topic="disturbance",
        )
        for result in results
        if result.profile and is_busy(load := result.profile.other_load)
    ]


def _download(run: Run, result: CellResult) -> list[Block]:
    """Return OpenVINO Workbench's per-layer report, unless it makes the page much larger."""
    content = layer_report(run, result)
    cell = result.cell
    name = file_name("layers", cell.model, cell.version, cell.id)
    text = "Save the per-layer report (CSV, columns separated by ;, times in ms)"
    download = Download(f"csv-{cell.id}", text, name, content)
    return [download] if len(content) <= _MOST_CSV else []


def _means(result: CellResult) -> list[Block]:
    """Say that times are means, if the counters do not separate single inferences."""
    resolved = result.resolved
    if resolved is None or not holds_means(result):
        return []
    condition = (
        f"With {resolved.streams} streams" if resolved.streams else f"Behind {result.cell.device}"
    )
    text = (
        "The CPU plugin reports the time of a layer as the mean of all inferences of a stream so "
        f"far, including the slow first one. {condition} it is unknown which stream ran an "
        "inference: the times in this section are such means, not times of single inferences, and "
        "their spread is that of the means. A cell with the device CPU and the latency hint has "
        "times of single inferences."
    )
    return [Text(f"means-{result.cell.id}", text)]


def _chart(result: CellResult, layers: tuple[ExecutedLayer, ...]) -> Chart:
    types = list(by_type(layers).items())[:_CHART_TYPES]
    shares = [sum(layer.share for layer in members) for _, members in types]
    names = [name for name, _ in types]
    return Chart(
        f"types-{result.cell.id}",
        f"{show(shares[0], 'share')} of the time is in layers of type {names[0]}",
        Axis("share of the layers' time", "share"),
        Axis("", categories=names),
        [Bars(shares, [Role("type", name) for name in names])],
        "; ".join(
            f"{name} {show(share, 'share')}" for name, share in zip(names, shares, strict=True)
        ),
        height=0.7 + 0.28 * len(names),
    )


def _by_type(result: CellResult, layers: tuple[ExecutedLayer, ...]) -> Table:
    precisions = sorted({layer.precision for layer in layers})
    rows = []
    for name, members in by_type(layers).items():
        counts = Counter(layer.precision for layer in members)
        rows.append(
            Row(
                {
                    "type": Tag(name, Role("type", name)),
                    "count": len(members),
                    "time": total_s(members),
                    "share": sum(layer.share for layer in members),
                    **{f"in-{precision}": counts[precision] or None for precision in precisions},
                }
            )
        )
    columns = [
        Column("type", "Type"),
        Column("count", "Layers", "count"),
        Column("time", "Time", "duration"),
        Column("share", "Share", "share"),
        *(
            Column(f"in-{precision}", precision, "count", help=f"Layers executed in {precision}.")
            for precision in precisions
        ),
    ]
    return Table(f"by-type-{result.cell.id}", "By layer type", columns, rows, leave_out=True)


def _sum_of_layers(run: Run, result: CellResult) -> Facts:
    """Show that latency = sum of the layers + rest, and the cost of the counters."""
    assert result.profile is not None
    difference = gap(run, result)
    facts: list[tuple[str, Value, Kind]] = [
        ("Median latency, measured without counters", median_s(result), "duration"),
        ("Sum of the layers' medians", difference.layers, "duration"),
        (
            "Sum of their means, which include disturbances of single inferences",
            difference.means,
            "duration",
        ),
        ("Not accounted for by layers: latency − sum", difference.rest, "duration"),
        ("Median latency with counters on", difference.profiled, "duration"),
        (
            "Latency with counters − without: cost of the counters, and other differences",
            _cost(difference),
            "duration",
        ),
        (
            "Median time in no layer, with counters on",
            difference.outside,
            "duration",
        ),
        ("Profiled inferences", len(result.profile.latencies_ns), "count"),
        ("Cores that other programs used meanwhile", result.profile.other_load, "number"),
    ]
    if difference.unplaced:
        facts.insert(
            4, ("In layers that are not in the runtime graph", difference.unplaced, "duration")
        )
    return Facts(anchor("sum", result), "How the layers add up", facts)


def _cost(difference: Gap) -> Value:
    return difference.passes if is_beyond_zero(difference.passes) else _NO_COST
