"""How near the layers come to what the device can reach, and what that leaves to gain."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from ovreport.computed.focus import focus_cells, longest, total_s
from ovreport.computed.kernels import is_recurrent
from ovreport.computed.layers import ExecutedLayer
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

from ..common import evidence, fixing_shapes, focus_group, layer_anchor, point_name
from .chart import roofline_chart

# A model that runs at more than this of its roofs leaves little to gain.
_NEAR = 0.8
# Shares of the time that are worth a sentence.
_NOTABLE = 0.1


class RooflineOptions(Options):
    """``[analyzer.roofline]``: what counts as far from the roof."""

    low: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """fraction of the roof below which a layer counts as far from it"""


@dataclass(frozen=True)
class VersionRoofline:
    """A version's layers against their roofs."""

    run: Run
    result: CellResult
    layers: tuple[ExecutedLayer, ...]
    reached: Mapping[int, Efficiency]
    roof: Roof
    model: Sequence[Node]
    """Of the model's own graph."""

    @property
    def known(self) -> list[ExecutedLayer]:
        """Layers with a time whose roof is known."""
        return [x for x in self.layers if x.median_s and self.of(x).least_s is not None]

    def of(self, layer: ExecutedLayer) -> Efficiency:
        return self.reached[layer.index]

    def least_s(self, layers: Sequence[ExecutedLayer]) -> float:
        """What the roofs allow for some layers; one that was faster took what it took."""
        return sum(min(self.of(x).least_s or 0.0, x.median_s) for x in layers)

    @property
    def above(self) -> list[ExecutedLayer]:
        """Layers that were faster than their roof allows, by more than it is known to."""
        return [x for x in self.known if is_above(x, self.of(x).fraction)]

    def share(self, layers: Sequence[ExecutedLayer]) -> float:
        return total_s(layers) / (total_s(self.layers) or 1.0)


class Roofline(Analyzer[RooflineOptions]):
    """Arithmetic intensity and achieved rate of each layer against the device's roofs."""

    id = "roofline"
    title = "Roofline"
    reading = (
        "A layer cannot be faster than its operations at the device's highest rate, nor than its "
        "bytes at the highest bandwidth. Both were measured here, through OpenVINO."
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
            standing = VersionRoofline(run, result, layers, efficiency(run, result), roof, model)
            reason = why_not_judged(run, result)
            if reason is None:
                findings += _findings(standing, self.options.low)
                blocks: list[Block] = [
                    _figures(standing, self.options.low),
                    roofline_chart(result, layers, standing.reached, roof),
                ]
            else:
                unjudged[reason].append(result)
                said = f"The layers are not judged by the roofs: {reason}."
                blocks = [Text(f"roofline-unjudged-{result.cell.id}", said)]
            blocks += [_table(standing, judged=reason is None), _roofs(standing)]
            groups.append(focus_group(run, result, blocks))
        return Section(groups, [*findings, *_unjudged(run, unjudged)])


# ---------------------------------------------------------------------------- blocks


def _figures(standing: VersionRoofline, low: float) -> KeyFigures:
    known = standing.known
    taken, least = total_s(known), standing.least_s(known)
    far = [x for x in known if (standing.of(x).fraction or 0) < low]
    moving = _at_memory(standing, low)
    figures = [
        KeyFigure("Of the roofs, all layers together", least / taken if taken else None, "share"),
        KeyFigure(
            "The roofs allow", least, "duration", f"where the layers took {show(taken, 'duration')}"
        ),
        KeyFigure(f"Time below {show(low, 'share')} of the roof", standing.share(far), "share"),
        KeyFigure(
            "Time bound by memory",
            standing.share(moving),
            "share",
            f"at {show(low, 'share')} of the bandwidth or more",
        ),
    ]
    return KeyFigures(f"roofline-figures-{standing.result.cell.id}", figures)


def _table(standing: VersionRoofline, *, judged: bool) -> Table:
    def left(layer: ExecutedLayer) -> float | None:
        least = standing.of(layer).least_s
        return None if least is None else max(0.0, layer.median_s - least)

    ranked = sorted(standing.layers, key=lambda x: (-(left(x) or 0.0), x.order))
    title = "Layers against their roofs, most to gain first"
    if not judged:
        ranked, title = longest(standing.layers), "Work and rates of the layers, longest first"
    rows = [
        Row(
            {
                "name": Link(x.label, layer_anchor(standing.result, x)),
                "type": Tag(x.type, Role("type", x.type)),
                "precision": Tag(x.precision, Role("precision", x.precision)),
                "gflop": _scaled(standing.of(x).operations),
                "moved": standing.of(x).moved_bytes,
                "intensity": standing.of(x).intensity,
                "achieved": _scaled(standing.of(x).achieved),
                "bandwidth": _scaled(standing.of(x).bandwidth),
                "bound": standing.of(x).bound,
                "fraction": standing.of(x).fraction,
                "time": x.median_s,
                "least": standing.of(x).least_s,
                "left": left(x),
            }
        )
        for x in ranked
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
        Column("intensity", "Intensity", "number", "FLOP/B", help="Operations for each byte."),
        Column("achieved", "Achieved", "number", "GFLOP/s"),
        Column("bandwidth", "Bandwidth", "number", "GB/s", optional=True),
    ]
    return Table(
        f"roofline-{standing.result.cell.id}",
        title,
        columns,
        rows,
        "Integer operations count like floating-point ones, against the roof of integers. Layers "
        "of a few microseconds are shorter than the counters can tell well.",
    )


def _scaled(value: float | None) -> float | None:
    return None if value is None else value / 1e9


def _roofs(standing: VersionRoofline) -> Facts:
    roof = standing.roof
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
        ("Cores busy with something else meanwhile", roof.other_load, "number"),
    ]
    title = f"What {roof.conditions.device} can reach, as measured"
    return Facts(f"roofs-{standing.result.cell.id}", title, facts)


# ---------------------------------------------------------------------------- findings


def _findings(standing: VersionRoofline, low: float) -> Iterator[Finding]:
    known = standing.known
    taken, least = total_s(known), standing.least_s(known)
    if not taken:
        return
    name = point_name(standing.run, standing.result)
    near = least / taken > _NEAR
    yield Finding(
        "roofline.distance",
        "good" if near else "info",
        f"{name}: the roofs allow {show(least, 'duration')} at best where the layers took "
        f"{show(taken, 'duration')}, so the model runs at {show(least / taken, 'share')} of what "
        "this device can reach for it in these precisions.",
        "" if near else "The table begins with the layers that have most to gain.",
    )
    far = [x for x in known if (standing.of(x).fraction or 0) < low and x.median_s > RESOLUTION_S]
    steps = [x for x in far if is_recurrent(x.type)]
    if standing.share(far) > _NOTABLE:
        left = total_s(far) - standing.least_s(far)
        yield Finding(
            "roofline.far",
            "warning" if left / taken > 2 * _NOTABLE else "info",
            f"{name}: {show(standing.share(far), 'share')} of the time is in "
            f"{count(len(far), 'layer')} below {show(low, 'share')} of the roof; at the roof they "
            f"would take {show(left, 'duration')} less.",
            _STEPS if standing.share(steps) > standing.share(far) / 2 else _FAR,
            evidence(standing.result, sorted(far, key=lambda x: -_left(standing, x))),
            gain=saved(standing.run, standing.result, left),
        )
    moving = _at_memory(standing, low)
    if standing.share(moving) > 2 * _NOTABLE:
        yield Finding(
            "roofline.memory",
            "info",
            f"{name}: {show(standing.share(moving), 'share')} of the time is in "
            f"{count(len(moving), 'layer')} bound by memory, at {show(low, 'share')} or more of "
            "the bandwidth that was measured.",
            "What moves fewer bytes helps: fusing, a narrower precision, compressed weights, and "
            "batches where weights dominate.",
            evidence(standing.result, moving),
        )
    yield from _doubts(standing, name)


_FAR = (
    "Look at their kernels and shapes: few channels, odd sizes and reference kernels keep a layer "
    "from its roof."
)
_STEPS = (
    "Most of it is in recurrent layers, which compute one step after another: a larger batch gives "
    "each step more work."
)


def _at_memory(standing: VersionRoofline, low: float) -> list[ExecutedLayer]:
    """Layers that memory bounds. One far below both roofs is bound by neither."""
    return [
        x
        for x in standing.known
        if standing.of(x).bound == "memory" and (standing.of(x).fraction or 0) >= low
    ]


def _left(standing: VersionRoofline, layer: ExecutedLayer) -> float:
    return layer.median_s - (standing.of(layer).least_s or 0.0)


def _doubts(standing: VersionRoofline, name: str) -> Iterator[Finding]:
    """Where a version's roofs are to be doubted, or say nothing."""
    if above := standing.above:
        highest = max(standing.of(x).fraction or 0 for x in above)
        yield Finding(
            "roofline.above",
            "info",
            f"{name}: {count(len(above), 'layer')}, {show(standing.share(above), 'share')} of the "
            f"time, above the roof, the highest at {show(highest, 'share')} of it: a roof is the "
            "best of a few reference models, not a law.",
            "The data may have come from a nearer cache than the last, or the kernel may take "
            "fewer operations than are counted, as Winograd's does. For the whole model such "
            "layers count with the time they took.",
            evidence(standing.result, above),
        )
    blind = [x for x in standing.layers if standing.of(x).least_s is None]
    if standing.share(blind) > _NOTABLE / 2:
        yield Finding(
            "roofline.unknown",
            "info",
            f"{name}: {show(standing.share(blind), 'share')} of the time is in "
            f"{count(len(blind), 'layer')} whose work or roof is not known: a dynamic shape, an "
            "operator without a formula, or a precision that was not measured.",
            fixing_shapes(standing.model),
            evidence(standing.result, blind),
        )


def _unjudged(run: Run, reasons: Mapping[str, Sequence[CellResult]]) -> Iterator[Finding]:
    """Each reason once, with the versions that it holds for."""
    for reason, results in reasons.items():
        names = ", ".join(point_name(run, result) for result in results)
        yield Finding(
            "roofline.disturbed",
            "warning",
            f"{names}: the layers are not judged by the roofs, as {reason}.",
            "Close other programs and run again into a new run file.",
            topic="disturbance",
        )
