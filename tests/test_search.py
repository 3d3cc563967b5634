"""A search finds the best cell of the whole grid from few cells, and reports its steps."""

import itertools
from math import log2
from pathlib import Path

import pytest
from builders import cell_result
from conftest import ovreport, tiny_model
from hypothesis import given, settings
from hypothesis import strategies as st

from ovreport.config.load import validate
from ovreport.planning.coordinate_search import Grid, GridPoint, PointResult, path, point_label
from ovreport.planning.matrix import expand
from ovreport.planning.search import Search, searches
from ovreport.run import Cell, Run
from ovreport.runfile import read_run
from ovreport.stats.estimate import Estimate

GRID = Grid((1, 2, 3, 4, 6, 8), (1, 2, 4, 8, 16, 32))


def surface(
    cores: int, scaling: float, best_batch: float, gain: float
) -> dict[GridPoint, PointResult]:
    """Return throughput that grows with streams up to the cores and peaks at some batch."""
    found = {}
    for streams, batch in itertools.product(GRID.streams, GRID.batches):
        along_streams = min(streams, cores) ** scaling - 0.02 * max(0, streams - cores)
        along_batches = 1 + gain * (1 - abs(log2(batch) - best_batch) / 5)
        fps = 100 * along_streams * along_batches
        found[streams, batch] = PointResult(Estimate.exact(fps), streams * batch / fps, streams)
    return found


@given(
    st.integers(1, 8),
    st.floats(0.5, 1),
    st.floats(0, 5),
    st.floats(0, 0.5),
    st.none() | st.floats(0.02, 0.5),
)
@settings(deadline=None)
def test_a_search_finds_the_only_maximum(
    cores: int, scaling: float, best_batch: float, gain: float, threshold: float | None
) -> None:
    all_points = surface(cores, scaling, best_batch, gain)
    found = path(GRID, GRID.nearest(cores, 1), threshold, all_points, GRID.budget)

    def best(points: "list[GridPoint]") -> float:
        within = [
            all_points[p]
            for p in points
            if threshold is None or all_points[p].latency_s <= threshold
        ]
        return max((outcome.throughput_fps.point for outcome in within), default=0)

    points = [trial.point for trial in found.trials]
    assert len(points) == len(set(points)) <= GRID.size / 3
    assert found.end
    assert best(points) >= 0.98 * best([*all_points])


def test_a_search_path_stops_at_unmeasured_cells_and_is_reproducible() -> None:
    points = surface(4, 0.9, 2, 0.3)
    whole = path(GRID, (4, 1), None, points, GRID.budget)
    so_far: dict[GridPoint, PointResult | None] = {}
    for number, trial in enumerate(whole.trials, 1):
        part = path(GRID, (4, 1), None, so_far, GRID.budget)
        assert part.trials == whole.trials[:number]
        assert not part.end
        so_far[trial.point] = points[trial.point]


def test_failed_points_and_too_many_streams_reverse_the_search() -> None:
    known: dict[GridPoint, PointResult | None] = {**surface(8, 1, 0, 0.2)}
    for (streams, batch), outcome in known.items():
        assert outcome is not None
        if batch > 1:
            known[streams, batch] = None
        elif streams > 3:
            known[streams, batch] = PointResult(outcome.throughput_fps, outcome.latency_s, 3)
    points = [trial.point for trial in path(GRID, (2, 1), None, known, GRID.budget).trials]
    assert points == [(2, 1), (3, 1), (4, 1), (3, 2)]
    assert point_label((1, 4)) == "1 stream, batch 4"


def search_of(**matrix: object) -> Search:
    """Return the only search of a config with two versions."""
    grid = {"hint": "throughput", "search": True, "streams": [1, 2, 4]}
    models = [{"name": "net", "version": v, "path": f"{v}.onnx"} for v in ("parent", "int8")]
    config = validate({"model": models, "matrix": {**grid, **matrix}}, "c.toml")
    (search,) = searches(config, expand(config, "c.toml"))
    return search


def test_a_search_measures_every_point_for_all_versions_and_reports_its_steps() -> None:
    search = search_of(batch=[1, 2])
    assert [start.version for start in search.starts] == ["parent", "int8"]
    # The device chooses one stream and batch 1, and is fastest with 4 streams and batch 2.
    results = {start.id: cell_result(start, 4) for start in search.starts}
    assert search.steps({})[1] == ()
    asked: list[tuple[object, object]] = []
    while True:
        steps, wanted = search.steps(results)
        if not wanted:
            break
        assert [cell.version for cell in wanted] == ["parent", "int8"]
        assert len({(cell.streams, cell.batch) for cell in wanted}) == 1
        asked.append((wanted[0].streams, wanted[0].batch))
        for cell in wanted:
            assert isinstance(cell.streams, int)
            assert cell.batch is not None
            results[cell.id] = cell_result(cell, 4, streams=cell.streams, batch=cell.batch)
    assert (4, 2) in asked
    ends = [step for step in steps if step.cell is None]
    assert [step.start for step in ends] == [start.id for start in search.starts]
    assert all(f"{len(asked) + 1} of 6 cells were tried" in step.why for step in ends)
    assert len(asked) <= search.most_cells / 2
    # A result that only one version lacks is measured for that version alone.
    *_, lost = (cell for cell in search.candidates() if cell.id in results)
    del results[lost.id]
    assert search.steps(results)[1] == (lost,)


def test_excluded_points_are_no_candidates() -> None:
    search = search_of(batch=[1, 2], exclude=[{"streams": 4, "version": "int8"}])
    points = {(cell.version, cell.streams) for cell in search.candidates()}
    assert ("parent", 4) in points
    assert ("int8", 4) not in points


def test_only_default_batches_that_a_version_cannot_take_are_left_out() -> None:
    def fits(cell: Cell) -> bool:
        return cell.version == "parent" or (cell.batch or 1) <= 4

    assert search_of().with_batches_that(fits).grid.batches == (1, 2, 4)
    assert search_of(batch=[1, 32]).with_batches_that(fits).grid.batches == (1, 32)


CONFIG = """
model = [
    { name = "tiny", version = "parent", path = "parent.onnx" },
    { name = "tiny", version = "optimized", path = "optimized.onnx" },
]
measure = { duration = 0.1, launches = 1, profile_iterations = 0, roofs = false }
matrix = { hint = "throughput", search = true, streams = 1, batch = [1, 2, 4] }
report = { analyzers = ["configurations"] }
"""


@pytest.mark.measures
def test_a_search_is_run_reported_and_resumed(tmp_path: Path) -> None:
    for version in ("parent", "optimized"):
        tiny_model(tmp_path / f"{version}.onnx", 1)
    config, target, file = (tmp_path / n for n in ("c.toml", "report.html", "report.jsonl"))
    config.write_text(CONFIG)
    arguments = ("run", config, "-o", target)
    cli_result = ovreport(*arguments)
    assert cli_result.exit_code == 0, cli_result.output
    assert "at most" in cli_result.output
    assert "Search ended" in cli_result.output
    run = read_run(file)
    assert not run.pending
    starts = {step.start for step in run.search}
    assert len(starts) == 2
    assert [step.cell for step in run.search].count(None) == 2
    # Both versions at every point, in turns.
    assert all(len(result.interleaved_with) == 1 for result in run.done)
    page = target.read_text()
    assert page.count("Steps of the search") >= 2
    assert "Over device" in page
    assert "(auto)" in page

    lines = file.read_text().splitlines(keepends=True)
    last = max(n for n, line in enumerate(lines) if line.startswith('{"kind":"cell"'))
    file.write_text("".join(lines[: last - 1]))
    again = ovreport(*arguments, "--resume", file)
    assert again.exit_code == 0, again.output
    whole = read_run(file)
    assert _compiled(read_run(target)) == _compiled(whole)
    assert not whole.pending
    lost = [item for item in _compiled(run) if item not in _compiled(whole)]
    assert len(lost) <= 2


def _compiled(run: Run) -> list[tuple[str, int]]:
    return [(result.cell.id, result.launches[0].compile_ns) for result in run.done]


def test_a_search_without_a_hint_for_throughput_is_refused(tmp_path: Path) -> None:
    tiny_model(tmp_path / "tiny.onnx", 1)
    result = ovreport("run", tmp_path / "tiny.onnx", "--search", "--hint", "latency")
    assert result.exit_code == 2
    assert "Add the hint throughput" in result.stderr
