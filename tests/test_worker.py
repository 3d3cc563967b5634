"""Workers fail alone, with a reason a person understands."""

import os
import signal
import sys
from pathlib import Path

import pytest

from ovreport.measuring import session
from ovreport.measuring.session import WorkerError, WorkerSession, cause

PYTHON = Path(sys.executable)


def test_a_killed_worker_is_named_by_its_signal() -> None:
    with WorkerSession(PYTHON) as worker:
        worker.ask("start", 60, "devices")
        os.kill(worker.pid, signal.SIGSEGV)
        with pytest.raises(WorkerError, match="SIGSEGV"):
            worker.ask("inference", 10, "devices")


def test_a_worker_that_takes_too_long_is_stopped(squeezenet: Path) -> None:
    with WorkerSession(PYTHON) as worker, pytest.raises(WorkerError, match="took longer than"):
        worker.ask("read", 0.01, "inspect", path=str(squeezenet))


def test_a_worker_over_its_memory_limit_is_stopped(squeezenet: Path) -> None:
    with (
        WorkerSession(PYTHON, memory_limit_bytes=1 << 20) as worker,
        pytest.raises(WorkerError, match="over the limit of 1 MiB"),
    ):
        worker.ask("read", 60, "inspect", path=str(squeezenet))


def test_garbage_is_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "worker.py"
    script.write_text("print('hello', flush=True); input()")
    monkeypatch.setattr(session, "WORKER", script)
    with WorkerSession(PYTHON) as worker, pytest.raises(WorkerError, match="no proper answer"):
        worker.ask("start", 10, "devices")


def test_the_cause_is_found_among_places() -> None:
    text = (
        "Exception from src/inference/src/cpp/core.cpp:117:\n"
        "Exception from src/plugins/intel_cpu/src/config.cpp:505:\n"
        "NotFound: Unsupported property FOO by CPU plugin.\n\n"
    )
    assert cause(text) == "Unsupported property FOO by CPU plugin."
