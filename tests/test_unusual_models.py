"""Models with unusual layers, really measured: each gives a sensible report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import openvino as ov
import pytest
from conftest import ovreport
from onnx.helper import make_graph, make_node, make_tensor, make_tensor_value_info
from openvino import opset13 as op

from ovreport.analysis import analyze, installed
from ovreport.computed.layers import ExecutedLayer, executed_layers, fates
from ovreport.computed.theory import totals
from ovreport.run import Resolved, Run
from ovreport.runfile import read_run
from ovreport.section import Crashed, Section, Skipped, Table
from ovreport_plugins.layers.analyzer import Layers

pytestmark = pytest.mark.measures

FLOAT, INT64, BOOL = onnx.TensorProto.FLOAT, onnx.TensorProto.INT64, onnx.TensorProto.BOOL
value = make_tensor_value_info


def save(
    path: Path,
    nodes: Sequence[Any],
    inputs: Sequence[Any],
    output: Any,
    constants: Sequence[Any] = (),
) -> None:
    graph = make_graph(nodes, "graph", inputs, [output], constants)
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 16)]), path)


def branches(path: Path) -> None:
    """Save an ``If`` on an input without dimensions; the output of a branch depends on values."""
    found = make_graph([make_node("NonZero", ["x"], ["a"])], "then", [], [value("a", INT64, None)])
    cast = make_graph(
        [make_node("Cast", ["x"], ["b"], to=INT64)], "else", [], [value("b", INT64, None)]
    )
    node = make_node("If", ["condition"], ["y"], then_branch=found, else_branch=cast)
    inputs = [value("condition", BOOL, []), value("x", FLOAT, [64, 64])]
    save(path, [node], inputs, value("y", INT64, None))


def loop(path: Path) -> None:
    """Save a ``Loop`` whose number of iterations is an input without dimensions."""
    state = value("state", FLOAT, [1, 64])
    body = make_graph(
        [make_node("MatMul", ["state", "w"], ["product"]), make_node("Tanh", ["product"], ["next"]),
         make_node("Identity", ["go"], ["goes"])],
        "body", [value("i", INT64, []), value("go", BOOL, []), state],
        [value("goes", BOOL, []), value("next", FLOAT, [1, 64])],
    )  # fmt: skip
    constants = [make_tensor("true", BOOL, [], [True]),
                 make_tensor("w", FLOAT, [64, 64], np.full(4096, 0.01))]  # fmt: skip
    node = make_node("Loop", ["times", "true", "x"], ["y"], body=body)
    inputs = [value("times", INT64, []), value("x", FLOAT, [1, 64])]
    save(path, [node], inputs, value("y", FLOAT, [1, 64]), constants)


def iterator(path: Path) -> None:
    """Save a ``TensorIterator`` over 16 steps."""
    data, step = (op.parameter([1, n, 64], np.float32) for n in (16, 1))
    weights = op.constant(np.full((64, 64), 0.01, np.float32))
    product = op.tanh(op.matmul(step, weights, False, False))
    iterated = op.tensor_iterator()
    iterated.set_friendly_name("steps")
    iterated.set_body(ov.Model([product], [step], "body"))
    iterated.set_sliced_input(step, data.output(0), 0, 1, 1, -1, 1)
    result = iterated.get_concatenated_slices(product.output(0), 0, 1, 1, -1, 1)
    ov.save_model(ov.Model([op.result(result)], [data], "steps"), path)


def counted(path: Path) -> None:
    """Save a model whose shapes depend on values: the elements above zero."""
    nodes = [make_node("NonZero", ["x"], ["places"]),
             make_node("Transpose", ["places"], ["rows"], perm=[1, 0]),
             make_node("GatherND", ["x", "rows"], ["found"]),
             make_node("Relu", ["found"], ["y"])]  # fmt: skip
    save(path, nodes, [value("x", FLOAT, [64, 64])], value("y", FLOAT, None))


def one_subgraph(path: Path) -> None:
    """Save four element-wise operators that the device runs as one."""
    nodes = [make_node("Relu", ["x"], ["a"]), make_node("Mul", ["a", "b"], ["c"]),
             make_node("Sigmoid", ["c"], ["d"]), make_node("Add", ["d", "x"], ["y"])]  # fmt: skip
    shape = [1, 256, 256]
    constant = make_tensor("b", FLOAT, [256], np.ones(256))
    save(path, nodes, [value("x", FLOAT, shape)], value("y", FLOAT, shape), [constant])


def instant(path: Path) -> None:
    """Save layers below the counters' resolution of a microsecond."""
    nodes = [make_node("Transpose", ["x"], ["a"], perm=[1, 0]),
             make_node("ReduceMax", ["a"], ["b"], axes=[1]),
             make_node("Relu", ["b"], ["y"])]  # fmt: skip
    save(path, nodes, [value("x", FLOAT, [1, 4])], value("y", FLOAT, [4, 1]))


def view(path: Path) -> None:
    """Save a model without work: it returns its input in another shape."""
    shape = make_tensor("shape", INT64, [2], [2, 2])
    save(path, [make_node("Reshape", ["x", "shape"], ["y"])], [value("x", FLOAT, [1, 4])],
         value("y", FLOAT, [2, 2]), [shape])  # fmt: skip


MODELS = {
    "branches": branches, "loop": loop, "steps": iterator, "counted": counted,
    "subgraph": one_subgraph, "instant": instant, "view": view,
}  # fmt: skip


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """Measure all models briefly in one run, and return a run for each."""
    folder = tmp_path_factory.mktemp("unusual")
    files = {
        name: f"{name}.{'xml' if make is iterator else 'onnx'}" for name, make in MODELS.items()
    }
    for name, make in MODELS.items():
        make(folder / files[name])
    models = ", ".join(f'{{ name = "{name}", path = "{file}" }}' for name, file in files.items())
    config = folder / "config.toml"
    config.write_text(
        f"""
        model = [{models}]
        matrix = {{ hint = "latency" }}
        measure = {{ iterations = 20, launches = 1, profile_iterations = 5, roofs = false }}
        report = {{ analyzers = ["summary"] }}
        """
    )
    result = ovreport("run", config, "-o", folder / "report.html")
    assert result.exit_code == 0, result.output
    run = read_run(folder / "report.jsonl")
    return {name: alone(run, name) for name in MODELS}


def alone(run: Run, model: str) -> Run:
    models = tuple(file for file in run.header.models if file.model == model)
    header = run.header.model_copy(update={"models": models})
    return replace(
        run, header=header, results=tuple(r for r in run.results if r.cell.model == model)
    )


def sections(run: Run) -> dict[str, Section]:
    """Return the sections of all analyzers that have one."""
    reports = analyze(run, [make() for make in installed().values()])
    return {r.analyzer.id: r.outcome for r in reports if isinstance(r.outcome, Section)}


def texts_by_id(section: Section) -> dict[str, str]:
    """Return findings by id."""
    return {finding.id: finding.text for finding in section.findings}


def layers_of(run: Run) -> tuple[ExecutedLayer, ...]:
    return executed_layers(run, run.done[0])


@pytest.mark.parametrize("name", MODELS)
def test_no_section_fails(runs: dict[str, Run], name: str) -> None:
    reports = analyze(runs[name], [make() for make in installed().values()])
    assert [r.outcome for r in reports if isinstance(r.outcome, Crashed)] == []
    assert isinstance(runs[name].done[0].resolved, Resolved)


@pytest.mark.parametrize(("name", "kind"), [("branches", "If"), ("loop", "Loop"),
                                            ("steps", "TensorIterator")])  # fmt: skip
def test_layers_in_a_body_are_reported_as_invisible(
    runs: dict[str, Run], name: str, kind: str
) -> None:
    shown = sections(runs[name])
    text = texts_by_id(shown["bottlenecks"])["bottlenecks.hidden"]
    assert f"{kind}) holds" in text
    assert "not report the precisions" in texts_by_id(shown["precision"])["precision.hidden"]
    assert "unknown" in {layer.precision for layer in layers_of(runs[name])}


def test_work_in_a_body_is_counted_as_often_as_it_runs(runs: dict[str, Run]) -> None:
    step = 2 * 64 * 64 + 5 * 64  # a product of [1,64] by [64,64] and a hyperbolic tangent
    run = runs["steps"]
    assert totals(run, run.done[0]).flops == 16 * step
    run = runs["loop"]
    assert totals(run, run.done[0]).unknown  # the number of iterations is unknown


def test_shapes_that_depend_on_values_are_named_without_counting_their_work(
    runs: dict[str, Run],
) -> None:
    shown = sections(runs["counted"])
    answers = [
        str(value)
        for group in shown["advice"].groups
        for table in group.blocks
        if isinstance(table, Table)
        for row in table.rows
        for value in row.values.values()
    ]
    # No advice, as the model's inputs already have fixed shapes.
    assert any("known only while the model runs" in answer for answer in answers)
    assert "at least" in texts_by_id(shown["model"])["model.unknown"]


def test_a_single_layer_contains_all_operators_that_it_fuses(runs: dict[str, Run]) -> None:
    run = runs["subgraph"]
    (layer,) = layers_of(run)
    graph = run.graphs[run.done[0].model_graph or ""]
    all_fates = fates(run, run.done[0])
    operators = [i for i in all_fates if graph.nodes[i].type not in ("Parameter", "Result")]
    assert len(operators) == 4
    assert {all_fates[index].layer for index in operators} == {layer.index}
    text = texts_by_id(sections(run)["bottlenecks"])["bottlenecks.concentration"]
    assert "the whole model as one layer" in text


def test_layers_below_the_resolution_of_the_counters_are_listed(runs: dict[str, Run]) -> None:
    run = runs["instant"]
    layers = layers_of(run)
    assert layers
    assert all(layer.median_s >= 0 for layer in layers)
    assert sum(layer.share for layer in layers) == pytest.approx(1) or not any(
        layer.median_s for layer in layers
    )


def test_without_any_layer_the_sections_say_so(runs: dict[str, Run]) -> None:
    assert layers_of(runs["view"]) == ()
    reports = {a.analyzer.id: a.outcome for a in analyze(runs["view"], [Layers()])}
    skipped = reports["layers"]
    assert isinstance(skipped, Skipped)
    assert "the device executed no layer" in skipped.reason
