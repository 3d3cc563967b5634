"""Models with equal names, or with names that are not UTF-8."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import openvino as ov
import pytest
from conftest import ovreport
from openvino import opset13 as op

from ovreport.computed.layers import Fate, executed_layers, fates
from ovreport.measuring.compare_outputs import read_labels
from ovreport.measuring.worker.operator_names import make_readable, make_unique
from ovreport.run import Run
from ovreport.runfile import read_run

QUICK = ("--hint", "latency", "--duration", "0.1", "--no-roofs")
GBK = "层名".encode("gbk")
SHOWN = r"\xb2\xe3\xc3\xfb"


def measured(model: Path, *options: object) -> Run:
    target = model.with_suffix(".html")
    result = ovreport("run", model, *QUICK, *options, "-o", target)
    assert result.exit_code == 0, result.output
    return read_run(target)


def fates_by_name(run: Run) -> Mapping[str, Fate]:
    (result,) = run.results
    assert result.model_graph is not None
    nodes = run.graphs[result.model_graph].nodes
    return {nodes[index].name: fate for index, fate in fates(run, result).items()}


def branches(names: tuple[str, str]) -> ov.Model:
    """Save three branches whose operators have equal names, as in merged exports."""
    x = op.parameter([1, 64], np.float32, name="x")

    def branch(value: float) -> Any:
        product = op.matmul(x, np.full((64, 64), value, np.float32), False, False)
        product.set_friendly_name(names[0])
        softmax = op.softmax(product, 1)
        softmax.set_friendly_name(names[1])
        return softmax

    return ov.Model([op.result(op.concat([branch(0.1), branch(0.2), branch(0.3)], 1))], [x], "m")


@pytest.mark.measures
def test_operators_with_equal_names_are_distinguished_in_layers(tmp_path: Path) -> None:
    model = tmp_path / "m.xml"
    ov.save_model(branches(("fc", "act")), model, compress_to_fp16=False)
    run = measured(model)
    found = fates_by_name(run)
    names = ["fc", "fc#2", "fc#3", "act", "act#2", "act#3"]
    assert {found[name].kind for name in names} == {"executed"}
    assert len({found[name].layer for name in names}) == 6
    originals = [layer.originals for layer in executed_layers(run, run.results[0])]
    assert sorted(len(some) for some in originals if some) == [1] * 6


def test_a_name_in_use_is_not_given_again() -> None:
    model = branches(("fc", "fc#2"))
    make_unique(model)
    names = [operator.get_friendly_name() for operator in model.get_ordered_ops()]
    assert len(set(names)) == len(names)
    assert {"fc", "fc#2", "fc#3"} <= set(names)


def model_with(path: Path, **names: bytes) -> Path:
    """``IIII → MatMul (node NNNN) → TTTT → Softmax → OOOO``; names are replaced in the bytes."""
    make, kind = onnx.helper, onnx.TensorProto.FLOAT
    weights = make.make_tensor("w", kind, [64, 64], np.full(4096, 0.1))
    graph = make.make_graph(
        [
            make.make_node("MatMul", ["IIII", "w"], ["TTTT"], name="NNNN"),
            make.make_node("Softmax", ["TTTT"], ["OOOO"], name="last", axis=1),
        ],
        "GGGG",
        [make.make_tensor_value_info("IIII", kind, [1, 64])],
        [make.make_tensor_value_info("OOOO", kind, [1, 64])],
        [weights],
    )  # fmt: skip
    model = make.make_model(graph, opset_imports=[make.make_opsetid("", 16)])
    raw = model.SerializeToString()
    for old, new in names.items():
        assert len(old) == len(new)
        raw = raw.replace(old.encode(), new)
    path.write_bytes(raw)
    return path


@pytest.mark.measures
@pytest.mark.parametrize("place", ["IIII", "NNNN", "TTTT", "OOOO", "GGGG"])
def test_a_name_that_is_not_utf8_is_shown_by_its_bytes(tmp_path: Path, place: str) -> None:
    run = measured(model_with(tmp_path / "m.onnx", **{place: GBK}))
    assert run.results[0].profile_failure is None
    found = fates_by_name(run)
    assert {fate.kind for fate in found.values()} <= {"executed", "kept"}
    ports = [*run.header.models[0].inputs, *run.header.models[0].outputs]
    assert [name for port in ports for name in port.names] == [
        SHOWN if place == name else name for name in ("IIII", "OOOO")
    ]
    if place in ("NNNN", "OOOO"):
        assert found[SHOWN].kind == "executed"


@pytest.mark.measures
def test_an_input_is_found_by_the_name_that_is_shown(tmp_path: Path) -> None:
    model = model_with(tmp_path / "m.onnx", IIII=GBK)
    result = ovreport("run", model, "--shape", f"{SHOWN}[2,64]", "--range", "[0,2]", "--dry-run")
    assert result.exit_code == 0, result.output
    assert "[2,64]" in result.output


@pytest.mark.measures
def test_an_error_with_a_name_that_is_not_utf8_is_shown(tmp_path: Path) -> None:
    model = model_with(tmp_path / "m.onnx", OOOO=GBK)
    target = tmp_path / "r.html"
    result = ovreport("run", model, *QUICK, "--shape", "[1,63]", "-o", target)
    assert result.exit_code == 1
    assert "Incompatible MatMul matrix dimension" in " ".join(result.output.split())


@pytest.mark.measures
def test_names_in_the_encoding_of_an_ir_are_read(tmp_path: Path) -> None:
    ov.save_model(branches(("fc", "act")), tmp_path / "m.xml", compress_to_fp16=False)
    text = (tmp_path / "m.xml").read_text().replace('name="fc"', 'name="层名"')
    # Nothing says that it is not UTF-8.
    (tmp_path / "m.xml").write_text(text, encoding="gbk")
    found = fates_by_name(measured(tmp_path / "m.xml"))
    assert found[f"{SHOWN}#3"].kind == "executed"


def test_names_in_bodies_are_made_readable(tmp_path: Path) -> None:
    make, kind = onnx.helper, onnx.TensorProto.FLOAT
    bodies = [
        make.make_graph(
            [make.make_node(operator, ["x"], [f"{operator}BBBB"])], operator, [],
            [make.make_tensor_value_info(f"{operator}BBBB", kind, [4])],
        )
        for operator in ("Exp", "Sin")
    ]  # fmt: skip
    graph = make.make_graph(
        [make.make_node("If", ["c"], ["y"], then_branch=bodies[0], else_branch=bodies[1])],
        "g",
        [
            make.make_tensor_value_info("c", onnx.TensorProto.BOOL, []),
            make.make_tensor_value_info("x", kind, [4]),
        ],
        [make.make_tensor_value_info("y", kind, [4])],
    )
    model = make.make_model(graph, opset_imports=[make.make_opsetid("", 16)])
    (tmp_path / "m.onnx").write_bytes(model.SerializeToString().replace(b"BBBB", GBK))
    read = ov.Core().read_model(tmp_path / "m.onnx")
    make_readable(read)
    branch = next(node for node in read.get_ordered_ops() if node.get_type_name() == "If")
    names = {node.get_friendly_name() for node in branch.get_function(0).get_ordered_ops()}
    assert f"Exp{SHOWN}" in names


@pytest.mark.measures
def test_a_path_that_is_not_utf8_is_refused_but_a_link_to_it_accepted(tmp_path: Path) -> None:
    odd = tmp_path / "\udcb2\udce3.onnx"
    model_with(odd)
    for words in (("run", odd), ("init", odd), ("run", "m.onnx", "--input", odd)):
        result = ovreport(*words)
        assert result.exit_code == 2
        assert "the path is not UTF-8. Rename the file, or name a link to it." in result.output
    (tmp_path / "m.onnx").symlink_to(odd)
    measured(tmp_path / "m.onnx")


def test_labels_with_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_text("3\n1\n", encoding="utf-8-sig")
    assert read_labels(tmp_path / "labels.txt").tolist() == [3, 1]
