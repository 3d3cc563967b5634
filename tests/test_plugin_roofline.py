"""The roofline section: its figures agree with those of layers, and doubts are stated."""

from __future__ import annotations

from dataclasses import replace

import pytest
from builders import quiet, section_of

from ovreport.analysis import analyze, choose, installed
from ovreport.computed.layers import executed_layers
from ovreport.computed.roofline import efficiency, why_not_judged
from ovreport.computed.theory import totals
from ovreport.run import CellResult, Roof, Run
from ovreport.section import Chart, Facts, Finding, KeyFigures, Points, Section, Skipped, Table
from ovreport_plugins.layers.analyzer import Layers
from ovreport_plugins.model.analyzer import ModelFacts
from ovreport_plugins.model_graph.runtime import runtime_graph
from ovreport_plugins.roofline.analyzer import Roofline


@pytest.fixture(scope="module")
def run(run: Run) -> Run:
    """Return the run as if on a quiet machine, with roofs above all layers."""
    return quiet(run, 10)


def shown(run: Run) -> CellResult:
    """Return the cell whose layers the first group shows."""
    result = run.focus(*run.versions[0])
    assert result is not None
    return result


def with_roof(run: Run, **changes: object) -> Run:
    """Return the run with a changed roof."""
    changed: tuple[Roof, ...] = tuple(roof.model_copy(update=changes) for roof in run.roofs)
    return replace(run, roofs=changed)


def findings(run: Run) -> dict[str, Finding]:
    return {finding.id: finding for finding in Roofline().analyze(run).findings}


def block(section: Section, kind: type) -> object:
    return next(item for item in section.groups[0].blocks if isinstance(item, kind))


def test_rows_are_layers_with_their_efficiency_largest_gain_first(run: Run) -> None:
    table = block(Roofline().analyze(run), Table)
    assert isinstance(table, Table)
    result = shown(run)
    layers = executed_layers(run, result)
    efficiencies = efficiency(run, result)
    assert len(table.rows) == len(layers)
    assert sum(float(str(r.values["time"])) for r in table.rows) == pytest.approx(
        sum(x.median_s for x in layers)
    )
    work = sum(float(str(r.values["gflop"] or 0)) for r in table.rows)
    assert work == pytest.approx(sum(x.operations or 0 for x in efficiencies.values()) / 1e9)
    left = [float(str(row.values["left"] or 0)) for row in table.rows]
    assert left == sorted(left, reverse=True)


def test_points_of_the_chart_are_layers_and_link_to_their_rows(run: Run) -> None:
    chart = block(Roofline().analyze(run), Chart)
    assert isinstance(chart, Chart)
    assert chart.x.log
    assert chart.y.log
    efficiencies = efficiency(run, shown(run))
    expected = sorted(x.intensity for x in efficiencies.values() if x.intensity and x.achieved)
    points = [mark for mark in chart.marks if isinstance(mark, Points)]
    assert sorted(x for mark in points for x in mark.x) == pytest.approx(expected)  # type: ignore[type-var]
    assert all(link.startswith("layer-") for mark in points for link in mark.links)
    assert max(size for mark in points for size in mark.sizes) == 1


def test_a_roof_below_most_layers_is_not_used_for_judging(run: Run) -> None:
    """Layers stood at 331 % of it, and the model at 46 % of what the device can reach."""
    low = {name: rate / 10_000 for name, rate in run.roofs[0].operations.items()}
    below = with_roof(run, operations=low)
    assert findings(below).keys() == {"roofline.disturbed"}
    assert "faster than the roofs allow" in findings(below)["roofline.disturbed"].text
    assert all(found.fraction is None for found in efficiency(below, shown(below)).values())


def test_layers_that_were_timed_on_a_busy_machine_are_not_judged(run: Run) -> None:
    """The model ran at 26.6 % of what the device can reach, and at 80 % when it was quiet."""
    result = shown(run)
    assert result.profile is not None
    loud = result.model_copy(
        update={"profile": result.profile.model_copy(update={"other_load": 0.7})}
    )
    busy = replace(run, results=tuple(loud if r is result else r for r in run.results))
    by_id = findings(busy)
    assert "0.7 cores while the layers were timed" in by_id["roofline.disturbed"].text
    assert all(known.fraction is None for known in efficiency(busy, loud).values())


def test_only_layers_near_the_bandwidth_are_bound_by_memory(run: Run) -> None:
    """Layers at 1.8 % of either roof were "bound by memory"."""
    slow = with_roof(run, memory_bandwidth=1e6, cache_bandwidth=None)
    assert "roofline.memory" not in findings(run)
    assert why_not_judged(slow, shown(slow)) is not None
    far = with_roof(
        run, operations=dict.fromkeys(run.roofs[0].operations, 1e16), memory_bandwidth=1e12
    )
    assert "roofline.memory" not in findings(far)


def test_layers_far_from_a_high_roof_state_what_they_could_gain(run: Run) -> None:
    high = {name: rate * 1000 for name, rate in run.roofs[0].operations.items()}
    roof = with_roof(run, operations=high, memory_bandwidth=1e15, cache_bandwidth=1e15)
    far = findings(roof)["roofline.far"]
    assert far.severity == "warning"
    assert far.evidence
    assert 0.1 < (far.gain or 0) <= 1


def test_a_disturbed_measurement_says_so(run: Run) -> None:
    assert "roofline.disturbed" in findings(with_roof(run, other_load=1.5))
    assert "roofline.disturbed" not in findings(with_roof(run, other_load=0.0))


def test_disturbed_roofs_are_reported_once_for_all_versions(run: Run) -> None:
    assert len(run.versions) > 1
    section_findings = Roofline().analyze(with_roof(run, other_load=1.5)).findings
    assert [f.id for f in section_findings].count("roofline.disturbed") == 1


def test_a_run_without_roofs_says_why_there_is_no_roofline(run: Run) -> None:
    for bare in (replace(run, roofs=()), with_roof(run, failure="no")):
        (only,) = analyze(bare, choose(installed(), ["roofline"], {}, "test"))
        assert isinstance(only.outcome, Skipped)
        assert "measured" in only.outcome.reason


def test_model_facts_are_the_totals(run: Run) -> None:
    section = ModelFacts().analyze(run)
    figures = block(section, KeyFigures)
    assert isinstance(figures, KeyFigures)
    found = totals(run, shown(run))
    values = {figure.label: figure.value for figure in figures.figures}
    assert values["Parameters"] == pytest.approx(1.235496)
    assert values["Floating-point operations"] == pytest.approx(found.flops / 1e9)
    facts = block(section, Facts)
    assert isinstance(facts, Facts)
    named = {name: value for name, value, _ in facts.facts}
    assert named["Input"] == "data_0 [1,3,224,224] f32"
    assert "opset1" in str(named["Operation sets"])
    assert section.findings == []


def test_table_and_graph_show_how_near_layers_are_to_the_roof(run: Run) -> None:
    result = shown(run)
    efficiencies = efficiency(run, result)
    rows = next(
        block
        for group in section_of(Layers(), run).groups
        for block in group.blocks
        if isinstance(block, Table) and block.id == f"layers-{result.cell.id}"
    ).rows
    assert {row.anchor: row.values["roof"] for row in rows} == {
        f"layer-{result.cell.id}-{index}": found.fraction for index, found in efficiencies.items()
    }
    graph = runtime_graph(run, result, executed_layers(run, result))
    assert [colouring.id for colouring in graph.colourings] == ["type", "time", "precision", "roof"]
    fills = [node.fills["roof"] for node in graph.nodes if "roof" in node.fills]
    fractions = [found.fraction for found in efficiencies.values() if found.fraction is not None]
    assert sorted(map(float, map(str, fills))) == pytest.approx(
        sorted(1 - min(1, fraction) for fraction in fractions)
    )
    without = runtime_graph(replace(run, roofs=()), result, executed_layers(run, result))
    assert [colouring.id for colouring in without.colourings] == ["type", "time", "precision"]
