"""The precision in which a layer computes, by kernel, tensors and capabilities of the device."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as op

from ovreport.computed.execution import Abilities, abilities, executed_precision, weights_precision
from ovreport.computed.layers import executed_layers
from ovreport.run import Node, Port, Run

AVX2 = Abilities(frozenset({"f32"}), dot_products=False, group_size=32)
VNNI = Abilities(frozenset({"f32", "bf16"}), dot_products=True, group_size=32)
ARM = Abilities(frozenset({"f32", "f16"}), dot_products=True, group_size=2**64 - 1)


def graph(kind: str, precision: str, inputs: str, output: str) -> tuple[Node, ...]:
    """Return nodes: inputs, then a layer. Inputs with ``!`` are constants, ``-`` is no input.

    Args:
        precision: ``runtimePrecision``.
    """
    nodes = [
        Node(
            name=f"input {place}",
            type="Const" if text.endswith("!") else "Input",
            inputs=(),
            outputs=(Port(shape="[16,16]", precision=text.strip("!").replace("-", "dynamic")),),
            attributes={},
        )
        for place, text in enumerate(inputs.split())
    ]
    layer = Node(
        name="layer",
        type=kind,
        inputs=tuple((place, 0) for place in range(len(nodes))),
        outputs=(Port(shape="[16,16]", precision=output),),
        attributes={"runtimePrecision": precision},
    )
    return (*nodes, layer)


CONNECTED, CONVOLUTION = "FullyConnected", "Convolution"


# Kernel names are those of OpenVINO's Node::getPrimitiveDescriptorType; lines with a comment are
# as openvino 2026.4.1 reports them for models of other people.
@pytest.mark.parametrize(
    ("kind", "kernel", "precision_text", "inputs", "output", "able", "expected"),
    [
        # Plain kernels compute in what they read.
        (CONVOLUTION, "brgconv_avx2_1x1_f32", "f32", "f32 f32! f32!", "f32", AVX2, "f32"),
        (CONVOLUTION, "jit_avx512_winograd_f32", "f32", "f32 f32!", "f32", VNNI, "f32"),
        (CONVOLUTION, "brgconv_avx512_amx_1x1_bf16", "bf16", "bf16 bf16!", "bf16", VNNI, "bf16"),
        (CONVOLUTION, "brgconv_avx512_dw_bf16", "bf16", "bf16 f32! bf16!", "bf16", VNNI, "bf16"),
        (CONNECTED, "gemm_mlas_f32", "f32", "f32 f32!", "f32", AVX2, "f32"),
        (CONNECTED, "jit_gemm_f32", "f32", "f32 f32!", "f32", VNNI, "f32"),
        ("MatMul", "brgemm_avx512_amx_bf16", "bf16", "bf16 bf16", "bf16", VNNI, "bf16"),
        ("RNNSeq", "ref_any_bf16", "bf16", "bf16 bf16 f32! i32!", "bf16", VNNI, "bf16"),
        # A release of 2022 wrote precisions in capitals.
        (CONVOLUTION, "jit_avx2_FP32", "FP32", "FP32 FP32!", "FP32", AVX2, "f32"),
        # INT8: the name has one word for both, the tensor says which.
        (CONVOLUTION, "brgconv_avx512_I8", "u8", "u8 i8!", "u8", VNNI, "u8"),
        (CONVOLUTION, "jit_avx2_I8", "u8", "u8 i8!", "f32", AVX2, "u8"),
        (CONNECTED, "brgemm_avx512_amx_i8", "i8", "i8 i8!", "f32", VNNI, "i8"),
        (CONVOLUTION, "gemm_acl_i8", "i8", "i8 i8!", "f32", ARM, "i8"),
        # Weights in f16 on a CPU without f16: a TFLite of MediaPipe.
        (CONVOLUTION, "brgconv_avx512_1x1_f32", "f16", "f32 f16! f32!", "f32", VNNI, "f32"),
        (CONVOLUTION, "brgconv_avx2_f32", "f16", "f32 f16! f32!", "f32", AVX2, "f32"),
        (CONVOLUTION, "brgconv_avx512_bf16", "bf16", "bf16 f16! bf16!", "bf16", VNNI, "bf16"),
        (CONVOLUTION, "acl_f16", "f16", "f16 f16!", "f16", ARM, "f16"),
        # Compressed weights: computed in the precision of the data …
        (CONNECTED, "brgemm_avx2_f32", "i8", "f32 i8! f32! f32! -!", "f32", AVX2, "f32"),
        (CONNECTED, "brgemm_avx512_bf16", "i8", "bf16 i8! bf16! f32! -!", "bf16", VNNI, "bf16"),
        (CONNECTED, "brgemm_avx2_f32", "u4", "f32 u4! -! f32! u4!", "f32", AVX2, "f32"),
        (CONNECTED, "gemm_acl_f32", "i8", "f32 i8! -! f32! -!", "f32", ARM, "f32"),
        ("MatMul", "brgemm_avx512_f32", "i8", "f32 i8!", "f32", VNNI, "f32"),
        # … except where dynamic quantisation is in force.
        (CONNECTED, "brgemm_avx512_f32", "i8", "f32 i8! f32! f32! -!", "f32", VNNI, "i8"),
        (CONNECTED, "brgemm_avx512_f32", "u8", "f32 u8! -! f32! u8!", "f32", VNNI, "i8"),
        (CONNECTED, "brgemm_avx512_f32", "u4", "f32 u4! -! f32! u4!", "f32", VNNI, "i8"),
        (CONNECTED, "brgemm_avx512_f32", "i8", "f32 i8! -! f32! i8!", "f32", VNNI, "f32"),
        (CONNECTED, "brgemm_avx512_f32", "nf4", "f32 nf4! -! f32! -!", "f32", VNNI, "f32"),
        (CONNECTED, "kleidiai_f32", "i8", "f32 i8! -! f32! -!", "f32", ARM, "i8"),
        (CONNECTED, "kleidiai_f32", "f32", "f32 f32!", "f32", ARM, "f32"),
        # What is read first may be a mask or quantised data, and the arithmetic floating point.
        ("Subgraph", "jit_avx512_I8", "u8", "u8 bf16", "bf16", VNNI, "bf16"),
        ("Subgraph", "jit_avx512_bf16", "u8", "bf16 u8! u8", "bf16", VNNI, "bf16"),
        ("Eltwise", "jit_avx2_I8", "u8", "u8 f32!", "f32", AVX2, "f32"),
        ("Subgraph", "jit_avx2_f32", "f32", "f32 f32!", "u8", AVX2, "f32"),
        ("Eltwise", "jit_avx512_I8", "u8", "u8 u8", "u8", VNNI, "u8"),
        # Conversions and copies count in what they read.
        ("Convert", "ref_I8", "u8", "u8", "i32", VNNI, "u8"),
        ("Reorder", "jit_uni_bf16", "bf16", "bf16", "f32", VNNI, "bf16"),
        ("Gather", "ref_any_i8", "i8", "i8! i32", "f32", VNNI, "i8"),
        # Names without a precision: the device's word, unless it has no such arithmetic.
        (CONVOLUTION, "undef", "f16", "f32 f16!", "f32", AVX2, "f32"),
        (CONVOLUTION, "", "f16", "f16 f16!", "f16", ARM, "f16"),
        (CONVOLUTION, "", "f16", "f16 f16!", "f16", Abilities(), "f16"),
        ("Subgraph", "", "", "f32", "f32", AVX2, "f32"),
        # GPU: the name ends in the precision of the arithmetic.
        (CONNECTED, "fully_connected_gpu_bf_tiled__f16", "f32", "f16 u4!", "f16", ARM, "f16"),
        # The precision inside a body is unknown.
        ("If", "unknown_boolean", "boolean", "boolean f32", "f32", AVX2, "unknown"),
    ],
)
def test_a_layer_has_the_precision_that_it_computes_in(
    kind: str,
    kernel: str,
    precision_text: str,
    inputs: str,
    output: str,
    able: Abilities,
    expected: str,
) -> None:
    nodes = graph(kind, precision_text, inputs, output)
    assert executed_precision(nodes, len(nodes) - 1, kernel, able) == expected


def test_dynamic_quantisation_can_be_off() -> None:
    nodes = graph(CONNECTED, "i8", "f32 i8! f32! f32! -!", "f32")
    off = replace(VNNI, group_size=0)
    assert executed_precision(nodes, len(nodes) - 1, "brgemm_avx512_f32", off) == "f32"


def test_the_precision_of_weights_is_separate_from_that_of_the_layer() -> None:
    nodes = graph(CONNECTED, "i8", "f32 i8!", "f32")
    assert weights_precision(nodes, 2, {1}) == "i8"
    assert weights_precision(nodes, 2, frozenset()) == ""
    assert weights_precision(graph("Subgraph", "f32", "f32 f32!", "f32"), 2, {1}) == ""


def test_capabilities_are_those_that_the_device_uses(bottlenecks: Run) -> None:
    result = bottlenecks.results[0]
    assert result.resolved is not None
    assert abilities(bottlenecks, result) == AVX2
    properties = {**result.resolved.properties, "RUNTIME_REQUIREMENTS": ""}
    bare = result.model_copy(
        update={"resolved": result.resolved.model_copy(update={"properties": properties})}
    )
    environment = bottlenecks.header.environment.model_copy(update={"isa": ("avx512_vnni",)})
    here = replace(
        bottlenecks, header=bottlenecks.header.model_copy(update={"environment": environment})
    )
    assert abilities(here, bare).dot_products
    assert not abilities(here, result).dot_products


def test_int8_layers_of_a_model_are_labelled_so(bottlenecks: Run) -> None:
    result = bottlenecks.focus("bottlenecks", "int8")
    assert result is not None
    found = {x.name: x for x in executed_layers(bottlenecks, result) if x.type == "Convolution"}
    assert {x.precision for x in found.values()} == {"u8", "f32"}
    assert {(x.precision, x.weights) for x in found.values()} == {("u8", "i8"), ("f32", "f32")}


def product(*, compressed: bool) -> ov.Model:
    """Return a product with 8-bit weights that the plugin keeps, or one in floating point."""
    random = np.random.default_rng(0)
    data = op.parameter([8, 256], np.float32, name="data")
    weights = random.integers(-127, 127, (256, 256))
    if compressed:
        flow = op.convert(op.constant(weights.astype(np.int8)), "f32")
        flow = op.multiply(flow, op.constant(np.full((256, 1), 0.01, np.float32)))
    else:
        flow = op.constant((weights * 0.01).astype(np.float32))
    return ov.Model([op.result(op.matmul(data, flow, False, True))], [data], "product")


@pytest.mark.parametrize("group_size", [0, 32])
def test_dynamic_quantisation_rounds_the_data(group_size: int) -> None:
    """Integers cannot give the exact sum; a layer reported as f32 gives it."""
    core = ov.Core()
    hints = {"INFERENCE_PRECISION_HINT": "f32", "DYNAMIC_QUANTIZATION_GROUP_SIZE": group_size}
    data = np.random.default_rng(1).normal(size=(8, 256)).astype(np.float32)
    exact = core.compile_model(product(compressed=False), "CPU", hints)(data)[0]
    compiled = core.compile_model(product(compressed=True), "CPU", hints)
    error = float(np.abs(compiled(data)[0] - exact).max() / np.abs(exact).max())
    if "RUNTIME_REQUIREMENTS" not in compiled.get_property("SUPPORTED_PROPERTIES"):
        pytest.skip("this release of OpenVINO does not name the instructions that it uses")
    uses = compiled.get_property("RUNTIME_REQUIREMENTS")
    able = replace(AVX2, dot_products="DL Boost" in uses, group_size=group_size)
    kept = graph(CONNECTED, "i8", "f32 i8! -! f32! -!", "f32")
    (layer,) = [
        info
        for info in (node.get_rt_info() for node in compiled.get_runtime_model().get_ops())
        if str(info["layerType"].value) == CONNECTED
    ]
    executed = executed_precision(kept, len(kept) - 1, str(layer["primitiveType"].value), able)
    assert (error > 1e-4) == (executed == "i8")
