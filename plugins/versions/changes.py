"""The source of a difference: layers of both versions by matched group, type and kernel."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from ovreport.computed.anchors import layer_anchor, matched_layers_anchor
from ovreport.computed.certainty import Certainty, certainty, change_of
from ovreport.computed.focus import grouped, total_s
from ovreport.computed.gap import gap
from ovreport.computed.layer_attributes import ATTRIBUTES_IN_COLUMNS, operator_settings
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

# Bars of a waterfall between its two ends; one more bar sums up the smaller changes.
_MOST_STEPS = 8
# A finding names the layer with the largest change if it is at least this share of the latency.
_WORTH_NAMING = 0.02


@dataclass(frozen=True)
class TimeChange:
    """The seconds that layers with a name take in A and in B."""

    name: str
    a_s: float
    b_s: float

    @property
    def s(self) -> float:
        """Seconds that B takes more than A."""
        return self.b_s - self.a_s


def blocks(run: Run, comparison: Comparison) -> list[Block]:
    """Return the blocks about the layers of the shown pair; none without a profile."""
    pair = comparison.shown
    groups = matched(run, *pair) if pair else ()
    if pair is None or not groups:
        return []
    layers = [
        [layer for group in groups for layer in group.a],
        [layer for group in groups for layer in group.b],
    ]
    types = _changes(layers, lambda layer: layer.type)
    by_group = [TimeChange(group.main.label, group.a_s, group.b_s) for group in groups]
    sure = certainty(run, comparison, pair, groups)
    certain = [group for group in groups if sure.beyond_noise(group)]
    names = {group.main.label for group in certain}
    kinds = {layer.type for group in certain for layer in (*group.a, *group.b)}
    all_blocks: list[Block] = [
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
    return all_blocks


def findings(run: Run, comparison: Comparison) -> list[Finding]:
    """Report the layer with the largest change beyond noise, if the change matters."""
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
    if largest.matched and (extra_types := _extra_types(largest)):
        times += f" ({' '.join(extra_types)})"
    return [
        Finding(
            "versions.layer",
            "warning" if largest.change_s > 0 else "good",
            f"{comparison.subject}: from {comparison.base} to {comparison.other}, the layer that "
            f"changes most is {largest.main.label} ({largest.main.type}): {times}.",
            evidence=[Link("layers", matched_layers_anchor(comparison, _index(groups, largest)))],
        )
    ]


# ---------------------------------------------------------------------------- charts


def _reading(
    run: Run, comparison: Comparison, groups: Sequence[LayerGroup], sure: Certainty
) -> Text:
    """Say how many layers are matched, and whether their times agree with the latency."""
    shares = coverage(groups)
    by_structure = sum(group.basis == "structure" for group in groups)
    matched_groups = sum(group.matched for group in groups)
    method = f", {by_structure} of them by structure" if by_structure else " by their names"
    text = (
        f"Layers are matched in {count(matched_groups, 'group')}{method}; these hold "
        f"{show(shares[0], 'share')} of the layers' time in {comparison.base} and "
        f"{show(shares[1], 'share')} in {comparison.other}. A reorder counts "
        "with the layer that it serves."
    )
    if sure.shift is not None:
        text += (
            " The two profiling passes differ as a whole: layers that both execute in the same way "
            f"(kernel, shapes and precision) take {show(sure.shift, 'ratio')} as long in "
            f"{comparison.other}. Read shares, not times."
        )
    in_layers, latency = _both_changes(run, sure.pair)
    outside = difference(latency, in_layers)
    disagree = in_layers.point * latency.point < 0 or abs(outside.point) > abs(in_layers.point)
    if disagree and is_beyond_zero(outside):
        text += (
            f" The layers, timed in a separate pass with counters on, take "
            f"{_more(in_layers.point)}, while the latency without counters is "
            f"{_more(latency.point)}; no figure of this run explains the difference."
        )
    return Text(f"matched-{comparison.id}", text)


def _both_changes(run: Run, pair: Pair) -> tuple[Estimate, Estimate]:
    """Return the changes of the sum of the layers and of the latency, from A to B."""
    base, other = (gap(run, result) for result in pair)
    return difference(other.layers, base.layers), difference(other.latency, base.latency)


def _more(change_s: float) -> str:
    return f"{show(abs(change_s), 'duration')} {'more' if change_s > 0 else 'less'}"


def _signed(change_s: float) -> str:
    return f"{'+' if change_s > 0 else ''}{show(change_s, 'duration')}"


def _largest_first(change_s: float) -> float:
    """Return a key that orders changes by size, in whole picoseconds.

    Finer digits are errors of floating-point sums, which differ between releases of Python.
    """
    return -round(abs(change_s), 12)


def _waterfall(
    run: Run,
    comparison: Comparison,
    sure: Certainty,
    changes: Sequence[TimeChange],
    certain: Collection[str],
    kind: str,
    noun: str,
) -> Chart:
    """Return the waterfall from A's latency to B's.

    Its bars are the largest changes, the sum of the others, and the change outside the layers.

    Args:
        certain: names of changes that include one beyond the noise; the title names no other.
    """
    before, after = (median_latency_s(result) for result in sure.pair)
    ranked = sorted(changes, key=lambda change: _largest_first(change.s))
    in_layers = sum(change.s for change in changes)
    outside = after - before - in_layers
    steps = [(change.name, change.s) for change in ranked[:_MOST_STEPS]]
    if rest := ranked[_MOST_STEPS:]:
        steps.append((count(len(rest), f"more {noun}"), sum(change.s for change in rest)))
    steps.append(("outside the layers", outside))
    level, starts = before, []
    for _, value in steps:
        starts.append(level)
        level += value
    axis = comparison.axis
    shown = [(comparison.base, before), *steps, (comparison.other, after)]
    largest = next((change for change in ranked if change.name in certain), None)
    statement = (
        f"{largest.name} takes {_more(largest.s)}" if largest else "no change is beyond the noise"
    )
    if sure.shift is not None:
        statement += f"; the passes differ by {show(sure.shift, 'ratio')}"
    elif abs(outside) > abs(largest.s if largest else in_layers) and is_beyond_zero(
        difference(*_both_changes(run, sure.pair))
    ):
        mostly_outside = abs(outside) > abs(in_layers)
        statement = (
            f"most of the change ({_signed(outside)}) is outside the layers"
            if mostly_outside
            else (f"{statement}; {_signed(outside)} is outside the layers")
        )
    descriptions = [
        f"{comparison.base} {show(before, 'duration')}",
        *(f"{name} {_signed(value)}" for name, value in steps),
        f"{comparison.other} {show(after, 'duration')}",
    ]
    return Chart(
        f"waterfall-{kind}-{comparison.id}",
        f"By {noun}: {statement}",
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
        "; ".join(descriptions),
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
    """Return the times of both sides by a key of layers, largest change first."""
    base_times, other_times = (
        {name: total_s(members) for name, members in grouped(side, key).items()} for side in layers
    )
    changes = [
        TimeChange(name, base_times.get(name, 0.0), other_times.get(name, 0.0))
        for name in dict.fromkeys([*base_times, *other_times])
    ]
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
    counts = [
        {value: len(members) for value, members in grouped(side, key).items()} for side in layers
    ]
    rows = []
    for change in changes:
        name: Value = Tag(change.name, Role("type", change.name)) if id == "types" else change.name
        rows.append(Row({"name": name, **_both_times(change), **_counts(change.name, counts)}))
    columns = [
        Column("name", heading, "text" if id == "types" else "code"),
        *_columns(comparison),
        Column("count-a", f"Layers, {comparison.base}", "count"),
        Column("count-b", f"Layers, {comparison.other}", "count"),
    ]
    return Table(f"{id}-change-{comparison.id}", title, columns, rows, collapsed=id != "types")


def _counts(name: str, counts: Sequence[Mapping[str, int]]) -> dict[str, Value]:
    return {"count-a": counts[0].get(name), "count-b": counts[1].get(name)}


def _both_times(change: TimeChange) -> dict[str, Value]:
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
    matched_groups = [(index, group) for index, group in enumerate(groups) if group.matched]
    for index, group in sorted(matched_groups, key=lambda item: _largest_first(item[1].change_s)):
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
                    "precision": _change(group, lambda layer: layer.precision),
                    "kernel": _change(group, lambda layer: layer.kernel),
                    "beside": " ".join(_extra_types(group)),
                },
                anchor=matched_layers_anchor(comparison, index),
                details=[_members(run, comparison, sure.pair, group)],
                emphasis=sure.beyond_noise(group),
            )
        )
    columns = [
        Column("name", "Layer", "code"),
        Column("type", "Type"),
        Column("layers", "Layers", help="How many layers do this work in each version.",
               optional=True),
        *_columns(comparison),
        Column("sure", "±", "duration", help="Half of the 95 % interval of the change.",
               optional=True),
        Column("precision", "Precision", help="Precision of the layer itself."),
        Column("kernel", "Kernel", "code", help="Kernel of the layer itself."),
        Column("beside", "Other layers", help="Types of further layers for this work that only "
               f"{comparison.other} has (+) or only {comparison.base} (−)."),
    ]  # fmt: skip
    return Table(
        f"pairs-{comparison.id}",
        "Layers of both, largest change first",
        columns,
        rows,
        "Open a row for its layers. Emphasised: a change beyond the spread between inferences and "
        f"beyond {show(sure.limit, 'ratio')}, the difference that two passes may have anyway.",
    )


def _change(group: LayerGroup, key: Callable[[ExecutedLayer], str]) -> str:
    """Return the change of a group's main layer: ``f32 → u8``, or one value if equal."""
    before, after = map(key, group.mains)
    return before if before == after else f"{before} → {after}"


def _extra_types(group: LayerGroup) -> list[str]:
    """Return the types of further layers that only one side has, with their times."""
    base_types, other_types = (
        grouped([layer for layer in side if layer is not main], lambda layer: layer.type)
        for side, main in zip((group.a, group.b), group.mains, strict=True)
    )
    return [
        *(
            f"+ {kind} {show(total_s(other_types[kind]), 'duration')}"
            for kind in other_types
            if kind not in base_types
        ),
        *(
            f"− {kind} {show(total_s(base_types[kind]), 'duration')}"
            for kind in base_types
            if kind not in other_types
        ),
    ]


def _members(run: Run, comparison: Comparison, pair: Pair, group: LayerGroup) -> Facts:
    """Return the change with its interval, all layers, and parameters that differ."""
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
    base_parameters, other_parameters = (
        _parameters(run, *profiled_layer) for profiled_layer in zip(pair, group.mains, strict=True)
    )
    differing = (
        name
        for name in base_parameters
        if name in other_parameters and base_parameters[name] != other_parameters[name]
    )
    facts += [
        (name, f"{base_parameters[name]} → {other_parameters[name]}", "text") for name in differing
    ]
    return Facts(f"members-{comparison.id}", "", facts)


def _parameters(run: Run, result: CellResult, layer: ExecutedLayer) -> dict[str, str]:
    """Return what a layer executes, its outputs, attributes and operators' parameters, by name.

    Operators are numbered among those of their type, because their names may differ.
    """
    assert result.runtime_graph is not None, "only profiled layers are in groups"
    node = run.graphs[result.runtime_graph].nodes[layer.index]
    model = run.graphs[result.model_graph].nodes if result.model_graph else ()
    kinds = [model[index].type for index in layer.originals]
    parameters = {
        "Executes": ", ".join(kinds) or NOTHING,
        "Output": ", ".join(layer.shapes) or NOTHING,
    }
    parameters |= {
        name: attribute(node, name) for name in node.attributes if name not in ATTRIBUTES_IN_COLUMNS
    }
    for position, index in enumerate(layer.originals):
        earlier = kinds[:position].count(kinds[position])
        kind = f"{kinds[position]} {earlier + 1}" if earlier else kinds[position]
        settings = dict(operator_settings(model, index))
        parameters |= {
            f"{kind}: {name}": text for name, text in settings.items() if name != "opset"
        }
    return parameters


def _only(comparison: Comparison, pair: Pair, groups: Sequence[LayerGroup]) -> list[Block]:
    """Return the tables of layers without a counterpart, one for each side."""
    tables: list[Block] = []
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
                anchor=matched_layers_anchor(comparison, index),
            )
            for index, group in enumerate(groups)
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
            tables.append(Table(f"only-{side}-{comparison.id}", f"Only in {name}", columns, rows))
    return tables


def _index(groups: Sequence[LayerGroup], searched: LayerGroup) -> int:
    return next(index for index, group in enumerate(groups) if group is searched)
