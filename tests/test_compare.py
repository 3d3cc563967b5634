"""Two runs in one report: which cells are compared, what else differs, and what is refused."""

import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import ovreport

from ovreport.combining.compare import Side, compare
from ovreport.combining.trend import combine
from ovreport.run import Cell, ModelFile, Run
from ovreport.runfile import read_run


@pytest.fixture
def elsewhere(report: Path, run: Run, tmp_path: Path) -> Path:
    """Return a copy of the run file, as if from another machine with another OpenVINO."""
    text = report.with_suffix(".jsonl").read_text()
    here = run.header.environment
    for was, now in (
        (f'"cpu":"{here.cpu}"', '"cpu":"Another <b>CPU</b>"'),
        (here.openvino, "2025.4"),
    ):
        text = text.replace(was, now)
    path = tmp_path / "elsewhere.jsonl"
    path.write_text(text)
    return path


def test_a_run_and_itself_are_compared_version_by_version(run: Run) -> None:
    both = compare(Side("base", "a", run), Side("candidate", "b", run))
    assert both.versions == (
        ("squeezenet · parent", "base"), ("squeezenet · parent", "candidate"),
        ("squeezenet · optimized", "base"), ("squeezenet · optimized", "candidate"),
    )  # fmt: skip
    assert len(both.done) == 2 * len(run.done)
    ((a, b), *_) = both.pairs("squeezenet · parent", "base", "candidate")
    assert a.launches == b.launches
    assert b.cell.id in a.interleaved_with


def test_any_two_configurations_can_be_compared(run: Run) -> None:
    base = Side("base", "a", run, {"version": "parent", "hint": "latency"})
    candidate = Side("candidate", "b", run, {"version": "optimized", "hint": "throughput"})
    both = compare(base, candidate)
    assert both.versions == (
        ("squeezenet", "parent (base)"), ("squeezenet", "optimized (candidate)"),
    )  # fmt: skip
    assert [c.hint for c in both.header.plan] == ["latency", "throughput"]
    assert len(both.header.paired) == 1


def test_other_differences_are_listed_and_the_report_can_be_read_again(
    report: Path, elsewhere: Path, tmp_path: Path
) -> None:
    target, again = tmp_path / "compare.html", tmp_path / "again.html"
    summary = tmp_path / "summary.md"
    arguments = ("-o", target, "--markdown", summary)
    assert ovreport("compare", report, elsewhere, *arguments).exit_code == 0
    head = summary.read_text().split("###")[0]
    assert "Not measured side by side." in head
    assert "OpenVINO 2025.4" in head
    page = target.read_text()
    assert "not measured side by side" in page
    heads = re.findall(r'<p class="meta">(.*?)</p>', page)
    assert [head.partition(":")[0] for head in heads] == ["Base", "Candidate"]
    assert "OpenVINO 2025.4" in heads[1]
    assert "Another &lt;b&gt;CPU&lt;/b&gt;" in page
    assert "<b>CPU</b>" not in page
    assert "could not be made" not in page
    assert read_run(target).header.made == "compare"
    assert ovreport("render", target, "-o", again).exit_code == 0
    assert again.read_bytes() == target.read_bytes()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--base", "device=GPU"), "no cell has device=GPU"),
        (("--base", "color=red"), "'color' is not one of"),
        (("--candidate", "version"), "is not KEY=VALUE"),
        (("--base", "hint=latency"), "more than one cell fits"),
        (("--config", "no-such.toml"), "cannot be read"),
        (("-o", "/proc/nowhere/compare.html"), "cannot be written"),
    ],
)
def test_wrong_input_is_explained_in_one_sentence(
    words: tuple[str, ...], message: str, report: Path, tmp_path: Path
) -> None:
    target = tmp_path / "compare.html"
    result = ovreport("compare", report, report, "-o", target, *words)
    assert result.exit_code == 2
    assert message in result.stderr
    assert not target.exists()


def test_runs_with_nothing_in_common_are_refused(report: Path, tmp_path: Path) -> None:
    text = report.with_suffix(".jsonl").read_text()
    other = tmp_path / "other.jsonl"
    other.write_text(text.replace('"device":"CPU"', '"device":"GPU"'))
    result = ovreport("compare", report, other)
    assert result.exit_code == 2
    assert "device is CPU in one and GPU in the other" in result.stderr
    assert "--base device=CPU --candidate device=GPU" in result.stderr


@pytest.mark.slow
def test_a_file_name_that_is_not_utf8_is_shown_as_far_as_possible(tmp_path: Path) -> None:
    data = Path(__file__).with_name("data") / "versions.jsonl"
    file = tmp_path / os.fsdecode(b"r\xff.jsonl")
    file.write_bytes(data.read_bytes())
    target = tmp_path / os.fsdecode(b"c\xff.html")
    arguments = ("--base", "version=parent", "--candidate", "version=int8")
    result = ovreport("compare", file, file, *arguments, "-o", target)
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (
        0,
        f"Report:   {tmp_path}/c�.html",
    )
    assert read_run(target).header.origins[0].file == str(tmp_path / "r�.jsonl")


@pytest.mark.parametrize(
    "names",
    [
        pytest.param([f"{'m' * 150}{n}{'m' * 150}" for n in range(3)], id="long and alike"),
        pytest.param(["a", "a · parent", "a · optimized"], id="as comparisons name models"),
    ],
)
def test_each_pair_has_a_row_with_any_names(names: list[str], run: Run) -> None:
    def named(item: Cell | ModelFile, name: str) -> Any:
        return item.model_copy(update={"model": name, "version": f"{name}{item.version}"})

    header = run.header.model_copy(
        update={
            "models": tuple(named(file, name) for name in names for file in run.header.models),
            "plan": tuple(named(cell, name) for name in names for cell in run.header.plan),
        }
    )
    results = tuple(
        result.model_copy(update={"cell": named(result.cell, name)})
        for name in names
        for result in run.results
    )
    several = replace(run, header=header, results=results, answers=(), recordings=())
    both = compare(Side("base", "a", several), Side("candidate", "b", several))
    assert len({cell.id for cell in both.header.plan}) == 2 * len(results)
    assert len(both.results) == 2 * len(results)
    trend = combine([("a", several), ("b", several)])
    assert len({cell.id for cell in trend.header.plan}) == 2 * len(results)
