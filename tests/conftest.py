"""Real models and one short real run that many tests look at."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import onnx
import pytest
from click.testing import CliRunner, Result
from nested import save_branches, save_recurrent

from ovreport.cli import main
from ovreport.run import Run
from ovreport.runfile import read_run


def light_model(name: str) -> Path:
    """A model of the ``onnx`` package."""
    spec = importlib.util.find_spec("onnx")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "backend/test/data/light" / f"light_{name}.onnx"


def tiny_model(path: Path, value: float) -> None:
    """``x [N, 4] → x @ w`` with one value in all weights."""
    tensor = onnx.helper.make_tensor_value_info
    weights = onnx.numpy_helper.from_array(np.full((4, 4), value, np.float32), "w")
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("MatMul", ["x", "w"], ["y"])], "tiny",
        [tensor("x", onnx.TensorProto.FLOAT, ["N", 4])],
        [tensor("y", onnx.TensorProto.FLOAT, ["N", 4])], [weights],
    )  # fmt: skip
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)])
    onnx.save(model, path)


def ovreport(*words: object) -> Result:
    """Runs a command line in this process."""
    return CliRunner().invoke(main, [str(word) for word in words], catch_exceptions=False)


@pytest.fixture(scope="session")
def squeezenet() -> Path:
    return light_model("squeezenet")


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory, squeezenet: Path) -> Path:
    """The report of a real run of two versions (the same file) in two cells each."""
    folder = tmp_path_factory.mktemp("run")
    config = folder / "config.toml"
    config.write_text(
        f"""
        model = [
            {{ name = "squeezenet", version = "parent", path = '{squeezenet}' }},
            {{ name = "squeezenet", version = "optimized", path = '{squeezenet}' }},
        ]
        measure = {{ duration = 1.5, launches = 1, profile_iterations = 5 }}
        [report]
        title = "<script>alert(1)</script> & 'quotes'"
        latency_threshold_ms = 100
        """
    )
    target = folder / "report.html"
    result = ovreport("run", config, "-o", target)
    assert result.exit_code == 0, result.output
    return target


@pytest.fixture(scope="session")
def run(report: Path) -> Run:
    return read_run(report.with_suffix(".jsonl"))


@pytest.fixture(scope="session")
def nested_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a short real run of models with graphs inside of operators."""
    folder = tmp_path_factory.mktemp("nested")
    save_branches(folder / "branches.onnx")
    save_recurrent(folder / "recurrent.xml")
    config = folder / "config.toml"
    config.write_text(
        """
        model = [
            { name = "branches", path = "branches.onnx" },
            { name = "recurrent", path = "recurrent.xml" },
        ]
        matrix = { hint = ["latency"] }
        measure = { duration = 0.2, launches = 1, profile_iterations = 5, roofs = false }
        """
    )
    target = folder / "report.html"
    result = ovreport("run", config, "-o", target)
    assert result.exit_code == 0, result.output
    return target
