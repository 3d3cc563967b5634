"""Models that take text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import pytest
from conftest import ovreport
from openvino import opset15 as op

from ovreport.errors import UserError
from ovreport.measuring.inputs import prepare_inputs
from ovreport.run import Port, Run
from ovreport.runfile import read_run


def port(shape: str = "[2]") -> Port:
    return Port(names=("text",), shape=shape, precision="string")


def lengths(path: Path) -> None:
    """Save a model that returns the number of bytes of each string, as tokenizers begin."""
    text = op.parameter([2], ov.Type.string, name="text")
    text.output(0).set_names({"text"})
    parts = op.string_tensor_unpack(text)
    ov.save_model(ov.Model([op.result(op.subtract(parts.output(1), parts.output(0)))], [text], "m"),
                  path)  # fmt: skip


def measured(folder: Path, *options: Any) -> Run:
    arguments = ("--hint", "latency", "--iterations", "10", "--no-roofs")
    done = ovreport("run", folder / "m.xml", *arguments, *options, "-o", folder / "r.html")
    assert done.exit_code == 0, done.output
    return read_run(folder / "r.jsonl")


@pytest.mark.measures
def test_models_with_random_text_are_measured_profiled_and_compared(tmp_path: Path) -> None:
    lengths(tmp_path / "m.xml")
    run = measured(tmp_path)
    (result,) = run.results
    assert result.resolved is not None
    assert result.harness is not None
    assert result.profile is not None
    assert result.resolved.input_data == (
        "text: random string, 32 letters and spaces each (seed 0)"
    )
    assert (
        result.harness.reason == "ovreport can pass strings to a model only through the Python API"
    )


@pytest.mark.measures
@pytest.mark.parametrize("kind", ["U", "S"])
def test_text_of_a_file_reaches_the_model_unchanged(tmp_path: Path, kind: str) -> None:
    lengths(tmp_path / "m.xml")
    text = np.array(["ab", "grüße"])
    np.save(tmp_path / "t.npy", text if kind == "U" else np.char.encode(text, "utf-8"))
    run = measured(tmp_path, "--input", tmp_path / "t.npy")
    assert run.done[0].resolved is not None
    assert run.done[0].resolved.input_data == "text: t.npy"
    prepare_inputs(tmp_path / "i.npz", [port()], [(2,)], tmp_path / "t.npy", None, 0)
    fed = np.load(tmp_path / "i.npz")["0_0"]
    compiled = ov.Core().compile_model(tmp_path / "m.xml", "CPU")
    assert compiled([ov.Tensor(fed)])[0].tolist() == [2, len("grüße".encode())]


@pytest.mark.parametrize("shape", [(), (3,), (0,), (2, 2)])
def test_random_text_has_the_shape_of_its_input(tmp_path: Path, shape: tuple[int, ...]) -> None:
    prepare_inputs(tmp_path / "i.npz", [port()], [shape], None, None, 0)
    made = np.load(tmp_path / "i.npz")["0_0"]
    assert made.shape == shape
    assert made.dtype.kind == "U"
    assert list(ov.Tensor(made).shape) == list(shape)
    assert len(set(made.ravel().tolist())) == made.size


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros(2, np.float32), "element type float32, the model takes strings"),
        (np.array([b"a", b"\xff"]), "not UTF-8"),
        (np.array(["a"]), r"shape \[1\], text takes \[2\]"),
    ],
)
def test_values_that_are_not_texts_are_refused(tmp_path: Path, array: Any, message: str) -> None:
    np.save(tmp_path / "t.npy", array)
    with pytest.raises(UserError, match=message):
        prepare_inputs(tmp_path / "i.npz", [port()], [(2,)], tmp_path / "t.npy", None, 0)
