"""Models with custom operations, which a library defines."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import onnx
import openvino as ov
import pytest
from conftest import ovreport

from ovreport.runfile import read_run

pytestmark = pytest.mark.measures

QUICK = ("--hint", "latency", "--duration", "0.1", "--no-roofs")


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build an extension with the headers of openvino's wheel."""
    package = Path(ov.__file__).parent
    compiler = shutil.which("g++")
    if compiler is None or not (package / "include/openvino").is_dir():
        pytest.skip("needs g++ and OpenVINO's headers")
    target = tmp_path_factory.mktemp("library") / "libwobble.so"
    libraries = [
        found
        for name in ("libopenvino.so.*", "libopenvino_onnx_frontend.so.*")
        for found in (package / "libs").glob(name)
    ]
    source = Path(__file__).with_name("own_operation.cpp")
    flags = ["-std=c++17", "-shared", "-fPIC", f"-I{package / 'include'}"]
    subprocess.run([compiler, *flags, source, "-o", target, *libraries], check=True)
    return target


@pytest.fixture
def model(tmp_path: Path) -> Path:
    make, kind = onnx.helper, onnx.TensorProto.FLOAT
    graph = make.make_graph(
        [make.make_node("Wobble", ["x"], ["y"], domain="my.ops")], "g",
        [make.make_tensor_value_info("x", kind, ["N", "C"])],
        [make.make_tensor_value_info("y", kind, ["N", "C"])],
    )  # fmt: skip
    sets = [make.make_opsetid("", 16), make.make_opsetid("my.ops", 1)]
    (tmp_path / "own.onnx").write_bytes(
        make.make_model(graph, opset_imports=sets).SerializeToString()
    )
    return tmp_path / "own.onnx"


def test_a_model_with_custom_operations_runs_with_their_library(model: Path, library: Path) -> None:
    target = model.with_suffix(".html")
    assert ovreport("run", model, *QUICK, "-o", target).exit_code == 2
    cli_result = ovreport(
        "run", model, *QUICK, "--shape", "[1,8]", "--extensions", library, "-o", target
    )
    assert cli_result.exit_code == 0, cli_result.output
    result = read_run(target).results[0]
    assert result.profile_failure is None
    assert result.harness is not None
    assert result.harness.api == "c"


def test_the_starter_config_names_the_library_and_a_shape_that_fits(
    model: Path, library: Path
) -> None:
    library_copy = shutil.copy(library, model.parent)
    config = model.with_name("c.toml")
    assert ovreport("init", model, "--extensions", library_copy, "-o", config).exit_code == 0
    assert 'extensions = ["libwobble.so"]' in config.read_text()
    assert 'shape = "[1,128]"' in config.read_text()
    result = ovreport("run", config, "--dry-run")
    assert result.exit_code == 0, result.output


def test_a_changed_library_makes_a_result_outdated(model: Path, library: Path) -> None:
    target = model.with_suffix(".html")
    own = Path(shutil.copy(library, model.parent))
    arguments = ("run", model, *QUICK, "--shape", "[1,8]", "--extensions", own, "-o", target)
    assert ovreport(*arguments).exit_code == 0
    resumed = (*arguments, "--resume", target.with_suffix(".jsonl"), "--dry-run")
    assert "nothing left to measure" in ovreport(*resumed).output
    own.write_bytes(own.read_bytes() + b"\0")
    assert "the model file changed" in ovreport(*resumed).output


def test_a_library_that_cannot_be_loaded_is_named(model: Path) -> None:
    bad = model.with_name("libbad.so")
    result = ovreport("run", model, "--extensions", bad)
    assert result.exit_code == 2
    assert "libbad.so' is not a file" in result.output
    bad.write_text("no library")
    result = ovreport("run", model, "--extensions", bad)
    assert result.exit_code == 2
    assert "its extension cannot be loaded" in result.output
    assert "Build it for this release" in result.output
