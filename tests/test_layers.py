"""Layers from profile, runtime graph and model graph; questions about graphs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from builders import measured, node, timed
from hypothesis import given
from hypothesis import strategies as st

from ovreport.computed.flow import conversions, critical_path, islands, size_bytes, transitions
from ovreport.computed.layers import (
    ExecutedLayer,
    Fate,
    constant_nodes,
    executed_layers,
    fates,
    skipped_layers,
    unplaced_s,
)
from ovreport.computed.precision import precision_name
from ovreport.computed.transposes import there_and_back
from ovreport.run import (
    Node,
    Run,
)


def layer(
    index: int = 0, type: str = "Convolution", precision: str = "f32", seconds: float = 1.0
) -> ExecutedLayer:
    return ExecutedLayer(index, index, "", type, "", precision, seconds, 0, 0, 0, (), "", ())


def layers_of(nodes: Sequence[Node]) -> list[ExecutedLayer]:
    """Return a layer for every node except constants and parameters, each taking one second."""
    return [
        layer(index, item.type, str(item.attributes["runtimePrecision"]))
        for index, item in enumerate(nodes)
        if item.type not in ("Const", "Parameter")
    ]


# ---------------------------------------------------------------------------- layers


def test_layers_are_in_numeric_execution_order() -> None:
    runtime = [node("a", "Relu", order=10), node("b", "Relu", order=2), node("c", "Relu", order=1)]
    layers = executed_layers(*measured(runtime, [timed(n, "Relu", 1) for n in "abc"]))
    assert [item.name for item in layers] == ["c", "b", "a"]


def test_times_are_the_median_and_quartiles_of_the_inferences() -> None:
    run, result = measured([node("a", "Relu")], [timed("a", "Relu", 1, 2, 3, 4, 100)])
    (only,) = executed_layers(run, result)
    assert (only.low_s, only.median_s, only.high_s) == pytest.approx((2e-6, 3e-6, 4e-6))
    assert only.share == 1


def test_a_layer_too_fast_for_the_counters_is_executed() -> None:
    layers = executed_layers(*measured([node("a", "Relu")], [timed("a", "Relu", 0, 0)]))
    assert [item.median_s for item in layers] == [0]


def test_equal_and_empty_names_are_matched_in_execution_order() -> None:
    runtime = [node("", "Relu", order=5), node("", "Relu", order=3), node("", "Add", order=4)]
    profile = [timed("", "Relu", 1), timed("", "Add", 2), timed("", "Relu", 3)]
    layers = executed_layers(*measured(runtime, profile))
    assert [item.index for item in layers] == [1, 2, 0]
    assert [item.median_s for item in layers] == pytest.approx([1e-6, 2e-6, 3e-6])


def test_a_layer_that_is_missing_in_the_graph_is_counted() -> None:
    run, result = measured([node("a", "Relu")], [timed("a", "Relu", 1), timed("b", "Relu", 7)])
    assert len(executed_layers(run, result)) == 1
    assert unplaced_s(run, result) == pytest.approx(7e-6)


def test_names_with_commas_are_resolved_against_the_names_that_exist() -> None:
    model = [node("a", "Add"), node("a,b", "Add"), node("c", "Add")]
    runtime = [node("x", "Add", originals="a,b,lost,c,a")]
    (only,) = executed_layers(*measured(runtime, [timed("x", "Add", 1)], model))
    assert only.originals == (1, 2, 0)


@pytest.mark.parametrize(
    ("written", "meant"), [("FP32", "f32"), ("bf16", "bf16"), ("U8", "u8"), ("", "unknown")]
)
def test_a_precision_has_one_name_in_all_releases(written: str, meant: str) -> None:
    assert precision_name(written) == meant


def test_a_skipped_layer_is_fused_into_the_layer_that_names_it() -> None:
    runtime = [
        node("in", "Input"),
        node("conv", "Convolution", 0, originals="conv,relu,with comma"),
        node("view", "Reshape", 1),
    ]
    profile = [
        timed("in", "Parameter"), timed("conv", "Convolution", 5), timed("relu,with comma", "Relu"),
        timed("view", "Reshape"),
    ]  # fmt: skip
    skipped = skipped_layers(*measured(runtime, profile))
    assert [(item.name, item.index, item.into) for item in skipped] == [
        ("in", 0, None),
        ("relu,with comma", None, 1),
        ("view", 2, None),
    ]


def test_every_layer_of_the_model_has_a_fate() -> None:
    model = [
        node("in", "Parameter"),
        node("w", "Constant"),
        node("scale", "Multiply", 1),
        node("conv", "Convolution", 0, 2),
        node("bias", "Add", 3),
        node("relu", "Relu", 4),
        node("size", "ShapeOf", 5),
        node("view", "Reshape", 5, 6),
        node("unused", "Identity", 7),
    ]
    runtime = [
        node("in", "Input"),
        node("bias", "Convolution", 0, originals="bias,relu"),
        node("view", "Reshape", 1, originals="view"),
    ]
    profile = [timed("in", "Input"), timed("bias", "Convolution", 5), timed("view", "Reshape")]
    assert fates(*measured(runtime, profile, model)) == {
        0: Fate("kept", None),
        2: Fate("folded", None),
        3: Fate("executed", 1),  # although its name is lost, and the layer has the name of the bias
        4: Fate("fused", 1),
        5: Fate("fused", 1),
        6: Fate("folded", None),
        7: Fate("kept", None),
        8: Fate("removed", None),
    }


def test_random_and_stateful_values_are_not_constant() -> None:
    nodes = [node("c", "Constant"), node("r", "RandomUniform", 0), node("v", "ReadValue", 0)]
    assert constant_nodes(nodes) == {0}


# ---------------------------------------------------------------------------- flow


@given(st.lists(st.tuples(st.sampled_from(["f32", "u8", "i32"]), st.sampled_from([0.0, 1.0]))))
def test_transitions_agree_with_a_count_by_hand(chain: list[tuple[str, float]]) -> None:
    timed_ones = [precision for precision, seconds in chain if seconds]
    expected: dict[tuple[str, str], int] = {}
    for before, after in pairwise(timed_ones):
        expected[before, after] = expected.get((before, after), 0) + 1
    assert transitions([layer(0, "", p, seconds) for p, seconds in chain]) == Counter(expected)


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[Node], dict[int, float]]:
    nodes = [
        node("", "", *draw(st.sets(st.integers(0, index - 1), max_size=3)) if index else ())
        for index in range(draw(st.integers(1, 9)))
    ]
    return nodes, {i: float(draw(st.integers(0, 9))) for i in range(len(nodes))}


@given(graphs())
def test_the_critical_path_is_the_longest_of_all_paths(
    drawn: tuple[list[Node], dict[int, float]],
) -> None:
    nodes, times = drawn

    def paths(end: int) -> list[list[int]]:
        ways = [[*path, end] for source, _ in nodes[end].inputs for path in paths(source)]
        return [[end], *ways]

    every = [path for end in range(len(nodes)) for path in paths(end)]
    path, seconds = critical_path(nodes, times)
    assert seconds == max(sum(times[i] for i in path) for path in every)
    assert sum(times[i] for i in path) == seconds
    assert all(a in [s for s, _ in nodes[b].inputs] for a, b in pairwise(path))


def test_conversions_name_the_layers_around_them() -> None:
    nodes = [
        node("in", "Parameter", shape="[1,3,4,4]", layout="abcd"),
        node("reorder", "Reorder", 0, precision="u8", layout="acdb"),
        node("w", "Const"),
        node("conv", "Convolution", 1, 2, precision="u8"),
        node("relu", "Relu", 3, precision="u8"),
    ]
    (only,) = conversions(nodes, layers_of(nodes))
    assert (only.source, only.targets, only.precisions) == (0, (3,), ("f32", "u8"))
    assert only.layouts == ("abcd", "acdb")
    assert only.size_bytes == 3 * 4 * 4 * 4


def test_floating_point_between_integer_layers_is_an_island() -> None:
    kinds = ["f32", "u8", "f32", "f32", "u8", "f32"]
    chain = [node("in", "Parameter", precision="f32")]
    chain += [node("", "Convolution", i, precision=p) for i, p in enumerate(kinds)]
    (island,) = islands(chain, layers_of(chain))
    assert [item.index for item in island] == [3, 4]


def transposed(*shapes: str) -> list[Node]:
    """Return a transpose, layers with these output shapes, and a transpose back to ``[1,2,3]``."""
    first = [node("in", "Parameter", shape="[1,2,3]"), node("", "Transpose", 0, shape="[1,3,2]")]
    between = [node("", "Softmax", 1 + i, shape=shape) for i, shape in enumerate(shapes)]
    return [*first, *between, node("", "Transpose", 1 + len(shapes), shape="[1,2,3]")]


def test_a_transpose_that_is_undone_is_reported() -> None:
    nodes = transposed("[1,3,2]", "[1,3,2]")
    assert there_and_back(nodes) == [(1, 4)]


def test_a_needed_transpose_is_not_reported() -> None:
    nodes = transposed("[1,6]", "[1,3,2]")
    assert there_and_back(nodes) == []


@pytest.mark.parametrize(("back", "found"), [([0, 2, 1], [(2, 4)]), ([2, 0, 1], []),
                                             ([0, 1, 2], [])])  # fmt: skip
def test_the_order_of_dimensions_decides_if_shapes_do_not(
    back: list[int], found: list[tuple[int, int]]
) -> None:
    cube = "[4,4,4]"

    def order(value: list[int]) -> Node:
        return node("", "Constant").model_copy(update={"attributes": {"value": value}})

    nodes = [node("in", "Parameter", shape=cube), order([0, 2, 1]),
             node("", "Transpose", 0, 1, shape=cube), order(back),
             node("", "Transpose", 2, 3, shape=cube)]  # fmt: skip
    assert there_and_back(nodes) == found


@pytest.mark.parametrize(
    ("shape", "precision", "size"),
    [
        ("[1,3,224,224]", "f32", 602112),
        ("[]", "i64", 8),
        ("[3]", "u4", 2),
        ("[2]", "bf16", 4),
        ("[7]", "boolean", 7),
        ("[?,3]", "f32", None),
        ("[1..4,3]", "f32", None),
        ("[3]", "undefined", None),
        ("[0]", "dynamic", 0),  # of a product without zero points
    ],
)
def test_sizes_of_tensors_follow_from_shape_and_precision(
    shape: str, precision: str, size: int | None
) -> None:
    assert size_bytes(shape, precision) == size


# ---------------------------------------------------------------------------- a real run


def test_layers_types_precisions_and_kernels_have_the_same_total(run: Run) -> None:
    result = run.done[0]
    assert result.profile is not None
    total = sum(
        float(np.median(entry.times_ns)) / 1e9
        for entry in result.profile.layers
        if entry.status == "executed"
    )
    layers = executed_layers(run, result)
    assert sum(item.median_s for item in layers) == pytest.approx(total)
    assert sum(item.share for item in layers) == pytest.approx(1)


def test_squeezenet_has_its_26_convolutions_and_every_relu_is_fused(run: Run) -> None:
    result = run.done[0]
    layers = executed_layers(run, result)
    assert sum(item.type == "Convolution" for item in layers) == 26
    assert result.model_graph is not None
    nodes = run.graphs[result.model_graph].nodes
    all_fates = fates(run, result)
    assert {fate.kind for index, fate in all_fates.items() if nodes[index].type == "Relu"} == {
        "fused"
    }
    assert all(item.into is not None for item in skipped_layers(run, result) if item.type == "Relu")


def test_indices_and_masks_are_not_converted_data() -> None:
    nodes = [
        node("ids", "Parameter", precision="i32"),
        node("table", "Const", precision="i8"),
        node("rows", "Gather", 1, 0),
        node("mask", "Eltwise", 2, precision="u8"),
        node("chosen", "Subgraph", 3, 2, originals="chosen"),
    ]
    model = [node("chosen", "Select")]
    layers = [replace(layer(i, nodes[i].type), originals=(0,) if i == 4 else ()) for i in (2, 3, 4)]
    (only,) = conversions(nodes, layers, model)
    assert only.layer.type == "Eltwise"


def test_a_bidirectional_layer_is_not_fused_into_the_reorder_of_its_output() -> None:
    model = [
        node("in", "Parameter"),
        node("lstm", "LSTMSequence", 0),
        node("order", "Transpose", 1),
    ]
    runtime = [
        node("in", "Input"),
        node("forward", "RNNSeq", 0),
        node("backward", "RNNSeq", 0),
        node("lstm.0", "Concatenation", 1, 2, originals="lstm.0"),
        node("order", "Transpose", 3, originals="order"),
    ]
    profile = [timed("forward", "RNNSeq", 5), timed("backward", "RNNSeq", 5)]
    profile += [timed("lstm.0", "Concatenation", 1), timed("order", "Transpose", 1)]
    run, result = measured(runtime, profile, model)
    assert fates(run, result)[1] == Fate("removed", None)
    assert fates(run, result)[2] == Fate("executed", 4)
