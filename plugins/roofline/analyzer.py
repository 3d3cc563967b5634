"""How close layers come to the roofs of the device, and how much time is left to gain."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from ovreport.computed.anchors import layer_anchor
from ovreport.computed.focus import focus_cells, longest, total_s
from ovreport.computed.kernels import is_recurrent
from ovreport.computed.layers import ExecutedLayer
from ovreport.computed.open_shapes import fixing_shapes
from ovreport.computed.point_names import point_name
from ovreport.computed.roofline import (
    RESOLUTION_S,
    Efficiency,
    efficiency,
    is_above,
    why_not_judged,
)
from ovreport.computed.speed import saved
from ovreport.config.analyzer_options import Options
from ovreport.plugin import Analyzer
from ovreport.run import CellResult, Node, Roof, Run
from ovreport.section import (
    Block,
    Column,
    Facts,
    Finding,
    Group,
    KeyFigure,
    KeyFigures,
    Row,
    Section,
    Table,
    Text,
)
from ovreport.text.labels import count
from ovreport.text.numbers import digits, show
from ovreport.text.values import Kind, Link, Role, Tag, Value

from ..layer_sections import evidence, focus_group
from .chart import roofline_chart

# A model that runs at more than this fraction of its roofs leaves little to gain.
_NEAR = 0.8
# Smaller shares of the time are not reported.
_NOTABLE = 0.1


class RooflineOptions(Options):
    """``[analyzer.roofline]``: what counts as far from the roof."""

    low: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """fraction of the roof below which a layer counts as far from it"""


@dataclass(frozen=True)
class VersionRoofline:
    """A version's layers and their roofs."""

    run: Run
    result: CellResult
    layers: tuple[ExecutedLayer, ...]
    efficiencies: Mapping[int, Efficiency]
    roof: Roof
    model: Sequence[Node]
    """The nodes of the model's own graph."""

    @property
    def judged(self) -> list[ExecutedLayer]:
        """The layers that have a time and a known roof."""
        return [
            layer
            for layer in self.layers
            if layer.median_s and self.efficiency(layer).least_s is not None
        ]

    def efficiency(self, layer: ExecutedLayer) -> Efficiency:
        """Return how near a layer came to its roof."""
        return self.efficiencies[layer.index]

    def least_s(self, layers: Sequence[ExecutedLayer]) -> float:
        """Return the least time that the roofs allow; a faster layer counts with its own time."""
        return sum(min(self.efficiency(layer).least_s or 0.0, layer.median_s) for layer in layers)

    @property
    def above(self) -> list[ExecutedLayer]:
        """The layers that were faster than their roof allows, by more than its uncertainty."""
        return [layer for layer in self.judged if is_above(layer, self.efficiency(layer).fraction)]

    def share(self, layers: Sequence[ExecutedLayer]) -> float:
        """Return the share of the time of all layers that some of them take."""
        return total_s(layers) / (total_s(self.layers) or 1.0)


class Roofline(Analyzer[RooflineOptions]):
    """Compare each layer's arithmetic intensity and achieved rate with the device's roofs."""

    id = "roofline"
    title = "Roofline"
    reading = (
        "The operations of a layer take at least their time at the device's highest rate, and its "
        "bytes at least their time at the highest bandwidth. Both roofs were measured here, "
        "through OpenVINO."
    )
    needs = frozenset({"layers", "roofs"})
    order = 560

    def analyze(self, run: Run) -> Section:
        groups: list[Group] = []
        findings: list[Finding] = []
        unjudged: dict[str, list[CellResult]] = defaultdict(list)
        for result, layers in focus_cells(run):
            roof = run.roof(result)
            if roof is None or roof.failure:
                continue
            model = run.graphs[result.model_graph].nodes if result.model_graph else ()
            version = VersionRoofline(run, result, layers, efficiency(run, result), roof, model)
            reason = why_not_judged(run, result)
            if reason is None:
                findings += _findings(version, self.options.low)
                blocks: list[Block] = [
                    _figures(version, self.options.low),
                    roofline_chart(result, layers, version.efficiencies, roof),
                ]
            else:
                unjudged[reason].append(result)
                reason_text = f"The layers are not judged by the roofs: {reason}."
                blocks = [Text(f"roofline-unjudged-{result.cell.id}", reason_text)]
            blocks += [_table(version, judged=reason is None), _roofs(version)]
            groups.append(focus_group(run, result, blocks))
        return Section(groups, [*findings, *_unjudged(run, unjudged)])


# ---------------------------------------------------------------------------- blocks


def _figures(version: VersionRoofline, low: float) -> KeyFigures:
    judged = version.judged
    taken_s, least_s = total_s(judged), version.least_s(judged)
    far_layers = [layer for layer in judged if (version.efficiency(layer).fraction or 0) < low]
    memory_bound = _at_memory(version, low)
    figures = [
        KeyFigure(
            "Of the roofs, all layers together", least_s / taken_s if taken_s else None, "share"
        ),
        KeyFigure(
            "The roofs allow",
            least_s,
            "duration",
            f"where the layers took {show(taken_s, 'duration')}",
        ),
        KeyFigure(
            f"Time below {show(low, 'share')} of the roof", version.share(far_layers), "share"
        ),
        KeyFigure(
            "Time bound by memory",
            version.share(memory_bound),
            "share",
            f"at {show(low, 'share')} of the bandwidth or more",
        ),
    ]
    return KeyFigures(f"roofline-figures-{version.result.cell.id}", figures)


def _table(version: VersionRoofline, *, judged: bool) -> Table:
    def left(layer: ExecutedLayer) -> float | None:
        least = version.efficiency(layer).least_s
        return None if least is None else max(0.0, layer.median_s - least)

    ranked = sorted(version.layers, key=lambda layer: (-(left(layer) or 0.0), layer.order))
    title = "Layers against their roofs, most to gain first"
    if not judged:
        ranked, title = longest(version.layers), "Work and rates of the layers, longest first"
    rows = [
        Row(
            {
                "name": Link(layer.label, layer_anchor(version.result, layer)),
                "type": Tag(layer.type, Role("type", layer.type)),
                "precision": Tag(layer.precision, Role("precision", layer.precision)),
                "gflop": _scaled(version.efficiency(layer).operations),
                "moved": version.efficiency(layer).moved_bytes,
                "intensity": version.efficiency(layer).intensity,
                "achieved": _scaled(version.efficiency(layer).achieved),
                "bandwidth": _scaled(version.efficiency(layer).bandwidth),
                "bound": version.efficiency(layer).bound,
                "fraction": version.efficiency(layer).fraction,
                "time": layer.median_s,
                "least": version.efficiency(layer).least_s,
                "left": left(layer),
            }
        )
        for layer in ranked
    ]
    columns = [
        Column("name", "Layer"),
        Column("type", "Type"),
        Column("precision", "Precision", optional=True),
        Column("time", "Time", "duration"),
        Column("fraction", "Of the roof", "share"),
        Column("left", "Left to gain", "duration", help="Time beyond what the roofs allow."),
        Column(
            "least",
            "At the roof",
            "duration",
            help="The least time that the roofs allow.",
            optional=True,
        ),
        Column(
            "bound",
            "Lower roof",
            help="The roof that is lower for this layer. A layer far below it is bound by neither.",
        ),
        Column(
            "gflop",
            "GFLOP",
            "number",
            optional=True,
            help="Billions of operations; a multiply-add is two.",
        ),
        Column("moved", "Moved", "bytes", help="Inputs, weights and outputs.", optional=True),
        Column("intensity", "Intensity", "number", "FLOP/B", help="Operations per byte."),
        Column("achieved", "Achieved", "number", "GFLOP/s"),
        Column("bandwidth", "Bandwidth", "number", "GB/s", optional=True),
    ]
    return Table(
        f"roofline-{version.result.cell.id}",
        title,
        columns,
        rows,
        "Integer operations count like floating-point ones, with the roof of integers. The "
        "counters measure layers of a few microseconds only roughly.",
    )


def _scaled(value: float | None) -> float | None:
    return None if value is None else value / 1e9


def _roofs(version: VersionRoofline) -> Facts:
    roof = version.roof
    facts: list[tuple[str, Value, Kind]] = [
        (f"Highest rate in {name}", f"{digits(rate / 1e9)} billion operations/s", "text")
        for name, rate in roof.operations.items()
    ]
    facts.append(("From memory", f"{digits(roof.memory_bandwidth / 1e9)} GB/s", "text"))
    if roof.cache_bandwidth:
        facts.append(("From cache", f"{digits(roof.cache_bandwidth / 1e9)} GB/s", "text"))
    facts += [
        ("Last-level cache", roof.cache_bytes, "bytes"),
        ("Threads", roof.conditions.threads, "count"),
        ("Cores that other programs used meanwhile", roof.other_load, "number"),
    ]
    title = f"What {roof.conditions.device} can reach, as measured"
    return Facts(f"roofs-{version.result.cell.id}", title, facts)


# ---------------------------------------------------------------------------- findings


def _findings(version: VersionRoofline, low: float) -> Iterator[Finding]:
    judged = version.judged
    taken_s, least_s = total_s(judged), version.least_s(judged)
    if not taken_s:
        return
    name = point_name(version.run, version.result)
    is_near = least_s / taken_s > _NEAR
    yield Finding(
        "roofline.distance",
        "good" if is_near else "info",
        f"{name}: the roofs allow {show(least_s, 'duration')} at best and the layers took "
        f"{show(taken_s, 'duration')}, so the model runs at {show(least_s / taken_s, 'share')} of "
        "what this device can reach for it in these precisions.",
        "" if is_near else "The table begins with the layers that could gain most.",
    )
    far_layers = [
        layer
        for layer in judged
        if (version.efficiency(layer).fraction or 0) < low and layer.median_s > RESOLUTION_S
    ]
    recurrent = [layer for layer in far_layers if is_recurrent(layer.type)]
    if version.share(far_layers) > _NOTABLE:
        left_s = total_s(far_layers) - version.least_s(far_layers)
        yield Finding(
            "roofline.far",
            "warning" if left_s / taken_s > 2 * _NOTABLE else "info",
            f"{name}: {show(version.share(far_layers), 'share')} of the time is in "
            f"{count(len(far_layers), 'layer')} below {show(low, 'share')} of the roof; at the "
            f"roof they would take {show(left_s, 'duration')} less.",
            _FAR_RECURRENT if version.share(recurrent) > version.share(far_layers) / 2 else _FAR,
            evidence(
                version.result, sorted(far_layers, key=lambda layer: -_left_s(version, layer))
            ),
            gain=saved(version.run, version.result, left_s),
        )
    memory_bound = _at_memory(version, low)
    if version.share(memory_bound) > 2 * _NOTABLE:
        yield Finding(
            "roofline.memory",
            "info",
            f"{name}: {show(version.share(memory_bound), 'share')} of the time is in "
            f"{count(len(memory_bound), 'layer')} bound by memory, at {show(low, 'share')} or more "
            "of the bandwidth that was measured.",
            "Move fewer bytes: by fusing, a narrower precision, compressed weights, or a batch if "
            "weights dominate.",
            evidence(version.result, memory_bound),
        )
    yield from _doubts(version, name)


_FAR = (
    "Look at their kernels and shapes: few channels, odd sizes and reference kernels keep a layer "
    "from its roof."
)
_FAR_RECURRENT = (
    "Recurrent layers take most of this time. They compute one step after another: a larger batch "
    "gives each step more work."
)


def _at_memory(version: VersionRoofline, low: float) -> list[ExecutedLayer]:
    """Return the layers that memory limits; neither roof limits a layer far below both."""
    return [
        layer
        for layer in version.judged
        if version.efficiency(layer).bound == "memory"
        and (version.efficiency(layer).fraction or 0) >= low
    ]


def _left_s(version: VersionRoofline, layer: ExecutedLayer) -> float:
    return layer.median_s - (version.efficiency(layer).least_s or 0.0)


def _doubts(version: VersionRoofline, name: str) -> Iterator[Finding]:
    """Report layers that exceed their roof or have none."""
    if above := version.above:
        highest = max(version.efficiency(layer).fraction or 0 for layer in above)
        yield Finding(
            "roofline.above",
            "info",
            f"{name}: {count(len(above), 'layer')} ({show(version.share(above), 'share')} of the "
            f"time) exceeded the roof and reached up to {show(highest, 'share')} of it: a roof is "
            "the best of a few reference models, not a physical limit.",
            "The data may have come from a cache before the last level, or the kernel may use "
            "fewer operations than are counted, as Winograd's does. In the sum of the model such "
            "layers count with the time that they took.",
            evidence(version.result, above),
        )
    without_roof = [layer for layer in version.layers if version.efficiency(layer).least_s is None]
    if version.share(without_roof) > _NOTABLE / 2:
        yield Finding(
            "roofline.unknown",
            "info",
            f"{name}: {show(version.share(without_roof), 'share')} of the time is in "
            f"{count(len(without_roof), 'layer')} whose work or roof is unknown: a dynamic shape, "
            "an operator without a formula, or a precision that was not measured.",
            fixing_shapes(version.model),
            evidence(version.result, without_roof),
        )


def _unjudged(run: Run, reasons: Mapping[str, Sequence[CellResult]]) -> Iterator[Finding]:
    """Report each reason once, with its versions."""
    for reason, results in reasons.items():
        names = ", ".join(point_name(run, result) for result in results)
        yield Finding(
            "roofline.disturbed",
            "warning",
            f"{names}: the layers are not judged by the roofs, as {reason}.",
            "Close other programs and run again into a new run file.",
            topic="disturbance",
        )
