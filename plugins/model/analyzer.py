"""What each version of a model is, before anything is measured: size, work and memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ovreport.computed.theory import ModelTotals, not_placed, totals
from ovreport.computed.work import model_work
from ovreport.plugin import Analyzer
from ovreport.run import CellResult, Port, Run
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
)
from ovreport.text.labels import count, version_heading
from ovreport.text.numbers import digits, show
from ovreport.text.values import Kind, Role, Tag, Value

from ..common import fixing_shapes, version_name


class ModelFacts(Analyzer):
    """Operations, parameters, sizes and activation memory of each version, by theory."""

    id = "model"
    title = "Model facts"
    reading = (
        "Counted from the model's graph at the shapes it was measured with, before the device "
        "rewrote it. A multiply-add is two operations."
    )
    needs = frozenset({"model_graph"})
    order = 850

    def analyze(self, run: Run) -> Section:
        groups: list[Group] = []
        findings: list[Finding] = []
        for result in _shown(run):
            found = totals(run, result)
            blocks: list[Block] = [
                _figures(result, found),
                _facts(run, result, found),
                _operators(run, result),
            ]
            if found.unknown:
                blocks.append(_unknown(result, found))
                findings.append(_incomplete(run, result, found))
            groups.append(Group(version_heading(result.cell, run.header.plan), blocks))
        return Section(groups, findings)


def _shown(run: Run) -> Iterator[CellResult]:
    """For each version, the cell whose layers the report shows, else one with a graph."""
    for model, version in run.versions:
        with_graph = [r for r in run.of_version(model, version) if r.model_graph]
        focus = run.focus(model, version)
        if focus is not None and focus.model_graph:
            yield focus
        elif with_graph:
            yield with_graph[0]


def _figures(result: CellResult, found: ModelTotals) -> KeyFigures:
    least = "at least" if found.unknown else ""
    figures = [
        KeyFigure("Floating-point operations", found.flops / 1e9, "number", least, "GFLOP"),
        KeyFigure("Parameters", found.parameters / 1e6, "number", "", "million"),
        KeyFigure("Weights", sum(found.weight_bytes.values()), "bytes", "as stored"),
        KeyFigure("Activations at once", found.smallest_activations, "bytes", "at least"),
    ]
    if found.integer_ops > found.flops / 1000:
        integer = KeyFigure("Integer operations", found.integer_ops / 1e9, "number", least, "GIOP")
        figures.insert(1, integer)
    return KeyFigures(f"model-figures-{result.cell.id}", figures)


def _facts(run: Run, result: CellResult, found: ModelTotals) -> Facts:
    file = run.model_file(result.cell.model, result.cell.version)
    resolved = result.resolved
    lost = not_placed(run, result).operations or 0
    facts: list[tuple[str, Value, Kind]] = [
        ("Format", file.format, "text"),
        ("Size of its files", file.size_bytes, "bytes"),
        *_ports("Input", file.inputs, resolved.inputs if resolved else ()),
        *_ports("Output", file.outputs, resolved.outputs if resolved else ()),
        ("Operation sets", ", ".join(found.opsets) or None, "text"),
        *((f"Constants in {name}", size, "bytes") for name, size in found.weight_bytes.items()),
        ("Activation memory, the least that suffices", found.smallest_activations, "bytes"),
        ("Activation memory without any reuse", found.all_activations, "bytes"),
    ]
    if found.integer_ops:
        facts.append(("Integer operations", f"{digits(found.integer_ops / 1e9)} GIOP", "text"))
    if lost:
        share = lost / ((found.flops + found.integer_ops) or 1)
        words = f"{digits(lost / 1e9)} billion, {show(share, 'share')}"
        facts.append(("Operations in no executed layer, as far as names tell", words, "text"))
    return Facts(f"model-facts-{result.cell.id}", "Facts", facts)


def _ports(
    kind: str, ports: tuple[Port, ...], measured: tuple[Port, ...]
) -> Iterator[tuple[str, Value, Kind]]:
    """As the model has them, and the shape they were measured with where that was open."""
    for place, port in enumerate(ports):
        text = f"{', '.join(port.names)} {port.shape} {port.precision}".strip()
        if place < len(measured) and measured[place].shape != port.shape:
            text += f", measured as {measured[place].shape}"
        yield f"{kind} {place}" if len(ports) > 1 else kind, text, "code"


def _operators(run: Run, result: CellResult) -> Table:
    assert result.model_graph is not None
    nodes = run.graphs[result.model_graph].nodes
    work = model_work(nodes)
    counts = Counter(node.type for node in nodes if node.type != "Constant")
    operations, parameters = Counter[str](), Counter[str]()
    for node, item in zip(nodes, work, strict=True):
        operations[node.type] += item.operations or 0
        parameters[node.type] += item.parameters
    whole = sum(operations.values()) or 1
    rows = [
        Row(
            {
                "type": Tag(name, Role("type", name)),
                "count": number,
                "operations": operations[name] / 1e9,
                "share": operations[name] / whole,
                "parameters": parameters[name] / 1e6,
            }
        )
        for name, number in sorted(counts.items(), key=lambda item: (-operations[item[0]], item))
    ]
    columns = [
        Column("type", "Operator"),
        Column("count", "Count", "count"),
        Column("operations", "Operations", "number", "billion"),
        Column("share", "Share", "share"),
        Column("parameters", "Parameters", "number", "million"),
    ]
    title = "Operators of the model"
    return Table(f"operators-{result.cell.id}", title, columns, rows, collapsed=True)


def _unknown(result: CellResult, found: ModelTotals) -> Table:
    rows = [Row({"what": what, "count": number}) for what, number in found.unknown.items()]
    columns = [Column("what", "Operator and reason"), Column("count", "Count", "count")]
    title = "Operators whose work is not known"
    note = "They are not in the sums above."
    return Table(f"unknown-{result.cell.id}", title, columns, rows, note)


def _incomplete(run: Run, result: CellResult, found: ModelTotals) -> Finding:
    number = sum(found.unknown.values())
    first = ", ".join(list(found.unknown)[:3])
    return Finding(
        "model.unknown",
        "info",
        f"{version_name(run, result)}: the work of {count(number, 'operator')} is not known "
        f"({first}): sums are at least so much.",
        fixing_shapes(run.graphs[result.model_graph or ""].nodes)
        if any(what.endswith("dynamic shape") for what in found.unknown)
        else "",
    )
