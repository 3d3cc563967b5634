"""Standard output that is full, closed or ASCII does not stop the work."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

RUN = Path(__file__).with_name("data") / "bottlenecks.jsonl"


def ovreport(words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command line in a shell, whose redirections are tested."""
    return subprocess.run(
        f"{sys.executable} -m ovreport {words}", shell=True, capture_output=True, text=True,
        encoding="utf-8", check=False, env={**os.environ, **environment},
    )  # fmt: skip


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("words", ["render {run} -o {report}", "analyzers", "--help"])
def test_a_full_standard_output_is_reported_and_the_work_is_done(
    tmp_path: Path, words: str
) -> None:
    report = tmp_path / "x.html"
    done = ovreport(f"{words.format(run=RUN, report=report)} >/dev/full")
    assert done.stderr == "Standard output cannot be written: No space left on device.\n"
    assert done.returncode == 1
    assert report.exists() == words.startswith("render")


def test_a_closed_standard_output_does_not_stop_the_work(squeezenet: Path) -> None:
    done = ovreport(f"run {squeezenet} --dry-run >&-")
    assert (done.returncode, done.stderr) == (0, "")


def test_characters_that_the_output_cannot_encode_are_replaced(squeezenet: Path) -> None:
    done = ovreport(f"run {squeezenet} --dry-run", PYTHONIOENCODING="ascii")
    assert "light_squeezenet ? parent" in done.stdout
    assert (done.returncode, done.stderr) == (0, "")
