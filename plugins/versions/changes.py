"""Where a difference comes from: layers of both versions in matched groups, types and kernels."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from ovreport.computed.certainty import Certainty, certainty, change_of
from ovreport.computed.focus import grouped, total_s
from ovreport.computed.gap import gap
from ovreport.computed.layers import ExecutedLayer, attribute
from ovreport.computed.matching import LayerGroup, coverage, matched
from ovreport.computed.pairs import Comparison, Pair
from ovreport.computed.speed import median_latency_s
from ovreport.run import CellResult, Run
from ovreport.section import Axis, Bars, Block, Chart, Column, Facts, Finding, Row, Table, Text
from ovreport.stats.estimate import Estimate
from ovreport.stats.medians import difference, is_beyond_zero
from ovreport.text.labels import count
from ovreport.text.numbers import NOTHING, show
from ovreport.text.values import Kind, Link, Role, Tag, Value

from ..common import COLUMNS, layer_anchor, operator_settings

# Steps of a waterfall beside both ends; the smaller changes are added up in one bar.
_STEPS = 8
# A finding names the layer with the largest change if that is at least so much of the latency.
_WORTH_NAMING = 0.02


@dataclass(frozen=True)
class TimeChange:
    """From A to B: seconds that something takes more, and the two figures."""

    name: str
    a_s: float
    b_s: float

    @property
    def s(self) -> float:
        """Seconds that B takes more than A."""
        return self.b_s - self.a_s


def blocks(run: Run, comparison: Comparison) -> list[Block]:
    """Everything about the layers of the comparison's shown pair; nothing without a profile."""
    pair = comparison.shown
    groups = matched(run, *pair) if pair else ()
    if pair is None or not groups:
        return []
    layers = [[x for g in groups for x in g.a], [x for g in groups for x in g.b]]
    types = _changes(layers, lambda layer: layer.type)
    by_group = [TimeChange(g.main.label, g.a_s, g.b_s) for g in groups]
    sure = certainty(run, comparison, pair, groups)
    certain = [group for group in groups if sure.beyond_noise(group)]
    names = {group.main.label for group in certain}
    kinds = {layer.type for group in certain for layer in (*group.a, *group.b)}
    made: list[Block] = [
        _reading(run, comparison, groups, sure),
        _waterfall(run, comparison, sure, types, kinds, "type", "layer type"),
        _waterfall(run, comparison, sure, by_group, names, "layer", "layer"),
        _by_key(comparison, "types", "Time by layer type", "Layer type", types, layers,
                lambda layer: layer.type),
        _pairs(run, comparison, groups, sure),
        *_only(comparison, pair, groups),
        _by_key(comparison, "kernels", "Time by kernel", "Kernel",
                _changes(layers, lambda layer: layer.kernel), layers,
                lambda layer: layer.kernel),
    ]  # fmt: skip
    return made


def findings(run: Run, comparison: Comparison) -> list[Finding]:
    """The layer that changed most, of those that changed beyond noise, if it matters."""
    pair = comparison.shown
    groups = matched(run, *pair) if pair else ()
    if pair is None:
        return []
    sure = certainty(run, comparison, pair, groups)
    changed = [group for group in groups if sure.beyond_noise(group)]
    largest = max(changed, key=lambda group: abs(group.change_s), default=None)
    if largest is None or abs(largest.change_s) < _WORTH_NAMING * median_latency_s(pair[0]):
        return []
    times = f"{show(largest.a_s, 'duration')} → {show(largest.b_s, 'duration')}"
    if largest.a_s and largest.b_s:
        times += f", {show(largest.b_s / largest.a_s, 'ratio')}"
    elif not largest.matched:
        times += f", only in {comparison.base if largest.a else comparison.other}"
    if largest.matched and (beside := _beside(largest)):
        times += f" ({' '.join(beside)})"
    return [
        Finding(
            "versions.layer",
            "warning" if largest.change_s > 0 else "good",
            f"{comparison.subject}: from {comparison.base} to {comparison.other}, the layer that "
            f"changes most is {largest.main.label} ({largest.main.type}): {times}.",
            evidence=[Link("layers", f"pair-{comparison.id}-{_place(groups, largest)}")],
        )
    ]


# ---------------------------------------------------------------------------- charts


def _reading(
    run: Run, comparison: Comparison, groups: Sequence[LayerGroup], sure: Certainty
) -> Text:
    """How well layers are matched, and whether they tell the same as the latency."""
    shares = coverage(groups)
    by_structure = sum(group.basis == "structure" for group in groups)
    found = sum(group.matched for group in groups)
    how = f", {by_structure} of them by structure" if by_structure else " by the names they carry"
    text = (
        f"Layers are matched in {count(found, 'group')}{how}; these hold "
        f"{show(shares[0], 'share')} of the layers' time in {comparison.base} and "
        f"{show(shares[1], 'share')} in {comparison.other}. A reorder counts "
        "with the layer that it serves."
    )
    if sure.apart is not None:
        text += (
            f" The two profiling passes differ as a whole: layers that both execute alike (same "
            f"kernel, shapes and precision) take {show(sure.apart, 'ratio')} as long in "
            f"{comparison.other}. Read shares, not times."
        )
    in_layers, latency = _both_changes(run, sure.pair)
    outside = difference(latency, in_layers)
    far = in_layers.point * latency.point < 0 or abs(outside.point) > abs(in_layers.point)
    if far and is_beyond_zero(outside):
        text += (
            f" The layers, timed in a pass of their own with counters on, take "
            f"{_more(in_layers.point)}, while the latency without counters is "
            f"{_more(latency.point)}; no figure of this run tells why these differ."
        )
    return Text(f"matched-{comparison.id}", text)


def _both_changes(run: Run, pair: Pair) -> tuple[Estimate, Estimate]:
    """What the layers together, and the latency, take longer in B."""
    a, b = (gap(run, result) for result in pair)
    return difference(b.layers, a.layers), difference(b.latency, a.latency)


def _more(change_s: float) -> str:
    return f"{show(abs(change_s), 'duration')} {'more' if change_s > 0 else 'less'}"


def _signed(change_s: float) -> str:
    return f"{'+' if change_s > 0 else ''}{show(change_s, 'duration')}"


def _largest_first(change_s: float) -> float:
    """A key that orders changes by size, in whole picoseconds.

    Finer digits are errors of floating-point sums, which differ between releases of Python.
    """
    return -round(abs(change_s), 12)


def _waterfall(
    run: Run,
    comparison: Comparison,
    sure: Certainty,
    changes: Sequence[TimeChange],
    certain: Collection[str],
    what: str,
    words: str,
) -> Chart:
    """From A's latency to B's: the largest changes, the rest, and what no layer accounts for.

    Args:
        certain: names of changes that hold one beyond the noise; the title names no other.
    """
    before, after = (median_latency_s(result) for result in sure.pair)
    ranked = sorted(changes, key=lambda change: _largest_first(change.s))
    in_layers = sum(change.s for change in changes)
    outside = after - before - in_layers
    steps = [(change.name, change.s) for change in ranked[:_STEPS]]
    if rest := ranked[_STEPS:]:
        steps.append((count(len(rest), f"more {words}"), sum(change.s for change in rest)))
    steps.append(("outside the layers", outside))
    at, starts = before, []
    for _, value in steps:
        starts.append(at)
        at += value
    axis = comparison.axis
    shown = [(comparison.base, before), *steps, (comparison.other, after)]
    top = next((change for change in ranked if change.name in certain), None)
    said = f"{top.name} takes {_more(top.s)}" if top else "no change is beyond the noise"
    if sure.apart is not None:
        said += f"; the passes differ by {show(sure.apart, 'ratio')}"
    elif abs(outside) > abs(top.s if top else in_layers) and is_beyond_zero(
        difference(*_both_changes(run, sure.pair))
    ):
        most = abs(outside) > abs(in_layers)
        said = (
            f"most of the change ({_signed(outside)}) is outside the layers"
            if most
            else (f"{said}; {_signed(outside)} is outside the layers")
        )
    told = [
        f"{comparison.base} {show(before, 'duration')}",
        *(f"{name} {_signed(value)}" for name, value in steps),
        f"{comparison.other} {show(after, 'duration')}",
    ]
    return Chart(
        f"waterfall-{what}-{comparison.id}",
        f"By {words}: {said}",
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
        "; ".join(told),
        height=0.7 + 0.28 * len(shown),
    )


def _role(name: str, change_s: float) -> Role:
    if name == "outside the layers":
        return Role("series", "other")
    return Role("series", "worse" if change_s > 0 else "better")


# ---------------------------------------------------------------------------- tables


def _changes(
    layers: Sequence[Sequence[ExecutedLayer]], key: Callable[[ExecutedLayer], str]
) -> list[TimeChange]:
    """Time of both sides by something that layers share, largest change first."""
    a, b = ({k: total_s(found) for k, found in grouped(side, key).items()} for side in layers)
    changes = [TimeChange(k, a.get(k, 0.0), b.get(k, 0.0)) for k in dict.fromkeys([*a, *b])]
    return sorted(changes, key=lambda change: _largest_first(change.s))


def _by_key(
    comparison: Comparison,
    id: str,
    title: str,
    heading: str,
    changes: Sequence[TimeChange],
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


def _side_by_side(change: TimeChange) -> dict[str, Value]:
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
    run: Run, comparison: Comparison, groups: Sequence[LayerGroup], sure: Certainty
) -> Table:
    rows = []
    both = [(place, group) for place, group in enumerate(groups) if group.matched]
    for place, group in sorted(both, key=lambda item: _largest_first(item[1].change_s)):
        change = change_of(group, *sure.pair)
        rows.append(
            Row(
                {
                    "name": group.main.label,
                    "type": Tag(group.main.type, Role("type", group.main.type)),
                    "layers": f"{len(group.a)} → {len(group.b)}",
                    "a": group.a_s,
                    "b": group.b_s,
                    "change": change.point,
                    "ratio": group.b_s / group.a_s if group.a_s else None,
                    "sure": change.high - change.point,
                    "precision": _became(group, lambda layer: layer.precision),
                    "kernel": _became(group, lambda layer: layer.kernel),
                    "beside": " ".join(_beside(group)),
                },
                anchor=f"pair-{comparison.id}-{place}",
                details=[_members(run, comparison, sure.pair, group)],
                emphasis=sure.beyond_noise(group),
            )
        )
    columns = [
        Column("name", "Layer", "code"),
        Column("type", "Type"),
        Column("layers", "Layers", help="How many do this work in either.", optional=True),
        *_columns(comparison),
        Column("sure", "±", "duration", help="Half of the 95 % interval of the change.",
               optional=True),
        Column("precision", "Precision", help="Of the layer itself."),
        Column("kernel", "Kernel", "code", help="Of the layer itself."),
        Column("beside", "With it", help="Others that do this work and that only "
               f"{comparison.other} has (+) or only {comparison.base} (−)."),
    ]  # fmt: skip
    return Table(
        f"pairs-{comparison.id}",
        "Layers of both, largest change first",
        columns,
        rows,
        "Open a row for its layers. Emphasised: a change beyond the spread between inferences and "
        f"beyond {show(sure.limit, 'ratio')}, which the passes may differ by anyway.",
    )


def _became(group: LayerGroup, key: Callable[[ExecutedLayer], str]) -> str:
    """``f32 → u8``, of the layer that the group is called by; once where nothing changed."""
    a, b = map(key, group.mains)
    return a if a == b else f"{a} → {b}"


def _beside(group: LayerGroup) -> list[str]:
    """Types beside the main layers that only one side has, with their times."""
    a, b = (
        grouped([layer for layer in side if layer is not main], lambda layer: layer.type)
        for side, main in zip((group.a, group.b), group.mains, strict=True)
    )
    return [
        *(f"+ {kind} {show(total_s(b[kind]), 'duration')}" for kind in b if kind not in a),
        *(f"− {kind} {show(total_s(a[kind]), 'duration')}" for kind in a if kind not in b),
    ]


def _members(run: Run, comparison: Comparison, pair: Pair, group: LayerGroup) -> Facts:
    """The change with its interval, all layers, and in which parameters the main ones differ."""
    facts: list[tuple[str, Value, Kind]] = [("Change", change_of(group, *pair), "duration")]
    for name, result, layers in zip(
        (comparison.base, comparison.other), pair, (group.a, group.b), strict=True
    ):
        for layer in layers:
            text = (
                f"{layer.type} {layer.label}: {show(layer.median_s, 'duration')}, "
                f"{layer.precision}, {layer.kernel}"
            )
            facts.append((name, Link(text, layer_anchor(result, layer)), "text"))
    a, b = (_parameters(run, *of) for of in zip(pair, group.mains, strict=True))
    differing = (name for name in a if name in b and a[name] != b[name])
    facts += [(name, f"{a[name]} → {b[name]}", "text") for name in differing]
    return Facts(f"members-{comparison.id}", "", facts)


def _parameters(run: Run, result: CellResult, layer: ExecutedLayer) -> dict[str, str]:
    """By name: what a layer executes, how, what it puts out, and its operators' parameters.

    Operators go by their place among those of their type: names may differ.
    """
    assert result.runtime_graph is not None, "only profiled layers are in groups"
    node = run.graphs[result.runtime_graph].nodes[layer.index]
    model = run.graphs[result.model_graph].nodes if result.model_graph else ()
    kinds = [model[index].type for index in layer.originals]
    found = {
        "Executes": ", ".join(kinds) or NOTHING,
        "Output": ", ".join(layer.shapes) or NOTHING,
    }
    found |= {name: attribute(node, name) for name in node.attributes if name not in COLUMNS}
    for place, index in enumerate(layer.originals):
        before = kinds[:place].count(kinds[place])
        kind = f"{kinds[place]} {before + 1}" if before else kinds[place]
        settings = dict(operator_settings(model, index))
        found |= {f"{kind}: {name}": text for name, text in settings.items() if name != "opset"}
    return found


def _only(comparison: Comparison, pair: Pair, groups: Sequence[LayerGroup]) -> list[Block]:
    """Layers without a counterpart, by side."""
    found: list[Block] = []
    for side, name, result in (("a", comparison.base, pair[0]), ("b", comparison.other, pair[1])):
        rows = [
            Row(
                {
                    "name": Link(layer.label, layer_anchor(result, layer)),
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
