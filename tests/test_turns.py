"""Cells of a group take balanced turns while they are measured and profiled."""

import os
import signal
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from conftest import ovreport, tiny_model

from ovreport.measuring import cell_state as member
from ovreport.measuring.worker_session import WorkerSession
from ovreport.run import Run, Stage
from ovreport.runfile import read_run

pytestmark = pytest.mark.measures

CONFIG = """
model = [{ name = "tiny", path = "tiny.onnx" }]
matrix = { hint = ["latency", "throughput"], batch = [1, 2] }
measure = { interleave = "model", duration = 0.4, slice = 0.05, launches = 1, roofs = false }
report = { analyzers = ["summary"] }
"""


def test_all_cells_of_a_model_take_turns_on_request(tmp_path: Path) -> None:
    tiny_model(tmp_path / "tiny.onnx", 1)
    (tmp_path / "config.toml").write_text(CONFIG)
    target = tmp_path / "report.html"
    assert ovreport("run", tmp_path / "config.toml", "-o", target).exit_code == 0
    run = read_run(target)
    assert all(len(result.interleaved_with) == 3 for result in run.done)
    starts = sorted(
        (measured_slice.start_ns, result.cell.id)
        for result in run.done
        for launch in result.launches
        for measured_slice in launch.slices
        if not measured_slice.warmup
    )
    order = [id for _, id in starts]
    rounds = [order[at : at + 4] for at in range(0, len(order), 4)]
    assert len(rounds) > 4
    assert all(len(set(turn)) == 4 for turn in rounds)
    # Every second round is in reverse order.
    mirrored = [there == back[::-1] for there, back in pairwise(rounds)]
    assert all(mirrored[::2])


PASSES = """
model = [{ name = "tiny", path = "tiny.onnx" }]
matrix = { hint = "latency", batch = [1, 2, 3] }
measure = { duration = 0.3, launches = 3, roofs = false, profile_iterations = 1 }
report = { analyzers = ["summary"] }
"""


def test_groups_take_turns_so_that_launches_of_a_cell_are_spread_over_the_run(
    tmp_path: Path,
) -> None:
    tiny_model(tmp_path / "tiny.onnx", 1)
    (tmp_path / "config.toml").write_text(PASSES)
    cli_result = ovreport("run", tmp_path / "config.toml", "-o", tmp_path / "report.html")
    assert cli_result.exit_code == 0
    assert [f"Launch {number}: 3 cells" in cli_result.output for number in (1, 2, 3, 4)] == [
        True, True, True, False,
    ]  # fmt: skip
    run = read_run(tmp_path / "report.html")
    starts = sorted(
        (launch.slices[0].start_ns, result.cell.batch)
        for result in run.done
        for launch in result.launches
    )
    assert [batch for _, batch in starts] == [1, 2, 3] * 3


VERSIONS = """
model = [
    { name = "tiny", version = "parent", path = "tiny.onnx" },
    { name = "tiny", version = "again", path = "tiny.onnx" },
]
matrix = { hint = ["latency"] }
measure = { duration = 0.1, launches = 1, roofs = false, profile_iterations = 8 }
outputs = { compare = false }
report = { analyzers = ["summary"] }
"""


def measured(folder: Path, watch: Callable[[WorkerSession, str], None]) -> Run:
    """Run two versions and record all requests to their workers."""
    ask = WorkerSession.ask

    def watched(
        session: WorkerSession, stage: Stage, limit_s: float, do: str, **arguments: Any
    ) -> dict[str, Any]:
        watch(session, do)
        return ask(session, stage, limit_s, do, **arguments)

    tiny_model(folder / "tiny.onnx", 1)
    (folder / "config.toml").write_text(VERSIONS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WorkerSession, "ask", watched)
        ovreport("run", folder / "config.toml", "-o", folder / "report.html")
    return read_run(folder / "report.html")


def test_versions_are_profiled_in_turns(tmp_path: Path) -> None:
    asked: list[tuple[int, str]] = []
    run = measured(tmp_path, lambda session, do: asked.append((session.pid, do)))
    a, b = (pid for pid, do in asked if do == "begin_profile")
    passes = [(pid, do) for pid, do in asked if "profile" in do]
    assert passes[2:-2] == [(pid, "profile") for pid in (a, b, b, a, a, b)]
    assert [len(r.profile.latencies_ns) for r in run.done if r.profile] == [8, 8]


def test_a_version_that_dies_while_it_is_profiled_leaves_the_other_its_profile(
    tmp_path: Path,
) -> None:
    turns: list[int] = []

    def kill_first(session: WorkerSession, do: str) -> None:
        if do == "profile" and not turns:
            os.kill(session.pid, signal.SIGKILL)
        turns.extend([session.pid] * (do == "profile"))

    first, second = measured(tmp_path, kill_first).done
    assert first.profile is None
    assert first.profile_failure is not None
    assert "SIGKILL" in first.profile_failure.reason
    assert second.profile is not None
    assert len(second.profile.latencies_ns) == 8


def test_a_model_that_compiles_slowly_is_compiled_again_from_a_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(member, "SLOW_COMPILE_NS", 0)
    run = measured(tmp_path, lambda *_: None)
    kept = [result.model_cache for result in run.done]
    assert [cache.failure for cache in kept if cache] == ["", ""]
    assert all(cache.size_bytes for cache in kept if cache)
