"""A section with every kind of block and value, made of any text; needs no model and no run."""

from __future__ import annotations

from ovreport.plugin import Analyzer
from ovreport.run import Cell, CellResult, Environment, Failure, Header, ModelFile, Run
from ovreport.section import (
    Axis,
    Band,
    Bars,
    Chart,
    Colouring,
    Column,
    Diagram,
    DiagramEdge,
    DiagramNode,
    Facts,
    Finding,
    Group,
    HeatMap,
    Histogram,
    KeyFigure,
    KeyFigures,
    Points,
    Row,
    Rule,
    Section,
    Table,
    Text,
)
from ovreport.stats.estimate import Estimate
from ovreport.text.values import Kind, Link, Role, Tag, Value

LATENCY = Estimate(0.0369, 0.0366, 0.0372, 0.95, "bootstrap over 3 launches")


class Demo(Analyzer):
    """Stands in the page for an analyzer whose outcome a test gives."""

    id = "demo"
    title = "Demo"

    def analyze(self, run: Run) -> Section:
        raise NotImplementedError


def run_named(text: str) -> Run:
    """A run in which one cell failed and one was not measured, with this text in every name."""
    cells = (Cell(model=text, version=text), Cell(model=text, version=text, hint="throughput"))
    environment = Environment(
        host=text, user=text, os=text, cpu=text, physical_cores=2, logical_cores=2,
        memory_bytes=1 << 33, python="3.11", openvino=text,
    )  # fmt: skip
    model = ModelFile(
        model=text, version=text, path=text, format=text, size_bytes=1, sha256="", inputs=(),
        outputs=(),
    )  # fmt: skip
    report = {"title": text, "notes": text}
    header = Header(
        ovreport="0", created="2026-01-02T03:04:05+00:00", config={"report": report},
        environment=environment, models=(model,), plan=cells,
    )  # fmt: skip
    failure = Failure(stage="compile", reason=text, detail=text)
    return Run(header, (CellResult(cell=cells[0], failure=failure),))


def table_of(rows: int, text: str = "layer", id: str = "table") -> Table:
    """Rows of names, types, times from 0.1 ms upwards and shares, the longest last."""
    columns = [
        Column("name", text, "code", help=text),
        Column("type", "Type"),
        Column("time", "Time", "duration"),
        Column("share", "Share", "share"),
    ]
    kinds = ("Convolution", "Pooling", "Reorder")
    body = [
        Row(
            {
                "name": f"{text} {number}",
                "type": Tag(kinds[number % 3], Role("type", kinds[number % 3])),
                "time": number / 1e4 if number else None,
                "share": number / rows,
            },
            anchor=f"{id}-{number}",
            details=[Facts(f"{id}-{number}-facts", text, [(text, text, "code")])],
        )
        for number in range(rows)
    ]
    return Table(id, text, columns, body, note=text)


def charts(text: str) -> list[Chart]:
    """One for each kind of mark."""
    name, time = Axis("", categories=[text, "b"]), Axis("time", "duration")
    role, other = Role("type", text), Role("series", "other")
    main = Role("series", "main")
    return [
        Chart("points", text, time, Axis(text, "rate"),
              [Points([LATENCY, 0.05], [27.0, 30.0], main, text, [text, "b"], emphasis=True),
               Points([0.04], [20.0], other, "other", joined=True)], text),
        Chart("bars", text, Axis("share", "share"), name,
              [Bars([0.5, 0.2], [role], text), Bars([0.1, 0.2], [other], "other")], text),
        Chart("histogram", text, time, Axis("requests", "count"),
              [Histogram([0.01, 0.02, 0.03], [3, 4], main, text), Rule(0.025, text, True)], text),
        Chart("band", text, Axis("time", "duration"), time,
              [Band([0, 1, 2], [1, 1, 1], [2, 3, 2], main, text), Rule(2.5, text)], text),
        Chart("heat", text, name, Axis(text, categories=["x", "y"]),
              [HeatMap([[1.0, 2.0], [None, 3.0]], "rate", text)], text),
    ]  # fmt: skip


def section(text: str) -> Section:
    """Every kind of block, finding and value, with this text in every place that takes one."""
    figure = KeyFigure(text, LATENCY, "duration", note=text)
    facts: list[tuple[str, Value, Kind]] = [
        (text, text, "code"), ("link", Link(text, "demo"), "text"), ("none", None, "text"),
        ("out", Link(text, url="https://docs.openvino.ai/?a=1&b=2"), "text"),
        ("links", (Link("one", "demo"), Link("two", "demo")), "text"), ("yes", True, "text"),
        ("estimate", LATENCY, "duration"), ("memory", 1 << 30, "bytes"), ("ratio", 1.02, "ratio"),
    ]  # fmt: skip
    diagram = Diagram(
        "graph",
        text,
        [DiagramNode(f"node-{n}", [text], text, {"type": Role("type", text)}) for n in "ab"],
        [DiagramEdge("node-a", "node-b", text)],
        [Colouring("type", text)],
        text,
    )
    findings = [
        Finding("demo-1", "good", text),
        Finding("demo-2", "problem", text, text, [Link(text, "demo")], gain=0.25),
    ]
    blocks = [
        KeyFigures("figures", [figure, figure]),
        Text("text", text),
        Facts("facts", text, facts),
        Facts("more-facts", text, facts, collapsed=True),
        table_of(8, text),
        *charts(text),
        diagram,
    ]
    return Section([Group(text, blocks, "group")], findings, text)
