"""Operations, parameters and bytes agree with published figures and with sums made by hand."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from pathlib import Path

import numpy as np
import onnx
import openvino as ov
import pytest
from builders import measured, node, timed
from conftest import light_model
from hypothesis import given
from hypothesis import strategies as st
from openvino import opset13 as op
from openvino import opset15

from ovreport.computed.operators import Operator, dimensions, operations
from ovreport.computed.theory import activation_bytes, layer_work, not_placed, totals
from ovreport.computed.work import Work, model_work
from ovreport.measuring.worker.profiling import graph
from ovreport.run import Graph, Node, Run
from ovreport.runfile import read_run

BOTTLENECKS = Path(__file__).with_name("data") / "bottlenecks.jsonl"
PRODUCTS = ("Convolution", "GroupConvolution", "MatMul")


def graph_of(model: ov.Model) -> tuple[Node, ...]:
    return Graph.model_validate(graph(model, "model")).nodes


def work_in(model: ov.Model, type: str) -> Work:
    """Return the work of the only operator of a type."""
    nodes = graph_of(model)
    (found,) = [w for w, n in zip(model_work(nodes), nodes, strict=True) if n.type == type]
    return found


# ---------------------------------------------------------------------------- published figures


# Multiply-adds and parameters: torchvision's model pages (the weights' "GFLOPS", which count a
# multiply-add as one, and "num_params"); AlexNet with groups and GoogLeNet: of BVLC's Caffe
# prototxt files. The DenseNet of the onnx package has two more numbers for each of the 41,824
# normalised channels than torchvision's 7,978,856: Caffe writes a normalisation as two layers.
@pytest.mark.parametrize(
    ("name", "gmacs", "parameters"),
    [
        ("squeezenet", 0.35, 1_235_496),
        ("resnet50", 4.09, 25_557_032),
        ("vgg19", 19.63, 143_667_240),
        ("densenet121", 2.83, 7_978_856 + 2 * 41_824),
        ("bvlc_alexnet", 0.65, 60_965_224),
        ("inception_v1", 1.43, 6_998_552),
    ],
)
def test_operations_of_real_models_agree_with_published_figures(
    name: str, gmacs: float, parameters: int
) -> None:
    nodes = graph_of(ov.Core().read_model(light_model(name)))
    work = model_work(nodes)
    products = sum(w.flops or 0 for w, n in zip(work, nodes, strict=True) if n.type in PRODUCTS)
    assert products / 2e9 == pytest.approx(gmacs, abs=0.0051)
    assert sum(w.parameters for w in work) == parameters
    whole = sum(w.flops or 0 for w in work)
    assert products < whole < 1.06 * products


# ---------------------------------------------------------------------------- operators by hand


@pytest.mark.parametrize(
    ("type", "inputs", "output", "attributes", "expected"),
    [
        ("Convolution", ["[1,3,8,8]", "[4,3,3,3]"], "[1,4,6,6]", {}, 2 * 4 * 36 * 27),
        ("GroupConvolution", ["[1,6,8,8]", "[2,4,3,3,3]"], "[1,8,6,6]", {}, 2 * 8 * 36 * 27),
        ("GroupConvolution", ["[1,8,5]", "[8,1,1,3]"], "[1,8,3]", {}, 2 * 8 * 3 * 3),
        ("ConvolutionBackpropData", ["[1,3,4,4]", "[3,5,2,2]"], "[1,5,8,8]", {}, 2 * 48 * 20),
        ("GroupConvolutionBackpropData", ["[1,4,4]", "[2,2,3,2]"], "[1,6,8]", {}, 2 * 16 * 6),
        ("DeformableConvolution", ["[1,2,4,4]", "[1,18,2,2]", "[3,2,3,3]"], "[1,3,2,2]", {},
         2 * 12 * 18 + 7 * 4 * 18),
        ("MatMul", ["[5,2,3]", "[5,3,4]"], "[5,2,4]", {}, 2 * 40 * 3),
        ("MatMul", ["[3,2]", "[3,4]"], "[2,4]", {"transpose_a": True}, 2 * 8 * 3),
        ("MatMul", ["[3]", "[3,4]"], "[4]", {"transpose_a": True}, 2 * 4 * 3),
        ("Einsum", ["[2,3]", "[3,4]"], "[2,4]", {"equation": "ij, jk -> ik"}, 2 * 24),
        ("Einsum", ["[2]", "[3]"], "[2,3]", {"equation": "i,j->ij"}, 6),
        ("Einsum", ["[2,3]"], "[2]", {"equation": "ij->i"}, 6),
        ("Einsum", ["[2,3]"], "[3,2]", {"equation": "ij->ji"}, 0),
        ("MaxPool", ["[1,2,4,4]"], "[1,2,2,2]", {"kernel": [2, 2]}, 8 * 4),
        ("ReduceMean", ["[2,8]", "[1]"], "[2,1]", {}, 16 + 2),
        ("ReduceMax", ["[2,8]", "[1]"], "[2]", {}, 16),
        ("Softmax", ["[2,8]"], "[2,8]", {}, 16 * 5),
        ("MVN", ["[2,8]", "[1]"], "[2,8]", {"normalize_variance": True}, 16 * 5),
        ("LRN", ["[1,4,2,2]", "[1]"], "[1,4,2,2]", {"size": 5}, 16 * 10),
        ("Interpolate", ["[1,1,2,2]", "[2]"], "[1,1,4,4]", {"mode": "linear_onnx"}, 16 * 8),
        ("Interpolate", ["[1,1,2,2]", "[2]"], "[1,1,4,4]", {"mode": "nearest"}, 0),
        ("TopK", ["[2,8]", "[]"], "[2,4]", {"axis": 1}, 16 * 2),
        # 0.5x(1 + erf(x / √2)): two products, erf, a sum, a division. By tanh, which is five: seven
        # products and sums inside and out, and the last product.
        ("Gelu", ["[2,8]"], "[2,8]", {"approximation_mode": "ERF"}, 16 * 5),
        ("Gelu", ["[2,8]"], "[2,8]", {"approximation_mode": "TANH"}, 16 * (8 + 5)),
        ("GridSample", ["[1,2,4,4]", "[1,3,3,2]"], "[1,2,3,3]", {"mode": "bilinear"}, 18 * 7),
        ("GridSample", ["[1,2,4,4]", "[1,3,3,2]"], "[1,2,3,3]", {"mode": "nearest"}, 0),
        # A multiply-add for each of 4 × 4 neighbours.
        ("GridSample", ["[1,2,4,4]", "[1,3,3,2]"], "[1,2,3,3]", {"mode": "bicubic"}, 18 * 32),
        # 3 × 3 samples in a bin, each interpolated and pooled.
        ("ROIAlign", ["[1,4,8,8]", "[2,4]", "[2]"], "[2,4,2,2]", {"sampling_ratio": 3},
         32 * 9 * (7 + 1)),
        # Queries [2,3,4], keys [2,5,4], values [2,5,6]: 30 scores of 8 and a scale, softmax, and
        # 12 operations each with the values.
        ("ScaledDotProductAttention", ["[2,3,4]", "[2,5,4]", "[2,5,6]"], "[2,3,6]", {},
         30 * (8 + 1 + 5 + 12)),
        # One LSTM step of 2 hidden elements over 3 inputs: 4 gates.
        ("LSTMCell", ["[1,3]", "[1,2]", "[1,2]", "[8,3]", "[8,2]", "[8]"], "[1,2]", {},
         2 * (24 + 16) + 2 * (8 + 26)),
        # A bidirectional GRU over 5 steps, 3 inputs, 2 hidden elements.
        ("GRUSequence", ["[1,5,3]", "[1,2,2]", "[1]", "[2,6,3]", "[2,6,2]", "[2,8]"],
         "[1,2,5,2]", {}, 5 * (2 * (36 + 24) + 4 * (6 + 18))),
    ],
)  # fmt: skip
def test_operations_agree_with_a_count_by_hand(
    type: str, inputs: list[str], output: str, attributes: dict[str, object], expected: int
) -> None:
    shapes = [dimensions(shape) for shape in (*inputs, output)]
    assert None not in shapes
    made = Operator(type, shapes[:-1], shapes[-1:], attributes)  # type: ignore[arg-type]
    assert operations(made) == expected


def fourier(kind: str, shape: list[int], axes: list[int], size: list[int] | None = None) -> int:
    """Return the operations of a Fourier transform in an OpenVINO model."""
    data = op.parameter(shape, np.float32)
    more = [] if size is None else [op.constant(np.array(size, np.int64))]
    made = getattr(op, kind)(data, op.constant(np.array(axes, np.int64)), *more)
    work = work_in(ov.Model([op.result(made)], [data]), kind.upper())
    assert work.flops is not None
    return work.flops


def test_operations_of_fourier_transforms_agree_with_fftw() -> None:
    assert fourier("dft", [2, 8, 16, 2], [1]) == 5 * 2 * 8 * 16 * 3
    assert fourier("idft", [2, 8, 16, 2], [0, -1], [4, 16]) == 5 * 4 * 8 * 16 * 6
    assert fourier("rdft", [4, 64], [1]) == 2.5 * 4 * 64 * 6
    assert fourier("rdft", [4, 50], [-1], [64]) == 2.5 * 4 * 64 * 6
    assert fourier("irdft", [4, 33, 2], [1]) == 2.5 * 4 * 64 * 6


def test_a_short_time_transform_counts_the_window_and_the_transform_of_each_frame() -> None:
    signal, window = op.parameter([1, 48], np.float32), op.parameter([16], np.float32)
    size, step = (op.constant(np.array(value, np.int64)) for value in (16, 8))
    made = opset15.stft(signal, window, size, step, transpose_frames=False)
    frames = 1 + (48 - 16) // 8
    work = work_in(ov.Model([op.result(made)], [signal, window]), "STFT")
    assert work.flops == frames * (16 + 2.5 * 16 * 4)


def test_samples_of_a_region_that_depend_on_its_size_are_not_counted() -> None:
    shapes = [(1, 4, 8, 8), (2, 4), (2,)]
    assert operations(Operator("ROIAlign", shapes, [(2, 4, 2, 2)], {"sampling_ratio": 0})) is None


def test_pooling_of_regions_is_counted_if_its_samples_are_fixed() -> None:
    data, regions = op.parameter([1, 72, 20, 20], np.float32), op.parameter([5, 5], np.float32)

    def flops(mode: str, channels: int) -> int | None:
        made = op.psroi_pooling(data, regions, channels, 3, 1.0, 2, 2, mode)
        return work_in(ov.Model([op.result(made)], [data, regions]), "PSROIPooling").flops

    assert flops("average", 8) is None
    assert flops("bilinear", 18) == 5 * 18 * 9 * (4 * 8 + 1)
    nodes = [node("in", "Parameter"), node("boxes", "NonMaxSuppression", 0, shape="[?,3]")]
    run, result = measured([], [], nodes)
    assert totals(run, result).unknown == {"NonMaxSuppression: its work depends on values": 1}


def test_unknown_operators_are_listed_and_never_count_as_zero() -> None:
    nodes = [
        node("in", "Parameter", shape="[?,8]"),
        node("open", "Relu", 0, shape="[?,8]"),
        node("fixed", "Parameter"),
        node("new", "SomethingNew", 2),
        node("odd", "Convolution", 2, 2),
    ]
    odd = nodes[4].model_copy(update={"outputs": ()})
    work = model_work([*nodes[:4], odd])
    assert [item.operations for item in work] == [0, None, 0, None, None]
    run, result = measured([], [], [*nodes[:4], odd])
    assert totals(run, result).unknown == {
        "Relu: dynamic shape": 1, "SomethingNew: no formula": 1, "Convolution: no formula": 1,
    }  # fmt: skip


@given(st.text(max_size=30))
def test_any_text_in_place_of_a_shape_is_accepted(text: str) -> None:
    found = dimensions(text)
    assert found is None or text == f"[{','.join(text[1:-1].split(','))}]"


# ---------------------------------------------------------------------------- bodies


def test_the_body_of_a_loop_counts_for_each_iteration() -> None:
    data = op.parameter([4, 1, 8], np.float32)
    part, state = (op.parameter([1, 1, 8], np.float32) for _ in range(2))
    total = op.result(op.add(part, op.tanh(state)))
    loop = op.tensor_iterator()
    loop.set_body(ov.Model([total], [part, state]))
    loop.set_sliced_input(part, data.output(0), 0, 1, 1, -1, 0)
    zeros = op.constant(np.zeros((1, 1, 8), np.float32))
    loop.set_merged_input(state, zeros.output(0), total.output(0))
    last = loop.get_iter_value(total.output(0), -1)
    assert work_in(ov.Model([last], [data]), "TensorIterator").flops == 4 * 8 * (1 + 5)


def test_the_larger_branch_of_a_condition_counts() -> None:
    data, choice = op.parameter([8], np.float32), op.parameter([], bool)
    condition = op.if_op(choice)
    inner = [op.parameter([8], np.float32) for _ in range(2)]
    ends = [op.result(op.relu(inner[0])), op.result(op.sigmoid(inner[1]))]
    condition.set_then_body(ov.Model([ends[0]], [inner[0]]))
    condition.set_else_body(ov.Model([ends[1]], [inner[1]]))
    condition.set_input(data.output(0), inner[0], inner[1])
    chosen = condition.set_output(ends[0], ends[1])
    assert work_in(ov.Model([chosen], [data, choice]), "If").flops == 8 * 4


# ---------------------------------------------------------------------------- integers, bytes


def test_products_of_quantised_tensors_are_integer_operations() -> None:
    run = read_run(BOTTLENECKS)
    convolution = 2 * 32 * 64 * 64 * 32 * 9
    for version, quantised in (("parent", 0), ("int8", 3)):
        result = run.focus("bottlenecks", version)
        assert result is not None
        found = totals(run, result)
        assert found.integer_ops == quantised * convolution
        rest = found.flops - (5 - quantised) * convolution
        assert 0 < rest < 0.1 * convolution


def test_bytes_count_inputs_and_outputs_that_are_read() -> None:
    data = op.parameter([1, 2, 4, 4], np.float32)
    pooled = op.max_pool(data, [2, 2], [1, 1], [0, 0], [0, 0], [2, 2])
    model = ov.Model([op.result(pooled.output(0))], [data])
    found = work_in(model, "MaxPool")
    assert (found.read_bytes, found.write_bytes) == (32 * 4, 8 * 4)


def test_a_gather_reads_as_much_as_it_writes() -> None:
    words = op.parameter([5], np.int64)
    table = op.constant(np.zeros((1000, 8), np.float32))
    found = work_in(ov.Model([op.gather(table, words, op.constant(0))], [words]), "Gather")
    assert found.read_bytes == 5 * 8 * 4 + 5 * 8 + 8
    assert (found.parameters, found.flops) == (8000, 0)


def test_position_embeddings_count_in_full() -> None:
    data = op.parameter([1, 6, 8], np.float32)
    stored = op.constant(np.arange(1 * 512 * 8, dtype=np.float32).reshape(1, 512, 8))
    first, rest = (
        op.slice(stored, op.constant([a]), op.constant([b]), op.constant([1]), op.constant([1]))
        for a, b in ((0, 1), (1, 6))
    )
    model = ov.Model([op.add(data, op.concat([first, rest], 1))], [data])
    assert sum(work.parameters for work in model_work(graph_of(model))) == 512 * 8


def test_weights_that_two_operators_share_are_counted_once() -> None:
    data = op.parameter([1, 8], np.float32)
    weights = op.constant(np.zeros((8, 8), np.float32))
    model = ov.Model([op.matmul(op.matmul(data, weights, False, False), weights, False, False)],
                     [data])  # fmt: skip
    work = model_work(graph_of(model))
    assert sum(item.parameters for item in work) == 64
    assert sum(item.weight_bytes or 0 for item in work) == 2 * 64 * 4


def test_activations_need_the_memory_of_simultaneously_live_tensors() -> None:
    # in (64 B) → a (32 B) → b (128 B) → view of b → sum of the view and a (128 B)
    nodes = [
        node("in", "Parameter", shape="[16]"),
        node("a", "ReduceSum", 0, shape="[8]"),
        node("b", "Tile", 1, shape="[32]"),
        node("view", "Reshape", 2, shape="[8,4]"),
        node("sum", "Add", 3, 1, shape="[32]"),
        node("out", "Result", 4, shape="[32]"),
    ]
    assert activation_bytes(nodes) == (32 + 128 + 128, 64 + 32 + 128 + 128)
    assert activation_bytes(
        [*nodes[:1], node("a", "Relu", 0, shape="[?]"), node("b", "Relu", 1)]
    ) == (None, None)


# ---------------------------------------------------------------------------- layers


def placed(layers: Sequence[Work], rest: Work, whole: Sequence[Work]) -> None:
    """Check that every operation and parameter is in exactly one layer or listed as in none."""
    together = reduce(Work.__add__, layers, rest)
    assert together.flops == sum(item.flops or 0 for item in whole)
    assert together.integer_ops == sum(item.integer_ops or 0 for item in whole)
    assert together.parameters == sum(item.parameters for item in whole)


def test_all_work_of_a_real_model_is_in_exactly_one_layer(run: Run) -> None:
    result = run.done[0]
    assert result.model_graph is not None
    layers = layer_work(run, result)
    placed(list(layers.values()), not_placed(run, result),
           model_work(run.graphs[result.model_graph].nodes))  # fmt: skip
    assert not_placed(run, result) == Work()
    assert sum(item.parameters for item in layers.values()) == 1_235_496


def test_the_work_of_a_split_operator_is_divided() -> None:
    shapes = ["[1,5,3]", "[1,2,2]", "[1]", "[2,6,3]", "[2,6,2]", "[2,8]"]
    model = [node(f"x{i}", "Parameter", shape=shape) for i, shape in enumerate(shapes)]
    model += [node("gru", "GRUSequence", 0, 1, 2, 3, 4, 5, shape="[1,2,5,2]")]
    model += [node("out", "Result", 6)]
    runtime = [
        node("x0", "Input", shape="[1,5,3]"),
        node("gru_1", "RNNSeq", 0, shape="[1,5,2]", originals="gru_1"),
        node("gru_2", "RNNSeq", 0, shape="[1,5,2]", originals="gru_2"),
        node("gru.0", "Concatenation", 1, 2, shape="[1,2,5,2]"),
        node("out", "Output", 3),
    ]
    profile = [timed("gru_1", "RNNSeq", 5), timed("gru_2", "RNNSeq", 5)]
    run, result = measured(runtime, profile, model)
    whole = model_work(model)
    found = layer_work(run, result)
    placed(list(found.values()), not_placed(run, result), whole)
    assert [found[i].flops for i in (1, 2)] == [(whole[6].flops or 0) // 2] * 2


def test_work_without_a_name_goes_to_the_layer_without_a_name() -> None:
    model = [
        node("in", "Parameter", shape="[1,8]"),
        node("w", "Constant", shape="[8,8]"),
        node("product", "MatMul", 0, 1, shape="[1,8]"),
        node("scaled", "Multiply", 2, 2, shape="[1,8]"),
        node("relu", "Relu", 3, shape="[1,8]"),
        node("out", "Result", 4),
    ]
    runtime = [
        node("in", "Input", shape="[1,8]"),
        node("new", "FullyConnected", 0, shape="[1,8]", originals="new"),
        node("relu", "Eltwise", 1, shape="[1,8]", originals="relu"),
        node("out", "Output", 2),
    ]
    profile = [timed("new", "FullyConnected", 5), timed("relu", "Eltwise", 1)]
    found = layer_work(*measured(runtime, profile, model))
    assert (found[1].flops, found[2].flops) == (2 * 64 + 8, 8)


def test_work_of_a_replaced_convolution_is_not_that_of_an_elementwise_layer() -> None:
    model = [
        node("in", "Parameter", shape="[1,8,4,4]"),
        node("w", "Constant", shape="[8,8,1,1]"),
        node("same", "Convolution", 0, 1, shape="[1,8,4,4]"),
        node("relu", "Relu", 2, shape="[1,8,4,4]"),
        node("out", "Result", 3),
    ]
    runtime = [
        node("in", "Input", shape="[1,8,4,4]"),
        node("relu", "Subgraph", 0, shape="[1,8,4,4]", originals="relu"),
        node("out", "Output", 1),
    ]
    run, result = measured(runtime, [timed("relu", "Subgraph", 1)], model)
    assert layer_work(run, result)[1].flops == 128
    assert not_placed(run, result).flops == 2 * 128 * 8


def test_a_layer_that_computes_and_names_no_operator_is_unknown() -> None:
    runtime = [node("in", "Input"), node("a", "Eltwise", 0), node("b", "Reorder", 1)]
    run, result = measured(runtime, [timed("a", "Eltwise", 1), timed("b", "Reorder", 1)])
    found = layer_work(run, result)
    assert (found[1].flops, found[2].flops) == (None, 0)
    assert found[2].read_bytes == 32


@given(st.builds(Work, *[st.none() | st.integers(0, 9)] * 2, st.integers(0, 9)), st.integers(1, 5))
def test_parts_add_up_to_the_whole(work: Work, parts: int) -> None:
    assert reduce(Work.__add__, work.split(parts)) == work


def test_weights_that_are_stored_twice_are_counted_once() -> None:
    """A language model's embedding is often stored twice, as weights of its last layer, too."""
    table = np.random.default_rng(0).normal(size=(8, 4)).astype(np.float32)
    index = op.parameter([3], ov.Type.i32, name="index")
    embedded = op.gather(op.constant(table), index, op.constant(0))
    tied = op.matmul(embedded, op.constant(table.copy()), False, True)
    ones = [op.constant(np.ones(8, np.float32)) for _ in range(2)]
    model = ov.Model([op.multiply(op.add(tied, ones[0]), ones[1])], [index], "tied")
    # A tensor filled with one number is not a copy.
    assert sum(work.parameters for work in model_work(graph_of(model))) == table.size + 2 * 8


def test_a_copy_of_a_later_tensor_is_ignored() -> None:
    table = node("w", "Constant").model_copy(update={"attributes": {"copy_of": 99}})
    nodes = (table, node("x", "Parameter"), node("y", "Add", 1, 0))
    assert model_work(nodes)[2].parameters >= 0


@pytest.mark.parametrize("kind", ["MatMulInteger", "ConvInteger", "QLinearMatMul", "MatMul"])
def test_weights_of_integer_products_are_parameters(kind: str) -> None:
    make, types = onnx.helper, onnx.TensorProto
    convolves, scaled, wide = kind == "ConvInteger", kind == "QLinearMatMul", kind == "MatMul"
    shape = (8, 3, 3, 3) if convolves else (64, 32)
    weights = np.ones(shape, np.int32 if wide else np.int8)
    zero_point = onnx.numpy_helper.from_array(np.asarray(np.uint8(3)), "z")
    scale = onnx.numpy_helper.from_array(np.asarray(np.float32(0.1)), "s")
    operands = {
        "MatMul": ["x", "w"],
        "QLinearMatMul": ["x", "s", "z", "w", "s", "z8", "s", "z"],
    }.get(kind, ["x", "w", "z"])
    x, y = (types.INT32, types.INT32) if wide else (types.UINT8, types.INT32)
    graph_of = make.make_graph(
        [make.make_node(kind, operands, ["y"])], "g",
        [make.make_tensor_value_info("x", x, [1, 3, 16, 16] if convolves else [4, 64])],
        [make.make_tensor_value_info("y", types.UINT8 if scaled else y, None)],
        [
            onnx.numpy_helper.from_array(weights, "w"), zero_point, scale,
            onnx.numpy_helper.from_array(np.asarray(np.int8(0)), "z8"),
        ],
    )  # fmt: skip
    model = make.make_model(graph_of, opset_imports=[make.make_opsetid("", 13)])
    read = ov.Core().read_model(model.SerializeToString())
    works = model_work(Graph.model_validate(graph(read, "model")).nodes)
    assert sum(work.parameters for work in works) == weights.size
