"""The first screen says in words what was measured."""

from collections.abc import Sequence

import numpy as np
from demo import run_named

from ovreport.run import Cell, CellResult, Launch, Memory, ModelFile, Resolved, Run, Slice
from ovreport.section import KeyFigures, Section, Table
from ovreport_plugins.summary.analyzer import Summary

MEMORY = Memory(start_bytes=1, read_bytes=2, compile_bytes=3, inference_bytes=1 << 20)


def result(cell: Cell, latency_ms: float, *, streams: int = 1, batch: int = 1) -> CellResult:
    """Ten slices of ten requests each, with one request in flight for each stream."""
    latency_ns = round(latency_ms * 1e6)
    slices = tuple(
        Slice(
            start_ns=number * 10 * latency_ns,
            wall_ns=10 * latency_ns // streams,
            cpu_ns=1,
            latencies_ns=np.full(10, latency_ns, dtype=np.int64),
        )
        for number in range(10)
    )
    launch = Launch(
        read_ns=10**6, compile_ns=2 * 10**6, first_inference_ns=10**6, memory=MEMORY, slices=slices
    )
    resolved = Resolved(
        batch=batch, streams=streams, requests=streams, threads=2, precision="f32",
        execution_devices=("CPU",), inputs=(), outputs=(), properties={}, input_data="random",
    )  # fmt: skip
    return CellResult(cell=cell, launches=(launch,), resolved=resolved, stopped="target")


def run_of(results: Sequence[CellResult], **report: object) -> Run:
    versions = dict.fromkeys((r.cell.model, r.cell.version) for r in results)
    models = tuple(
        ModelFile(
            model=model, version=version, path="m.onnx", format="ONNX", size_bytes=1, sha256="",
            inputs=(), outputs=(),
        )
        for model, version in versions
    )  # fmt: skip
    plan = tuple(r.cell for r in results)
    header = run_named("net").header.model_copy(
        update={"config": {"report": report}, "models": models, "plan": plan}
    )
    return Run(header, tuple(results))


def summary(results: Sequence[CellResult], **report: object) -> Section:
    return Summary().analyze(run_of(results, **report))


def plain(section: Section) -> str:
    return section.verdict.replace("\N{NARROW NO-BREAK SPACE}", " ")


def test_it_names_what_gives_more_throughput() -> None:
    quick = result(Cell(model="net"), 40.0)
    best = result(Cell(model="net", hint="throughput", batch=4), 200.0, streams=2, batch=4)
    assert plain(summary([quick, best])) == (
        "net on CPU: 25.0 FPS, 40.0 ms median (<±0.01 %) in latency mode; "
        "2 streams and batch 4 give 1.60 × the throughput."
    )


def test_a_threshold_keeps_slow_configurations_out() -> None:
    quick = result(Cell(model="net"), 40.0)
    best = result(Cell(model="net", hint="throughput"), 70.0, streams=2)
    within = summary([quick, best], latency_threshold_ms=60)
    assert "no other configuration gives more throughput within 60.0 ms" in plain(within)
    none = summary([quick, best], latency_threshold_ms=10)
    assert "no configuration answers within 10.0 ms" in plain(none)
    (figures,) = (b for b in none.groups[0].blocks if isinstance(b, KeyFigures))
    assert [figure.label for figure in figures.figures] == [
        "Median latency", "Ready after", "Peak memory",
    ]  # fmt: skip


def test_versions_stand_side_by_side() -> None:
    parent = result(Cell(model="net"), 40.0)
    other = result(Cell(model="net", version="int8"), 20.0)
    section = summary([parent, other])
    first, second = plain(section).split("\n")
    assert first.startswith("net (parent) on CPU: 25.0 FPS")
    assert "faster, 2.00 × the throughput of parent" in second
    (table,) = (b for b in section.groups[0].blocks if isinstance(b, Table))
    assert len(table.rows) == 2


def test_many_versions_leave_the_rest_to_the_table() -> None:
    results = [result(Cell(model=f"net{n}"), 10.0) for n in range(6)]
    section = summary(results)
    assert section.verdict.split("\n")[-1] == "The table has 3 more versions."
    (table,) = (b for b in section.groups[0].blocks if isinstance(b, Table))
    assert len(table.rows) == 6
    assert "change" not in {column.key for column in table.columns}
