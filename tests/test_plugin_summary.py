"""The summary section."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from builders import cell_result, configured, run_of, section_of, spaced

from ovreport.analysis import analyze, choose, installed
from ovreport.run import (
    Answers,
    Cell,
    CellResult,
    OutputDrift,
)
from ovreport.runfile import read_run
from ovreport.section import KeyFigures, Section, Skipped, Table, Text
from ovreport_plugins.summary.analyzer import Summary


def summary(results: Sequence[CellResult], **report: object) -> Section:
    return section_of(Summary(), run_of(results, **report))


def plain(section: Section) -> str:
    """Return all sentences of the section, the leading ones first."""
    texts = [b.text for b in section.groups[0].blocks if isinstance(b, Text) and b.id != "sure"]
    return spaced("\n".join([section.verdict, *texts]))


def test_the_summary_names_the_change_that_gives_more_throughput() -> None:
    quick = cell_result(Cell(model="net"), 40.0)
    best = cell_result(Cell(model="net", hint="throughput", batch=4), 200.0, streams=2, batch=4)
    assert plain(summary([quick, best])) == (
        "net on CPU: 25.0 FPS, 40.0 ms median (<±0.01 %) in latency mode "
        "(inference precision f32, 2 threads, 1 stream, 1 request); "
        "2 streams and batch 4 give 1.60 × the throughput (<±0.01 %)."
    )


def test_a_threshold_keeps_slow_configurations_out() -> None:
    quick = cell_result(Cell(model="net"), 40.0)
    best = cell_result(Cell(model="net", hint="throughput"), 70.0, streams=2)
    within = summary([quick, best], latency_threshold_ms=60)
    assert "no other configuration gives more throughput within 60.0 ms" in plain(within)
    none = summary([quick, best], latency_threshold_ms=10)
    assert "no configuration answers within 10.0 ms" in plain(none)
    (figures,) = (b for b in none.groups[0].blocks if isinstance(b, KeyFigures))
    assert [figure.label for figure in figures.figures] == [
        "Median latency", "Ready after", "Peak memory",
    ]  # fmt: skip


def test_versions_stand_side_by_side() -> None:
    parent = cell_result(Cell(model="net"), 40.0)
    other = cell_result(Cell(model="net", version="int8"), 20.0)
    section = summary([parent, other])
    lead, first, second = plain(section).split("\n")
    assert spaced(section.verdict) == lead
    assert lead == (
        "int8 against parent: median latency 40.0 → 20.0 ms, faster; "
        "throughput 2.00 × (<±0.01 %), faster."
    )
    assert first.startswith("net (parent) on CPU: 25.0 FPS")
    assert second.startswith("net (int8) on CPU: 50.0 FPS")
    (table,) = (b for b in section.groups[0].blocks if isinstance(b, Table))
    assert [row.values["verdict"] for row in table.rows] == [None, "faster"]
    assert [column.label for column in table.columns][:4] == [
        "Version", "Median latency", "Throughput", "Over parent",
    ]  # fmt: skip


def test_many_versions_leave_the_rest_to_the_table() -> None:
    results = [cell_result(Cell(model=f"net{n}"), 10.0) for n in range(6)]
    section = summary(results)
    assert section.verdict.split("\n")[-1] == "The table has 3 more versions."
    (table,) = (b for b in section.groups[0].blocks if isinstance(b, Table))
    assert len(table.rows) == 6
    assert "change" not in {column.key for column in table.columns}


# ---------------------------------------------------------------------------- versions

VERSIONS = read_run(Path(__file__).with_name("data") / "versions.jsonl")


@pytest.mark.parametrize(
    "options", [{}, {"noise": 0.5}, {"baseline": "int8"}, {"noise": 0.0, "baseline": "again"}]
)
def test_the_summary_and_the_versions_section_agree(options: dict[str, object]) -> None:
    """Both use noise and baseline of the config, and the control in the run."""
    analyzers = choose(installed(), ["summary", "versions"], {}, "test")
    run = configured(VERSIONS, compare=options)
    first, second = (analysis.outcome for analysis in analyze(run, analyzers))
    assert isinstance(first, Section)
    assert isinstance(second, Section)
    tables = [block for g in second.groups for block in g.blocks if isinstance(block, Table)]
    verdicts = [t for t in tables if t.id.startswith("verdicts-")]
    verdict_words = {t.columns[5].label: t.rows[0].values["verdict"] for t in verdicts}
    assert len(verdict_words) == 2
    (table,) = (block for block in first.groups[0].blocks if isinstance(block, Table))
    assert {
        version: row.values["verdict"]
        for (_, version), row in zip(VERSIONS.versions, table.rows, strict=True)
        if version in verdict_words
    } == verdict_words
    for line, word in zip(first.verdict.split("\n"), verdict_words.values(), strict=False):
        assert f" %), {word}" in spaced(line)


@pytest.mark.parametrize(
    ("drift", "words"),
    [
        ({"cosine": 1.0, "max_abs": 0.0}, "answers identical bit for bit"),
        ({"cosine": 0.9987, "max_abs": 0.1, "top1": 1.0},
         "answers alike (cosine similarity 0.9987, same best class in 100 %)"),
        ({"cosine": 0.1234, "max_abs": 9.0, "top1": 0.75},
         "answers differ (cosine similarity 0.1234, same best class in 75.0 %)"),
        ({}, "answers not compared: output y is [1], and the run file does not hold its "
         "differences"),
    ],
)  # fmt: skip
def test_the_line_about_two_versions_says_whether_their_answers_agree(
    drift: dict[str, float], words: str
) -> None:
    parent, other = Cell(model="net"), Cell(model="net", version="int8")
    answers = Answers(
        base=parent, other=other, models=("", ""), inputs="", input_data="", samples=8,
        outputs=(OutputDrift.model_validate({"name": "y", "shapes": ("[1]", "[1]"), **drift}),),
    )  # fmt: skip
    run = replace(run_of([cell_result(parent, 40.0), cell_result(other, 20.0)]), answers=(answers,))
    assert plain(Summary().analyze(run)).split("\n")[0].endswith(f"; {words}.")


def test_time_in_layers_is_not_presented_as_latency() -> None:
    """If layers, timed with counters on, are far from the latency, the two are distinguished."""
    measured = VERSIONS.results[0]
    assert measured.profile is not None
    far, close = (
        measured.model_copy(
            update={
                "profile": measured.profile.model_copy(
                    update={
                        "layers": tuple(
                            layer.model_copy(update={"times_ns": layer.times_ns * percent // 100})
                            for layer in measured.profile.layers
                        )
                    }
                )
            }
        )
        for percent in (150, 80)
    )
    # In the recording they are 23 % more, within the scatter of so few inferences.
    for first, is_far in ((far, True), (measured, False), (close, False)):
        run = replace(VERSIONS, results=(first, *VERSIONS.results[1:]))
        (sentence,) = (x for x in plain(Summary().analyze(run)).split("\n") if "(parent) on" in x)
        assert "% of the layers' time is in 10 convolutions" in sentence
        assert ("the layers add up to 184 % of the latency" in sentence) is is_far
        assert ("add up" in sentence) is is_far


# ---------------------------------------------------------------------------- how sure


def test_nothing_is_claimed_about_figures_without_an_interval() -> None:
    quick = cell_result(Cell(model="net"), 40.0, slices=1)
    best = cell_result(Cell(model="net", hint="throughput"), 50.0, streams=2, slices=1)
    section = summary([quick, best])
    assert "not enough data to decide whether another configuration gives more" in plain(section)
    (finding,) = section.findings
    assert "of 2 of 2 cells has no interval" in finding.text


def test_cells_without_an_interval_and_with_a_wide_one_are_counted() -> None:
    """One cell of the recorded run keeps only a single slice."""
    launch = VERSIONS.results[0].launches[0]
    counted = next(s for s in launch.slices if s.counted)
    short = launch.model_copy(update={"slices": (counted,)})
    single = VERSIONS.results[0].model_copy(update={"launches": (short,)})
    run = replace(VERSIONS, results=(single, *VERSIONS.results[1:]))
    (finding,) = Summary().analyze(run).findings
    assert spaced(finding.text) == (
        "The throughput of 2 of 3 cells is known only to ±4.7 % to ±15.5 %, and that of 1 has "
        "no interval."
    )


def test_causes_of_uncertain_figures_are_shown_with_them() -> None:
    cells = [Cell(model="net"), Cell(model="net", hint="throughput")]
    section = summary([cell_result(cell, 40.0, slices=1, other_load=1.25) for cell in cells])
    (finding,) = section.findings
    assert finding.text.startswith(
        "The machine was busy (other programs used 1.2 cores on average): the throughput of 2"
    )


# ---------------------------------------------------------------------------- fixed rates


def test_a_run_of_fixed_rates_says_which_rates_are_reached() -> None:
    served = [
        cell_result(Cell(model="net", rate=rate), 4.0, arrived=arrived)
        for rate, arrived in ((30, 10), (100, 10), (300, 12), (2000, 80))
    ]
    run = run_of(served)
    section = Summary().analyze(run)
    assert plain(section) == (
        "net on CPU (inference precision f32, 2 threads, 1 stream, 1 request) keeps up with "
        "100 requests/s (median 4.00 ms), not with 300 (serves 250)."
    )
    (figures,) = (b for b in section.groups[0].blocks if isinstance(b, KeyFigures))
    assert [figure.label for figure in figures.figures] == [
        "Keeps up with", "Latency, median", "Serves", "Ready after", "Peak memory",
    ]  # fmt: skip
    left_out = {
        analysis.analyzer.id
        for analysis in analyze(run, choose(installed(), None, {}, "test"))
        if isinstance(analysis.outcome, Skipped) and "fixed rates" in analysis.outcome.reason
    }
    assert left_out == {"advice", "configurations", "versions"}


def test_several_versions_at_fixed_rates_have_a_table() -> None:
    section = summary(
        [
            cell_result(Cell(model="net", version=version, rate=rate), 4.0, arrived=arrived)
            for version, arrived in (("parent", 12), ("int8", 10))
            for rate in (300,)
        ]
    )
    assert [line.partition(") ")[2] for line in plain(section).split("\n")] == [
        "on CPU (inference precision f32, 2 threads, 1 stream, 1 request) does not keep up with "
        "300 requests/s (serves 250).",
        "on CPU (inference precision f32, 2 threads, 1 stream, 1 request) keeps up with "
        "300 requests/s (median 4.00 ms).",
    ]
    (table,) = (b for b in section.groups[0].blocks if isinstance(b, Table))
    assert [row.values["kept"] for row in table.rows] == [None, 300]
