"""What layers are called: as the model calls them, and each differently."""

from ovreport.computed.layer_names import LENGTH, name_nodes
from ovreport.run import Node, Port


def node(name: str, type: str, *inputs: int, tensor: str = "") -> Node:
    port = Port(names=(tensor,) if tensor else (), shape="[1]", precision="f32")
    return Node(name=name, type=type, inputs=tuple((i, 0) for i in inputs), outputs=(port,))


def test_a_numbered_name_is_replaced_by_that_of_its_operator() -> None:
    """A normalisation is read as several operators, of which the last has its name."""
    model = [
        node("x", "Parameter", tensor="x"),
        node("MVN_15411", "MVN", 0),
        node("/norm/LayerNormalization", "Add", 1, tensor="y"),
    ]
    runtime = [
        node("x", "Input"),
        node("MVN_15411", "MVN", 0),
        node("/norm/LayerNormalization", "Subgraph", 1),
    ]
    names = name_nodes(runtime, model, {0: (0,), 1: (1,), 2: (2,)}).runtime
    assert names[1] == "/norm/LayerNormalization (MVN)"
    assert names[2] == "/norm/LayerNormalization"


def test_a_convolution_without_a_name_is_named_after_its_weights() -> None:
    """TFLite names tensors alone, and lists what it fused."""
    model = [
        node("in", "Parameter", tensor="in"),
        node("w", "Constant"),
        node("17", "Convert", 1, tensor="m/bn/FusedBatchNormV3;m/conv2d/Conv2D_dequantize"),
        node("Convolution_15738", "Convolution", 0, 2),
        node("Result_99", "Result", 3, tensor="Identity"),
    ]
    runtime = [node("in", "Input"), node("Convolution_15738", "Convolution", 0)]
    names = name_nodes(runtime, model, {0: (0,), 1: (3,)})
    assert names.runtime[1] == names.model[3].replace("Convolution_15738", "m/conv2d/Conv2D")


def test_a_transposed_convolution_is_not_named_after_the_following_normalisation() -> None:
    model = [
        node("x", "Parameter", tensor="x"),
        node("decoder.weight", "Constant"),
        node("ConvolutionBackpropData_29106", "ConvolutionBackpropData", 0, 1),
        node("/upconv/ConvTranspose", "Add", 2),
        node("/bn/BatchNormalization", "BatchNormInference", 3),
    ]
    runtime = [node("x", "Input"), node("Multiply_39121", "Deconvolution", 0)]
    assert name_nodes(runtime, model, {0: (0,), 1: (4,)}).runtime[1] == "/upconv/ConvTranspose"


def test_suffixes_that_openvino_adds_are_removed() -> None:
    model = [node("conv/WithoutBiases", "Convolution"), node("conv", "Add", 0)]
    runtime = [node("conv/WithoutBiases", "Convolution")]
    assert name_nodes(runtime, model, {0: (0,)}).runtime == {0: "conv"}


def test_a_reorder_is_named_after_the_layer_that_it_serves() -> None:
    runtime = [
        node("in", "Input"),
        node("in_f32_abcd_bf16_acdb_conv", "Reorder", 0),
        node("conv", "Convolution", 1),
    ]
    names = name_nodes(runtime, [], {0: (), 1: (), 2: ()}).runtime
    assert names == {0: "in", 1: "before conv", 2: "conv"}


def test_layers_with_equal_names_are_numbered() -> None:
    runtime = [node("same", "Add") for _ in range(3)]
    names = name_nodes(runtime, [], dict.fromkeys(range(3), ())).runtime
    assert list(names.values()) == ["same", "same (Add)", "same (Add) #2"]


def test_names_are_short_and_distinct_in_a_deep_model() -> None:
    runtime = [
        node(f"/backbone/encoder/layer.{i}/attention/attention/{kind}/MatMul", "FullyConnected")
        for i in range(24)
        for kind in ("query", "key", "value")
    ]
    names = name_nodes(runtime, [], dict.fromkeys(range(len(runtime)), ())).runtime
    assert len(set(names.values())) == len(runtime)
    assert all(len(name) <= LENGTH for name in names.values())
    assert names[71] == "…/layer.23…/value/MatMul"


def test_a_tensor_that_names_one_operator_names_no_other_before_it() -> None:
    """An Add that stood before four convolutions was called after the resize behind them."""
    model = [
        node("x", "Parameter", tensor="x"),
        node("Transpose_18345", "Add", 0),
        node("w", "Constant"),
        node("17", "Convert", 2, tensor="m/conv2d_30/Conv2D_dequantize"),
        node("Convolution_15738", "Convolution", 1, 3),
        node("Transpose_18351", "Add", 4),
        node("214", "Interpolate", 5, tensor="m/up_sampling2d_4/resize"),
    ]
    runtime = [
        node("x", "Input"),
        node("Transpose_18345", "Eltwise", 0),
        node("Convolution_15738", "Convolution", 1),
        node("Transpose_18351", "Subgraph", 2),
        node("214", "Interpolate", 3),
    ]
    names = name_nodes(runtime, model, {0: (0,), 1: (1,), 2: (4,), 3: (5,), 4: (6,)}).runtime
    assert list(names.values())[1:] == [
        "before m/conv2d_30/Conv2D",
        "m/conv2d_30/Conv2D",
        "before m/up_sampling2d_4/resize",
        "m/up_sampling2d_4/resize",
    ]


def test_a_numbered_output_keeps_the_name_that_the_model_gives_it() -> None:
    """TensorFlow calls outputs "Identity_4"; OpenVINO's own node names look alike."""
    model = [node("in_1", "Parameter", tensor="in_1")]
    model += [node("299", "Reshape", 0, tensor="Identity_4"), node("Result_17180", "Result", 1)]
    runtime = [
        node("in_1", "Input"),
        node("a_bf16_f32_299", "Reorder", 0),
        node("299", "Reshape", 1),
    ]
    names = name_nodes(runtime, model, {0: (0,), 1: (), 2: (1,)}).runtime
    assert names == {0: "in_1", 1: "before Identity_4", 2: "Identity_4"}
