"""Messages on models that OpenVINO cannot read, compile or run, from its real errors."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import openvino as ov
import pytest
from conftest import ovreport
from openvino import opset13 as op

from ovreport.errors import UserError
from ovreport.measuring.causes import cause
from ovreport.measuring.inspection import inspect

LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
ANNEX = "/annex/objects/SHA256E-s12345--4d7a.onnx\n"
PAGE = "<!DOCTYPE html>\n<html><head><title>404</title></head></html>"


def onnx_model(path: Path, *nodes: onnx.NodeProto, **weights: Any) -> None:
    """Save ``x [1, 4] → nodes → y``."""
    make, kind = onnx.helper, onnx.TensorProto.FLOAT
    shape = weights.pop("shape", [1, 4])
    graph = make.make_graph(
        list(nodes), "g",
        [make.make_tensor_value_info("x", kind, shape)],
        [make.make_tensor_value_info("y", kind, None)],
        [onnx.numpy_helper.from_array(np.asarray(v, np.float32), n) for n, v in weights.items()],
    )  # fmt: skip
    sets = [make.make_opsetid("", 16), make.make_opsetid("my.ops", 1)]
    path.write_bytes(make.make_model(graph, opset_imports=sets).SerializeToString())


def node(kind: str, *inputs: str, out: str = "y", **attributes: Any) -> onnx.NodeProto:
    return onnx.helper.make_node(kind, inputs, [out], **attributes)


def unknown(path: Path) -> None:
    onnx_model(path, node("Wobble", "x", domain="my.ops"))


def two_unknown(path: Path) -> None:
    onnx_model(
        path,
        node("Wobble", "x", out="t", domain="my.ops"),
        node("Wabble", "t", domain="my.ops"),
    )


def wrong_axis(path: Path) -> None:
    onnx_model(path, node("Softmax", "x", axis=7))


def wrong_channels(path: Path) -> None:
    onnx_model(path, node("Conv", "x", "w"), w=np.ones((2, 5, 3, 3)), shape=[1, 3, 8, 8])


def missing_edge(path: Path) -> None:
    onnx_model(path, node("Add", "x", "nowhere"))


def weights_beside(content: bytes | None) -> Callable[[Path], None]:
    """Save ONNX weights of 4,800 bytes, or other content in their place."""

    def make(path: Path) -> None:
        onnx_model(path, node("MatMul", "x", "w"), w=np.ones((4, 300)))
        model = onnx.load(path)
        onnx.save(model, path, save_as_external_data=True, location="w.bin", size_threshold=0)
        path.with_name("w.bin").unlink()
        if content is not None:
            path.with_name("w.bin").write_bytes(content)

    return make


def weights_behind_a_link(path: Path) -> None:
    weights_beside(None)(path)
    (path.parent / "far").mkdir()
    (path.parent / "far/blob").write_bytes(bytes(4800))
    (path.parent / "near").mkdir()
    path = path.rename(path.parent / "near" / path.name)
    path.with_name("w.bin").symlink_to("../far/blob")


def ir(*change: str, weights: bytes | None = b"", end: int | None = None) -> Callable[[Path], None]:
    """Save ``x [1, 4] → MatMul → Softmax``; ``change`` replaces a text of the file."""

    def make(path: Path) -> None:
        x = op.parameter([1, 4], np.float32, name="x")
        softmax = op.softmax(op.matmul(x, np.ones((4, 300), np.float32), False, False), 1)
        softmax.set_friendly_name("sm")
        ov.save_model(ov.Model([op.result(softmax)], [x], "m"), path, compress_to_fp16=False)
        text = path.read_text()
        if change:
            old, new = change
            assert old in text
            text = text.replace(old, new)
        path.write_text(text[:end])
        if weights is None:
            path.with_suffix(".bin").unlink()
        elif weights:
            path.with_suffix(".bin").write_bytes(weights)

    return make


def field(number: int, value: bytes) -> bytes:
    """Return a length-delimited field of protobuf, shorter than 128 bytes."""
    return bytes([number << 3 | 2, len(value)]) + value


def tensorflow(path: Path) -> None:
    """Save a frozen graph of a placeholder and an unknown operation."""
    dtype = field(5, field(1, b"dtype") + field(2, b"\x30\x01"))
    nodes = [
        field(1, b"x") + field(2, b"Placeholder") + dtype,
        field(1, b"w") + field(2, b"MyWobble") + field(3, b"x"),
    ]
    path.write_bytes(b"".join(field(1, item) for item in nodes))


def text(content: str | bytes) -> Callable[[Path], object]:
    raw = content.encode() if isinstance(content, str) else content
    return lambda path: path.write_bytes(raw)


def folder(*names: str) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        path.mkdir()
        for name in names:
            (path / name).touch()

    return make


CASES: list[tuple[str, Callable[[Path], object], str, str]] = [
    # An unknown operation.
    ("m.onnx", unknown, "does not know the operation my.ops.Wobble", "--extensions"),
    ("m.onnx", two_unknown, "the operations my.ops.Wabble, my.ops.Wobble", "adds them"),
    ("m.pb", tensorflow, "does not know the operation MyWobble", "--extensions"),
    (
        "m.xml",
        ir('type="SoftMax" version="opset8"', 'type="Own" version="extension"'),
        "does not know the operation extension.Own (layer sm)",
        "--extensions",
    ),
    (
        "m.xml",
        ir('"SoftMax" version="opset8"', '"SoftMax" version="opset99"'),
        "does not know the operation opset99.SoftMax (layer sm)",
        "update",
    ),
    (
        "m.xml",
        ir('type="SoftMax"', 'type="SoftMaxx"'),
        "does not know the operation opset8.SoftMaxx",
        "update",
    ),
    # An operation whose attributes or inputs are wrong.
    ("m.onnx", wrong_axis, "layer y (Softmax): Axis 7 out of the tensor rank range", "checker"),
    ("m.onnx", wrong_channels, "layer y (Conv): Data batch channel count (3)", "checker"),
    ("m.onnx", missing_edge, 'Input tensor isn\'t found for node "nowhere"', "checker"),
    ("m.xml", ir('axis="1"', 'axis="9"'), "Axis 9 out of", "again"),
    ("m.xml", ir('axis="1"', 'axis="one"'), "Cannot parse 'one'", "again"),
    ("m.xml", ir('type="f32" shape="4', 'type="f33" shape="4'), '"f33"', "again"),
    (
        "m.xml",
        ir('shape="1,4"', 'shape="1,99999999999999999999"'),
        "Incompatible MatMul matrix dimension",
        "again",
    ),
    # Weights in a separate file.
    ("m.onnx", weights_beside(None), "its weights are missing: w.bin", "into the model's folder"),
    (
        "m.onnx",
        weights_beside(bytes(100)),
        "its weights, w.bin, are cut off: 100 bytes",
        "again",
    ),
    (
        "m.onnx",
        weights_beside(LFS.encode()),
        "its weights, w.bin: a Git LFS pointer",
        "git lfs pull",
    ),
    ("near/m.onnx", weights_behind_a_link, "far/blob: OpenVINO reads no weights outside", "cp -L"),
    ("m.xml", ir(weights=None), "its weights are missing: m.bin", "model's folder"),
    (
        "m.xml",
        ir(weights=bytes(100)),
        "its weights, m.bin, are cut off: 100 bytes",
        "again",
    ),
    ("m.xml", ir(weights=LFS.encode()), "m.bin: a Git LFS pointer", "git lfs"),
    # Not a model, or an incomplete one.
    ("m.onnx", text(""), "the file is empty", "again"),
    ("m.pdmodel", text(""), "the file is empty", "again"),
    ("m.onnx", text(LFS), "a Git LFS pointer", "git lfs pull"),
    ("m.xml", text(LFS), "a Git LFS pointer", "git lfs pull"),
    ("m.onnx", text(ANNEX), "a git-annex pointer", "git annex get"),
    ("m.xml", ir(weights=ANNEX.encode()), "m.bin: a git-annex pointer", "git annex get"),
    ("m.onnx", text(PAGE), "a web page", "again"),
    ("m.xml", text(PAGE), "a web page", "again"),
    ("m.onnx", text("hello"), "no valid ONNX: damaged", "again"),
    ("m.onnx", text(bytes(5000)), "no valid ONNX: damaged", "again"),
    ("m.xml", text("<svg/>"), "no valid IR: damaged", "again"),
    ("m.xml", ir(end=900), "Error parsing element attribute", "again"),
    ("m.xml", ir('"m" version="11"', '"m" version="6"'), "of version 6", "original"),
    ("m.xml", ir('"m" version="11"', '"m" version="99"'), "version 99", "Update"),
    ("m.tflite", text("junkjunk" * 9), "no valid TFLite: damaged", "again"),
    ("m.pdmodel", text("junkjunk" * 9), "Model can't be parsed", "again"),
    ("m.pb", text("junk"), "no valid TensorFlow: damaged", "again"),
    ("saved", folder(), "a folder without saved_model.pb", "OpenVINO reads ONNX"),
    ("saved", folder("model.xml", "model.bin"), "a folder, not a model", "such as model.xml"),
    # Another kind of file.
    ("m.pt", text(b"PK\x03\x04" + bytes(99)), "a PyTorch file", "convert_model"),
    ("m.h5", text(b"\x89HDF\r\n\x1a\n" + bytes(50)), "a Keras file", "convert_model"),
    ("m.bin", text(bytes(50)), "weights, not a model", "m.xml"),
    ("m.txt", text("notes"), "no model that OpenVINO knows", "It reads ONNX"),
]


@pytest.mark.measures
@pytest.mark.parametrize(("name", "make", "message", "remedy"), CASES)
def test_a_model_that_cannot_be_read_is_explained(
    tmp_path: Path, name: str, make: Callable[[Path], object], message: str, remedy: str
) -> None:
    make(tmp_path / Path(name).name)
    with pytest.raises(UserError) as error:
        inspect([tmp_path / name], python=Path(sys.executable))
    assert message in error.value.found
    assert remedy in error.value.remedy


def failed(model: Path, *options: object) -> str:
    result = ovreport(
        "run", model, "--hint", "latency", "--duration", "0.1", "--no-roofs",
        "-o", model.with_suffix(".html"), *options,
    )  # fmt: skip
    assert result.exit_code == 1, result.output
    return " ".join(result.output.split())


def save(path: Path, result: ov.Node, *inputs: ov.op.Parameter) -> Path:
    ov.save_model(ov.Model([op.result(result)], list(inputs), "m"), path, compress_to_fp16=False)
    return path


@pytest.mark.measures
def test_a_failed_compilation_names_its_cause(tmp_path: Path) -> None:
    x = op.parameter([1, 8], ov.Type.u1, name="x")
    model = save(tmp_path / "m.xml", op.convert(x, "f32"), x)
    assert "failed: CPU plugin: Input image format u1 is not supported yet" in failed(model)

    x = op.parameter([1, 8], np.float32, name="x")
    model = save(tmp_path / "m.xml", op.relu(x), x)
    assert "failed: Wrong value f8 for property key" in failed(model, "--precision", "f8")


@pytest.mark.measures
def test_a_failed_inference_names_the_layer_and_the_value(tmp_path: Path) -> None:
    x = op.parameter([2, 8], np.float32, name="x")
    rows = op.parameter([1], np.int64, name="rows")
    target = op.concat([rows, np.array([7], np.int64)], 0)
    reshape = op.reshape(x, target, False)
    reshape.set_friendly_name("flat")
    model = save(tmp_path / "m.xml", reshape, x, rows)
    message = failed(model, "--range", "[1,2]")
    assert "layer flat (Reshape): " in message
    assert "the shape of input data (2.8) conflicts with the reshape pattern (1.7)" in message


@pytest.mark.measures
@pytest.mark.parametrize("words", [("-v", "run"), ("run", "-v")])
def test_v_shows_details_before_and_after_the_command(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    x = op.parameter([1, 8], ov.Type.u1, name="x")
    model = save(tmp_path / "m.xml", op.convert(x, "f32"), x)
    result = ovreport(*words, model, "--hint", "latency", "--no-roofs", "-o", tmp_path / "r.html")
    assert result.exit_code == 1
    assert "Exception from src" in result.output
    assert "shows more" not in result.output


def test_the_innermost_of_several_places_is_named() -> None:
    message = cause(
        "Exception from src/inference/src/cpp/infer_request.cpp:224:\n"
        "Exception from src/plugins/intel_cpu/src/graph.cpp:1628:\n"
        "Node attention of type ScaledDotProductAttentionWithKVCache\n"
        "Check 'index >= 0' failed at src/plugins/intel_cpu/src/nodes/scaled_attn.cpp:2692:\n"
        "ScaledDotProductAttentionWithKVCache node with name 'attention' beam_idx 1 is outside of "
        "the allowed interval [0,  1)\n\n"
    )
    layer = "attention (ScaledDotProductAttentionWithKVCache)"
    assert message == f"layer {layer}: beam_idx 1 is outside of the allowed interval [0,  1)"


def test_a_gpu_s_message_is_shown_without_its_listing() -> None:
    message = cause(
        "Exception from src/inference/src/cpp/core.cpp:104:\n"
        "Exception from src/inference/src/dev/plugin.cpp:53:\n"
        "Check 'false' failed at src/plugins/intel_gpu/src/plugin/program_builder.cpp:185:\n"
        "[GPU] ProgramBuilder build failed!\n"
        "Program build failed(0_part_15):\n"
        "5:13882:2: error: use of undeclared identifier 'eltwise0_data0'\n" + " FUSED;\n" * 999
    )
    assert message.startswith(
        "Program build failed(0_part_15): 5:13882:2: error: use of undeclared"
    )
    assert len(message) <= 300


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            "Exception from src/inference/src/cpp/core.cpp:117:\n"
            "NotFound: Unsupported property FOO by CPU plugin.\n\n",
            "Unsupported property FOO by CPU plugin.",
        ),
        (
            "Check 'in_out_elements_equal' failed at src/core/reshape_shape_inference.hpp:360:\n"
            "While validating node 'opset1::Reshape n140 (opset1::AvgPool n139[0]:f32[2,1024,1,1]"
            ") -> (f32[1,1024])' with friendly_name 'n140':\n"
            "Shape inference input shapes {[2,1024,1,1],[2]}\n"
            "Requested output shape [1,1024] is incompatible with input shape\n",
            "layer n140 (Reshape): Requested output shape [1,1024] is incompatible with input "
            "shape",
        ),
        ("Exception from a.cpp:1:\nCheck 'a == b' failed at b.cpp:2:\n", "not met: a == b"),
        ("infer(): incompatible arguments", "infer(): incompatible arguments"),
        ("", "no reason given"),
    ],
)
def test_the_cause_is_found_among_places(error: str, message: str) -> None:
    assert cause(error) == message
