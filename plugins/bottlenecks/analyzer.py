"""Bottlenecks: the layers that decide the latency, and the most that each could gain."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ovreport.computed.anchors import anchor, layer_anchor
from ovreport.computed.flow import critical_path
from ovreport.computed.focus import by_type, focus_cells, holds_means, longest, total_s
from ovreport.computed.gap import Gap, gap
from ovreport.computed.layers import ExecutedLayer
from ovreport.computed.point_names import point_name
from ovreport.computed.quantisation import quantisation
from ovreport.computed.speed import batch_wait_s, gain
from ovreport.plugin import Analyzer
from ovreport.run import CellResult, Graph, Node, Run, is_busy
from ovreport.section import (
    Axis,
    Bars,
    Block,
    Chart,
    Column,
    Finding,
    Points,
    Row,
    Rule,
    Section,
    Table,
)
from ovreport.stats.medians import is_beyond_zero
from ovreport.text.labels import count
from ovreport.text.numbers import shorten, show
from ovreport.text.values import Link, Role, Tag

from ..layer_sections import evidence, focus_group
from .movement_tables import conversion_table, fusion_table, island_table

_TOP = 15
_MOST_ROWS = 60
_MOST_OF_TIME = 0.8
# Branches with less of the time are hardly worth running at the same time.
_NOTABLE_BRANCHES = 0.1
# On a quiet machine the sum of the layers differs from the latency by less than this share.
_UNEXPLAINED = 0.05


class Bottlenecks(Analyzer):
    """Show the longest layers, their cumulative share, the critical path and conversions."""

    id = "bottlenecks"
    title = "Bottlenecks"
    reading = (
        "This section shows where the time goes; Advice says what to do. The gain is what would be "
        "saved if the named layers took no time at all (Amdahl's law)."
    )
    needs = frozenset({"layers"})
    order = 350

    def analyze(self, run: Run) -> Section:
        groups, findings = [], []
        for result, layers in focus_cells(run):
            assert result.runtime_graph is not None
            nodes = run.graphs[result.runtime_graph].nodes
            flows_in_int8 = quantisation(run, result).flows_in_int8
            blocks: list[Block] = [
                *_charts(result, layers),
                _table(run, result, nodes, layers),
                _types(run, result, layers),
                *conversion_table(run, result, nodes, layers),
                *(island_table(result, nodes, layers) if flows_in_int8 else ()),
                *fusion_table(run, result, nodes, layers),
            ]
            groups.append(focus_group(run, result, blocks))
            findings += [
                _concentration(run, result, layers),
                *_path(run, result, nodes, layers),
                *_gap(run, result, layers),
                *_hidden(run, result),
            ]
        return Section(groups, findings)


# ---------------------------------------------------------------------------- blocks


def _charts(result: CellResult, layers: Sequence[ExecutedLayer]) -> Iterator[Chart]:
    """Return the charts, unless there is only one layer."""
    if len(layers) > 1:
        yield _chart(result, layers)
        yield _cumulative(result, layers)


def _chart(result: CellResult, layers: Sequence[ExecutedLayer]) -> Chart:
    top = longest(layers)[:_TOP]
    share = sum(layer.share for layer in top)
    return Chart(
        f"top-{result.cell.id}",
        f"The {len(top)} longest layers take {show(share, 'share')} of the time",
        Axis("share of the layers' time", "share"),
        Axis("", categories=[layer.label for layer in top]),
        [Bars([layer.share for layer in top], [Role("type", layer.type) for layer in top])],
        "; ".join(f"{layer.label} {show(layer.share, 'share')}" for layer in top[:5]),
        height=0.8 + 0.24 * len(top),
    )


def _cumulative(result: CellResult, layers: Sequence[ExecutedLayer]) -> Chart:
    needed, share = _needed(layers)
    running = np.cumsum([layer.share for layer in longest(layers)])
    text = (
        f"{needed} of {count(len(layers), 'layer')} {_explain(needed)} {show(share, 'share')} of "
        "the time"
    )
    return Chart(
        f"cumulative-{result.cell.id}",
        text,
        Axis("layers, the longest first", "count"),
        Axis("share of the layers' time", "share"),
        [
            Points(
                list(range(len(running) + 1)),
                [0.0, *map(float, running)],
                Role("series", "main"),
                joined=True,
            ),
            Rule(_MOST_OF_TIME, show(_MOST_OF_TIME, "share")),
        ],
        text,
        height=2.4,
    )


def _needed(layers: Sequence[ExecutedLayer]) -> tuple[int, float]:
    """Return how many of the longest layers explain most of the time, and their share."""
    running = np.cumsum([layer.share for layer in longest(layers)])
    needed = min(int(np.searchsorted(running, _MOST_OF_TIME)) + 1, len(running))
    return needed, float(running[needed - 1])


def _explain(number: int) -> str:
    return "explains" if number == 1 else "explain"


def _table(
    run: Run, result: CellResult, nodes: Sequence[Node], layers: Sequence[ExecutedLayer]
) -> Table:
    """Return the table of the layers that explain most of the time."""
    needed, share = _needed(layers)
    top = longest(layers)[: min(max(needed, _TOP), _MOST_ROWS)]
    path, time = _critical(nodes, layers)
    running = np.cumsum([layer.share for layer in top])
    rows = [
        Row(
            {
                "name": Link(layer.label, layer_anchor(result, layer)),
                "type": Tag(layer.type, Role("type", layer.type)),
                "kernel": layer.kernel,
                "time": layer.median_s,
                "share": layer.share,
                "cumulative": float(cumulative),
                "path": "" if layer.index in path else "parallel",
                "gain": gain(run, result, [layer]),
            }
        )
        for layer, cumulative in zip(top, running, strict=True)
    ]
    columns = [
        Column("name", "Layer"),
        Column("type", "Type"),
        Column("kernel", "Kernel", "code"),
        Column("time", "Time", "duration"),
        Column("share", "Share", "share"),
        Column("cumulative", "Cumulative", "share", optional=True),
        Column(
            "path", "Critical path", help="parallel: it could run at the same time as other layers."
        ),
        Column("gain", "Could gain", "share", help=_GAIN),
    ]
    first = "The first" if needed == 1 else f"The first {needed}"
    note = (
        f"{first} {_explain(needed)} {show(share, 'share')} of the time. The critical path takes "
        f"{show(time, 'duration')} of {show(total_s(layers), 'duration')}."
    )
    return Table(f"top-layers-{result.cell.id}", "Longest layers", columns, rows, note)


_GAIN = "Share of the latency that would be saved if it took no time."


def _types(run: Run, result: CellResult, layers: Sequence[ExecutedLayer]) -> Table:
    rows = [
        Row(
            {
                "type": Tag(name, Role("type", name)),
                "count": len(members),
                "gain": gain(run, result, members),
                "half": 1 / (1 - gain(run, result, members) / 2),
            }
        )
        for name, members in by_type(layers).items()
    ]
    columns = [
        Column("type", "Type"),
        Column("count", "Layers", "count"),
        Column("gain", "Could gain", "share", help=_GAIN),
        Column("half", "Twice as fast gives", "ratio", help="Speed-up of the whole (Amdahl)."),
    ]
    return Table(
        f"gain-{result.cell.id}", "Gain if all layers of a type were faster", columns, rows
    )


# ---------------------------------------------------------------------------- findings


def _concentration(run: Run, result: CellResult, layers: Sequence[ExecutedLayer]) -> Finding:
    needed, share = _needed(layers)
    first = longest(layers)[0]
    text = f"{needed} of {count(len(layers), 'layer')}"
    if len(layers) == 1:
        text = f"the device runs the whole model as one layer, {first.label} ({first.type})"
    elif needed == 1:
        text += f", {first.label}, explains {show(share, 'share')} of the time"
    else:
        text += (
            f" explain {show(share, 'share')} of the time; the longest, {first.label}, takes "
            f"{show(first.share, 'share')}"
        )
    return Finding(
        "bottlenecks.concentration",
        "info",
        f"{point_name(run, result)}: {text}.",
        evidence=evidence(result, layers, 3),
        gain=gain(run, result, [first]),
    )


def _path(
    run: Run, result: CellResult, nodes: Sequence[Node], layers: Sequence[ExecutedLayer]
) -> Iterator[Finding]:
    path, time = _critical(nodes, layers)
    parallel_share = 1 - time / (total_s(layers) or 1.0)
    if parallel_share < _NOTABLE_BRANCHES:
        return
    parallel_layers = [layer for layer in layers if layer.index not in path]
    yield Finding(
        "bottlenecks.branches",
        "info",
        f"{point_name(run, result)}: the critical path takes {show(time, 'duration')}; "
        f"{show(parallel_share, 'share')} of the layers' time is in parallel branches; running "
        "these at the same time could save no more than that.",
        "OpenVINO's CPU plugin runs the layers of one request one after another. Several streams "
        "use the cores for several requests instead.",
        evidence(result, parallel_layers, 3),
        check="Compare the throughput of cells with one stream and with several.",
    )


def _critical(
    nodes: Sequence[Node], layers: Sequence[ExecutedLayer]
) -> tuple[frozenset[int], float]:
    """Return the nodes on the critical path, and its time in seconds."""
    path, time = critical_path(nodes, {layer.index: layer.median_s for layer in layers})
    return frozenset(path), time


def _gap(run: Run, result: CellResult, layers: Sequence[ExecutedLayer]) -> Iterator[Finding]:
    """Explain the difference between the latency and the sum of the layers.

    Cells at a fixed rate have no such finding: their latency counts from arrival, so it includes
    the wait for a free request.
    """
    if result.cell.rate is not None:
        return
    difference = gap(run, result)
    rest, latency = difference.rest, difference.latency.point
    if not layers or abs(rest.point) < _UNEXPLAINED * latency or not is_beyond_zero(rest):
        return
    reason = _why_more(result, difference) if rest.point > 0 else _why_less(result, difference)
    kind = "means, which include the slow first inference" if holds_means(result) else "medians"
    yield Finding(
        "bottlenecks.gap",
        "info",
        f"{point_name(run, result)}: the layers take {show(difference.layers.point, 'duration')} "
        f"together (sum of their {kind}), an inference without counters takes "
        f"{show(latency, 'duration')}, {show(abs(rest.point), 'duration')} "
        f"{'more' if rest.point > 0 else 'less'}. {reason}",
        "Read shares of layers, not their times, where the two differ.",
        (Link("how the layers add up", anchor("sum", result)),),
        check="Measure again on a quiet machine, and check whether they still differ.",
    )


def _why_more(result: CellResult, difference: Gap) -> str:
    """Say why an inference takes longer than its layers."""
    rest, total = difference.rest.point, difference.layers.point
    if (wait := batch_wait_s(result)) > rest / 2:
        return (
            f"For {show(wait, 'duration')} of that, each request waits for others to fill a batch "
            "(AUTO_BATCH_TIMEOUT)."
        )
    if difference.unplaced > rest / 2:
        duration = show(difference.unplaced, "duration")
        return f"Of that, {duration} are in layers that are not in the runtime graph."
    if difference.means - total > rest / 2:
        return (
            f"In each inference, different layers take longer than usual, which their medians "
            f"leave out: their means add up to {show(difference.means, 'duration')}."
            f"{_busy(result)}"
        )
    text = (
        f"In the inferences that were timed with counters, "
        f"{show(difference.outside, 'duration')} are in no layer."
        if difference.outside > 0
        else "With counters on, the layers fill the whole inference."
    )
    slower = -difference.passes.point
    if slower > rest / 2 and is_beyond_zero(difference.passes):
        text += f" Without counters an inference took {show(slower, 'duration')} longer than with."
        text += _busy(result) or _UNKNOWN
    return text


def _why_less(result: CellResult, difference: Gap) -> str:
    """Say why layers take longer than an inference without counters."""
    if difference.passes.point <= 0 or not is_beyond_zero(difference.passes):
        return _UNKNOWN.strip()
    longer = show(difference.passes.point, "duration")
    return (
        f"With counters on, an inference takes {longer} longer.{_busy(result)} This run did "
        f"not measure how much of that is the cost of the counters, and how much is a slower "
        f"machine."
    )


_UNKNOWN = " No figure of this run explains it."


def _busy(result: CellResult) -> str:
    """Say how many cores other programs used in either pass, if they were enough to matter."""
    load = [slice_.other_load for slice_ in result.slices if slice_.other_load is not None]
    measuring = float(np.median(load)) if load else None
    profiling = result.profile.other_load if result.profile else None
    passes = (("while latency was measured", measuring), ("while layers were timed", profiling))
    busy = [f"{cores:.1f} cores {when}" for when, cores in passes if cores and is_busy(cores)]
    return f" Other programs used {' and '.join(busy)}." if busy else ""


def _hidden(run: Run, result: CellResult) -> Iterator[Finding]:
    if result.model_graph is None:
        return
    bodies = [node for node in run.graphs[result.model_graph].nodes if node.bodies]
    if not bodies:
        return
    inside = sum(_size(body) for node in bodies for body in node.bodies)
    yield Finding(
        "bottlenecks.hidden",
        "info",
        f"{point_name(run, result)}: {count(len(bodies), 'layer')} ({shorten(bodies[0].name, 40)}, "
        f"{bodies[0].type}) {'holds' if len(bodies) == 1 else 'hold'} {count(inside, 'operator')} "
        "in bodies; the device reports one time for each such layer and no precision or kernel "
        "of what runs inside.",
    )


def _size(graph: Graph) -> int:
    """Return the number of operators of a graph and of its bodies that compute something."""
    return sum(
        1 + sum(_size(body) for body in node.bodies)
        for node in graph.nodes
        if node.type not in ("Constant", "Parameter", "Result")
    )
