"""Launches that compile and launches that load from the device's cache are two figures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from builders import cell_result, run_of
from conftest import ovreport

from ovreport.computed.criteria import Criterion, criteria, figure_of
from ovreport.computed.figures import figures
from ovreport.config.schema import Compare
from ovreport.run import Cell, CellResult
from ovreport.runfile import read_run


def launched(version: str, *launches: tuple[int, bool | None]) -> CellResult:
    """Return a cell whose launches took these ms to compile, or to load from a cache."""
    made = cell_result(Cell(model="net", version=version), 5)
    (launch,) = made.launches
    changed = tuple(
        launch.model_copy(update={"compile_ns": ms * 10**6, "from_cache": cached})
        for ms, cached in launches
    )
    return made.model_copy(update={"launches": changed})


def compared(a: CellResult, b: CellResult) -> dict[str, Criterion]:
    return {c.name: c for c in criteria(run_of([a, b]), a, b, Compare())}


def test_compile_times_contain_no_load_times() -> None:
    cell_figures = figures(launched("parent", (400, False), (30, True), (32, True)))
    assert cell_figures.compile_s is not None
    assert cell_figures.cached_compile_s is not None
    assert cell_figures.compile_s.point == pytest.approx(0.4)
    assert cell_figures.cached_compile_s.point == pytest.approx(0.031)


def test_launches_without_a_record_count_as_compiled() -> None:
    cell_figures = figures(launched("parent", (400, None), (420, None)))
    assert cell_figures.compile_s is not None
    assert cell_figures.compile_s.point == pytest.approx(0.41)
    assert cell_figures.cached_compile_s is None


def test_a_cached_version_is_not_faster_than_one_that_compiles() -> None:
    cached = launched("parent", (30, True), (31, True), (32, True))
    fresh = launched("new", (400, False), (410, False), (420, False))
    assert (
        not {"compile", "cached_compile", "first_inference", "memory"}
        & compared(cached, fresh).keys()
    )
    assert "throughput" in compared(cached, fresh)
    run = run_of([cached, fresh])
    assert figure_of(run, cached, "compile") is None
    assert figure_of(run, fresh, "cached_compile") is None


def test_launches_that_started_in_the_same_way_are_compared() -> None:
    mixed = launched("parent", (400, False), (30, True), (32, True))
    other = launched("new", (800, False), (60, True), (64, True))
    verdicts = compared(mixed, other)
    assert verdicts["compile"].ratio.point == pytest.approx(2)
    assert verdicts["cached_compile"].ratio.point == pytest.approx(2)
    assert verdicts["cached_compile"].a.point == pytest.approx(0.031)
    assert verdicts["compile"].verdict == "inconclusive"  # one launch each
    assert verdicts["cached_compile"].verdict == "slower"


@pytest.mark.measures
def test_loading_from_a_real_cache_is_distinguished_from_compiling(
    tmp_path: Path, squeezenet: Path
) -> None:
    (tmp_path / "c.toml").write_text(
        f"""
        model = [ {{ name = "net", path = '{squeezenet}' }} ]
        matrix = {{ hint = ["latency"] }}
        measure = {{ iterations = 3, launches = 3, profile_iterations = 0, roofs = false }}
        outputs = {{ compare = false }}
        [properties.CPU]
        CACHE_DIR = '{tmp_path / "cache"}'
        """
    )
    report = tmp_path / "r.html"
    assert ovreport("run", tmp_path / "c.toml", "-o", report).exit_code == 0
    (measured,) = read_run(report.with_suffix(".jsonl")).done
    assert [launch.from_cache for launch in measured.launches] == [False, True, True]
    (cell,) = json.loads(ovreport("export", report, "--json", "-").output)["cells"]
    assert cell["compile_ms"]["point"] == measured.launches[0].compile_ns / 1e6
    loaded = [launch.compile_ns / 1e6 for launch in measured.launches[1:]]
    assert cell["cached_compile_ms"]["point"] == pytest.approx(sum(loaded) / 2)


@pytest.mark.measures
def test_an_absolute_limit_says_what_was_not_measured(tmp_path: Path, squeezenet: Path) -> None:
    arguments = ["--hint", "latency", "--iterations", 3, "--no-roofs", "-o", tmp_path / "r.html"]
    done = ovreport("run", squeezenet, *arguments, "--fail-on", "cached_compile>1ms")
    assert "no launch loaded the model from the device's cache" in " ".join(done.output.split())
    assert done.exit_code == 0
