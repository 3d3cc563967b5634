"""The Python API: use cases return results, raise errors, and print nothing."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from ovreport.errors import UserError
from ovreport.pipeline import (
    CellDone,
    Event,
    GateChecked,
    Limits,
    ReportWritten,
    Silent,
    Warned,
    compare,
    export,
    plan,
    render,
    run,
    trend,
)
from ovreport.run import Run
from ovreport.runfile import read_run

DATA = Path(__file__).with_name("data") / "versions.jsonl"
DOCS = (Path(__file__).parents[1] / "docs" / "api.md").read_text(encoding="utf-8")
EXAMPLES = dict(re.findall(r"^## ([^\n]+)\n(?:(?!^## ).)*?```python\n(.*?)```", DOCS, re.M | re.S))


class Recorder(Silent):
    """A display that keeps all events."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def show(self, event: Event) -> None:
        self.events.append(event)


@pytest.fixture(autouse=True)
def prints_nothing(
    request: pytest.FixtureRequest, capfd: pytest.CaptureFixture[str]
) -> Iterator[None]:
    yield
    if "example" not in request.fixturenames:
        assert capfd.readouterr() == ("", "")


@pytest.fixture
def before(tmp_path: Path) -> Path:
    """Return a recorded run of three versions of a model."""
    file = tmp_path / "before.jsonl"
    file.write_bytes(DATA.read_bytes())
    return file


@pytest.fixture
def after(tmp_path: Path) -> Path:
    """Return the same run, made a year later."""
    file, text = tmp_path / "after.jsonl", DATA.read_text()
    later = re.sub(r'("created":")(\d+)', lambda found: f"{found[1]}{int(found[2]) + 1}", text)
    file.write_text(later)
    return file


@pytest.mark.slow
def test_a_report_is_rendered_and_holds_its_run(after: Path, tmp_path: Path) -> None:
    rendered = render(after, tmp_path / "report.html")
    assert rendered.report == tmp_path / "report.html"
    assert read_run(rendered.report).header == rendered.run.header == read_run(after).header
    with pytest.raises(FrozenInstanceError):
        rendered.report = tmp_path  # type: ignore[misc]


@pytest.mark.slow
def test_a_redacted_report_returns_the_redacted_run(after: Path, tmp_path: Path) -> None:
    host = read_run(after).header.environment.host
    rendered = render(after, tmp_path / "report.html", redact=True)
    assert host
    assert rendered.run.header.environment.host != host


@pytest.mark.slow
def test_a_broken_limit_is_returned_and_its_files_are_written(
    before: Path, after: Path, tmp_path: Path
) -> None:
    limits = Limits(rules=("p95>0.001ms",), junit=tmp_path / "j.xml", markdown=tmp_path / "m.md")
    shown = Recorder()
    compared = compare(before, after, tmp_path / "c.html", limits=limits, display=shown)
    assert compared.is_broken
    assert {outcome.status for outcome in compared.gate.outcomes} == {"broken"}
    assert "p95" in (tmp_path / "j.xml").read_text()
    assert "p95" in (tmp_path / "m.md").read_text()
    assert [type(event) for event in shown.events] == [ReportWritten, GateChecked]
    assert read_run(compared.report).header.renamed == compared.run.header.renamed


@pytest.mark.slow
def test_an_inconclusive_limit_breaks_only_if_it_counts_as_broken(
    before: Path, after: Path, tmp_path: Path
) -> None:
    rules = ("throughput<-5%",)
    cells = {"base_cells": {"version": "parent"}, "candidate_cells": {"version": "int8"}}
    outcomes = [
        compare(before, after, tmp_path / "c.html", limits=Limits(rules, counts), **cells)  # type: ignore[arg-type]
        for counts in (None, "fail")
    ]
    assert [outcome.gate.count("inconclusive") for outcome in outcomes] == [1, 1]
    assert [outcome.is_broken for outcome in outcomes] == [False, True]


def test_wrong_input_raises_before_anything_is_written(before: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.html"
    with pytest.raises(UserError, match="no cell has version=none"):
        compare(before, before, target, base_cells={"version": "none"})
    with pytest.raises(UserError, match="cannot be read"):
        render(tmp_path / "none.jsonl", target)
    with pytest.raises(UserError, match="nothing to export"):
        export(before)
    assert not target.exists()


def test_the_warning_about_a_repeated_run_is_shown_even_if_the_trend_fails(
    before: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.jsonl"
    copy.write_bytes(before.read_bytes())
    shown = Recorder()
    with pytest.raises(UserError, match="two runs"):
        trend([before, copy], tmp_path / "trend.html", display=shown)
    assert [type(event) for event in shown.events] == [Warned]


def test_a_trend_holds_all_runs(before: Path, after: Path, tmp_path: Path) -> None:
    followed = trend([after, before], tmp_path / "trend.html")
    years = [origin.header.created[:4] for origin in followed.run.header.origins]
    assert years == sorted(years)
    assert len(set(years)) == 2


def test_an_export_names_all_files_that_it_wrote(before: Path, tmp_path: Path) -> None:
    document = io.StringIO()
    written = export(
        before,
        json=document,
        csv=tmp_path / "csv",
        workbench_csv=tmp_path / "workbench",
        graphs=tmp_path / "graphs",
        graph_format="dot",
    )
    there = {path for path in tmp_path.glob("*/*") if path.is_file()}
    assert there == set(written.files)
    assert len(json.loads(document.getvalue())["cells"]) == len(read_run(before).results)


def settings(**measure: object) -> dict[str, dict[str, object]]:
    quick = {"duration": 0.1, "launches": 1, "roofs": False, "profile_iterations": 0}
    return {"matrix": {"hint": ["latency"]}, "measure": {**quick, **measure}}


def wall_times(run: Run) -> list[int]:
    return [measured_slice.wall_ns for result in run.done for measured_slice in result.slices]


@pytest.mark.measures
def test_a_run_of_a_dictionary_is_measured_shown_and_returned(
    squeezenet: Path, tmp_path: Path
) -> None:
    shown = Recorder()
    measured = run(
        {"model": [{"name": "net", "path": str(squeezenet)}]},
        tmp_path / "report.html",
        settings=settings(),
        limits=Limits(rules=("p95>0.001ms",), inconclusive="fail"),
        display=shown,
    )
    assert measured.is_complete
    assert measured.is_broken
    assert measured.run_file == tmp_path / "report.jsonl"
    assert wall_times(read_run(measured.report)) == wall_times(measured.run) != []
    kinds = list(dict.fromkeys(type(event).__name__ for event in shown.events))
    assert kinds == [
        "Planned", "PassStarted", "CellStarted", "SliceDone", "CellDone", "KeepingOutputs",
        "ReportWritten", "GateChecked",
    ]  # fmt: skip
    with pytest.raises(UserError, match="is also an input"):
        run(squeezenet, squeezenet, settings=settings())

    again = Recorder()
    continued = run(
        {"model": [{"name": "net", "path": str(squeezenet)}]},
        tmp_path / "again.html",
        settings=settings(),
        resume=measured.run_file,
        display=again,
    )
    assert wall_times(continued.run) == wall_times(measured.run)
    assert CellDone not in {type(event) for event in again.events}


@pytest.mark.measures
def test_a_plan_names_the_cells_and_writes_nothing(squeezenet: Path, tmp_path: Path) -> None:
    values = {**settings(), "matrix": {"hint": ["latency"], "batch": [1, 2]}}
    planned = plan(squeezenet, tmp_path / "report.html", settings=values)
    assert [item.cell.batch for item in planned.cells] == [1, 2]
    assert not list(tmp_path.iterdir())


def test_a_wrong_dictionary_is_refused_by_its_key(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="config: `model` is missing"):
        run({"modell": []}, tmp_path / "report.html")


@pytest.mark.parametrize(
    "example",
    [
        pytest.param(name, marks=pytest.mark.measures if name == "Run" else pytest.mark.slow)
        for name in EXAMPLES
    ],
)
@pytest.mark.usefixtures("before", "after")
def test_examples_of_the_docs_work(example: str, tmp_path: Path) -> None:
    command = [sys.executable, "-c", EXAMPLES[example]]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


def test_importing_the_pipeline_loads_no_heavy_package() -> None:
    heavy = ("numpy", "pydantic", "rich", "jinja2", "matplotlib", "openvino")
    program = f"import sys, ovreport.pipeline; print([m for m in {heavy} if m in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", program], text=True).strip() == "[]"
