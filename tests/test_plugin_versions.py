"""Versions against each other: verdicts, matched layers, and a waterfall that adds up."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from slower import SLOWER, twice_as_expensive

from ovreport.comparisons import ComparisonOptions
from ovreport.run import Run
from ovreport.runfile import read_run
from ovreport.section import Bars, Chart, Diagram, Finding, Group, Section, Table
from ovreport.stats.criteria import Noise, criteria, word
from ovreport_plugins.versions.analyzer import Versions

DATA = Path(__file__).with_name("data") / "versions.jsonl"


@pytest.fixture(scope="module")
def run() -> Run:
    return read_run(DATA)


@pytest.fixture(scope="module")
def section(run: Run) -> Section:
    return Versions().analyze(run)


@pytest.fixture(scope="module")
def doubled(run: Run) -> Section:
    return Versions().analyze(twice_as_expensive(run))


def group(section: Section, heading: str) -> Group:
    return next(g for g in section.groups if g.heading == heading)


def table(group: Group, start: str) -> Table:
    found = next(block for block in group.blocks if block.id.startswith(start))
    assert isinstance(found, Table)
    return found


def waterfall(group: Group, what: str) -> tuple[Chart, Bars]:
    chart = next(b for b in group.blocks if b.id.startswith(f"waterfall-{what}-"))
    assert isinstance(chart, Chart)
    (bars,) = chart.marks
    assert isinstance(bars, Bars)
    return chart, bars


@pytest.mark.parametrize("what", ["type", "layer"])
def test_a_waterfall_leads_from_one_latency_to_the_other(section: Section, what: str) -> None:
    for heading in ("mobilenet: again against parent", "mobilenet: int8 against parent"):
        _, bars = waterfall(group(section, heading), what)
        first, *steps, last = (float(str(value)) for value in bars.values)
        assert first + sum(steps) == pytest.approx(last)
        ends = np.cumsum([first, *steps])
        assert list(bars.starts[1:-1]) == pytest.approx(list(ends[:-1]))


def test_the_layer_that_became_twice_as_expensive_is_named(doubled: Section) -> None:
    (only,) = (g for g in doubled.groups if g.heading == "mobilenet: again against parent")
    chart, _ = waterfall(only, "layer")
    assert SLOWER in chart.title
    assert chart.y.categories[1] == SLOWER
    (finding,) = (f for f in doubled.findings if f.id == "versions.layer")
    assert SLOWER in finding.text
    emphasised = [row.values["name"] for row in table(only, "pairs-").rows if row.emphasis]
    assert emphasised == [SLOWER]


def test_the_same_file_leaves_no_layer_unmatched(section: Section) -> None:
    same = group(section, "mobilenet: again against parent")
    assert not [block for block in same.blocks if block.id.startswith("only-")]
    assert {row.values["layers"] for row in table(same, "pairs-").rows} == {"1 → 1"}


def test_layers_of_int8_are_matched_with_precision_and_kernel(section: Section) -> None:
    int8 = group(section, "mobilenet: int8 against parent")
    assert not [block for block in int8.blocks if block.id.startswith("only-")]
    convolutions = [
        row.values
        for row in table(int8, "pairs-").rows
        if str(row.values["kernel"]).startswith("brgconv") or "conv" in str(row.values["name"])
    ]
    assert convolutions
    assert all("→ u8" in str(values["precision"]) for values in convolutions)
    assert all("→" in str(values["kernel"]) for values in convolutions)


def test_types_and_kernels_add_up_to_the_layers(section: Section) -> None:
    int8 = group(section, "mobilenet: int8 against parent")
    pairs = table(int8, "pairs-").rows
    for side in ("a", "b"):
        total = sum(float(str(row.values[side])) for row in pairs)
        for kind in ("types-change-", "kernels-change-"):
            of_kind = sum(float(str(row.values[side] or 0)) for row in table(int8, kind).rows)
            assert of_kind == pytest.approx(total)


def test_every_criterion_has_one_of_four_verdicts(section: Section) -> None:
    rows = table(group(section, "mobilenet: int8 against parent"), "verdicts-").rows
    words = {str(row.values["what"]): row.values["verdict"] for row in rows}
    assert {"throughput", "median latency", "p95 latency", "compile", "first inference",
            "peak memory", "file size"} <= words.keys()  # fmt: skip
    allowed = {
        "faster", "slower", "no difference beyond noise", "not enough data", "smaller", "larger"
    }  # fmt: skip
    assert set(words.values()) <= allowed


def test_a_control_raises_the_noise_to_what_it_shows(run: Run) -> None:
    (parent,) = run.of_version("mobilenet", "parent")
    (again,) = run.of_version("mobilenet", "again")
    (int8,) = run.of_version("mobilenet", "int8")
    alone = criteria(run, parent, int8, Noise())
    beside = criteria(run, parent, int8, Noise(), control=(parent, again))
    for without, controlled in zip(alone, beside, strict=True):
        assert controlled.floor is not None
        spread = max(abs(controlled.floor.low - 1), abs(controlled.floor.high - 1))
        assert controlled.noise == max(without.noise, spread)


def test_several_versions_stand_in_one_table_against_the_baseline(section: Section) -> None:
    overview = table(group(section, "mobilenet"), "overview-")
    assert [row.values["version"] for row in overview.rows] == ["parent", "again", "int8"]
    assert overview.rows[0].values["throughput-word"] == ""
    assert all(row.values["throughput-word"] for row in overview.rows[1:])


def test_another_baseline_turns_the_comparison_round(run: Run) -> None:
    section = Versions(ComparisonOptions(baseline="int8")).analyze(run)
    assert "mobilenet: parent against int8" in [group.heading for group in section.groups]


@pytest.mark.parametrize("axis", ["runtime", "device"])
def test_runtimes_and_devices_are_compared_as_versions_are(run: Run, axis: str) -> None:
    """The control's cell, taken for one of another runtime or device."""
    (parent,) = run.of_version("mobilenet", "parent")
    (again,) = run.of_version("mobilenet", "again")
    moved = again.model_copy(update={"cell": parent.cell.model_copy(update={axis: "other"})})
    section = Versions().analyze(replace(run, results=(parent, moved)))
    base = getattr(parent.cell, axis)
    (found,) = section.groups
    assert found.heading == f"mobilenet (parent): other against {base}"


def test_many_configurations_are_summed_up_by_verdict(run: Run) -> None:
    (parent,) = run.of_version("mobilenet", "parent")
    (int8,) = run.of_version("mobilenet", "int8")
    several = [
        result.model_copy(update={"cell": result.cell.model_copy(update={"threads": threads})})
        for threads in range(1, 7)
        for result in (parent, int8)
    ]
    section = Versions().analyze(replace(run, results=tuple(several)))
    found: list[Finding] = [f for f in section.findings if f.id != "versions.layer"]
    assert len(found) == 1
    assert "6 of 6" in found[0].text


def test_sizes_are_smaller_and_not_faster(run: Run) -> None:
    sizes = {"parent": 4_000_000, "again": 4_000_000, "int8": 1_000_000}
    models = tuple(
        model.model_copy(update={"size_bytes": sizes[model.version]}) for model in run.header.models
    )
    resized = replace(run, header=run.header.model_copy(update={"models": models}))
    (parent,) = run.of_version("mobilenet", "parent")
    (int8,) = run.of_version("mobilenet", "int8")
    for a, b, expected in ((parent, int8, "smaller"), (int8, parent, "larger")):
        size = next(c for c in criteria(resized, a, b, Noise()) if c.name == "file_size")
        assert word(size) == expected
        assert size.ratio.point == pytest.approx(sizes[b.cell.version] / sizes[a.cell.version])


def test_both_graphs_colour_what_changed(doubled: Section) -> None:
    (only,) = (g for g in doubled.groups if g.heading == "mobilenet: again against parent")
    diagrams = [block for block in only.blocks if isinstance(block, Diagram)]
    assert len(diagrams) == 2
    for diagram in diagrams:
        change = {node.lines[1]: getattr(node.fills["change"], "key", "") for node in diagram.nodes}
        assert [name for name, kind in change.items() if kind == "slower"] == [SLOWER]
        assert set(change.values()) == {"slower", "alike", "no time"}
