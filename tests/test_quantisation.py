"""INT8 files and their execution: the whole page calls a version quantised, or not."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import openvino as ov
import pytest
from builders import section_of
from click.testing import CliRunner
from onnx import TensorProto, helper, numpy_helper
from openvino import opset13 as op
from pages import findings

from ovreport.cli import main as ovreport
from ovreport.computed.quantisation import quantisation
from ovreport.computed.quantised_nodes import quantised_products, rounding_nodes
from ovreport.computed.theory import layer_work, totals
from ovreport.run import CellResult, Run
from ovreport.runfile import read_run
from ovreport.section import Table
from ovreport_plugins.advice.analyzer import Advice
from ovreport_plugins.summary.naming import executed_in

pytestmark = pytest.mark.measures

SIZE = 64


def dynamic(path: Path) -> None:
    """Save a product as ONNX Runtime's quantize_dynamic does: DynamicQuantizeLinear, MatMulInteger.

    A residual addition before it is not part of the quantisation.
    """
    random = np.random.default_rng(0)
    weights = random.integers(-127, 127, (SIZE, SIZE), dtype=np.int8)
    constants = [
        numpy_helper.from_array(weights, "w"),
        numpy_helper.from_array(np.asarray(np.int8(0)), "zero"),
        numpy_helper.from_array(np.asarray(np.float32(0.01)), "scale"),
    ]
    nodes = [
        helper.make_node("Relu", ["x"], ["rectified"], name="before"),
        helper.make_node("Add", ["rectified", "x"], ["sum"], name="residual"),
        helper.make_node("DynamicQuantizeLinear", ["sum"], ["q", "s", "z"], name="quantise"),
        helper.make_node("MatMulInteger", ["q", "w", "z", "zero"], ["whole"], name="product"),
        helper.make_node("Cast", ["whole"], ["floating"], name="cast", to=TensorProto.FLOAT),
        helper.make_node("Mul", ["s", "scale"], ["both"], name="scales"),
        helper.make_node("Mul", ["floating", "both"], ["scaled"], name="rescale"),
        helper.make_node("Sigmoid", ["scaled"], ["y"], name="after"),
    ]
    x, y = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, SIZE, SIZE]) for name in "xy"
    )
    graph = helper.make_graph(nodes, "dynamic", [x], [y], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    onnx.save(model, path)


def compressed(path: Path) -> None:
    """Save a model with weights in i8, which are scaled back before the product."""
    weights = np.random.default_rng(0).integers(-127, 127, (SIZE, SIZE)).astype(np.int8)
    data = op.parameter([1, SIZE, SIZE], np.float32, name="x")
    scaled = op.multiply(
        op.convert(op.constant(weights), "f32"), op.constant(np.full((SIZE, 1), 0.01, np.float32))
    )
    product = op.matmul(data, scaled, False, True, name="product")
    ov.save_model(ov.Model([op.result(op.relu(product))], [data], "compressed"), path, False)


def floating(path: Path) -> None:
    weights = np.random.default_rng(0).normal(size=(SIZE, SIZE)).astype(np.float32)
    data = op.parameter([1, SIZE, SIZE], np.float32, name="x")
    product = op.matmul(data, op.constant(weights), False, True, name="product")
    ov.save_model(ov.Model([op.result(op.relu(product))], [data], "floating"), path, False)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Measure all three models briefly in f32."""
    folder = tmp_path_factory.mktemp("quantised")
    dynamic(folder / "dynamic.onnx")
    compressed(folder / "weights.xml")
    floating(folder / "parent.xml")
    config = folder / "config.toml"
    config.write_text(
        """
        model = [
            { name = "net", version = "parent", path = "parent.xml" },
            { name = "net", version = "dynamic", path = "dynamic.onnx" },
            { name = "net", version = "weights", path = "weights.xml" },
        ]
        matrix = { hint = "latency", precision = "f32" }
        measure = { iterations = 20, launches = 1, profile_iterations = 5, roofs = false }
        """
    )
    done = CliRunner().invoke(ovreport, ["run", str(config), "-o", str(folder / "r.html")])
    assert done.exit_code == 0, done.output
    return read_run(folder / "r.jsonl")


def of(run: Run, version: str) -> CellResult:
    result = run.focus("net", version)
    assert result is not None
    return result


def texts(run: Run, version: str) -> list[str]:
    """Return all texts of findings and advice on a version."""
    by_id = [f.text for f in findings(run) if f"net ({version})" in f.text]
    (table,) = section_of(Advice(), run).groups[0].blocks
    assert isinstance(table, Table)
    rows = [row.values for row in table.rows if row.values["version"] == f"net ({version})"]
    return by_id + [str(row["answer"]) for row in rows]


def test_each_method_of_quantisation_has_a_name(run: Run) -> None:
    assert quantisation(run, of(run, "parent")).scheme is None
    assert quantisation(run, of(run, "dynamic")).scheme == "dynamic"
    assert quantisation(run, of(run, "weights")).scheme == "weights"
    recorded = read_run(Path(__file__).with_name("data") / "bottlenecks.jsonl")
    focus = recorded.focus("bottlenecks", "int8")
    assert focus is not None
    facts = quantisation(recorded, focus)
    assert facts.scheme == "static"
    assert len(facts.in_int8) == 3
    assert facts.flows_in_int8


def test_a_dynamically_quantised_product_runs_in_floating_point(run: Run) -> None:
    facts = quantisation(run, of(run, "dynamic"))
    (product,) = facts.products
    assert product.type == "FullyConnected"
    assert product.precision == "f32"
    assert not facts.in_int8
    assert not facts.flows_in_int8


def test_quantising_layers_are_distinguished_from_computing_ones(run: Run) -> None:
    result = of(run, "dynamic")
    model = run.graphs[result.model_graph or ""].nodes
    assert Counter(quantised_products(model).values()) == {"dynamic": 1}
    names = {model[index].name for index in rounding_nodes(model)}
    assert {"cast", "rescale", "scales"} - names <= {"rescale"}  # the frontend names it ``y``
    assert not {"before", "residual", "product", "after"} & names
    converting = quantisation(run, result).converting
    assert converting
    assert not {layer.type for layer in converting} & {"FullyConnected", "MatMul"}


def test_the_page_says_that_the_file_is_int8_and_the_execution_is_not(run: Run) -> None:
    assert executed_in(run, of(run, "dynamic"))[0] == "INT8 file (dynamic quantisation)"
    text = " ".join(texts(run, "dynamic"))
    assert "the file is INT8 (dynamic quantisation" in text
    assert "executes its products in f32 (1 layer): it saves space on disk, not time" in text
    assert "Quantising and converting back take" in text
    assert "parent, in floating point, takes" in text
    assert "not quantised" not in text


def test_a_product_with_compressed_weights_keeps_its_work(run: Run) -> None:
    """The product has 2 · 64³ operations, and the rectifier one for each element."""
    result = of(run, "weights")
    work = layer_work(run, result)
    (product,) = quantisation(run, result).products
    assert product.weights == "i8"
    assert work[product.index].operations == 2 * SIZE**3 + SIZE**2
    assert sum(w.operations or 0 for w in work.values()) == totals(run, result).flops


def test_compressed_weights_do_not_make_an_int8_file(run: Run) -> None:
    assert executed_in(run, of(run, "weights"))[0] == "i8 weights"
    text = " ".join(texts(run, "weights"))
    assert "not quantised" not in text
    assert "the file is INT8" not in text


def test_a_version_in_floating_point_is_not_quantised(run: Run) -> None:
    assert executed_in(run, of(run, "parent"))[0] == "f32 model"
    assert "this version is not quantised" in texts(run, "parent")
