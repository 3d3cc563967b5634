"""Models with graphs inside of operators: branches within a branch, a loop, a recurrent cell."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import openvino as ov
import openvino.opset13 as op
from onnx import TensorProto, helper

_MAP, _STATE = [1, 4, 16, 16], [4, 16]


def _value(name: str, shape: list[int], kind: int = TensorProto.FLOAT) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)


def _constant(name: str, value: object) -> onnx.TensorProto:
    return onnx.numpy_helper.from_array(np.asarray(value), name)


def _branch(name: str, activation: str) -> onnx.GraphProto:
    weights = np.full((4, 4, 3, 3), 0.1, np.float32)
    nodes = [
        helper.make_node("Conv", ["x", f"{name}_w"], [f"{name}_c"], pads=[1, 1, 1, 1]),
        helper.make_node(activation, [f"{name}_c"], [f"{name}_y"]),
    ]
    outputs = [_value(f"{name}_y", _MAP)]
    return helper.make_graph(nodes, name, [], outputs, [_constant(f"{name}_w", weights)])


def save_branches(path: Path) -> None:
    """An ``If``, in whose else branch is another one; and a ``Loop`` beside them. As ONNX."""
    otherwise = helper.make_graph(
        [
            helper.make_node("ReduceMax", ["x"], ["largest"], keepdims=0),
            helper.make_node("Greater", ["largest", "two"], ["large"]),
            helper.make_node(
                "If", ["large"], ["deep"], name="deep", then_branch=_branch("deep_then", "Relu"),
                else_branch=_branch("deep_else", "Sigmoid"),
            ),
        ],
        "else", [], [_value("deep", _MAP)], [_constant("two", np.float32(2))],
    )  # fmt: skip
    step = helper.make_graph(
        [
            helper.make_node("MatMul", ["state", "w"], ["product"]),
            helper.make_node("Tanh", ["product"], ["bounded"]),
            helper.make_node("Add", ["bounded", "s"], ["next"]),
            helper.make_node("Identity", ["go_in"], ["go_out"]),
        ],
        "step",
        [_value("i", [], TensorProto.INT64), _value("go_in", [], TensorProto.BOOL),
         _value("state", _STATE)],
        [_value("go_out", [], TensorProto.BOOL), _value("next", _STATE)],
    )  # fmt: skip
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["x"], ["mean"], keepdims=0),
            helper.make_node("Greater", ["mean", "zero"], ["positive"]),
            helper.make_node(
                "If", ["positive"], ["chosen"], name="branches",
                then_branch=_branch("then", "Relu"), else_branch=otherwise,
            ),
            helper.make_node("Relu", ["chosen"], ["y"]),
            helper.make_node("Loop", ["seven", "go", "s"], ["last"], name="loop", body=step),
            helper.make_node("Softmax", ["last"], ["z"]),
        ],
        "branches", [_value("x", _MAP), _value("s", _STATE)],
        [_value("y", _MAP), _value("z", _STATE)],
        [_constant("zero", np.float32(0)), _constant("seven", np.int64(7)),
         _constant("go", np.bool_(True)), _constant("w", np.eye(16, dtype=np.float32))],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def save_recurrent(path: Path) -> None:
    """A ``TensorIterator`` over the steps of a sequence, around a GRU cell. As OpenVINO IR."""
    sequence = op.parameter([4, 10, 16], np.float32, name="sequence")
    start = op.parameter([4, 16], np.float32, name="start")
    step = op.parameter([4, 1, 16], np.float32, name="step")
    before = op.parameter([4, 16], np.float32, name="before")
    cell = op.gru_cell(
        op.squeeze(step, np.array([1]), name="one_step"), before,
        op.constant(np.full((48, 16), 0.1, np.float32)),
        op.constant(np.full((48, 16), 0.1, np.float32)),
        op.constant(np.zeros(48, np.float32)), 16, name="gru_cell",
    )  # fmt: skip
    state, row = op.result(cell), op.result(op.unsqueeze(op.relu(cell), np.array([1])))
    iterator = op.tensor_iterator()
    iterator.set_friendly_name("gru")
    iterator.set_body(ov.Model([state, row], [step, before], "body"))
    iterator.set_sliced_input(step, sequence.output(0), 0, 1, 1, -1, 1)
    iterator.set_merged_input(before, start.output(0), state.output(0))
    iterator.get_iter_value(state.output(0), -1)
    rows = iterator.get_concatenated_slices(row.output(0), 0, 1, 1, -1, 1)
    ov.save_model(ov.Model([op.result(op.tanh(rows))], [sequence, start], "recurrent"), path)
