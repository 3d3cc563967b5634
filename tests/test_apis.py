"""If OpenVINO's C API refuses a model, the Python API is tried before the cell fails."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import openvino as ov
import pytest
from click.testing import Result
from conftest import ovreport
from openvino import opset13 as op

from ovreport.run import CellResult
from ovreport.runfile import read_run

pytestmark = pytest.mark.measures


def joined(path: Path, past: Sequence[int], new: Sequence[int]) -> None:
    """Save a model that joins a cache of the past with new values, like a decoder's first step."""
    inputs = [op.parameter(list(shape), np.float32) for shape in (past, new)]
    for item, name in zip(inputs, ("past", "new"), strict=True):
        item.set_friendly_name(name)
        item.output(0).set_names({name})
    ov.save_model(ov.Model([op.result(op.concat(inputs, 2))], inputs, "joined"), path)


def measured(folder: Path, *options: str) -> tuple[Result, CellResult]:
    arguments = ("--hint", "latency", "--iterations", "20", "--no-roofs")
    done = ovreport("run", folder / "m.xml", *arguments, *options, "-o", folder / "r.html")
    return done, read_run(folder / "r.jsonl").results[0]


def test_an_empty_input_that_the_c_api_refuses_runs_through_the_python_api(tmp_path: Path) -> None:
    joined(tmp_path / "m.xml", [-1, 8, -1, 64], [-1, 8, 1, 64])
    done, result = measured(tmp_path, "--shape", "past[1,8,0,64],new[1,8,1,64]")
    assert done.exit_code == 0, done.output
    assert result.harness is not None
    assert result.harness.api == "python"
    assert result.harness.reason.startswith("the C API refuses the model: ")
    assert result.resolved is not None
    assert [port.shape for port in result.resolved.inputs] == ["[1,8,0,64]", "[1,8,1,64]"]


def test_static_shapes_are_not_set_again(tmp_path: Path) -> None:
    joined(tmp_path / "m.xml", [1, 8, 0, 64], [1, 8, 1, 64])
    done, result = measured(tmp_path)
    assert done.exit_code == 0, done.output
    assert result.harness is not None
    assert result.harness.api == "c"


@pytest.mark.parametrize("shape", ["past[1,8,0,64],new[1,7,1,64]", "past[1,8,2,64],new[1,7,1,64]"])
def test_a_refusal_by_both_apis_has_the_more_detailed_message(tmp_path: Path, shape: str) -> None:
    joined(tmp_path / "m.xml", [-1, -1, -1, 64], [-1, -1, 1, 64])
    done, result = measured(tmp_path, "--shape", shape)
    assert done.exit_code == 1
    assert result.failure is not None
    assert "cannot be reshaped to the given shape" in result.failure.reason
    assert "status" not in result.failure.reason
    assert "Argument shapes are inconsistent" in result.failure.reason
