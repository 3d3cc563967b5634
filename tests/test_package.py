"""The built and installed package works outside the checkout, with templates and plugins."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PARTS = ("ovreport", "plugins", "templates")
INSTALLED = ("ovreport", "ovreport_plugins", "ovreport_templates")


@pytest.mark.measures
def test_a_wheel_alone_measures_and_reports(squeezenet: Path, tmp_path: Path) -> None:
    source, site = tmp_path / "source", tmp_path / "site"
    for part in PARTS:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / part, source / part, ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    pip = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-deps",
        "-w",
        str(tmp_path),
        str(source),
    ]
    subprocess.run(pip, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("ovreport-*.whl")
    zipfile.ZipFile(wheel).extractall(site)
    # Each package separately: an installed checkout would provide missing files.
    for part, installed in zip(PARTS, INSTALLED, strict=True):
        modules = {path.relative_to(source / part) for path in (source / part).rglob("*.py")}
        assert modules == {
            path.relative_to(site / installed) for path in (site / installed).rglob("*.py")
        }

    def run(*words: object) -> str:
        """Run a command in an empty folder; the wheel comes first in the import path."""
        return subprocess.run(
            [sys.executable, *map(str, words)],
            env={**os.environ, "PYTHONPATH": str(site)},
            cwd=tmp_path,
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    where = "import ovreport, ovreport_plugins; print(ovreport.__file__, ovreport_plugins.__file__)"
    assert all(Path(path).is_relative_to(site) for path in run("-c", where).split())
    run("-m", "ovreport", "run", squeezenet, "--duration", "0.3", "--no-roofs", "--hint", "latency")
    report = (tmp_path / "report.html").read_text()
    assert "Bottlenecks" in report
    assert "could not be made" not in report
