"""Where a difference comes from: layers of both versions in matched groups, types and kernels."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ovreport.comparisons import Comparison, Pair
from ovreport.graphs.layers import ExecutedLayer
from ovreport.graphs.matching import LayerGroup, coverage, matched
from ovreport.rendering.format import shorten, show
from ovreport.run import CellResult, Run
from ovreport.section import (
    Axis,
    Bars,
    Block,
    Chart,
    Column,
    Facts,
    Finding,
    Kind,
    Link,
    Role,
    Row,
    Table,
    Tag,
    Text,
    Value,
)
from ovreport.stats.estimate import Estimate

from ..common import grouped, layer_anchor, median_latency_s, total_s

# Steps of a waterfall beside both ends; the smaller changes are added up in one bar.
_STEPS = 8
# Performance counters count whole microseconds.
_RESOLUTION_S = 1e-6
# A finding names the layer with the largest change if that is at least so much of the latency.
_WORTH_NAMING = 0.02


@dataclass(frozen=True)
class Change:
    """From A to B: seconds that something takes more, and the two figures."""

    name: str
    a_s: float
    b_s: float

    @property
    def s(self) -> float:
        return self.b_s - self.a_s


def blocks(run: Run, comparison: Comparison) -> list[Block]:
    """Everything about the layers of the comparison's shown pair; nothing without a profile."""
    pair = comparison.shown
    groups = matched(run, *pair) if pair else ()
    if pair is None or not groups:
        return []
    layers = [[x for g in groups for x in g.a], [x for g in groups for x in g.b]]
    types = _changes(layers, lambda layer: layer.type)
    by_group = [Change(shorten(g.main.name, 40), g.a_s, g.b_s) for g in groups]
    made: list[Block] = [
        _reading(comparison, pair, groups),
        _waterfall(comparison, pair, types, "type", "layer type"),
        _waterfall(comparison, pair, by_group, "layer", "layer"),
        _by_key(comparison, "types", "Time by layer type", "Layer type", types, layers,
                lambda layer: layer.type),
        _pairs(comparison, pair, groups),
        *_only(comparison, pair, groups),
        _by_key(comparison, "kernels", "Time by kernel", "Kernel",
                _changes(layers, lambda layer: layer.kernel), layers,
                lambda layer: layer.kernel),
    ]  # fmt: skip
    return made


def findings(run: Run, comparison: Comparison) -> list[Finding]:
    """The layer that changed most, if it matters and is beyond its own spread."""
    pair = comparison.shown
    groups = matched(run, *pair) if pair else ()
    if pair is None or not groups:
        return []
    largest = max(groups, key=lambda group: abs(group.change_s))
    change = change_of(largest, *pair)
    latency = median_latency_s(pair[0])
    beyond_spread = change.low > 0 or change.high < 0
    if not beyond_spread or abs(change.point) < _WORTH_NAMING * latency:
        return []
    times = f"{show(largest.a_s, 'duration')} → {show(largest.b_s, 'duration')}"
    if largest.a_s and largest.b_s:
        times += f", {show(largest.b_s / largest.a_s, 'ratio')}"
    elif not largest.matched:
        times += f", only in {comparison.base if largest.a else comparison.other}"
    return [
        Finding(
            "versions.layer",
            "warning" if change.point > 0 else "good",
            f"{comparison.subject}: from {comparison.base} to {comparison.other}, the layer that "
            f"changes most is {shorten(largest.main.name, 60)} ({largest.main.type}): {times}.",
            evidence=[Link("layers", f"pair-{comparison.id}-{_place(groups, largest)}")],
        )
    ]


def change_of(group: LayerGroup, a: CellResult, b: CellResult) -> Estimate:
    """Seconds that B takes more for a group's work, with the interval of that difference.

    The standard error of a median of n values is 1.2533 σ / √n, with σ taken from the quartiles as
    IQR / 1.349 (McGill, Tukey and Larsen, *Variations of Box Plots*, 1978); errors of layers add
    in squares. It covers the spread between inferences of one process, not between processes.
    """
    counts = [len(result.profile.latencies_ns) if result.profile else 0 for result in (a, b)]
    variance = 0.0
    for layers, number in ((group.a, counts[0]), (group.b, counts[1])):
        for layer in layers:
            error = 1.2533 * (layer.high_s - layer.low_s) / 1.349 / math.sqrt(number or 1)
            variance += max(error, _RESOLUTION_S / math.sqrt(12)) ** 2
    half = 1.96 * math.sqrt(variance)
    method = f"medians of {counts[0]} and {counts[1]} profiled inferences, by their quartiles"
    return Estimate(group.change_s, group.change_s - half, group.change_s + half, 0.95, method)


# ---------------------------------------------------------------------------- charts


def _reading(comparison: Comparison, pair: Pair, groups: Sequence[LayerGroup]) -> Text:
    """How well layers are matched, and whether they tell the same as the latency."""
    shares = coverage(groups)
    by_structure = sum(group.basis == "structure" for group in groups)
    found = sum(group.matched for group in groups)
    how = f", {by_structure} of them by structure" if by_structure else " by the names they carry"
    text = (
        f"Layers are matched in {found} groups{how}; matched are {show(shares[0], 'share')} of "
        f"the layers' time in {comparison.base} and {show(shares[1], 'share')} in "
        f"{comparison.other}. A reorder counts with the layer that it serves."
    )
    in_layers = sum(group.change_s for group in groups)
    whole = median_latency_s(pair[1]) - median_latency_s(pair[0])
    if in_layers * whole < 0:
        text += (
            f" The layers, timed in a pass of their own with counters on, take "
            f"{_more(in_layers)}, while the latency without counters is {_more(whole)}: a pass "
            "was disturbed, counters cost one version more, or the change is within the scatter."
        )
    return Text(f"matched-{comparison.id}", text)


def _more(change_s: float) -> str:
    return f"{show(abs(change_s), 'duration')} {'more' if change_s > 0 else 'less'}"


def _waterfall(
    comparison: Comparison,
    pair: Pair,
    changes: Sequence[Change],
    what: str,
    words: str,
) -> Chart:
    """From A's latency to B's: the largest changes, the rest, and what no layer accounts for."""
    before, after = (median_latency_s(result) for result in pair)
    ranked = sorted(changes, key=lambda change: -abs(change.s))
    steps = [(change.name, change.s) for change in ranked[:_STEPS]]
    if rest := ranked[_STEPS:]:
        steps.append((f"{len(rest)} more {words}s", sum(change.s for change in rest)))
    steps.append(("outside the layers", after - before - sum(change.s for change in changes)))
    at, starts = before, []
    for _, value in steps:
        starts.append(at)
        at += value
    axis = comparison.axis
    shown = [(comparison.base, before), *steps, (comparison.other, after)]
    top = ranked[0]
    return Chart(
        f"waterfall-{what}-{comparison.id}",
        f"By {words}: {top.name} takes {_more(top.s)}",
        Axis("median latency", "duration"),
        Axis("", categories=[name for name, _ in shown]),
        [
            Bars(
                [value for _, value in shown],
                [
                    Role("version" if axis == "version" else "series", comparison.base),
                    *(_role(name, value) for name, value in steps),
                    Role("version" if axis == "version" else "series", comparison.other),
                ],
                starts=[0.0, *starts, 0.0],
            )
        ],
        "; ".join(f"{name} {show(value, 'duration')}" for name, value in shown),
        height=0.7 + 0.28 * len(shown),
    )


def _role(name: str, change_s: float) -> Role:
    if name == "outside the layers":
        return Role("series", "other")
    return Role("series", "worse" if change_s > 0 else "better")


# ---------------------------------------------------------------------------- tables


def _changes(
    layers: Sequence[Sequence[ExecutedLayer]], key: Callable[[ExecutedLayer], str]
) -> list[Change]:
    """Time of both sides by something that layers share, largest change first."""
    a, b = ({k: total_s(found) for k, found in grouped(side, key).items()} for side in layers)
    changes = [Change(k, a.get(k, 0.0), b.get(k, 0.0)) for k in dict.fromkeys([*a, *b])]
    return sorted(changes, key=lambda change: -abs(change.s))


def _by_key(
    comparison: Comparison,
    id: str,
    title: str,
    heading: str,
    changes: Sequence[Change],
    layers: Sequence[Sequence[ExecutedLayer]],
    key: Callable[[ExecutedLayer], str],
) -> Table:
    counts = [{k: len(found) for k, found in grouped(side, key).items()} for side in layers]
    rows = []
    for change in changes:
        name: Value = Tag(change.name, Role("type", change.name)) if id == "types" else change.name
        rows.append(Row({"name": name, **_side_by_side(change), **_counts(change.name, counts)}))
    columns = [
        Column("name", heading, "text" if id == "types" else "code"),
        *_columns(comparison),
        Column("count-a", f"Layers, {comparison.base}", "count"),
        Column("count-b", f"Layers, {comparison.other}", "count"),
    ]
    return Table(f"{id}-change-{comparison.id}", title, columns, rows, collapsed=id != "types")


def _counts(name: str, counts: Sequence[Mapping[str, int]]) -> dict[str, Value]:
    return {"count-a": counts[0].get(name), "count-b": counts[1].get(name)}


def _side_by_side(change: Change) -> dict[str, Value]:
    return {
        "a": change.a_s or None,
        "b": change.b_s or None,
        "change": change.s,
        "ratio": change.b_s / change.a_s if change.a_s and change.b_s else None,
    }


def _columns(comparison: Comparison) -> list[Column]:
    return [
        Column("a", comparison.base, "duration"),
        Column("b", comparison.other, "duration"),
        Column("change", "Change", "duration"),
        Column("ratio", "Ratio", "ratio", help=f"{comparison.other} over {comparison.base}."),
    ]


def _pairs(
    comparison: Comparison,
    pair: Pair,
    groups: Sequence[LayerGroup],
) -> Table:
    rows = []
    both = [(place, group) for place, group in enumerate(groups) if group.matched]
    for place, group in sorted(both, key=lambda item: -abs(item[1].change_s)):
        change = change_of(group, *pair)
        rows.append(
            Row(
                {
                    "name": shorten(group.main.name, 60),
                    "type": Tag(group.main.type, Role("type", group.main.type)),
                    "layers": f"{len(group.a)} → {len(group.b)}",
                    "a": group.a_s,
                    "b": group.b_s,
                    "change": change.point,
                    "ratio": group.b_s / group.a_s if group.a_s else None,
                    "sure": change.high - change.point,
                    "precision": _became(group, lambda layer: layer.precision),
                    "kernel": _became(group, lambda layer: layer.kernel),
                },
                anchor=f"pair-{comparison.id}-{place}",
                details=[_members(comparison, pair, group)],
                emphasis=change.low > 0 or change.high < 0,
            )
        )
    columns = [
        Column("name", "Layer", "code"),
        Column("type", "Type"),
        Column("layers", "Layers", help="How many do this work in either.", optional=True),
        *_columns(comparison),
        Column("sure", "±", "duration", help="Half of the 95 % interval of the change."),
        Column("precision", "Precision"),
        Column("kernel", "Kernel", "code"),
    ]
    return Table(
        f"pairs-{comparison.id}",
        "Layers of both, largest change first",
        columns,
        rows,
        "Open a row for its layers. Emphasised: a change beyond the spread between inferences.",
    )


def _became(group: LayerGroup, key: Callable[[ExecutedLayer], str]) -> str:
    """``f32 → u8``, of the longest layer of either side; once where nothing changed."""
    a, b = (key(max(side, key=lambda layer: layer.median_s)) for side in (group.a, group.b))
    return a if a == b else f"{a} → {b}"


def _members(comparison: Comparison, pair: Pair, group: LayerGroup) -> Facts:
    facts: list[tuple[str, Value, Kind]] = []
    for name, result, layers in zip(
        (comparison.base, comparison.other), pair, (group.a, group.b), strict=True
    ):
        for layer in layers:
            text = (
                f"{layer.type} {shorten(layer.name, 60)}: {show(layer.median_s, 'duration')}, "
                f"{layer.precision}, {layer.kernel}"
            )
            facts.append((name, Link(text, layer_anchor(result, layer)), "text"))
    return Facts(f"members-{comparison.id}", "", facts)


def _only(comparison: Comparison, pair: Pair, groups: Sequence[LayerGroup]) -> list[Block]:
    """Layers without a counterpart, by side."""
    found: list[Block] = []
    for side, name, result in (("a", comparison.base, pair[0]), ("b", comparison.other, pair[1])):
        rows = [
            Row(
                {
                    "name": Link(shorten(layer.name, 60), layer_anchor(result, layer)),
                    "type": Tag(layer.type, Role("type", layer.type)),
                    "time": layer.median_s,
                    "precision": Tag(layer.precision, Role("precision", layer.precision)),
                    "kernel": layer.kernel,
                },
                anchor=f"pair-{comparison.id}-{place}",
            )
            for place, group in enumerate(groups)
            if not group.matched
            for layer in getattr(group, side)
        ]
        columns = [
            Column("name", "Layer"),
            Column("type", "Type"),
            Column("time", "Time", "duration"),
            Column("precision", "Precision"),
            Column("kernel", "Kernel", "code"),
        ]
        if rows:
            found.append(Table(f"only-{side}-{comparison.id}", f"Only in {name}", columns, rows))
    return found


def _place(groups: Sequence[LayerGroup], wanted: LayerGroup) -> int:
    return next(place for place, group in enumerate(groups) if group is wanted)
