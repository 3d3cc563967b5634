"""The layers that decide the latency, and what could be gained."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ovreport.graphs.flow import (
    CONVERTERS,
    INT8,
    Conversion,
    conversions,
    critical_path,
    islands,
    transposes_there_and_back,
)
from ovreport.graphs.layers import ExecutedLayer, executed_layers
from ovreport.labels import count
from ovreport.plugin import Analyzer
from ovreport.rendering.format import shorten, show
from ovreport.run import CellResult, Graph, Node, Run
from ovreport.section import (
    Axis,
    Bars,
    Block,
    Chart,
    Column,
    Finding,
    Link,
    Points,
    Role,
    Row,
    Rule,
    Section,
    Table,
    Tag,
)
from ovreport.stats.figures import figures

from ..common import (
    by_type,
    evidence,
    focus_cells,
    focus_group,
    gain,
    layer_anchor,
    longest,
    median_latency_s,
    total_s,
    version_name,
)

_TOP = 15
_MOST = 0.8
# The Workbench spoke of reorders from a tenth of the time on.
_REORDERS = 0.1
# Shares below this are within the spread of the layers' times.
_NOTABLE = 0.02
# Undisturbed real models were seen to use 99 % of their threads; with more than a quarter idle, or
# this many cores busy with something else, the difference has a cause.
_BUSY = 0.75
_OTHER_LOAD = 0.1
_SLOW_COMPILE_S = 1.0
_SLOW_FIRST = 3.0
_CONVOLUTIONS = frozenset({"Convolution", "GroupConvolution", "Deconvolution"})
_INTEGER_DOT_PRODUCTS = frozenset({"avx_vnni", "avx512_vnni", "amx_int8", "asimddp", "i8mm"})


class Bottlenecks(Analyzer):
    """Top layers with their cumulative share, the critical path, and what conversions cost."""

    id = "bottlenecks"
    title = "Bottlenecks"
    reading = (
        "Where to look first. The gain is the most that could be saved if the named layers took "
        "no time at all (Amdahl's law)."
    )
    needs = frozenset({"layers"})
    order = 350

    def analyze(self, run: Run) -> Section:
        groups, findings = [], []
        for result, layers in focus_cells(run):
            assert result.runtime_graph is not None
            nodes = run.graphs[result.runtime_graph].nodes
            blocks: list[Block] = [
                _chart(result, layers),
                _cumulative(result, layers),
                _table(run, result, layers),
                _types(run, result, layers),
                *_conversion_table(result, nodes, layers),
            ]
            groups.append(focus_group(run, result, blocks))
            findings += [
                _concentration(run, result, layers),
                *_path(result, nodes, layers),
                *_conversions(run, result, layers),
                *_transposes(run, result, nodes, layers),
                *_islands(run, result, nodes, layers),
                *_int8(run, result, layers),
                *_idle(result),
                *_start(result),
                *_hidden(run, result),
            ]
        return Section(groups, findings)


# ---------------------------------------------------------------------------- blocks


def _chart(result: CellResult, layers: Sequence[ExecutedLayer]) -> Chart:
    top = longest(layers)[:_TOP]
    share = sum(layer.share for layer in top)
    return Chart(
        f"top-{result.cell.id}",
        f"The {len(top)} longest layers take {show(share, 'share')} of the time",
        Axis("share of the layers' time", "share"),
        Axis("", categories=[layer.name for layer in top]),
        [Bars([layer.share for layer in top], [Role("type", layer.type) for layer in top])],
        "; ".join(f"{layer.name} {show(layer.share, 'share')}" for layer in top[:5]),
        height=0.8 + 0.24 * len(top),
    )


def _cumulative(result: CellResult, layers: Sequence[ExecutedLayer]) -> Chart:
    needed, share = _needed(layers)
    running = np.cumsum([layer.share for layer in longest(layers)])
    text = f"{needed} of {count(len(layers), 'layer')} explain {show(share, 'share')} of the time"
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
            Rule(_MOST, show(_MOST, "share")),
        ],
        text,
        height=2.4,
    )


def _needed(layers: Sequence[ExecutedLayer]) -> tuple[int, float]:
    """How many of the longest layers explain most of the time, and how much they do."""
    running = np.cumsum([layer.share for layer in longest(layers)])
    needed = min(int(np.searchsorted(running, _MOST)) + 1, len(running))
    return needed, float(running[needed - 1])


def _table(run: Run, result: CellResult, layers: Sequence[ExecutedLayer]) -> Table:
    top = longest(layers)[:_TOP]
    running = np.cumsum([layer.share for layer in top])
    rows = [
        Row(
            {
                "name": Link(shorten(layer.name, 50), layer_anchor(result, layer)),
                "type": Tag(layer.type, Role("type", layer.type)),
                "kernel": layer.kernel,
                "time": layer.median_s,
                "share": layer.share,
                "cumulative": float(cumulative),
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
        Column("cumulative", "Cumulative", "share"),
        Column("gain", "Could gain", "share", help=_GAIN),
    ]
    return Table(f"top-layers-{result.cell.id}", "Longest layers", columns, rows)


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
    return Table(f"gain-{result.cell.id}", "What faster layers of a type could give", columns, rows)


def _conversion_table(
    result: CellResult, nodes: Sequence[Node], layers: Sequence[ExecutedLayer]
) -> list[Block]:
    found = [c for c in conversions(nodes, layers) if c.layer.type in CONVERTERS]
    anchors = {layer.index: layer_anchor(result, layer) for layer in layers}

    def place(index: int) -> Link | str:
        text = shorten(nodes[index].name, 40)
        return Link(text, anchors[index]) if index in anchors else text

    rows = [
        Row(
            {
                "layer": place(conversion.layer.index),
                "type": Tag(conversion.layer.type, Role("type", conversion.layer.type)),
                "from": place(conversion.source),
                "to": place(conversion.targets[0]) if conversion.targets else None,
                "change": _change(conversion),
                "size": conversion.size_bytes,
                "time": conversion.layer.median_s,
                "share": conversion.layer.share,
            }
        )
        for conversion in sorted(found, key=lambda c: -c.layer.median_s)
    ]
    columns = [
        Column("layer", "Layer"),
        Column("type", "Type"),
        Column("from", "After"),
        Column("to", "Before"),
        Column("change", "Changes"),
        Column("size", "Tensor", "bytes"),
        Column("time", "Time", "duration"),
        Column("share", "Share", "share"),
    ]
    title = "Layers that only change layout, order or precision"
    return [Table(f"conversions-{result.cell.id}", title, columns, rows)] if rows else []


def _change(conversion: Conversion) -> str:
    """``f32 → u8, abcd → acdb``; a transpose changes the order of the dimensions."""
    changes = []
    if conversion.changes_precision:
        changes.append(" → ".join(conversion.precisions))
    if conversion.layer.type == "Transpose":
        changes.append("order of dimensions")
    elif conversion.changes_layout:
        changes.append(" → ".join(conversion.layouts))
    return ", ".join(changes) or "memory only"


# ---------------------------------------------------------------------------- findings


def _concentration(run: Run, result: CellResult, layers: Sequence[ExecutedLayer]) -> Finding:
    needed, share = _needed(layers)
    first = longest(layers)[0]
    return Finding(
        "bottlenecks.concentration",
        "info",
        f"{version_name(result)}: {needed} of {count(len(layers), 'layer')} explain "
        f"{show(share, 'share')} of the time; the longest, {shorten(first.name, 60)}, takes "
        f"{show(first.share, 'share')}.",
        evidence=evidence(result, layers, 3),
        gain=gain(run, result, [first]),
    )


def _path(
    result: CellResult, nodes: Sequence[Node], layers: Sequence[ExecutedLayer]
) -> Iterator[Finding]:
    times = {layer.index: layer.median_s for layer in layers}
    path, time = critical_path(nodes, times)
    beside = 1 - time / (sum(times.values()) or 1.0)
    if beside < _NOTABLE:
        return
    off = [layer for layer in layers if layer.index not in set(path)]
    yield Finding(
        "bottlenecks.branches",
        "info",
        f"{version_name(result)}: the critical path takes {show(time, 'duration')}; "
        f"{show(beside, 'share')} of the layers' time is in branches beside it, which is the most "
        "that running branches in parallel could save.",
        "OpenVINO's CPU plugin runs the layers of one request one after another: several streams "
        "fill the cores with several requests instead.",
        evidence(result, off, 3),
    )


def _conversions(
    run: Run, result: CellResult, layers: Sequence[ExecutedLayer]
) -> Iterator[Finding]:
    assert result.runtime_graph is not None
    nodes = run.graphs[result.runtime_graph].nodes
    found = [c for c in conversions(nodes, layers) if c.layer.type in CONVERTERS]
    share = sum(c.layer.share for c in found)
    if share < _REORDERS:
        return
    precision = sum(c.layer.share for c in found if c.changes_precision)
    yield Finding(
        "bottlenecks.conversions",
        "warning",
        f"{version_name(result)}: {count(len(found), 'layer')} only change layout, order or "
        f"precision and take {show(share, 'share')} of the time, {show(precision, 'share')} "
        "where the precision changes.",
        "Keep one layout and one precision along the path; the table of these layers names what "
        "stands before and after each.",
        evidence(result, [c.layer for c in found]),
        gain=gain(run, result, [c.layer for c in found]),
    )


def _transposes(
    run: Run, result: CellResult, nodes: Sequence[Node], layers: Sequence[ExecutedLayer]
) -> Iterator[Finding]:
    pairs = transposes_there_and_back(nodes, layers)
    both = list(dict.fromkeys(layer for pair in pairs for layer in pair))
    if not pairs:
        return
    yield Finding(
        "bottlenecks.transposes",
        "warning" if sum(layer.share for layer in both) >= _NOTABLE else "info",
        f"{version_name(result)}: {count(len(pairs), 'transpose')} "
        f"{'is' if len(pairs) == 1 else 'are'} undone by a later one, with nothing but layers "
        f"that keep the shape between; together {show(sum(x.share for x in both), 'share')} of "
        "the time.",
        "Let the layers between work on the original order of dimensions.",
        evidence(result, both),
        gain=gain(run, result, both),
    )


def _islands(
    run: Run, result: CellResult, nodes: Sequence[Node], layers: Sequence[ExecutedLayer]
) -> Iterator[Finding]:
    found = islands(nodes, layers)
    members = [layer for island in found for layer in island]
    share = sum(layer.share for layer in members)
    if share < _NOTABLE:
        return
    places = f"{len(found)} places" if len(found) > 1 else "one place"
    yield Finding(
        "bottlenecks.float-islands",
        "info",
        f"{version_name(result)}: in {places} between INT8 layers "
        f"{count(len(members), 'layer')} "
        f"({', '.join(dict.fromkeys(x.type for x in longest(members)[:9]))}), conversions "
        f"included, run in floating point and take {show(share, 'share')} of the time.",
        _quantise_further(run, result),
        evidence(result, members),
        gain=gain(run, result, members),
    )


def _int8_share(layers: Sequence[ExecutedLayer]) -> float:
    return sum(layer.share for layer in layers if layer.precision in INT8)


def _int8(run: Run, result: CellResult, layers: Sequence[ExecutedLayer]) -> Iterator[Finding]:
    """Speaks for INT8 only where the processor can use it and the run does not disprove it."""
    convolutions = [layer for layer in layers if layer.type in _CONVOLUTIONS]
    if _int8_share(layers) > 0:
        yield from _int8_slower(run, result, layers)
        wide = [layer for layer in convolutions if layer.precision not in INT8]
        if wide and _int8_share(convolutions) > 0:
            yield Finding(
                "bottlenecks.float-in-int8",
                "info",
                f"{version_name(result)}: {len(wide)} of {count(len(convolutions), 'convolution')} "
                "of this quantised model stay in floating point and take "
                f"{show(sum(layer.share for layer in wide), 'share')} of the time.",
                _quantise_further(run, result),
                evidence(result, wide),
                gain=gain(run, result, wide),
            )
        return
    tried = any(_int8_share(executed_layers(run, other)) for other in _siblings(run, result))
    if _on_cpu(result) and _has_integer_dot_products(run) and not tried:
        yield Finding(
            "bottlenecks.int8-unused",
            "info",
            f"{version_name(result)} runs no layer in INT8, and this processor has integer dot "
            "products.",
            "Quantise it with nncf and measure it as a second version beside this one.",
        )


def _has_integer_dot_products(run: Run) -> bool:
    return bool(_INTEGER_DOT_PRODUCTS & set(run.header.environment.isa))


def _quantise_further(run: Run, result: CellResult) -> str:
    """What to do about floating point in a quantised model, given what the processor can."""
    if _on_cpu(result) and not _has_integer_dot_products(run):
        return (
            "This processor has no integer dot products: quantising them too need not be faster, "
            "nor need the layers around them; measure either as a version of its own."
        )
    return "See whether they can be quantised too, and measure that as a version of its own."


def _int8_slower(
    run: Run, result: CellResult, layers: Sequence[ExecutedLayer]
) -> Iterator[Finding]:
    """Where a version without INT8 is faster, and which layers make the difference."""
    for other in _siblings(run, result):
        theirs = executed_layers(run, other)
        ours_s, theirs_s = median_latency_s(result), median_latency_s(other)
        if not theirs or _int8_share(theirs) > 0 or ours_s <= theirs_s * (1 + _NOTABLE):
            continue
        before, after = (
            {name: total_s(members) for name, members in by_type(x).items()}
            for x in (theirs, layers)
        )
        worst = max(after, key=lambda name: after[name] - before.get(name, 0.0))
        without = _on_cpu(result) and not _has_integer_dot_products(run)
        yield Finding(
            "bottlenecks.int8-slower",
            "warning",
            f"{version_name(result)}: INT8 does not pay here, {show(ours_s, 'duration')} against "
            f"{show(theirs_s, 'duration')} of {other.cell.version}; most is lost in layers of "
            f"type {worst}, {show(before.get(worst, 0.0), 'duration')} → "
            f"{show(after[worst], 'duration')}.",
            f"Use {other.cell.version} on this machine"
            + (": its processor has no integer dot products." if without else "."),
            evidence(result, [layer for layer in layers if layer.type == worst]),
        )


def _siblings(run: Run, result: CellResult) -> list[CellResult]:
    """Profiled cells of the model's other versions in the same configuration."""
    return [
        other
        for other in run.done
        if other.cell.configuration == result.cell.configuration
        and other.cell.version != result.cell.version
        and other.profile
    ]


def _on_cpu(result: CellResult) -> bool:
    devices = result.resolved.execution_devices if result.resolved else ()
    return all(device.startswith("CPU") for device in devices or (result.cell.device,))


def _idle(result: CellResult) -> Iterator[Finding]:
    """A latency cell whose threads wait, on a machine with nothing else to do."""
    threads = result.resolved.threads if result.resolved else None
    wall = sum(s.wall_ns for s in result.slices)
    if result.cell.hint != "latency" or not threads or not wall or not _on_cpu(result):
        return
    busy = sum(s.cpu_ns for s in result.slices) / wall
    known = [s.other_load for s in result.slices if s.other_load is not None]
    quiet = known and float(np.median(known)) <= _OTHER_LOAD
    if busy < _BUSY * threads and quiet:
        yield Finding(
            "bottlenecks.idle-cores",
            "info",
            f"{version_name(result)}: one request keeps {busy:.1f} of {threads} threads busy, "
            "though the machine had nothing else to do.",
            "Its layers are too small to be split: several requests in several streams use the "
            "cores (hint throughput), or fewer threads do the same.",
        )


def _start(result: CellResult) -> Iterator[Finding]:
    """What a program waits for before its first steady inference."""
    measured, latency = figures(result), median_latency_s(result)
    compiling, first = measured.compile_s.point, measured.first_inference_s.point
    if compiling >= _SLOW_COMPILE_S:
        yield Finding(
            "bottlenecks.compile",
            "info",
            f"{version_name(result)}: compiling takes {show(compiling, 'duration')}, as long as "
            f"{count(round(compiling / latency), 'inference')}.",
            "A model cache (property CACHE_DIR) saves most of it at every start but the first.",
        )
    if first >= _SLOW_FIRST * latency:
        yield Finding(
            "bottlenecks.first-inference",
            "info",
            f"{version_name(result)}: the first inference takes {show(first, 'duration')}, "
            f"{show(first / latency, 'ratio')} the median of the later ones.",
            "Run one inference before the first request that somebody waits for.",
        )


def _hidden(run: Run, result: CellResult) -> Iterator[Finding]:
    if result.model_graph is None:
        return
    bodies = [n for n in run.graphs[result.model_graph].nodes if n.bodies]
    if not bodies:
        return
    inside = sum(_size(body) for node in bodies for body in node.bodies)
    yield Finding(
        "bottlenecks.hidden",
        "info",
        f"{version_name(result)}: {count(len(bodies), 'layer')} ({shorten(bodies[0].name, 40)}, "
        f"{bodies[0].type}) hold {count(inside, 'operator')} in bodies; the device reports one "
        "time for each such layer, and what happens inside is not visible here.",
    )


def _size(graph: Graph) -> int:
    """Operators of a graph and of the bodies inside it, without constants."""
    return sum(
        1 + sum(_size(body) for body in node.bodies)
        for node in graph.nodes
        if node.type != "Constant"
    )
