"""Configurations: front, sweet spot, heat maps, scaling, and the threshold in the page."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from browser import chromium
from builders import cell_result, run_of, section_of
from selenium.webdriver.common.by import By

from ovreport.analysis import analyze
from ovreport.rendering.page import render
from ovreport.run import Cell, CellResult, Failure, Launch, Run, SearchStep, Slice, Streams
from ovreport.runfile import read_run
from ovreport.section import Chart, Finding, Group, HeatMap, Points, Table
from ovreport.stats.estimate import Estimate
from ovreport_plugins.configurations.analyzer import ConfigurationOptions, Configurations
from ovreport_plugins.configurations.search import search_tables

# By (streams, batch): how many times longer a request takes, and how many are in flight at once.
TIMES: dict[tuple[str | int, int], float] = {
    ("auto", 1): 1.6,
    (1, 1): 1.0,
    (2, 1): 1.5,
    ("auto", 2): 2.5,
    (1, 2): 1.6,
    (2, 2): 2.4,
}
IN_FLIGHT: dict[str | int, int] = {"auto": 2, 1: 1, 2: 2}


def slowed(result: CellResult, streams: str | int, batch: int) -> CellResult:
    """Return the recorded cell with longer latencies and several requests at a time."""
    longer, at_once = TIMES[streams, batch], IN_FLIGHT[streams]
    assert result.resolved is not None

    def slice(item: Slice) -> Slice:
        latencies = (item.latencies_ns * longer).astype("int64")
        wall_ns = int(item.wall_ns * longer / at_once)
        return item.model_copy(update={"latencies_ns": latencies, "wall_ns": wall_ns})

    def launch(item: Launch) -> Launch:
        return item.model_copy(update={"slices": tuple(map(slice, item.slices))})

    cell = result.cell.model_copy(
        update={"hint": "throughput", "streams": streams, "batch": batch, "requests": None}
    )
    resolved = result.resolved.model_copy(update={"streams": at_once, "batch": batch})
    launches = tuple(map(launch, result.launches))
    return result.model_copy(update={"cell": cell, "resolved": resolved, "launches": launches})


@pytest.fixture(scope="module")
def run() -> Run:
    recorded = read_run(Path(__file__).with_name("data") / "versions.jsonl")
    (parent,) = recorded.of_version("mobilenet", "parent")
    results = tuple(slowed(parent, streams, batch) for streams, batch in TIMES)
    models = tuple(m for m in recorded.header.models if m.version == "parent")
    config = {**recorded.header.config, "report": {"latency_threshold_ms": 0.09}}
    update = {"models": models, "plan": tuple(r.cell for r in results), "config": config}
    return replace(recorded, results=results, header=recorded.header.model_copy(update=update))


@pytest.fixture(scope="module")
def group(run: Run) -> Group:
    (only,) = section_of(Configurations(), run).groups
    return only


def table(group: Group) -> Table:
    first_block = next(block for block in group.blocks if block.id.startswith("cells-"))
    assert isinstance(first_block, Table)
    return first_block


def chart(group: Group, start: str) -> Chart:
    first_block = next(block for block in group.blocks if block.id.startswith(start))
    assert isinstance(first_block, Chart)
    return first_block


def rows(group: Group) -> dict[tuple[str, int], dict[str, object]]:
    return {
        (str(row.values["streams"]), int(str(row.values["batch"]))): dict(row.values)
        for row in table(group).rows
    }


def test_scaling_is_the_gain_over_one_stream_by_streams(group: Group) -> None:
    by_key = rows(group)
    for batch, one, two in ((1, 1.0, 1.5), (2, 1.6, 2.4)):
        # Two requests at a time, each taking longer than the request of a single stream.
        gain = 2 * one / two
        sweet_spot_of = [by_key["2", batch]["gain"], by_key["2", batch]["efficiency"]]
        assert [x.point for x in sweet_spot_of] == pytest.approx([gain, gain / 2], rel=1e-3)  # type: ignore[attr-defined]
        assert all(x.low < x.point < x.high for x in sweet_spot_of)  # type: ignore[attr-defined]
        assert by_key["1", batch]["efficiency"] == Estimate.exact(1.0)


def test_the_device_s_choice_is_marked_and_others_are_compared_with_it(group: Group) -> None:
    own = rows(group)["2 (auto)", 1]
    assert "device's choice" in str(own["mark"])
    assert own["ratio"] == Estimate.exact(1.0)
    (column,) = (c for c in table(group).columns if c.key == "ratio")
    assert column.label == "Over device's choice"
    names = [n for m in chart(group, "configurations-").marks if isinstance(m, Points)
             for n in m.names if n]  # fmt: skip
    assert "2 (auto)" in names


def test_sweet_spot_is_the_best_within_the_threshold(group: Group) -> None:
    """A request takes 47 µs × 1.5 at the sweet spot; others within 0.09 ms have less throughput."""
    marked = [key for key, values in rows(group).items() if "sweet spot" in str(values["mark"])]
    assert marked == [("2", 1)]


def test_the_front_is_drawn_from_less_latency_to_more_throughput(group: Group) -> None:
    (front,) = (
        m for m in chart(group, "configurations-").marks
        if isinstance(m, Points) and m.label == "Pareto front"
    )  # fmt: skip
    assert list(front.x) == sorted(front.x)  # type: ignore[type-var]
    assert list(front.y) == sorted(front.y)  # type: ignore[type-var]


def test_heat_maps_hold_every_cell(group: Group) -> None:
    for kind, key in (("rate", "fps"), ("duration", "latency")):
        drawn = chart(group, f"heat-{kind}-")
        (mark,) = drawn.marks
        assert isinstance(mark, HeatMap)
        assert drawn.y.categories == ["2 (auto)", "1", "2"]
        for streams, values in zip(drawn.y.categories, mark.values, strict=True):
            for batch, value in zip(drawn.x.categories, values, strict=True):
                estimate = rows(group)[streams, int(batch)][key]
                assert value == getattr(estimate, "point", None)


def heat(*cells: tuple[Cell, float, int, int]) -> tuple[Chart, HeatMap]:
    """Return the heat map of throughput over streams and batch for these cells."""
    results = [cell_result(cell, ms, streams=n, batch=size) for cell, ms, n, size in cells]
    (group,) = Configurations().analyze(run_of(results)).groups
    drawn = chart(group, "heat-rate-")
    (mark,) = drawn.marks
    assert isinstance(mark, HeatMap)
    return drawn, mark


def throughput(streams: Streams = "auto", batch: int | None = None) -> Cell:
    return Cell(model="net", hint="throughput", streams=streams, batch=batch)


def test_chosen_values_are_shown_in_place_of_auto() -> None:
    drawn, mark = heat(
        (throughput(), 5, 2, 1), (throughput(1, 1), 4, 1, 1), (throughput(2, 2), 20, 2, 2)
    )
    assert drawn.y.categories == ["1", "2"]
    assert drawn.x.categories == ["1", "2"]
    assert mark.values == [[pytest.approx(250), None], [pytest.approx(400), pytest.approx(200)]]
    assert "highest with streams 2 (auto), batch 1" in drawn.title


def test_requested_values_keep_their_field_and_batches_show_their_size() -> None:
    drawn, mark = heat(
        (throughput(), 5, 2, 1), (throughput(1), 4, 1, 1), (throughput(2), 8, 2, 1),
        (throughput(1, 4), 8, 1, 4), (throughput(2, 4), 16, 2, 4),
    )  # fmt: skip
    assert drawn.x.categories == ["1", "4"]
    assert mark.values[1][0] == pytest.approx(250)
    assert len(mark.values) == 2


def sweet_spot_of(results: list[CellResult], **report: object) -> tuple[Finding, Table]:
    section = Configurations().analyze(run_of(results, **report))
    return section.findings[0], table(section.groups[0])


def test_a_difference_between_latency_and_throughput_cells_is_not_a_finding() -> None:
    plain = [cell_result(Cell(model="net"), 5), cell_result(throughput(), 4)]
    assert Configurations().analyze(run_of(plain)).findings == []
    assert sweet_spot_of(plain, latency_threshold_ms=100)[0].id == "configurations.sweet-spot"


def test_without_the_device_s_choice_nothing_is_compared_with_it() -> None:
    finding, cells = sweet_spot_of(
        [
            cell_result(Cell(model="net"), 5),
            cell_result(throughput(1), 4),
            cell_result(throughput(2), 6),
        ]
    )
    assert "×" not in finding.text
    assert "ratio" not in {column.key for column in cells.filled.columns}
    own, _ = sweet_spot_of([cell_result(throughput(1), 5), cell_result(throughput(), 4)])
    assert own.text.endswith("which is the device's own choice.")


def test_a_sweet_spot_that_may_lie_beyond_the_threshold_says_so() -> None:
    quick = cell_result(Cell(model="net"), 90)
    best = cell_result(throughput(2), 117, streams=2)
    (launch,) = best.launches
    slices = tuple(
        s.model_copy(update={"latencies_ns": s.latencies_ns * (9 + n % 3) // 10})
        for n, s in enumerate(launch.slices)
    )
    best = best.model_copy(update={"launches": (launch.model_copy(update={"slices": slices}),)})
    near, _ = sweet_spot_of([quick, best], latency_threshold_ms=118)
    assert "the interval of its latency crosses the threshold" in near.text
    far, _ = sweet_spot_of([quick, best], latency_threshold_ms=200)
    assert "crosses" not in far.text


def test_the_percentile_can_be_configured(run: Run) -> None:
    (group,) = Configurations(ConfigurationOptions(percentile="p95")).analyze(run).groups
    for values in rows(group).values():
        assert values["latency"] == values["p95"]


@pytest.mark.browser
def test_another_threshold_moves_the_sweet_spot_in_the_page(run: Run, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(render(run, analyze(run, [Configurations()])), encoding="utf-8")
    with chromium(tmp_path / "profile") as browser:
        browser.get(page.as_uri())
        places = (
            "const use = document.querySelector('[id$=mark-spot] use');"
            "const row = document.querySelector('tr.emphasis');"
            "const own = document.querySelector(`figure a[href='#${row.id}'] use`);"
            "return [row.cells[0].textContent.trim(), row.cells[1].textContent,"
            " ...['x', 'y'].map((a) => Number(use.getAttribute(a)) - own.getAttribute(a))]"
        )
        before = browser.execute_script(places)
        box = browser.find_element(By.CSS_SELECTOR, "form.spot input")
        assert box.get_attribute("value") == "0.09"
        box.clear()
        box.send_keys("0.06")
        after = browser.execute_script(places)
        assert "2 streams · batch 1" in before[0]
        assert "1 stream · batch 1" in after[0]
        for _, mark, x, y in (before, after):
            assert "sweet spot" in mark
            assert abs(x) < 0.2
            assert abs(y) < 0.2
        assert len(browser.find_elements(By.CSS_SELECTOR, "tr.emphasis")) == 1
        box.clear()
        box.send_keys("0.001")
        assert not browser.find_elements(By.CSS_SELECTOR, "tr.emphasis")
        assert "No configuration" in browser.find_element(By.CSS_SELECTOR, "form.spot output").text


def test_streams_and_threads_that_the_device_did_not_make_are_named() -> None:
    cells = [
        Cell(model="net", hint="throughput", streams=4),
        Cell(model="net", hint="throughput", streams=2, threads=2),
        Cell(model="net", hint="throughput"),
    ]
    run = run_of([cell_result(cell, 5, streams=2) for cell in cells])  # with two threads
    findings = Configurations().analyze(run).findings
    (finding,) = (f for f in findings if f.id == "configurations.not-in-force")
    assert "auto threads: 4 streams, but the device uses 2)" in finding.text
    assert finding.text.count("but the device uses") == 1


def test_the_table_of_a_search_gives_each_step_its_outcome() -> None:
    cells = [Cell(model="net", hint="throughput", streams=streams) for streams in (1, 2, 4, 8, 16)]
    start = cell_result(Cell(model="net", hint="throughput"), 10)
    results = [
        start,
        cell_result(cells[0], 5),
        cell_result(cells[1], 20, streams=2),
        cell_result(cells[2], 90, streams=4),
        cell_result(cells[3], 5, streams=4),
        CellResult(cell=cells[4], failure=Failure(stage="compile", reason="out of memory")),
    ]
    unmeasured = Cell(model="net", hint="throughput", streams=32)
    tried = [*(result.cell for result in results), unmeasured]
    run = run_of(results, latency_threshold_ms=50)
    steps = [SearchStep(start=start.cell.id, cell=cell, why="streams") for cell in tried]
    (interrupted,) = search_tables(replace(run, search=tuple(steps)), results)
    outcomes = [str(row.values["what"]).partition(" (")[0] for row in interrupted.rows]
    assert outcomes == [
        "best so far", "best so far", "0.50\u202f× the best so far", "over 50.0\u202fms",
        "the device uses 4 streams", "failed: out of memory",
    ]  # fmt: skip
    assert [row.emphasis for row in interrupted.rows] == [True, True, False, False, False, False]
    assert "It was interrupted." in interrupted.note
    assert "1 step to configurations without a result" in interrupted.note
    end = SearchStep(start=start.cell.id, cell=None, why="no axis brings a gain")
    (ended,) = search_tables(replace(run, search=(*steps, end)), results)
    assert "It ended: no axis brings a gain." in ended.note
