"""Random indices stay within the tensors that they index."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import pytest
from conftest import ovreport
from openvino import opset13 as op

from ovreport.measuring.inputs import prepare_inputs
from ovreport.measuring.worker.indices import index_ranges
from ovreport.run import Port
from ovreport.runfile import read_run

_TABLE = op.constant(np.zeros((100, 4), np.float32))
_FIRST = op.constant(np.array(0, np.int64))


def integers(shape: list[int], name: str = "ids") -> Any:
    made = op.parameter(shape, np.int64, name=name)
    made.output(0).set_names({name})
    return made


def whole(value: Any) -> Any:
    return op.constant(np.array(value, np.int64))


def looked_up(ids: Any) -> Any:
    return op.gather(_TABLE, ids, _FIRST)


def normalised(ids: Any) -> Any:
    """Return indices counted from the end, as PyTorch's exporter writes them."""
    return looked_up(op.select(op.less(ids, whole(0)), op.add(ids, whole(100)), ids))


def through_shapes(ids: Any) -> Any:
    pair = op.split(op.unsqueeze(op.convert(ids, "i32"), _FIRST), whole(1), 2)
    return op.gather(_TABLE, op.concat([pair.output(1), pair.output(0)], 1), _FIRST)


MODELS: dict[str, tuple[Callable[[Any], Any], list[int | bool] | None]] = {
    "a table": (looked_up, [0, 100, False]),
    "a table after reserved rows": (
        lambda ids: looked_up(op.add(ids, whole(2))), [0, 98, False]),
    "several tables in one": (
        lambda ids: looked_up(op.add(ids, whole([0, 10, 30, 50]))), [0, 50, False]),
    "numbers from one": (
        lambda ids: looked_up(op.subtract(ids, whole(1))), [1, 101, False]),
    "indices from the end": (normalised, [0, 100, False]),
    "through other shapes and types": (through_shapes, [0, 100, False]),
    "the smaller of two tables": (
        lambda ids: op.concat(
            [looked_up(ids), op.gather(op.constant(np.zeros((7, 4), np.float32)), ids, _FIRST)], 0
        ), [0, 7, False]),
    "the last axis": (
        lambda ids: op.gather(_TABLE, ids, whole(-1)), [0, 4, False]),
    "points": (
        lambda ids: op.gather_nd(_TABLE, op.reshape(ids, whole([2, 2]), False)), [0, 4, False]),
    "elements": (
        lambda ids: op.gather_elements(_TABLE, op.reshape(ids, whole([1, 4]), False), 0),
        [0, 100, False]),
    "places that are written": (
        lambda ids: op.scatter_update(
            _TABLE, ids, op.constant(np.ones((4, 4), np.float32)), _FIRST), [0, 100, False]),
    "no index": (lambda ids: op.add(ids, whole(1)), None),
    "a factor": (lambda ids: looked_up(op.multiply(ids, whole(2))), None),
}  # fmt: skip


@pytest.mark.parametrize("name", MODELS)
def test_the_graph_limits_the_values_of_an_index(name: str) -> None:
    build, expected = MODELS[name]
    ids = integers([4])
    model = ov.Model([op.result(build(ids))], [ids], name)
    assert index_ranges(model) == [expected]
    if expected is not None:
        low, high, _ = expected
        compiled = ov.Core().compile_model(model, "CPU")
        for value in (low, high - 1):
            compiled([np.full(4, value, np.int64)])


def test_floats_and_numbers_of_rows_are_not_indices() -> None:
    rows = op.parameter([100, 4], np.float32)
    size = integers([2], "size")
    model = ov.Model([op.result(op.reshape(rows, size, False))], [rows, size], "sized")
    assert index_ranges(model) == [None, None]


def test_ascending_positions_are_zeros() -> None:
    ids, offsets = integers([4]), integers([2], "offsets")
    bags = op.embedding_bag_offsets_sum(_TABLE, ids, offsets)
    model = ov.Model([op.result(bags)], [ids, offsets], "bags")
    assert index_ranges(model) == [[0, 100, False], [0, 1, False]]


def network(path: Path) -> None:
    """Save a graph network, which gathers the nodes of each edge and sums their values."""
    nodes = op.parameter([-1, 4], np.float32, name="x")
    nodes.output(0).set_names({"x"})
    edges = integers([2, -1], "edges")
    ends = [op.gather(edges, whole(end), _FIRST) for end in (0, 1)]
    gathered = op.gather(op.relu(nodes), ends[0], _FIRST)
    places = op.broadcast(op.unsqueeze(ends[1], whole(1)), op.shape_of(gathered))
    added = op.scatter_elements_update(nodes, places, gathered, _FIRST)
    ov.save_model(ov.Model([op.result(added)], [nodes, edges], "network"), path)


def data_of(folder: Path, *options: str) -> str:
    arguments = ("--hint", "latency", "--iterations", "10", "--no-roofs")
    done = ovreport("run", folder / "m.xml", *arguments, *options, "-o", folder / "r.html")
    assert done.exit_code == 0, done.output
    (result,) = read_run(folder / "r.jsonl").results
    assert result.resolved is not None
    return result.resolved.input_data


@pytest.mark.measures
def test_indices_stay_within_a_tensor_whose_shape_is_given(tmp_path: Path) -> None:
    network(tmp_path / "m.xml")
    values = data_of(tmp_path, "--shape", "x[1000,4],edges[2,5000]")
    assert "edges: random i64, [0, 1000), an index" in values


@pytest.mark.measures
def test_a_given_range_overrides_that_of_an_index(tmp_path: Path) -> None:
    network(tmp_path / "m.xml")
    values = data_of(tmp_path, "--shape", "x[1000,4],edges[2,50]", "--range", "edges[0,9]")
    assert "edges: random i64, [0, 9)" in values
    assert "an index" not in values


@pytest.mark.measures
def test_indices_of_a_tensor_with_open_shape_are_zeros(tmp_path: Path) -> None:
    """For example, beam search orders the rows of a state by such indices."""
    found = op.non_zero(op.constant(np.eye(3, dtype=np.float32)), output_type="i64")
    order = integers([2], "order")
    ov.save_model(ov.Model([op.result(op.gather(found, order, whole(1)))], [order], "m"),
                  tmp_path / "m.xml")  # fmt: skip
    assert "order: random i64, [0, 1), an index" in data_of(tmp_path)


def test_indices_are_whole_numbers_of_their_range(tmp_path: Path) -> None:
    port = Port(names=("ids",), shape="[1000]", precision="i32")
    prepare_inputs(tmp_path / "x.npz", [port], [(1000,)], None, None, 0, {0: (1, 5)})
    assert set(np.load(tmp_path / "x.npz")["0_0"].tolist()) == {1, 2, 3, 4}
