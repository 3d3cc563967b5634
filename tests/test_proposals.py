"""Proposals to users are accepted: names, shapes, ranges and the starter config."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import openvino as ov
import pytest
from conftest import ovreport
from openvino import opset13 as op

from ovreport.run import Run
from ovreport.runfile import read_run

pytestmark = pytest.mark.measures

QUICK = ("--hint", "latency", "--duration", "0.1", "--no-roofs")


def save(path: Path, outputs: list[ov.Node], inputs: list[ov.op.Parameter]) -> Path:
    for parameter in inputs:
        parameter.output(0).set_names({parameter.friendly_name})
    ov.save_model(ov.Model([op.result(node) for node in outputs], inputs, "m"), path)
    return path


def nameless(folder: Path) -> Path:
    """Save two inputs without names and with open shapes, like converted PyTorch modules."""
    a, b = (op.parameter([-1, -1], np.float32, name=name) for name in "ab")
    path = save(folder / "open.xml", [op.add(a, b)], [a, b])
    path.write_text(re.sub(r' names="[^"]*"', "", path.read_text()))
    return path


def proposed(model: Path) -> str | None:
    """Return the shape that the message of a run without a shape proposes."""
    result = ovreport("run", model, "--dry-run")
    assert result.exit_code == 2
    match = re.search(r"for example '(.*)'\.", result.output)
    return match[1] if match else None


def measured(model: Path, *options: object) -> Run:
    target = model.with_suffix(".html")
    result = ovreport("run", model, *QUICK, *options, "-o", target)
    assert result.exit_code == 0, result.output
    return read_run(target)


def test_proposals_for_inputs_without_names_are_accepted(tmp_path: Path) -> None:
    model = nameless(tmp_path)
    shape = proposed(model)
    assert shape == "0[1,128],1[1,128]"
    np.save(tmp_path / "b.npy", np.ones((1, 128), np.float32))
    run = measured(model, "--shape", shape, "--range", "0[5,6],1[0,1]")
    assert run.results[0].resolved is not None
    assert run.results[0].resolved.input_data.startswith("0: random f32, [5, 6); 1: random f32")

    config = tmp_path / "c.toml"
    config.write_text(
        f"""
        [[model]]
        name = "open"
        path = "open.xml"
        shape = "{shape}"
        input = {{ "1" = "b.npy" }}
        range = {{ "0" = [5, 6] }}
        """
    )
    assert ovreport("run", config, "--dry-run").exit_code == 0


def test_the_starter_config_of_a_model_without_names_is_accepted(
    tmp_path: Path,
) -> None:
    model = nameless(tmp_path)
    config = tmp_path / "c.toml"
    assert ovreport("init", model, "-o", config).exit_code == 0
    assert ovreport("run", config, "--dry-run").exit_code == 0
    config.write_text(config.read_text().replace("# range =", "range ="))
    assert "range = {" in config.read_text()
    assert ovreport("run", config, "--dry-run").exit_code == 0


def test_the_model_accepts_a_proposed_shape(tmp_path: Path) -> None:
    x = op.parameter([-1, -1, 8], np.float32, name="x")
    state = op.parameter([1, -1, 8], np.float32, name="h")
    grown = op.concat([x, op.transpose(state, np.array([1, 0, 2]))], 1)
    recurrent = save(tmp_path / "recurrent.xml", [grown], [x, state])
    shape = proposed(recurrent)
    assert shape == "x[1,128,8],h[1,1,8]"
    measured(recurrent, "--shape", shape)


def test_equal_sizes_are_proposed_if_others_do_not_fit(tmp_path: Path) -> None:
    x = op.parameter([-1, 4], np.float32, name="x")
    y = op.parameter([4, -1], np.float32, name="y")
    z = op.parameter([-1, 2], np.float32, name="z")
    tall = op.concat([x, op.transpose(y, np.array([1, 0])), op.concat([z, z], 1)], 1)
    assert proposed(save(tmp_path / "m.xml", [tall], [x, y, z])) == "x[128,4],y[4,128],z[128,2]"


def test_no_shape_is_proposed_if_no_guess_fits(tmp_path: Path) -> None:
    x = op.parameter([-1, -1], np.float32, name="x")
    model = save(tmp_path / "m.xml", [op.concat([x, np.ones((7, 7), np.float32)], 0)], [x])
    assert proposed(model) is None
    result = ovreport("run", model, "--dry-run")
    assert "the usual sizes do not fit" in result.output
    config = tmp_path / "c.toml"
    assert ovreport("init", model, "-o", config).exit_code == 0
    assert "which does not fit" in config.read_text()


def test_a_model_without_inputs_runs(tmp_path: Path) -> None:
    drawn = op.random_uniform(np.array([1, 8]), np.float32(0), np.float32(1), "f32", 0, 0)
    model = save(tmp_path / "m.xml", [drawn], [])
    run = measured(model)
    assert run.results[0].resolved is not None
    assert run.results[0].resolved.input_data == "nothing: the model has no inputs"
    assert [kept.input_data for kept in run.recordings] == ["nothing: the model has no inputs"]
    result = ovreport("run", model, "--shape", "x[1]", "--dry-run")
    assert "The model has no inputs." in result.output


def test_a_range_and_an_input_are_proposed_if_random_input_fails(tmp_path: Path) -> None:
    x = op.parameter([12], np.float32, name="x")
    sizes = op.parameter([2], np.int64, name="sizes")
    model = save(tmp_path / "m.xml", [op.reshape(x, sizes, False)], [x, sizes])
    result = ovreport("run", model, *QUICK, "-o", tmp_path / "r.html", "--range", "sizes[7,9]")
    assert result.exit_code == 1
    assert "--range" in result.output
    assert "--input" in result.output

    np.savez(tmp_path / "fits.npz", x=np.ones(12, np.float32), sizes=np.array([3, 4]))
    measured(model, "--input", tmp_path / "fits.npz")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("5", "not a list of ranges"),
        ("[a,b]", "not a number"),
        ("[5,1]", "the lowest value is above the highest"),
        ("[1,2,3]", "no more than 2 values"),
        ("x[0,1],x[0,2]", "must name each input once"),
        ("y[0,1]", "unknown input 'y'"),
        ("", "the range is empty"),
    ],
)
def test_a_wrong_range_is_explained(squeezenet: Path, given: str, message: str) -> None:
    result = ovreport("run", squeezenet, "--range", given, "--dry-run")
    assert result.exit_code == 2
    assert message in result.output
