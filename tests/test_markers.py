"""Browser tests without a browser, and tests without their marker."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

FOLDER = Path(__file__).parent
OPENS = (
    "tests/test_plugin_configurations.py::test_another_threshold_moves_the_sweet_spot_in_the_page"
)


def pytest_of(test: Path | str, *options: str, path: str = "") -> str:
    """Run pytest on a test with this search path for programs; return its output."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rs", *options, str(test)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=FOLDER.parent,
        env=os.environ | {"PATH": path, "PYTHONPATH": str(FOLDER)},
    )  # fmt: skip
    return done.stdout


def test_browser_tests_are_skipped_with_the_reason_without_a_browser() -> None:
    printed = pytest_of(OPENS)
    assert "not installed: chromium, chromedriver" in printed
    assert "1 skipped" in printed


def test_browser_tests_fail_without_a_browser_if_one_is_required() -> None:
    printed = pytest_of(OPENS, "--require-browsers")
    assert "not installed: chromium, chromedriver" in printed
    assert "1 failed" in printed or "1 error" in printed


def test_a_test_that_measures_without_its_marker_fails(tmp_path: Path) -> None:
    (tmp_path / "test_one.py").write_text(
        "import subprocess, sys\n"
        "def test_it():\n    subprocess.Popen([sys.executable, '-m', 'ovreport', 'run'])\n"
    )
    plugin = ("-p", "conftest", "--rootdir", str(tmp_path), "--confcutdir", str(tmp_path))
    printed = pytest_of(tmp_path / "test_one.py", *plugin)
    assert "mark it with @pytest.mark.measures" in printed
