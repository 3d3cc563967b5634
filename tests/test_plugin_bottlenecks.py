"""The bottlenecks section: layers that take the time are named and linked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from builders import section_of

from ovreport.computed.gap import gap
from ovreport.computed.layers import executed_layers
from ovreport.computed.speed import gain
from ovreport.run import CellResult, Graph, Node, Run
from ovreport.section import Finding, Table
from ovreport_plugins.bottlenecks.analyzer import Bottlenecks


def findings(run: Run, version: str) -> dict[str, Finding]:
    """Return the findings on a version by id."""
    section_findings = Bottlenecks().analyze(run).findings
    return {f.id: f for f in section_findings if f.text.startswith(f"bottlenecks ({version})")}


def changed(run: Run, version: str, **update: object) -> Run:
    """Return the run with some fields of one version's result replaced."""

    def change(result: CellResult) -> CellResult:
        return result.model_copy(update=update) if result.cell.version == version else result

    return replace(run, results=tuple(change(result) for result in run.results))


def test_conversions_name_the_layers_before_and_after(bottlenecks: Run) -> None:
    group = next(
        g for g in section_of(Bottlenecks(), bottlenecks).groups if g.heading.endswith("int8")
    )
    table = next(block for block in group.blocks if block.id.startswith("conversions-"))
    assert isinstance(table, Table)
    row = next(r.values for r in table.rows if "f32 → u8" in str(r.values["change"]))
    assert [getattr(row[key], "text", None) for key in ("from", "to")] == ["island", "fourth"]


def test_evidence_links_to_rows_of_layers(bottlenecks: Run) -> None:
    rows = {
        f"layer-{result.cell.id}-{layer.index}"
        for result in bottlenecks.done
        for layer in executed_layers(bottlenecks, result)
    }
    rows |= {f"sum-{result.cell.id}" for result in bottlenecks.done}
    links = [link for f in Bottlenecks().analyze(bottlenecks).findings for link in f.evidence]
    assert links
    assert {link.anchor for link in links} <= rows


def test_no_gain_exceeds_the_total_time(bottlenecks: Run) -> None:
    gains = [f.gain for f in Bottlenecks().analyze(bottlenecks).findings if f.gain is not None]
    assert gains
    assert all(0 < gain <= 1 for gain in gains)


def test_layers_that_fill_an_inference_can_gain_all_of_it(bottlenecks: Run) -> None:
    """The gain of layers that fill each inference was reported as a tenth of the latency."""
    result = bottlenecks.focus("bottlenecks", "parent")
    assert result is not None
    assert result.profile is not None
    slices = tuple(
        s.model_copy(update={"latencies_ns": s.latencies_ns * 10}) for s in result.slices
    )
    launch = result.launches[0].model_copy(update={"slices": slices})
    layers = [x.times_ns for x in result.profile.layers if len(x.times_ns)]
    filled = result.profile.model_copy(update={"latencies_ns": np.sum(layers, axis=0)})
    busy = changed(bottlenecks, "parent", profile=filled, launches=(launch,))
    slower = busy.focus("bottlenecks", "parent")
    assert slower is not None
    assert gain(busy, slower, executed_layers(busy, slower)) == pytest.approx(1)


def test_work_inside_a_body_is_reported_as_invisible(bottlenecks: Run) -> None:
    constant, inside = Node(name="c", type="Constant"), Node(name="x", type="Add")
    body = Graph(kind="model", nodes=(constant, inside, inside))
    branch = Node(name="choice", type="If", bodies=(body, body))
    graphs = {**bottlenecks.graphs, "with-if": Graph(kind="model", nodes=(branch,))}
    hiding = replace(changed(bottlenecks, "parent", model_graph="with-if"), graphs=graphs)
    text = findings(hiding, "parent")["bottlenecks.hidden"].text
    assert "4 operators" in text
    assert "no precision or kernel of what runs inside" in text


def test_layers_with_most_of_the_time_are_listed_with_their_place_on_the_path(
    bottlenecks: Run,
) -> None:
    for group in section_of(Bottlenecks(), bottlenecks).groups:
        table = next(block for block in group.blocks if block.id.startswith("top-layers-"))
        assert isinstance(table, Table)
        reached = [float(str(row.values["cumulative"])) for row in table.rows]
        assert reached == sorted(reached)
        assert reached[-1] >= 0.8


def test_an_island_is_listed_with_the_layers_around_it(bottlenecks: Run) -> None:
    group = next(
        g for g in section_of(Bottlenecks(), bottlenecks).groups if g.heading.endswith("int8")
    )
    table = next(block for block in group.blocks if block.id.startswith("islands-"))
    assert isinstance(table, Table)
    names = {
        key: [link.text for row in table.rows for link in row.values[key]]  # type: ignore[union-attr]
        for key in ("layers", "before", "after")
    }
    assert "island" in names["layers"]
    assert "second" in names["before"]
    assert "fourth" in names["after"]


def test_occasionally_disturbed_layers_explain_a_gap(bottlenecks: Run) -> None:
    result = bottlenecks.focus("bottlenecks", "parent")
    assert result is not None
    assert result.profile is not None
    layers, extra = [], int(sum(x.median_s for x in executed_layers(bottlenecks, result)) * 1e9)
    number = sum(len(layer.times_ns) > 0 for layer in result.profile.layers)
    place = 0
    for layer in result.profile.layers:
        times = layer.times_ns.copy()
        if len(times):
            times[place::number] += extra  # another layer in each inference
            place += 1
        layers.append(layer.model_copy(update={"times_ns": times}))
    disturbed = result.profile.model_copy(update={"layers": tuple(layers)})
    slices = tuple(s.model_copy(update={"latencies_ns": s.latencies_ns * 2}) for s in result.slices)
    launch = result.launches[0].model_copy(update={"slices": slices})
    slower = changed(bottlenecks, "parent", profile=disturbed, launches=(launch,))
    assert "their means add up to" in findings(slower, "parent")["bottlenecks.gap"].text


def test_running_means_scatter_no_less_than_single_inferences(bottlenecks: Run) -> None:
    """Means of all inferences so far hardly change, and say nothing of a single inference."""
    result = bottlenecks.focus("bottlenecks", "parent")
    assert result is not None
    assert result.profile is not None
    layers = tuple(
        layer.model_copy(update={"times_ns": np.full(len(layer.times_ns), 1_000_000)})
        for layer in result.profile.layers
    )
    number = len(result.profile.latencies_ns)
    latencies_ns = np.linspace(8e6, 12e6, number).astype(np.int64)
    gaps = []
    for means in (False, True):
        update = {"layers": layers, "latencies_ns": latencies_ns, "means": means}
        run = changed(bottlenecks, "parent", profile=result.profile.model_copy(update=update))
        focus = run.focus("bottlenecks", "parent")
        assert focus is not None
        gaps.append(gap(run, focus))
    of_singles, of_means = gaps
    assert of_singles.layers.low == of_singles.layers.high
    assert of_means.layers.relative_half_width == pytest.approx(
        of_means.profiled.relative_half_width
    )
    assert of_means.means == of_means.layers.point == of_singles.layers.point
    assert of_means.outside == pytest.approx(of_means.profiled.point - of_means.layers.point)


def test_the_wait_of_a_fixed_rate_is_not_a_gap(bottlenecks: Run) -> None:
    """Latency that counts from arrival, of a cell below its rate, was compared with its layers."""
    result = bottlenecks.focus("bottlenecks", "parent")
    assert result is not None
    slices = tuple(
        s.model_copy(update={"latencies_ns": s.latencies_ns * 10}) for s in result.slices
    )
    launch = result.launches[0].model_copy(update={"slices": slices})
    waits = changed(bottlenecks, "parent", launches=(launch,))
    assert "bottlenecks.gap" in findings(waits, "parent")
    paced = changed(
        bottlenecks,
        "parent",
        launches=(launch,),
        cell=result.cell.model_copy(update={"rate": 20}),
    )
    assert "bottlenecks.gap" not in findings(paced, "parent")


def test_a_cause_of_a_gap_is_named_only_if_a_figure_shows_it(bottlenecks: Run) -> None:
    result = bottlenecks.focus("bottlenecks", "parent")
    assert result is not None
    assert result.profile is not None
    total = sum(layer.median_s for layer in executed_layers(bottlenecks, result))

    def text(latency_s: float, counted_s: float) -> str:
        slices = tuple(
            s.model_copy(
                update={
                    "latencies_ns": np.full(s.requests, int(latency_s * 1e9)),
                    "other_load": 0.0,
                }
            )
            for s in result.slices
        )
        profile = result.profile and result.profile.model_copy(
            update={"latencies_ns": np.full(9, int(counted_s * 1e9))}
        )
        launch = result.launches[0].model_copy(update={"slices": slices})
        by_id = findings(
            changed(bottlenecks, "parent", launches=(launch,), profile=profile), "parent"
        )
        return by_id["bottlenecks.gap"].text if "bottlenecks.gap" in by_id else ""

    assert text(total * 1.01, total * 1.2) == ""
    assert "No figure of this run explains it" in text(total * 2, total)
    assert "are in no layer" in text(total * 2, total * 2)
    assert "did not measure" in text(total / 2, total)
    assert "No figure of this run explains it" in text(total / 2, total / 2)
