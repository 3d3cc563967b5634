"""Cells of a group are measured in balanced turns."""

from itertools import pairwise
from pathlib import Path

from conftest import ovreport, tiny_model

from ovreport.runfile import read_run

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
        (one.start_ns, result.cell.id)
        for result in run.done
        for launch in result.launches
        for one in launch.slices
        if not one.warmup
    )
    order = [id for _, id in starts]
    rounds = [order[at : at + 4] for at in range(0, len(order), 4)]
    assert len(rounds) > 4
    assert all(len(set(turn)) == 4 for turn in rounds)
    # Every second round is the reverse of the one before it.
    mirrored = [there == back[::-1] for there, back in pairwise(rounds)]
    assert all(mirrored[::2])
