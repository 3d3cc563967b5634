"""The precisions in which the device executes layers, and where they change."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from ovreport.computed.flow import Conversion, conversions, transitions
from ovreport.computed.focus import focus_cells, precision_shares, total_s
from ovreport.computed.layer_kinds import NESTED
from ovreport.computed.layers import ExecutedLayer, executed_layers
from ovreport.computed.point_names import point_name
from ovreport.computed.precision import bits, is_floating, precision_name
from ovreport.plugin import Analyzer
from ovreport.run import CellResult, Run
from ovreport.section import Axis, Bars, Block, Chart, Column, Finding, HeatMap, Row, Section, Table
from ovreport.text.labels import count
from ovreport.text.numbers import show
from ovreport.text.values import Role, Tag, Value

from ..layer_sections import evidence, findings_at_points, focus_group

# Of the time in floating point. Index and shape computations use integers at any precision.
_MOST_OF_TIME = 0.5


class Precision(Analyzer):
    """Show time and layers by executed precision, and the changes between precisions."""

    id = "precision"
    title = "Precision"
    reading = (
        "The precision that each layer computes in, by its kernel and the device's abilities. It "
        "may differ from the precision of the model, of the layer's weights, and from the "
        "requested one."
    )
    needs = frozenset({"layers"})
    order = 500

    def analyze(self, run: Run) -> Section:
        groups = [
            focus_group(run, result, _blocks(run, result, layers, precision_shares(layers)))
            for result, layers in focus_cells(run)
        ]
        not_executed = [
            finding
            for model, version in run.versions
            for result in run.focus_by_point(model, version)
            for finding in _not_executed(run, result)
        ]
        return Section(groups, [*not_executed, *findings_at_points(run, _stored_and_hidden)])


def _not_executed(run: Run, result: CellResult) -> list[Finding]:
    """Report a requested precision in which less than half of the time was executed."""
    shares = precision_shares(executed_layers(run, result))
    if not result.cell.precision or not shares:
        return []
    requested = precision_name(result.cell.precision)
    share = shares.get(requested, 0.0)
    # The request concerns floating point only: quantised layers stay so, and indices are integers.
    floating = sum(part for name, part in shares.items() if is_floating(name))
    if share >= _MOST_OF_TIME * floating:
        return []
    part_text = show(share, "share") if share else "none"
    others = ", ".join(
        f"{show(part, 'share')} {name}" for name, part in shares.items() if name != requested
    )
    return [
        Finding(
            "precision.not-executed",
            "warning",
            f"{point_name(run, result)}: {requested} was requested, and {part_text} of the "
            f"layers' time was executed in it ({others}).",
            "The device or its kernels for these layers lack this precision: do not rely on it.",
        )
    ]


def _stored_and_hidden(
    result: CellResult, layers: Sequence[ExecutedLayer], name: str
) -> list[Finding]:
    return [*_weights(result, layers, name), *_hidden(result, layers, name)]


def _weights(result: CellResult, layers: Sequence[ExecutedLayer], name: str) -> list[Finding]:
    """Report layers whose weights are stored in another precision than the layer computes in."""
    groups: dict[tuple[str, str, bool], list[ExecutedLayer]] = defaultdict(list)
    for layer in layers:
        if _is_narrower(layer.weights, layer.precision) or layer.quantises_data:
            groups[layer.weights, layer.precision, layer.quantises_data].append(layer)
    return [
        Finding(
            "precision.weights",
            "info",
            f"{name}: {count(len(members), 'layer')} "
            f"({', '.join(dict.fromkeys(layer.type for layer in members))}), "
            f"{show(sum(layer.share for layer in members), 'share')} of the time, "
            + _stored(members[0], is_single=len(members) == 1),
            evidence=evidence(result, members),
        )
        for members in sorted(groups.values(), key=lambda members: -total_s(members))
    ]


def _stored(layer: ExecutedLayer, *, is_single: bool) -> str:
    have, compute, convert = (
        ("has", "computes", "converts") if is_single else ("have", "compute", "convert")
    )
    while_running = "it runs" if is_single else "they run"
    if layer.quantises_data:
        return (
            f"{have} {layer.weights} weights and {convert} floating-point data to i8 while "
            f"{while_running} (dynamic quantisation): the products are computed in i8."
        )
    return (
        f"{have} {layer.weights} weights and {compute} in {layer.precision}: narrow weights take "
        f"less space, and the arithmetic stays that of {layer.precision}."
    )


def _is_narrower(weights: str, precision: str) -> bool:
    return 0 < bits(weights) < bits(precision)


def _hidden(result: CellResult, layers: Sequence[ExecutedLayer], name: str) -> list[Finding]:
    """Report layers whose body runs in precisions that the device does not report."""
    nested = [layer for layer in layers if layer.type in NESTED]
    if not nested:
        return []
    return [
        Finding(
            "precision.hidden",
            "info",
            f"{name}: {count(len(nested), 'layer')} with a body inside "
            f"({', '.join(dict.fromkeys(layer.type for layer in nested))}) took "
            f"{show(sum(layer.share for layer in nested), 'share')} of the time; the device does "
            "not report the precisions in which the body runs.",
            evidence=evidence(result, nested),
        )
    ]


def _blocks(
    run: Run, result: CellResult, layers: tuple[ExecutedLayer, ...], shares: dict[str, float]
) -> list[Block]:
    rows = [
        Row(
            {
                "precision": Tag(name, Role("precision", name)),
                "count": sum(layer.precision == name for layer in layers),
                "time": sum(layer.median_s for layer in layers if layer.precision == name),
                "share": share,
            }
        )
        for name, share in shares.items()
    ]
    columns = [
        Column("precision", "Precision"),
        Column("count", "Layers", "count"),
        Column("time", "Time", "duration"),
        Column("share", "Share", "share"),
    ]
    blocks: list[Block] = []
    if len(shares) > 1:
        blocks.append(
            Chart(
                f"precision-chart-{result.cell.id}",
                f"{show(max(shares.values()), 'share')} of the time is in {next(iter(shares))}",
                Axis("share of the layers' time", "share"),
                Axis("", categories=list(shares)),
                [Bars(list(shares.values()), [Role("precision", name) for name in shares])],
                "; ".join(f"{name} {show(share, 'share')}" for name, share in shares.items()),
                height=0.7 + 0.3 * len(shares),
            )
        )
    blocks.append(Table(f"precisions-{result.cell.id}", "By precision", columns, rows))
    return [*blocks, *_transitions(result, layers), *_changes(run, result, layers)]


def _changes(run: Run, result: CellResult, layers: Sequence[ExecutedLayer]) -> list[Block]:
    """Return the table of layers whose output has another precision than their input."""
    assert result.runtime_graph is not None
    by_change: dict[tuple[str, str, str], list[Conversion]] = defaultdict(list)
    model = run.graphs[result.model_graph].nodes if result.model_graph else ()
    for conversion in conversions(run.graphs[result.runtime_graph].nodes, layers, model):
        if conversion.changes_precision:
            before, after = conversion.precisions
            by_change[before, after, conversion.layer.type].append(conversion)
    if not by_change:
        return []
    rows = []
    for (before, after, kind), members in sorted(
        by_change.items(), key=lambda item: -_time(item[1])
    ):
        sizes = [member.size_bytes for member in members]
        known_sizes = [size for size in sizes if size is not None]
        rows.append(
            Row(
                {
                    "from": Tag(before, Role("precision", before)),
                    "to": Tag(after, Role("precision", after)),
                    "type": Tag(kind, Role("type", kind)),
                    "count": len(members),
                    "size": sum(known_sizes) if len(known_sizes) == len(sizes) else None,
                    "time": _time(members),
                    "share": sum(member.layer.share for member in members),
                    "layers": evidence(result, [member.layer for member in members]),
                }
            )
        )
    columns = [
        Column("from", "From"),
        Column("to", "To"),
        Column("type", "In layers of type"),
        Column("count", "Layers", "count"),
        Column(
            "size",
            "Converted",
            "bytes",
            help="Size of the tensors before conversion; – if dynamic.",
        ),
        Column(
            "time", "Time", "duration", help="Time of the whole layer, not only of its conversion."
        ),
        Column("share", "Share", "share"),
        Column("layers", "Longest layers"),
    ]
    note = "Reorder and Convert do nothing else; other layers convert while they compute."
    return [
        Table(
            f"changes-{result.cell.id}", "Changes of precision along the data", columns, rows, note
        )
    ]


def _time(members: Sequence[Conversion]) -> float:
    return sum(member.layer.median_s for member in members)


def _transitions(result: CellResult, layers: tuple[ExecutedLayer, ...]) -> list[Block]:
    """Return the matrix that OpenVINO Workbench had, if there is more than one precision."""
    counts = transitions(layers)
    names = sorted({name for pair in counts for name in pair})
    if len(names) < 2:
        return []
    return [_transitions_chart(result, counts, names), _transitions_table(result, counts, names)]


def _transitions_chart(
    result: CellResult, counts: Counter[tuple[str, str]], names: Sequence[str]
) -> Chart:
    changes = {pair: number for pair, number in counts.items() if pair[0] != pair[1]}
    ranked = sorted(changes.items(), key=lambda item: -item[1])
    descriptions = [
        f"{source} → {target}: {count(number, 'time')}" for (source, target), number in ranked
    ]
    return Chart(
        f"followed-{result.cell.id}",
        f"From one layer to the next the precision changes {count(sum(changes.values()), 'time')} "
        f"in {counts.total()}",
        Axis("to", categories=names),
        Axis("from", categories=names),
        [
            HeatMap(
                [[counts[source, target] or None for target in names] for source in names],
                "count",
                "times",
                bare=frozenset(
                    (number, number) for number in range(len(names))
                ),  # no change of precision
            )
        ],
        "; ".join(descriptions) or "It never changes.",
        height=0.8 + 0.45 * len(names),
    )


def _transitions_table(
    result: CellResult, counts: Counter[tuple[str, str]], names: Sequence[str]
) -> Table:
    rows = []
    for source in names:
        values: dict[str, Value] = {"from": Tag(source, Role("precision", source))}
        values.update({f"to-{name}": counts[source, name] for name in names})
        rows.append(Row(values))
    columns = [Column("from", "From ↓ to →")]
    columns += [Column(f"to-{name}", name, "count") for name in names]
    return Table(
        f"transitions-{result.cell.id}",
        "Precision transitions",
        columns,
        rows,
        "How often a layer of the column's precision directly follows one of the row's, in "
        "execution order; layers without a time are left out.",
        collapsed=True,
    )
