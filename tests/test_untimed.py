"""A cell whose layers could not be timed: where and how this is reported."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import Result
from conftest import ovreport

from ovreport.run import Run
from ovreport.runfile import read_run

pytestmark = pytest.mark.measures


def measured(folder: Path, model: Path, limit_mib: int | None) -> tuple[Result, Path]:
    limit = f", memory_limit_mib = {limit_mib}" if limit_mib else ""
    (folder / "config.toml").write_text(
        f"""
        model = [ {{ name = "net", path = '{model}' }} ]
        matrix = {{ hint = ["latency"] }}
        measure = {{ iterations = 3, launches = 1, profile_iterations = 3, roofs = false{limit} }}
        outputs = {{ compare = false }}
        """
    )
    report = folder / "report.html"
    return ovreport("run", folder / "config.toml", "-o", report), report


@pytest.fixture(scope="module")
def untimed(tmp_path_factory: pytest.TempPathFactory, squeezenet: Path) -> tuple[Result, Path]:
    """Profiling needs the Python API, and more memory than measuring by the C API."""
    folder = tmp_path_factory.mktemp("untimed")
    done, report = measured(folder, squeezenet, None)
    assert done.exit_code == 0, done.output
    (result,) = read_run(report.with_suffix(".jsonl")).done
    (launch,) = result.launches
    memory = launch.memory
    peak = max(memory.read_bytes, memory.compile_bytes, memory.inference_bytes)
    return measured(folder, squeezenet, (peak >> 20) + 4)


@pytest.fixture
def run(untimed: tuple[Result, Path]) -> Run:
    return read_run(untimed[1].with_suffix(".jsonl"))


def test_a_cell_is_measured_although_its_profiling_fails(run: Run) -> None:
    (result,) = run.untimed
    assert result.profile_failure is not None
    assert "over the limit" in result.profile_failure.reason
    assert result.ok
    assert result.profile is None


def test_the_console_reports_failed_profiling_and_the_exit_code_is_1(
    untimed: tuple[Result, Path],
) -> None:
    done, _ = untimed
    assert done.exit_code == 1
    text = " ".join(done.output.split())
    assert "its layers could not be timed: used" in text
    assert "No layer times: latency hint: used" in text


def test_the_page_names_the_cell_and_the_true_reason(untimed: tuple[Result, Path]) -> None:
    page = untimed[1].read_text(encoding="utf-8")
    assert "1 cell without layer times" in page
    (skipped,) = re.findall('<p class="skipped">There are no layer times: (.*?)</p>', page)
    assert skipped.startswith("the profiling pass failed: used")
    assert "over the limit of" in skipped
    assert "no cell was profiled" not in page


def test_exports_contain_the_reason(untimed: tuple[Result, Path]) -> None:
    done = ovreport("export", untimed[1], "--json", "-")
    (cell,) = json.loads(done.output)["cells"]
    assert "over the limit" in cell["profile_failure"]


def test_the_report_says_that_profiling_was_off(tmp_path: Path, squeezenet: Path) -> None:
    arguments = ["--hint", "latency", "--iterations", 3, "--no-roofs", "-o", tmp_path / "r.html"]
    config = tmp_path / "c.toml"
    config.write_text(
        f"""
        model = [ {{ name = "net", path = '{squeezenet}' }} ]
        measure = {{ profile_iterations = 0, launches = 1 }}
        """
    )
    assert ovreport("run", config, *arguments).exit_code == 0
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "There are no layer times: profiling was switched off" in page
