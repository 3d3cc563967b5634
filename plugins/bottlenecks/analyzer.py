"""The layers that decide the latency, and what could be gained."""

from __future__ import annotations

import numpy as np

from ovreport.graphs.flow import critical_path
from ovreport.graphs.layers import ExecutedLayer
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
    Finding,
    Link,
    Role,
    Row,
    Section,
    Table,
    Tag,
)

from ..common import focus_cells, focus_group, layer_anchor, links

_TOP = 15
_MOST = 0.8
# The Workbench spoke of reorders from a tenth of the time on.
_REORDERS = 0.1
_CONVERSIONS = frozenset({"Reorder", "Convert", "Transpose"})
_INTEGER_DOT_PRODUCTS = frozenset({"avx_vnni", "avx512_vnni", "amx_int8", "asimddp", "i8mm"})
_INT8 = frozenset({"i8", "u8"})


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
            blocks: list[Block] = [_chart(result, layers), _table(result, layers)]
            groups.append(focus_group(run, result, blocks))
            findings += [
                _concentration(result, layers),
                *_path(run, result, layers),
                *_conversions(result, layers),
                *_int8(run, result, layers),
                *_hidden(run, result),
            ]
        return Section(groups, findings)


def _longest(layers: tuple[ExecutedLayer, ...]) -> list[ExecutedLayer]:
    return sorted(layers, key=lambda layer: (-layer.median_s, layer.order))


def _name(result: CellResult) -> str:
    return f"{result.cell.model} ({result.cell.version})"


def _chart(result: CellResult, layers: tuple[ExecutedLayer, ...]) -> Chart:
    top = _longest(layers)[:_TOP]
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


def _table(result: CellResult, layers: tuple[ExecutedLayer, ...]) -> Table:
    top = _longest(layers)[:_TOP]
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
    ]
    return Table(f"top-layers-{result.cell.id}", "Longest layers", columns, rows)


def _concentration(result: CellResult, layers: tuple[ExecutedLayer, ...]) -> Finding:
    longest = _longest(layers)
    running = np.cumsum([layer.share for layer in longest])
    needed = int(np.searchsorted(running, _MOST)) + 1
    return Finding(
        "bottlenecks.concentration",
        "info",
        f"{_name(result)}: {needed} of {count(len(layers), 'layer')} explain "
        f"{show(float(running[min(needed, len(running)) - 1]), 'share')} of the time; the longest, "
        f"{shorten(longest[0].name, 60)}, takes {show(longest[0].share, 'share')}.",
        evidence=links(result, longest[:3], lambda layer: shorten(layer.name, 40)),
        gain=longest[0].share,
    )


def _path(run: Run, result: CellResult, layers: tuple[ExecutedLayer, ...]) -> list[Finding]:
    assert result.runtime_graph is not None
    times = {layer.index: layer.median_s for layer in layers}
    _, longest = critical_path(run.graphs[result.runtime_graph].nodes, times)
    beside = 1 - longest / (sum(times.values()) or 1.0)
    if beside < 0.02:
        return []
    return [
        Finding(
            "bottlenecks.branches",
            "info",
            f"{_name(result)}: {show(beside, 'share')} of the time is in branches beside the "
            "critical path, which a device could run in parallel; OpenVINO's CPU plugin runs the "
            "layers of one request one after another.",
            "Several streams fill the cores with several requests instead.",
        )
    ]


def _conversions(result: CellResult, layers: tuple[ExecutedLayer, ...]) -> list[Finding]:
    found = [layer for layer in layers if layer.type in _CONVERSIONS]
    share = sum(layer.share for layer in found)
    if share < _REORDERS:
        return []
    return [
        Finding(
            "bottlenecks.conversions",
            "warning",
            f"{_name(result)}: {count(len(found), 'layer')} only change layout or precision and "
            f"take {show(share, 'share')} of the time.",
            "Keep one layout and one precision along the path; the layer table names the places.",
            links(result, _longest(tuple(found))[:5], lambda layer: shorten(layer.name, 40)),
            gain=share,
        )
    ]


def _int8(run: Run, result: CellResult, layers: tuple[ExecutedLayer, ...]) -> list[Finding]:
    """Speaks of INT8 only where the processor has instructions for it."""
    in_int8 = sum(layer.share for layer in layers if layer.precision in _INT8)
    convolutions = [x for x in layers if x.type in ("Convolution", "GroupConvolution")]
    wide = [layer for layer in convolutions if layer.precision not in _INT8]
    if in_int8 > 0 and any(layer.precision in _INT8 for layer in convolutions) and wide:
        share = sum(layer.share for layer in wide)
        return [
            Finding(
                "bottlenecks.float-in-int8",
                "info",
                f"{_name(result)}: {count(len(wide), 'convolution')} of this quantised model "
                f"stay in floating point and take {show(share, 'share')} of the time.",
                "See whether they were left out of the quantisation on purpose.",
                links(result, _longest(tuple(wide))[:5], lambda layer: shorten(layer.name, 40)),
                gain=share,
            )
        ]
    if in_int8 == 0 and _INTEGER_DOT_PRODUCTS & set(run.header.environment.isa):
        return [
            Finding(
                "bottlenecks.int8-unused",
                "info",
                f"{_name(result)} runs no layer in INT8, and this processor has integer "
                "dot products.",
                "Quantise it with nncf and measure it as a second version beside this one.",
            )
        ]
    return []


def _hidden(run: Run, result: CellResult) -> list[Finding]:
    if result.model_graph is None:
        return []
    bodies = [n for n in run.graphs[result.model_graph].nodes if n.bodies]
    if not bodies:
        return []
    inside = sum(len(body.nodes) for node in bodies for body in node.bodies)
    return [
        Finding(
            "bottlenecks.hidden",
            "info",
            f"{_name(result)}: {count(len(bodies), 'layer')} ({shorten(bodies[0].name, 40)}) "
            f"hold {count(inside, 'operator')} in bodies; the device reports their time as one.",
        )
    ]
