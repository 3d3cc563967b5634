"""Many runs over time: changes of level are found, dated and explained."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import ovreport

from ovreport.combining.trend import combine
from ovreport.computed.series import series
from ovreport.errors import UserError
from ovreport.run import Launch, Run, Slice
from ovreport.runfile import lines_of, read_run
from ovreport.section import Chart, Points, Rule, Section, Table
from ovreport.stats.change_points import change_points
from ovreport.stats.estimate import Estimate
from ovreport.text.values import Role
from ovreport_plugins.trend.analyzer import Trend

DATA = Path(__file__).with_name("data") / "versions.jsonl"
RUNS, CHANGED = 12, 7


def made(day: int, factor: float, openvino: str) -> Run:
    """Return the recorded parent as if measured on a day, slower by a factor."""
    run = read_run(DATA)
    (parent,) = run.of_version("mobilenet", "parent")

    def slice(item: Slice) -> Slice:
        latencies = (item.latencies_ns * factor).astype(np.int64)
        return item.model_copy(
            update={"latencies_ns": latencies, "wall_ns": round(item.wall_ns * factor)}
        )

    def launch(item: Launch) -> Launch:
        return item.model_copy(update={"slices": tuple(map(slice, item.slices))})

    result = parent.model_copy(update={"launches": tuple(map(launch, parent.launches))})
    environment = run.header.environment.model_copy(update={"openvino": openvino})
    header = run.header.model_copy(
        update={
            "created": f"2026-01-{day + 1:02}T08:00:00+00:00",
            "environment": environment,
            "plan": (parent.cell,),
            "models": (run.model_file("mobilenet", "parent"),),
        }
    )
    return Run(header, (result,), run.graphs)


@pytest.fixture(scope="module")
def runs() -> list[tuple[str, Run]]:
    noise = np.random.default_rng(3).normal(1, 0.005, RUNS)
    return [
        (
            f"run-{day}.jsonl",
            made(day, noise[day] * (1.1 if day >= CHANGED else 1), f"2026.{day >= CHANGED:d}"),
        )
        for day in range(RUNS)
    ]


def test_a_new_level_is_dated_and_explained(runs: list[tuple[str, Run]]) -> None:
    section = Trend().analyze(combine(runs[::-1]))
    assert [finding.id for finding in section.findings] == ["trend.worse"] * 2
    for finding in section.findings:
        assert f"with run #{CHANGED + 1} of 2026-01-{CHANGED + 1:02} 08:00 UTC" in finding.text
        assert " of mobilenet (parent) went from " in finding.text
        assert "OpenVINO was 2026.0, now 2026.1" in finding.text
    assert any("+9." in f.text or "+10." in f.text for f in section.findings)
    assert any("−9." in f.text or "−8." in f.text for f in section.findings)


def test_a_run_at_another_precision_is_named_as_one_without_a_trend(
    runs: list[tuple[str, Run]],
) -> None:
    name, odd = runs[2]
    (result,) = odd.results
    cell = result.cell.model_copy(update={"precision": "bf16"})
    header = odd.header.model_copy(update={"plan": (cell,)})
    changed = Run(header, (result.model_copy(update={"cell": cell}),), odd.graphs)
    section = Trend().analyze(combine([*runs[:2], (name, changed)]))
    (finding,) = section.findings
    assert finding.id == "trend.single"
    assert "1 configuration of 2 was measured by a single run and so has no trend" in finding.text
    assert "bf16 in run #3." in finding.text
    assert [link.anchor for link in finding.evidence] == ["run-3"]
    assert "1 configuration over 3 runs" in section.verdict


def test_points_are_in_the_order_of_time(runs: list[tuple[str, Run]]) -> None:
    ((cell, points),) = series(combine(runs[::-1])).items()
    assert cell.version == "parent"
    assert [point.run for point in points] == list(range(RUNS))


def charts(section: Section) -> list[Chart]:
    return [b for group in section.groups for b in group.blocks if isinstance(b, Chart)]


def test_every_hint_has_a_colour_and_every_run_a_date(runs: list[tuple[str, Run]]) -> None:
    for chart in charts(Trend().analyze(combine(runs))):
        (line,) = (mark for mark in chart.marks if isinstance(mark, Points))
        assert line.role == Role("hint", "latency")
        assert list(line.x) == list(range(RUNS))
        names = chart.x.categories
        assert len(names) == RUNS
        assert chart.x.label == "start of the run in 2026"
        assert names[-1] == f"01-{RUNS:02}"
        assert 2 <= len([name for name in names if name]) <= 5
        rules = [mark.value for mark in chart.marks if isinstance(mark, Rule)]
        assert rules == [CHANGED]


def test_runs_of_one_day_are_distinguished_by_the_minute(runs: list[tuple[str, Run]]) -> None:
    header = runs[0][1].header
    later = header.model_copy(update={"created": "2026-01-01T09:30:00+00:00"})
    again = replace(runs[0][1], header=later)
    for chart in charts(Trend().analyze(combine([runs[0], ("again.jsonl", again)]))):
        assert chart.x.label == "start of the run on 2026-01-01, UTC"
        assert chart.x.categories == ["08:00", "09:30"]


def test_the_ratio_of_last_and_first_run_has_an_interval(runs: list[tuple[str, Run]]) -> None:
    section = Trend().analyze(combine(runs))
    tables = (b for group in section.groups for b in group.blocks if b.id.startswith("levels-"))
    (table,) = (table for table in tables if isinstance(table, Table))
    for row in table.rows:
        ratio = row.values["ratio"]
        assert isinstance(ratio, Estimate)
        assert ratio.low < ratio.point < ratio.high


def test_a_column_that_is_left_out_is_not_explained(runs: list[tuple[str, Run]]) -> None:
    for chosen, explained in ((runs, True), (runs[: CHANGED - 1], False)):
        section = Trend().analyze(combine(chosen))
        tables = [x for group in section.groups for x in group.blocks if isinstance(x, Table)]
        (levels,) = (table for table in tables if table.title == "First and last")
        shown = "changes" in {column.key for column in levels.filled.columns}
        assert shown is ("new levels" in levels.note) is explained


def test_too_few_runs_claim_nothing(runs: list[tuple[str, Run]]) -> None:
    section = Trend().analyze(combine(runs[CHANGED - 2 : CHANGED + 2]))
    assert section.findings == []
    assert all("too few for a new level" in chart.title for chart in charts(section))
    assert "too few runs" in section.verdict
    with pytest.raises(UserError, match="two runs at least"):
        combine(runs[:1])


@pytest.mark.parametrize("count", [6, 10, 30, 100])
def test_noise_rarely_makes_a_new_level(count: int) -> None:
    random = np.random.default_rng(count)
    alarms = [
        bool(change_points(random.normal(0, 0.01, count).tolist(), 0.001)) for _ in range(400)
    ]
    assert np.mean(alarms) < 0.06


def test_levels_of_a_hand_made_series_are_found() -> None:
    values = [1.00, 1.01, 0.99, 1.00, 1.01, 2.00, 2.01, 1.99, 2.00, 1.50, 1.51, 1.49]
    assert change_points(values, 0.01) == (5, 9)
    assert change_points(values[:5], 0.01) == ()


@pytest.mark.slow
def test_trend_writes_a_report_that_can_be_read_again(
    runs: list[tuple[str, Run]], tmp_path: Path
) -> None:
    files = []
    for name, run in runs:
        files.append(tmp_path / os.fsdecode(b"\xff" + name.encode()))  # not UTF-8
        files[-1].write_text("\n".join(lines_of(run)) + "\n")
    target, again = tmp_path / "trend.html", tmp_path / "again.html"
    assert ovreport("trend", *files, "-o", target).exit_code == 0
    page = target.read_text()
    assert "could not be made" not in page
    assert f'id="run-{CHANGED + 1}"' in page or f"id=run-{CHANGED + 1}" in page
    assert ovreport("render", target, "-o", again).exit_code == 0
    assert again.read_bytes() == target.read_bytes()
    twice = ovreport("trend", *files, files[0], "-o", again)
    assert twice.exit_code == 0
    assert len(read_run(again).header.origins) == RUNS
    first = str(files[0]).replace("\udcff", "�")
    assert f"{first} holds the same run as {first}, which counts once" in twice.stderr
    other = tmp_path / "other.jsonl"
    text = [json.loads(line) for line in files[0].read_text().splitlines()]
    other.write_text("\n".join(json.dumps(x).replace('"CPU"', '"GPU"') for x in text) + "\n")
    refused = ovreport("trend", files[0], other)
    assert refused.exit_code == 2
    assert "no configuration was measured in two of the runs" in refused.stderr
