"""The workflow for GitHub Actions: its steps are run as a runner does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import tiny_model

from ovreport.runfile import read_run

pytestmark = pytest.mark.measures

yaml = pytest.importorskip("yaml")

WORKFLOW = Path(__file__).parents[1] / "samples/ci/github-actions.yml"

CONFIG = """
model = [
    { name = "tiny", version = "parent", path = "../base/models/model.onnx" },
    { name = "tiny", version = "optimized", path = "../models/model.onnx" },
]
matrix = { hint = "latency" }
measure = { duration = 0.4, launches = 1, profile_iterations = 2, roofs = false }
report = { analyzers = ["versions"] }
"""


def steps() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load(WORKFLOW.read_text())["jobs"]["speed"]["steps"]
    return found


def named(name: str) -> str:
    return str(next(step["run"] for step in steps() if step.get("name") == name))


def shell(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a script as the runner does: ``bash -e``, with a file for the summary."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "GITHUB_STEP_SUMMARY": str(folder / "posted.md")}
    arguments = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
    return subprocess.run(
        arguments, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Make the result of both checkouts: the pull request's tree with the base branch's below."""
    for place in ("models", "base/models", "bench"):
        (tmp_path / place).mkdir(parents=True)
    tiny_model(tmp_path / "base/models/model.onnx", 1)
    tiny_model(tmp_path / "models/model.onnx", 2)
    (tmp_path / "bench/speed.toml").write_text(CONFIG)
    return tmp_path


def test_the_workflow_measures_checks_limits_and_posts(repository: Path) -> None:
    measured = shell(named("Measure"), repository)
    # The test does not depend on whether limits are kept: 3 means that they were checked.
    assert measured.returncode in (0, 3), measured.stderr
    assert shell(named("Post the summary"), repository).returncode == 0
    assert (repository / "posted.md").read_text().startswith("## tiny")
    (kept,) = (s["with"]["path"].split() for s in steps() if "upload-artifact" in s.get("uses", ""))
    assert all((repository / name).stat().st_size for name in kept)
    assert len(read_run(repository / "report.html").done) == 2


def test_a_broken_limit_fails_the_step_and_the_results_are_still_posted(repository: Path) -> None:
    broken = shell(named("Measure").strip() + " --fail-on 'size>1B'", repository)
    assert broken.returncode == 3
    assert "Broken: size>1B" in broken.stderr
    assert "❌" in (repository / "summary.md").read_text()
    always = [step.get("if", "") for step in steps() if step.get("name") != "Measure"][-2:]
    assert all("always()" in condition for condition in always)


def test_actions_are_pinned_and_the_token_can_only_read() -> None:
    workflow = yaml.safe_load(WORKFLOW.read_text())
    assert workflow["permissions"] == {"contents": "read"}
    used = [step["uses"] for step in steps() if "uses" in step]
    assert used
    assert all(name.startswith("actions/") and "@v" in name for name in used)
