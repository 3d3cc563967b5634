"""Models that keep states between inferences."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import pytest
from builders import save_inputs
from click.testing import Result
from conftest import ovreport
from openvino import opset13 as op
from openvino.op.util import Variable, VariableInfo
from test_worker import PYTHON

from ovreport.measuring.worker_session import WorkerError, WorkerSession
from ovreport.run import CellResult
from ovreport.runfile import read_run

pytestmark = pytest.mark.measures

_WIDTH = 8


def variable(name: str, shape: list[int]) -> Variable:
    info = VariableInfo()
    info.data_shape, info.data_type = ov.PartialShape(shape), ov.Type.f32
    info.variable_id = name
    return Variable(info)


def stateful(
    path: Path,
    following: Callable[[Any, Any], Any],
    shape: list[int],
    answer: Callable[[Any, Any], Any] = lambda _, after: after,
) -> None:
    """Save ``x [1, 8]`` and a state that begins as zeros and becomes ``following(state, x)``."""
    x = op.parameter([1, _WIDTH], np.float32, name="x")
    x.output(0).set_names({"x"})
    memory = variable("memory", shape)
    begin = op.constant(np.zeros([max(0, size) for size in shape], np.float32))
    past = op.read_value(begin, memory)
    after = following(past, x)
    y = op.result(answer(x, after))
    y.output(0).set_names({"y"})
    ov.save_model(ov.Model([y], [op.assign(after, memory)], [x], "stateful"), path)


def summing(path: Path) -> None:
    """Save a state of a fixed size, as in a recurrent network: the sum of all inputs."""
    stateful(path, op.add, [1, _WIDTH])


def growing(path: Path) -> None:
    """Save a state that grows by a row with every inference, like a cache of keys."""
    stateful(path, lambda past, x: op.concat([past, x], 0), [-1, _WIDTH])


def measured(folder: Path, *options: str) -> tuple[Result, CellResult]:
    arguments = ("--hint", "throughput", "--requests", "2", "--iterations", "20", "--no-roofs")
    done = ovreport("run", folder / "m.xml", *arguments, *options, "-o", folder / "r.html")
    return done, read_run(folder / "r.jsonl").results[0]


def test_a_state_of_a_fixed_size_is_measured_by_the_api_that_can_reset_it(tmp_path: Path) -> None:
    summing(tmp_path / "m.xml")
    done, result = measured(tmp_path)
    assert done.exit_code == 0, done.output
    assert result.harness is not None
    assert result.harness.api == "python"
    assert result.harness.reason == "the C API cannot reset the states of a model"
    assert result.harness.reason in (tmp_path / "r.html").read_text()


def test_a_state_that_grows_is_refused_with_its_sizes_and_a_remedy(tmp_path: Path) -> None:
    growing(tmp_path / "m.xml")
    done, result = measured(tmp_path)
    assert done.exit_code == 1
    assert result.failure is not None
    assert result.failure.reason == (
        "the model's state memory changes its size from one inference to the next, [1,8] and then "
        "[2,8]; ovreport measures growing states of decoders only: measure the model without "
        "states, which optimum-cli exports with --disable-stateful"
    )


def test_a_state_that_the_next_inference_cannot_use_is_named(tmp_path: Path) -> None:
    def one_row_alone(_: Any, after: Any) -> Any:
        shape = op.constant(np.array([1, _WIDTH], np.int64))
        return op.reshape(after, shape, special_zero=False)

    stateful(
        tmp_path / "m.xml", lambda past, x: op.concat([past, x], 0), [-1, _WIDTH], one_row_alone
    )
    _, result = measured(tmp_path)
    assert result.failure is not None
    assert result.failure.reason.startswith(
        "the second inference fails with the states that the first one left in the model "
        "(memory [1,8]); ovreport measures growing states of decoders only"
    )


@pytest.fixture
def one(tmp_path: Path) -> dict[str, Any]:
    """Return the settings with which a worker runs the sum of ones."""
    summing(tmp_path / "m.xml")
    save_inputs(tmp_path / "inputs.npz", np.ones((1, _WIDTH), np.float32))
    return {
        "path": str(tmp_path / "m.xml"),
        "device": "CPU",
        "shapes": [[1, _WIDTH]],
        "inputs": str(tmp_path / "inputs.npz"),
        "properties": {},
    }


def test_every_answer_starts_from_the_initial_state(one: dict[str, Any], tmp_path: Path) -> None:
    with WorkerSession(PYTHON) as worker:
        worker.ask("compile", 60, "prepare", **one, operators=[])
        for _ in range(3):
            worker.ask("inference", 60, "answer", turn=0, target=str(tmp_path / "y.npz"))
            assert np.load(tmp_path / "y.npz")["0"].tolist() == [[1.0] * _WIDTH]


def test_a_state_that_grows_later_ends_the_slice_with_a_refusal(tmp_path: Path) -> None:
    """The state is a row of running sums; from a sum of 12, the third inference, it grows."""

    def later(past: Any, x: Any) -> Any:
        rows = op.concat([past, op.add(op.reduce_sum(past, np.array([0]), True), x)], 0)
        few = op.less(op.reduce_sum(past, np.array([0, 1]), False), op.constant(np.float32(12)))
        begin = op.select(few, op.constant(np.array([-1])), op.constant(np.array([-64])))
        return op.slice(
            rows, begin, op.constant(np.array([1 << 30])), op.constant(np.array([1])),
            op.constant(np.array([0])),
        )  # fmt: skip

    stateful(tmp_path / "m.xml", later, [-1, _WIDTH])
    save_inputs(tmp_path / "inputs.npz", np.full((1, _WIDTH), 1, np.float32))
    model = {
        "path": str(tmp_path / "m.xml"), "device": "CPU", "shapes": [[1, _WIDTH]],
        "inputs": str(tmp_path / "inputs.npz"), "properties": {},
    }  # fmt: skip
    with WorkerSession(PYTHON) as worker:
        worker.ask("compile", 60, "load", **model, requests=1, api="python")
        with pytest.raises(WorkerError, match=r"state memory changes its size .* \[1,8\] and then"):
            worker.ask("inference", 60, "slice", seconds=0.1, iterations=40)


def inside_a_branch(path: Path) -> None:
    """Save ``x [1, 8]`` and an ``If``, one branch of which collects inputs in a growing state."""
    x = op.parameter([1, _WIDTH], np.float32, name="x")
    x.output(0).set_names({"x"})
    branch_x, other_x = (op.parameter([1, _WIDTH], np.float32) for _ in range(2))
    memory = variable("memory", [-1, _WIDTH])
    past = op.read_value(op.constant(np.zeros((0, _WIDTH), np.float32)), memory)
    after = op.concat([past, branch_x], 0)
    total = op.reduce_sum(after, op.constant(np.array([0])), keep_dims=True)
    then = ov.Model([op.result(total)], [op.assign(after, memory)], [branch_x], "then")
    other = ov.Model([op.result(op.relu(other_x))], [other_x], "else")
    highest = op.reduce_max(op.reshape(x, op.constant(np.array([_WIDTH])), False), op.constant(0))
    choice = op.if_op(op.greater_equal(highest, op.constant(np.float32(0))).output(0))
    choice.set_then_body(then)
    choice.set_else_body(other)
    choice.set_input(x.output(0), branch_x, other_x)
    y = choice.set_output(then.results[0], other.results[0])
    ov.save_model(ov.Model([op.result(y)], [x], "inside"), path)


def test_a_state_inside_a_branch_is_noticed(tmp_path: Path) -> None:
    inside_a_branch(tmp_path / "m.xml")
    done, result = measured(tmp_path)
    assert done.exit_code == 1
    assert result.failure is not None
    assert result.failure.reason.startswith("the model's state memory changes its size")
