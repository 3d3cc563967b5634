"""The layers section: sums, links of rows, and what became of every operator."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from builders import section_of

from ovreport.computed.layers import executed_layers
from ovreport.run import CellResult, Run
from ovreport.section import Facts, Group, Table, Text
from ovreport.stats.estimate import Estimate
from ovreport.text.values import Link
from ovreport_plugins.layers.analyzer import Layers


@pytest.fixture(scope="module")
def group(bottlenecks: Run) -> Group:
    return next(
        g for g in section_of(Layers(), bottlenecks).groups if g.heading == "bottlenecks · int8"
    )


def table(group: Group, start: str) -> Table:
    first_block = next(block for block in group.blocks if block.id.startswith(start))
    assert isinstance(first_block, Table)
    return first_block


def total(rows: Table, key: str) -> float:
    return sum(float(str(row.values[key] or 0)) for row in rows.rows)


def test_types_and_layers_add_to_the_same_time(group: Group) -> None:
    types, layers = table(group, "by-type-"), table(group, "layers-")
    assert total(types, "time") == pytest.approx(total(layers, "time"))
    assert total(types, "count") == len(layers.rows)
    assert total(types, "share") == pytest.approx(1)
    precisions = [c.key for c in types.columns if c.key.startswith("in-")]
    assert sum(total(types, key) for key in precisions) == len(layers.rows)


def test_latency_is_the_sum_of_layers_and_the_remaining_time(
    group: Group, int8: CellResult
) -> None:
    facts = next(block for block in group.blocks if block.id.startswith("sum-"))
    assert isinstance(facts, Facts)
    latency, layers, means, rest, counted, cost, outside, inferences, load = (
        value.point if isinstance(value, Estimate) else value for _, value, _ in facts.facts
    )
    unprofiled = np.concatenate([s.latencies_ns for s in int8.slices])
    assert latency == pytest.approx(np.median(unprofiled) / 1e9)
    assert float(str(layers)) + float(str(rest)) == pytest.approx(np.median(unprofiled) / 1e9)
    assert int8.profile is not None
    by_hand = sum(float(np.mean(x.times_ns)) for x in int8.profile.layers if len(x.times_ns))
    assert means == pytest.approx(by_hand / 1e9)
    assert counted == pytest.approx(np.median(int8.profile.latencies_ns) / 1e9)
    assert float(str(counted)) - float(str(cost)) == pytest.approx(np.median(unprofiled) / 1e9)
    inside = np.sum([x.times_ns for x in int8.profile.layers if len(x.times_ns)], axis=0)
    assert outside == pytest.approx(np.median(int8.profile.latencies_ns - inside) / 1e9)
    assert inferences == len(int8.profile.latencies_ns)
    assert load is None  # not recorded at that time


def test_other_programs_that_ran_while_layers_were_timed_are_named(
    bottlenecks: Run, int8: CellResult
) -> None:
    assert int8.profile is not None
    for other_load, ids in ((0.05, []), (0.7, ["layers.disturbed"])):
        profile = int8.profile.model_copy(update={"other_load": other_load})
        results = tuple(
            r.model_copy(update={"profile": profile}) if r is int8 else r
            for r in bottlenecks.results
        )
        findings = Layers().analyze(replace(bottlenecks, results=results)).findings
        assert [finding.id for finding in findings] == ids
        assert all("0.7 cores" in finding.text for finding in findings)


def test_a_cost_of_counters_within_the_noise_is_not_shown(
    bottlenecks: Run, int8: CellResult
) -> None:
    assert int8.profile is not None
    scattered = int8.profile.latencies_ns.copy()
    scattered[:4] //= 3
    unsteady = int8.profile.model_copy(update={"latencies_ns": scattered})
    results = tuple(
        r.model_copy(update={"profile": unsteady}) if r is int8 else r for r in bottlenecks.results
    )
    blocks = [
        b for g in Layers().analyze(replace(bottlenecks, results=results)).groups for b in g.blocks
    ]
    (sums,) = (b for b in blocks if b.id == f"sum-{int8.cell.id}")
    assert isinstance(sums, Facts)
    costs = [value for name, value, _ in sums.facts if "cost of the counters" in name]
    assert costs == ["within the noise of both latencies"]


def test_cumulative_shares_start_at_the_longest_layer(group: Group) -> None:
    rows = sorted(table(group, "layers-").rows, key=lambda row: -float(str(row.values["time"])))
    running = np.cumsum([float(str(row.values["share"])) for row in rows])
    assert [row.values["cumulative"] for row in rows] == pytest.approx(list(running))


def test_a_row_links_to_the_layers_it_fuses_and_to_its_node(
    bottlenecks: Run, int8: CellResult, group: Group
) -> None:
    layer = next(x for x in executed_layers(bottlenecks, int8) if x.name == "second")
    anchor = f"layer-{int8.cell.id}-{layer.index}"
    row = next(row for row in table(group, "layers-").rows if row.anchor == anchor)
    (details,) = row.details
    assert isinstance(details, Facts)
    links = [value for _, value, _ in details.facts if isinstance(value, Link)]
    assert [link.text for link in links] == [
        "Convolution second", "Relu second, rectified", "show",
    ]  # fmt: skip
    assert links[-1].anchor == f"node-{int8.cell.id}-{layer.index}"
    settings = [value for name, value, _ in details.facts if name == "Convolution"]
    assert "strides [1, 1]" in str(settings)


def test_fused_layers_name_their_layer_and_link_to_its_row(group: Group) -> None:
    anchors = {row.anchor for row in table(group, "layers-").rows}
    fused = [r.values for r in table(group, "skipped-").rows if r.values["why"] == "fused into"]
    assert fused
    assert all(isinstance(v["into"], Link) and v["into"].anchor in anchors for v in fused)
    words = {str(row.values["why"]) for row in table(group, "skipped-").rows}
    assert "not run" not in words


def test_every_layer_of_the_model_has_a_fate_and_an_executed_one_a_row(
    bottlenecks: Run, int8: CellResult, group: Group
) -> None:
    assert int8.model_graph is not None
    nodes = bottlenecks.graphs[int8.model_graph].nodes
    ports = {"Parameter", "Result", "Constant"}
    listed = table(group, "fates-").rows
    assert len(listed) == sum(node.type not in ports for node in nodes)
    anchors = {row.anchor for row in table(group, "layers-").rows}
    executed = [row.values["into"] for row in listed if row.values["fate"] == "executed as"]
    assert executed
    assert all(isinstance(link, Link) and link.anchor in anchors for link in executed)


def test_details_say_where_a_layer_is(bottlenecks: Run, int8: CellResult, group: Group) -> None:
    layer = next(x for x in executed_layers(bottlenecks, int8) if x.name == "second")
    row = next(r for r in table(group, "layers-").rows if r.anchor.endswith(f"-{layer.index}"))
    (details,) = row.details
    assert isinstance(details, Facts)
    facts = {name: value for name, value, _ in details.facts}
    assert "first" in str(facts["Reads"])
    assert "[1,32,64,64]" in str(facts["Reads"])
    assert str(facts["Writes"]).startswith("[1,32,64,64] ")
    readers = facts["Read by"]
    assert isinstance(readers, tuple)
    assert all(link.text.endswith(str(facts["Writes"])) for link in readers)


def test_work_follows_the_formula(group: Group) -> None:
    row = next(r for r in table(group, "layers-").rows if r.values["name"] == "second")
    by_hand = 2 * 32 * 32 * 3 * 3 * 64 * 64  # channels in and out, kernel, positions
    work, rate = (float(str(row.values[key])) for key in ("work", "rate"))
    assert work == pytest.approx(by_hand / 1e9, rel=0.02)
    assert rate == pytest.approx(work / float(str(row.values["time"])))


def test_times_that_are_means_are_labelled_so(bottlenecks: Run, int8: CellResult) -> None:
    assert int8.resolved is not None
    several = int8.resolved.model_copy(update={"streams": 4})
    results = tuple(
        r.model_copy(update={"resolved": several}) if r.cell.id == int8.cell.id else r
        for r in bottlenecks.results
    )

    def mentions_streams(bottlenecks: Run) -> bool:
        blocks = [
            block for group in section_of(Layers(), bottlenecks).groups for block in group.blocks
        ]
        return any(isinstance(b, Text) and "With 4 streams" in b.text for b in blocks)

    assert mentions_streams(replace(bottlenecks, results=results))
    assert not mentions_streams(bottlenecks)
