"""The versions section: verdicts, matched layers, and the waterfall."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from builders import SLOWER, configured, section_of, twice_as_expensive

from ovreport.computed.criteria import criteria, word
from ovreport.computed.pairs import comparisons, judged
from ovreport.computed.settings import settings
from ovreport.config.schema import Compare
from ovreport.run import CellResult, Run
from ovreport.runfile import read_run
from ovreport.section import (
    Bars,
    Chart,
    Diagram,
    Facts,
    Finding,
    Group,
    Section,
    Table,
    Text,
    column_units,
)
from ovreport.text.numbers import show
from ovreport_plugins.versions.analyzer import Versions

DATA = Path(__file__).with_name("data") / "versions.jsonl"


@pytest.fixture(scope="module")
def run() -> Run:
    return read_run(DATA)


@pytest.fixture(scope="module")
def section(run: Run) -> Section:
    return section_of(Versions(), run)


@pytest.fixture(scope="module")
def doubled(run: Run) -> Section:
    return section_of(Versions(), twice_as_expensive(run))


def group(section: Section, heading: str) -> Group:
    return next(g for g in section.groups if g.heading == heading)


def table(group: Group, start: str) -> Table:
    first_block = next(block for block in group.blocks if block.id.startswith(start))
    assert isinstance(first_block, Table)
    return first_block


def waterfall(group: Group, what: str) -> tuple[Chart, Bars]:
    chart = next(b for b in group.blocks if b.id.startswith(f"waterfall-{what}-"))
    assert isinstance(chart, Chart)
    (bars,) = chart.marks
    assert isinstance(bars, Bars)
    return chart, bars


@pytest.mark.parametrize("what", ["type", "layer"])
def test_a_waterfall_starts_and_ends_at_the_latencies(section: Section, what: str) -> None:
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


def test_matched_int8_layers_show_precision_and_kernel(section: Section) -> None:
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


def test_a_control_raises_the_noise_to_its_difference(run: Run) -> None:
    (parent,) = run.of_version("mobilenet", "parent")
    (again,) = run.of_version("mobilenet", "again")
    (int8,) = run.of_version("mobilenet", "int8")
    without_control = criteria(run, parent, int8, Compare())
    with_control = criteria(run, parent, int8, Compare(), control=(parent, again))
    for without, controlled in zip(without_control, with_control, strict=True):
        assert controlled.floor is not None
        spread = max(abs(controlled.floor.low - 1), abs(controlled.floor.high - 1))
        assert controlled.noise == max(without.noise, spread)


def test_several_versions_are_compared_with_the_baseline_in_one_table(section: Section) -> None:
    overview = table(group(section, "mobilenet"), "overview-")
    assert [row.values["version"] for row in overview.rows] == ["parent", "again", "int8"]
    assert overview.rows[0].values["throughput-word"] == ""
    assert all(row.values["throughput-word"] for row in overview.rows[1:])


def test_another_baseline_reverses_the_comparison(run: Run) -> None:
    section = Versions().analyze(configured(run, compare={"baseline": "int8"}))
    assert "mobilenet: parent against int8" in [group.heading for group in section.groups]


@pytest.mark.parametrize("axis", ["runtime", "device"])
def test_runtimes_and_devices_are_compared_as_versions_are(run: Run, axis: str) -> None:
    """The cell of the control is changed to another runtime or device."""
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
    matching: list[Finding] = [f for f in section.findings if f.id != "versions.layer"]
    assert len(matching) == 1
    assert "6 of 6" in matching[0].text


def test_a_smaller_size_is_called_smaller_and_not_faster(run: Run) -> None:
    sizes = {"parent": 4_000_000, "again": 4_000_000, "int8": 1_000_000}
    models = tuple(
        model.model_copy(update={"size_bytes": sizes[model.version]}) for model in run.header.models
    )
    resized = replace(run, header=run.header.model_copy(update={"models": models}))
    (parent,) = run.of_version("mobilenet", "parent")
    (int8,) = run.of_version("mobilenet", "int8")
    for a, b, expected in ((parent, int8, "smaller"), (int8, parent, "larger")):
        size = next(c for c in criteria(resized, a, b, Compare()) if c.name == "file_size")
        assert word(size) == expected
        assert size.ratio.point == pytest.approx(sizes[b.cell.version] / sizes[a.cell.version])


def test_both_graphs_colour_changed_layers(doubled: Section) -> None:
    (only,) = (g for g in doubled.groups if g.heading == "mobilenet: again against parent")
    diagrams = [block for block in only.blocks if isinstance(block, Diagram)]
    assert len(diagrams) == 2
    for diagram in diagrams:
        change = {node.lines[1]: getattr(node.fills["change"], "key", "") for node in diagram.nodes}
        assert [name for name, kind in change.items() if kind == "slower"] == [SLOWER]
        assert set(change.values()) == {"slower", "alike", "no time"}


def slowed_copy(run: Run, factor: float, of_slower: float = 1.0, extra_ns: int = 0) -> Run:
    """Return the parent, and a copy "again" whose profiled layers take ``factor`` times as long.

    Times are those of steady layers of 100 to 220 µs.

    Args:
        of_slower: a further factor for one layer.
        extra_ns: added to the latencies of the copy.
    """
    (parent,) = run.of_version("mobilenet", "parent")
    (again,) = run.of_version("mobilenet", "again")

    def timed(result: CellResult, factor: float, of_slower: float) -> CellResult:
        assert result.profile is not None
        layers = []
        for place, layer in enumerate(result.profile.layers):
            whole = factor * (of_slower if layer.name == SLOWER else 1.0)
            times = np.full(len(layer.times_ns), round(whole * (100_000 + 1_000 * place)), np.int64)
            layers.append(layer.model_copy(update={"times_ns": times}))
        profile = result.profile.model_copy(update={"layers": tuple(layers)})
        return result.model_copy(update={"profile": profile})

    launches = tuple(
        launch.model_copy(
            update={
                "slices": tuple(
                    measured_slice.model_copy(
                        update={"latencies_ns": measured_slice.latencies_ns + extra_ns}
                    )
                    for measured_slice in launch.slices
                )
            }
        )
        for launch in parent.launches
    )
    copy = parent.model_copy(update={"cell": again.cell, "launches": launches})
    return replace(run, results=(timed(parent, 1, 1), timed(copy, factor, of_slower)))


def reading(group: Group) -> str:
    text = next(block for block in group.blocks if block.id.startswith("matched-"))
    assert isinstance(text, Text)
    return text.text


def test_a_slower_profiling_pass_is_reported_and_changes_no_layer(run: Run) -> None:
    section = Versions().analyze(slowed_copy(run, 1.5))
    (only,) = section.groups
    assert "The two profiling passes differ as a whole" in reading(only)
    assert "1.50\u202f× as long in again. Read shares, not times." in reading(only)
    assert not [row for row in table(only, "pairs-").rows if row.emphasis]
    assert not [f for f in section.findings if f.id == "versions.layer"]
    for what in ("type", "layer"):
        assert "the passes differ by 1.50" in waterfall(only, what)[0].title
    diagrams = [block for block in only.blocks if isinstance(block, Diagram)]
    changes = {getattr(node.fills["change"], "key", "") for d in diagrams for node in d.nodes}
    assert changes == {"alike", "no time"}


def test_a_layer_that_changes_more_than_the_passes_is_reported(run: Run) -> None:
    section = Versions().analyze(slowed_copy(run, 1.5, 3.0))
    (only,) = section.groups
    assert [r.values["name"] for r in table(only, "pairs-").rows if r.emphasis] == [SLOWER]
    (finding,) = (f for f in section.findings if f.id == "versions.layer")
    assert SLOWER in finding.text


def test_usual_differences_between_processes_are_not_changes(run: Run) -> None:
    for factor, emphasised in ((1.05, []), (1.2, [SLOWER])):
        (only,) = Versions().analyze(slowed_copy(run, 1.0, factor)).groups
        assert "differ as a whole" not in reading(only)
        rows = table(only, "pairs-").rows
        assert [row.values["name"] for row in rows if row.emphasis] == emphasised


def test_a_change_outside_the_layers_is_reported(run: Run) -> None:
    (only,) = Versions().analyze(slowed_copy(run, 1.0, 1.2, extra_ns=900_000)).groups
    for what in ("type", "layer"):
        chart, bars = waterfall(only, what)
        assert "most of the change (+0.8" in chart.title
        assert "outside the layers +0.8" in chart.alt
        assert bars.values[-2] == max(map(float, map(str, bars.values[1:-1])))
    assert "the latency without counters is 0.900\u202fms more" in reading(only)


def test_a_group_is_named_by_its_layer_and_by_layers_of_only_one_side(section: Section) -> None:
    int8 = group(section, "mobilenet: int8 against parent")
    row = next(r for r in table(int8, "pairs-").rows if r.values["name"] == "stem/conv")
    assert row.values["layers"] == "2 → 3"
    assert row.values["precision"] == "bf16 → u8"
    assert row.values["kernel"] == "brgconv_avx512_bf16 → brgconv_avx512_I8"
    assert row.values["beside"] == "+ Subgraph 8.00\u202fµs"
    (details,) = row.details
    assert isinstance(details, Facts)
    shown_facts = {name: value for name, value, _ in details.facts}
    assert shown_facts["Executes"] == "Convolution, Add, Clamp → Convolution, Add, FakeQuantize"
    assert shown_facts["outputPrecisions"] == "bf16 → u8"
    assert "outputLayouts" not in shown_facts  # both have the same one


def test_verdicts_that_concern_the_model_are_given_once(run: Run) -> None:
    (parent,) = run.of_version("mobilenet", "parent")
    (int8,) = run.of_version("mobilenet", "int8")
    several = [
        result.model_copy(update={"cell": result.cell.model_copy(update={"threads": threads})})
        for threads in (1, 2)
        for result in (parent, int8)
    ]
    (only,) = Versions().analyze(replace(run, results=tuple(several))).groups
    verdicts = table(only, "verdicts-")
    sizes = [row.values for row in verdicts.rows if row.values["what"] == "file size"]
    assert [values["cell"] for values in sizes] == ["all"]
    assert len([row for row in verdicts.rows if row.values["what"] == "throughput"]) == 2
    assert [column.key for column in verdicts.columns][:3] == ["what", "ratio", "verdict"]
    assert "not the quotient" in verdicts.columns[1].help


def test_verdicts_and_findings_show_a_figure_in_the_same_way(section: Section) -> None:
    verdicts = table(group(section, "mobilenet: int8 against parent"), "verdicts-")
    unit = column_units(verdicts)["ratio"]
    row = verdicts.rows[0].values
    (finding,) = (f for f in section.findings if "int8 has" in f.text)
    assert show(row["ratio"], "ratio", unit) in finding.text
    assert f"(noise {row['noise']})" in finding.text
    assert str(row["noise"]) == "±6.6\u202f%"


def test_a_pair_is_judged_only_once(run: Run) -> None:
    (comparison, *_) = comparisons(run)
    assert comparisons(run)[0] is comparison
    assert judged(run, *comparison.pairs[0]) is judged(run, *comparison.pairs[0])


def test_options_of_verdicts_in_their_former_place_keep_their_meaning(run: Run) -> None:
    options = {"noise": 0.3, "baseline": "int8"}
    former, now = configured(run, analyzer={"versions": options}), configured(run, compare=options)
    assert settings(former) == settings(now)
    assert Versions().analyze(former) == Versions().analyze(now)
