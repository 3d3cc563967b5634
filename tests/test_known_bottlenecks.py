"""A model with built-in bottlenecks, really measured: each is found and named."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from conftest import ovreport

from ovreport.run import Run
from ovreport.runfile import read_run
from ovreport.section import Finding
from ovreport_plugins.advice.analyzer import Advice
from ovreport_plugins.kernels.analyzer import Kernels

pytestmark = pytest.mark.measures

CONFIG = """
model = [
    { name = "bottlenecks", version = "parent", path = "parent.xml" },
    { name = "bottlenecks", version = "int8", path = "int8.xml" },
]
matrix = { hint = "latency", precision = "f32" }
measure = { iterations = 20, launches = 1, profile_iterations = 5, roofs = false }
report = { analyzers = ["summary"] }
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("bottlenecks")
    path = Path(__file__).with_name("data") / "record_bottlenecks.py"
    spec = importlib.util.spec_from_file_location("record_bottlenecks", path)
    assert spec is not None
    assert spec.loader is not None
    maker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(maker)
    maker.save(folder)
    (folder / "config.toml").write_text(CONFIG)
    result = ovreport("run", folder / "config.toml", "-o", folder / "report.html")
    assert result.exit_code == 0, result.output
    return read_run(folder / "report.jsonl")


def findings(run: Run, version: str) -> dict[str, Finding]:
    """Return the findings on a version by id."""
    found = [*Advice().analyze(run).findings, *Kernels().analyze(run).findings]
    return {f.id: f for f in found if f.text.startswith(f"bottlenecks ({version})")}


@pytest.mark.parametrize("version", ["parent", "int8"])
def test_the_needless_pair_of_transposes_is_named(run: Run, version: str) -> None:
    by_id = findings(run, version)["advice.transposes"]
    assert "(there and back)" in by_id.text
    assert {link.text for link in by_id.evidence} <= {"there", "back"}
    assert by_id.gain


@pytest.mark.parametrize("version", ["parent", "int8"])
def test_the_hidden_reference_kernel_is_named(run: Run, version: str) -> None:
    by_id = findings(run, version)["kernels.reference"]
    assert [link.text for link in by_id.evidence] == ["sum"]
    assert "CumSum" in by_id.text


def test_the_island_in_floating_point_is_named(run: Run) -> None:
    by_id = findings(run, "int8")["advice.float-in-int8"]
    assert "island" in {link.text for link in by_id.evidence}
    assert "advice.float-in-int8" not in findings(run, "parent")
