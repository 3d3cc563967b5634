"""Which precisions the device executes in, and where they change."""

from __future__ import annotations

from collections import defaultdict

from ovreport.graphs.flow import transitions
from ovreport.graphs.layers import ExecutedLayer
from ovreport.plugin import Analyzer
from ovreport.rendering.format import show
from ovreport.run import CellResult, Run
from ovreport.section import (
    Axis,
    Bars,
    Block,
    Chart,
    Column,
    Finding,
    Role,
    Row,
    Section,
    Table,
    Tag,
    Value,
)

from ..common import focus_cells, focus_group


class Precision(Analyzer):
    """Time and layers by runtime precision, and the changes between them."""

    id = "precision"
    title = "Precision"
    reading = (
        "The precision that each layer was executed in, which may differ from the model's and "
        "from the one that was asked for."
    )
    needs = frozenset({"layers"})
    order = 500

    def analyze(self, run: Run) -> Section:
        groups, findings = [], []
        for result, layers in focus_cells(run):
            shares = _shares(layers)
            groups.append(focus_group(run, result, _blocks(result, layers, shares)))
            asked = result.cell.precision
            if asked and shares.get(asked, 0.0) < 0.5:
                findings.append(
                    Finding(
                        "precision.not-executed",
                        "warning",
                        f"{asked} was asked for, and {show(shares.get(asked, 0.0), 'share')} of "
                        "the layers' time was executed in it.",
                        "The device or its kernels lack this precision.",
                    )
                )
        return Section(groups, findings)


def _shares(layers: tuple[ExecutedLayer, ...]) -> dict[str, float]:
    shares: dict[str, float] = defaultdict(float)
    for layer in layers:
        shares[layer.precision] += layer.share
    return dict(sorted(shares.items(), key=lambda item: -item[1]))


def _blocks(
    result: CellResult, layers: tuple[ExecutedLayer, ...], shares: dict[str, float]
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
                "; ".join(f"{n} {show(s, 'share')}" for n, s in shares.items()),
                height=0.7 + 0.3 * len(shares),
            )
        )
    blocks.append(Table(f"precisions-{result.cell.id}", "By precision", columns, rows))
    blocks.append(_transitions(result, layers))
    return blocks


def _transitions(result: CellResult, layers: tuple[ExecutedLayer, ...]) -> Table:
    counts = transitions(layers)
    names = sorted({name for pair in counts for name in pair})
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
        "How often a layer of the row's precision is directly followed, in execution order, by "
        "one of the column's; layers that take time only.",
    )
