"""A model with known bottlenecks has each of them found; advice holds on this machine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ovreport.graphs.layers import executed_layers
from ovreport.run import CellResult, Graph, Node, Run
from ovreport.runfile import read_run
from ovreport.section import Finding, Table
from ovreport_plugins.bottlenecks.analyzer import Bottlenecks


@pytest.fixture(scope="module")
def run() -> Run:
    return read_run(Path(__file__).with_name("data") / "bottlenecks.jsonl")


def findings(run: Run, version: str) -> dict[str, Finding]:
    """Findings on a version by id."""
    found = Bottlenecks().analyze(run).findings
    return {f.id: f for f in found if f.text.startswith(f"bottlenecks ({version})")}


def with_isa(run: Run, *isa: str) -> Run:
    environment = run.header.environment.model_copy(update={"isa": isa})
    return replace(run, header=run.header.model_copy(update={"environment": environment}))


def changed(run: Run, version: str, **update: object) -> Run:
    """The run with some fields of one version's result replaced."""

    def change(result: CellResult) -> CellResult:
        return result.model_copy(update=update) if result.cell.version == version else result

    return replace(run, results=tuple(change(result) for result in run.results))


def with_latency(run: Run, version: str, factor: float) -> Run:
    """One version's inferences taking so many times as long."""
    result = run.focus("bottlenecks", version)
    assert result is not None
    launches = []
    for launch in result.launches:
        slices = tuple(
            s.model_copy(update={"latencies_ns": (s.latencies_ns * factor).astype(int)})
            for s in launch.slices
        )
        launches.append(launch.model_copy(update={"slices": slices}))
    return changed(run, version, launches=tuple(launches))


def test_the_needless_pair_of_transposes_is_named(run: Run) -> None:
    finding = findings(run, "int8")["bottlenecks.transposes"]
    assert {link.text for link in finding.evidence} == {"there", "back"}
    assert (finding.gain or 0) > 0


def test_the_floating_point_island_is_named(run: Run) -> None:
    finding = findings(run, "int8")["bottlenecks.float-islands"]
    assert finding.evidence[0].text == "island"
    assert "bottlenecks.float-islands" not in findings(run, "parent")


def test_conversions_name_what_stands_before_and_after(run: Run) -> None:
    group = next(g for g in Bottlenecks().analyze(run).groups if g.heading.endswith("int8"))
    table = next(block for block in group.blocks if block.id.startswith("conversions-"))
    assert isinstance(table, Table)
    row = next(r.values for r in table.rows if "f32 → u8" in str(r.values["change"]))
    assert [getattr(row[key], "text", None) for key in ("from", "to")] == ["island", "fourth"]


def test_evidence_leads_to_rows_of_layers(run: Run) -> None:
    rows = {
        f"layer-{result.cell.id}-{layer.index}"
        for result in run.done
        for layer in executed_layers(run, result)
    }
    links = [link for f in Bottlenecks().analyze(run).findings for link in f.evidence]
    assert links
    assert {link.anchor for link in links} <= rows


def test_no_gain_exceeds_the_whole(run: Run) -> None:
    gains = [f.gain for f in Bottlenecks().analyze(run).findings if f.gain is not None]
    assert gains
    assert all(0 < gain <= 1 for gain in gains)


def test_int8_is_advised_only_where_the_processor_has_dot_products(run: Run) -> None:
    alone = replace(run, results=tuple(r for r in run.results if r.cell.version == "parent"))
    assert "bottlenecks.int8-unused" not in findings(with_isa(alone, "avx2"), "parent")
    assert "bottlenecks.int8-unused" in findings(with_isa(alone, "avx512_vnni"), "parent")


def test_int8_is_not_advised_where_it_is_in_the_run(run: Run) -> None:
    assert "bottlenecks.int8-unused" not in findings(with_isa(run, "avx512_vnni"), "parent")


def test_int8_that_is_slower_is_said_to_be_with_where_the_time_went(run: Run) -> None:
    finding = findings(with_latency(run, "parent", 0.1), "int8")["bottlenecks.int8-slower"]
    assert "does not pay" in finding.text
    assert "parent" in finding.remedy
    assert "bottlenecks.int8-slower" not in findings(with_latency(run, "parent", 10), "int8")


def test_cores_count_as_idle_only_on_a_quiet_machine(run: Run) -> None:
    result = run.focus("bottlenecks", "parent")
    assert result is not None
    assert result.resolved is not None

    def with_load(load: float) -> Run:
        launches = []
        for launch in result.launches:
            slices = tuple(
                s.model_copy(update={"cpu_ns": s.wall_ns, "other_load": load})
                for s in launch.slices
            )
            launches.append(launch.model_copy(update={"slices": slices}))
        resolved = result.resolved and result.resolved.model_copy(update={"threads": 2})
        return changed(run, "parent", launches=tuple(launches), resolved=resolved)

    assert "1.0 of 2 threads" in findings(with_load(0.0), "parent")["bottlenecks.idle-cores"].text
    assert "bottlenecks.idle-cores" not in findings(with_load(1.0), "parent")


def test_work_inside_a_body_is_said_to_be_invisible(run: Run) -> None:
    constant, inside = Node(name="c", type="Constant"), Node(name="x", type="Add")
    body = Graph(kind="model", nodes=(constant, inside, inside))
    branch = Node(name="choice", type="If", bodies=(body, body))
    graphs = {**run.graphs, "with-if": Graph(kind="model", nodes=(branch,))}
    hiding = replace(changed(run, "parent", model_graph="with-if"), graphs=graphs)
    text = findings(hiding, "parent")["bottlenecks.hidden"].text
    assert "4 operators" in text
    assert "not visible" in text
