"""Facts about each version of a model that need no measurement: size, work and memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ovreport.computed.open_shapes import fixing_shapes
from ovreport.computed.point_names import version_name
from ovreport.computed.theory import ModelTotals, not_placed, totals
from ovreport.computed.work import graph_work
from ovreport.plugin import Analyzer
from ovreport.run import CellResult, ModelFile, Port, Run
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
from ovreport.text.recipe_words import recipe_words
from ovreport.text.values import Kind, Role, Tag, Value


class ModelFacts(Analyzer):
    """Show operations, parameters, sizes and activation memory of each version, by theory."""

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
            model_totals = totals(run, result)
            blocks: list[Block] = [
                _figures(result, model_totals),
                _facts(run, result, model_totals),
                _operators(run, result),
            ]
            if model_totals.unknown:
                blocks.append(_unknown(result, model_totals))
                findings.append(_incomplete(run, result, model_totals))
            groups.append(Group(version_heading(result.cell, run.header.plan), blocks))
        return Section(groups, findings)


def _shown(run: Run) -> Iterator[CellResult]:
    """Return for each version the cell whose layers the report shows, or one with a graph."""
    for model, version in run.versions:
        with_graph = [result for result in run.of_version(model, version) if result.model_graph]
        focus = run.focus(model, version)
        if focus is not None and focus.model_graph:
            yield focus
        elif with_graph:
            yield with_graph[0]


def _figures(result: CellResult, model_totals: ModelTotals) -> KeyFigures:
    prefix = "at least" if model_totals.unknown else ""
    figures = [
        KeyFigure("Floating-point operations", model_totals.flops / 1e9, "number", prefix, "GFLOP"),
        KeyFigure("Parameters", model_totals.parameters / 1e6, "number", "", "million"),
        KeyFigure("Weights", sum(model_totals.weight_bytes.values()), "bytes", "as stored"),
        KeyFigure("Activation memory", model_totals.smallest_activations, "bytes", "at least"),
    ]
    if model_totals.integer_ops > model_totals.flops / 1000:
        integer = KeyFigure(
            "Integer operations", model_totals.integer_ops / 1e9, "number", prefix, "GIOP"
        )
        figures.insert(1, integer)
    return KeyFigures(f"model-figures-{result.cell.id}", figures)


def _facts(run: Run, result: CellResult, model_totals: ModelTotals) -> Facts:
    file = run.model_file(result.cell.model, result.cell.version)
    resolved = result.resolved
    unplaced = not_placed(run, result).operations or 0
    facts: list[tuple[str, Value, Kind]] = [
        ("Format", file.format, "text"),
        *_making(file),
        ("Size of its files", file.size_bytes, "bytes"),
        *_ports("Input", file.inputs, resolved.inputs if resolved else ()),
        *_ports("Output", file.outputs, resolved.outputs if resolved else ()),
        ("Operation sets", ", ".join(model_totals.opsets) or None, "text"),
        *(
            (f"Constants in {name}", size, "bytes")
            for name, size in model_totals.weight_bytes.items()
        ),
        ("Activation memory, at least", model_totals.smallest_activations, "bytes"),
        ("Activation memory without any reuse", model_totals.all_activations, "bytes"),
    ]
    if model_totals.integer_ops:
        facts.append(
            ("Integer operations", f"{digits(model_totals.integer_ops / 1e9)} GIOP", "text")
        )
    if unplaced:
        share = unplaced / ((model_totals.flops + model_totals.integer_ops) or 1)
        unplaced_text = f"{digits(unplaced / 1e9)} billion, {show(share, 'share')}"
        facts.append(
            ("Operations of operators that no executed layer names", unplaced_text, "text")
        )
    return Facts(f"model-facts-{result.cell.id}", "Facts", facts)


def _making(file: ModelFile) -> Iterator[tuple[str, Value, Kind]]:
    """Return how the version was made of another, if it was."""
    if file.made is not None:
        yield "Made of", file.made.parent, "text"
        yield "Recipe", recipe_words(file.made), "text"
        if file.made.calibration:
            yield "Calibrated with", file.made.calibration, "text"


def _ports(
    kind: str, ports: tuple[Port, ...], measured: tuple[Port, ...]
) -> Iterator[tuple[str, Value, Kind]]:
    """Return the model's ports, and the measured shape if the model's shape is open."""
    for index, port in enumerate(ports):
        text = f"{', '.join(port.names)} {port.shape} {port.precision}".strip()
        if index < len(measured) and measured[index].shape != port.shape:
            text += f", measured as {measured[index].shape}"
        yield f"{kind} {index}" if len(ports) > 1 else kind, text, "code"


def _operators(run: Run, result: CellResult) -> Table:
    assert result.model_graph is not None
    graph = run.graphs[result.model_graph]
    nodes, work = graph.nodes, graph_work(graph)
    counts = Counter(node.type for node in nodes if node.type != "Constant")
    operations, parameters = Counter[str](), Counter[str]()
    for node, item in zip(nodes, work, strict=True):
        operations[node.type] += item.operations or 0
        parameters[node.type] += item.parameters
    all_operations = sum(operations.values()) or 1
    rows = [
        Row(
            {
                "type": Tag(name, Role("type", name)),
                "count": number,
                "operations": operations[name] / 1e9,
                "share": operations[name] / all_operations,
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


def _unknown(result: CellResult, model_totals: ModelTotals) -> Table:
    rows = [
        Row({"what": reason, "count": number}) for reason, number in model_totals.unknown.items()
    ]
    columns = [Column("what", "Operator and reason"), Column("count", "Count", "count")]
    title = "Operators whose work is unknown"
    note = "The sums above leave them out."
    return Table(f"unknown-{result.cell.id}", title, columns, rows, note)


def _incomplete(run: Run, result: CellResult, model_totals: ModelTotals) -> Finding:
    number = sum(model_totals.unknown.values())
    first_reasons = ", ".join(list(model_totals.unknown)[:3])
    return Finding(
        "model.unknown",
        "info",
        f"{version_name(run, result)}: the work of {count(number, 'operator')} is unknown "
        f"({first_reasons}): the true sums are at least as large.",
        fixing_shapes(run.graphs[result.model_graph or ""].nodes)
        if any(reason.endswith("dynamic shape") for reason in model_totals.unknown)
        else "",
    )
