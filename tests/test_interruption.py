"""Ended runs: they leave nothing behind and print no traceback."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from ovreport.measuring.scratch import scratch_folder

PROGRAM = (sys.executable, "-m", "ovreport")
RUN = Path(__file__).with_name("data") / "bottlenecks.jsonl"


def started(
    model: Path,
    folder: Path,
    *prefix: str,
    stdin: int | None = None,
    stdout: int = subprocess.DEVNULL,
    stderr: int = subprocess.PIPE,
) -> subprocess.Popen[str]:
    """Start a run and wait until it measures: its run file exists."""
    temporary = folder / "temporary"
    temporary.mkdir(exist_ok=True)
    process: subprocess.Popen[str] = subprocess.Popen(
        [*prefix, *PROGRAM, "run", str(model), "--duration", "1", "--no-roofs"],
        cwd=folder,
        text=True,
        env={**os.environ, "TMPDIR": str(temporary)},
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
    )
    while not (folder / "report.jsonl").exists():
        assert process.poll() is None
        time.sleep(0.02)
    return process


def left(folder: Path) -> Sequence[Path]:
    return list((folder / "temporary").iterdir())


@pytest.mark.measures
@pytest.mark.parametrize("pause_s", [0.0, 0.02, 0.1, 0.3])
def test_a_second_ctrl_c_prints_no_traceback(
    pause_s: float, squeezenet: Path, tmp_path: Path
) -> None:
    with started(squeezenet, tmp_path) as process:
        process.send_signal(signal.SIGINT)
        time.sleep(pause_s)
        process.send_signal(signal.SIGINT)
        printed = process.communicate(timeout=60)[1]
    assert process.returncode in (130, -signal.SIGINT)
    assert "Traceback" not in printed
    assert left(tmp_path) == []


@pytest.mark.measures
@pytest.mark.parametrize("pause_s", [0, 0.1, 0.2])
def test_ctrl_c_while_the_program_loads_prints_no_traceback(pause_s: float) -> None:
    with subprocess.Popen([*PROGRAM, "analyzers"], stderr=subprocess.PIPE, text=True) as process:
        # Before that, Python itself is starting, and its output is not ours.
        while "pydantic_core" not in Path(f"/proc/{process.pid}/maps").read_text():
            time.sleep(0.01)
        time.sleep(pause_s)
        process.send_signal(signal.SIGINT)
        printed = process.communicate(timeout=60)[1]
    assert process.returncode in (0, 130, -signal.SIGINT)
    assert "Traceback" not in printed


@pytest.mark.measures
def test_a_closed_terminal_ends_a_run_in_order(squeezenet: Path, tmp_path: Path) -> None:
    """The run can no longer print anything."""
    ours, terminal = pty.openpty()
    with started(squeezenet, tmp_path, "setsid", "--ctty", stdin=terminal, stderr=terminal) as run:
        os.close(terminal)
        os.close(ours)
        assert run.wait(timeout=60) == 129
    assert left(tmp_path) == []
    assert (tmp_path / "report.jsonl").exists()


@pytest.mark.measures
def test_a_run_with_nohup_continues_without_its_terminal(squeezenet: Path, tmp_path: Path) -> None:
    with started(squeezenet, tmp_path, "nohup") as process:
        process.send_signal(signal.SIGHUP)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=0.5)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == 130


@pytest.mark.measures
def test_the_next_run_removes_folders_of_a_killed_run(
    squeezenet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with started(squeezenet, tmp_path) as process:
        process.kill()
    (abandoned,) = left(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    with scratch_folder() as first:
        assert not abandoned.exists()
        with scratch_folder() as second:
            assert {*left(tmp_path)} == {first, second}
    assert left(tmp_path) == []


def test_folders_of_other_programs_are_not_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    names = ("ovreport-scratch-of-mine", "ovreport-scratch-abcdefgh", "ovreport-results")
    for name in names:
        (tmp_path / name).mkdir()
    (tmp_path / names[0] / "in-use.lock").touch()
    with scratch_folder():
        pass
    assert {path.name for path in tmp_path.iterdir()} == {*names}


@pytest.mark.measures
def test_drawing_leaves_no_folder_where_matplotlib_makes_one(tmp_path: Path) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    nowhere = dict.fromkeys(("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"), "/proc/nowhere")
    subprocess.run(
        [*PROGRAM, "render", str(RUN), "-o", str(tmp_path / "report.html")],
        env={**os.environ, **nowhere, "TMPDIR": str(temporary)},
        check=True,
    )
    assert left(tmp_path) == []
