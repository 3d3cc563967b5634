"""Counts the arithmetic operations of each operator of a model, from its attributes and shapes.

Conventions, those of the Workbench's model analyzer and of most published figures: a multiply-add
is 2 operations; each addition, multiplication, division, comparison, rounding, root, power,
exponential and logarithm of one element is 1; moving and converting data is 0. A composed function
is the sum of its parts, so that a sigmoid, 1 / (1 + exp(−x)), is 4. Padding is counted like data.
Operators are those of OpenVINO's operation sets, whose specification defines the order of inputs
and the names of attributes used here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import JsonValue

Dimensions = tuple[int, ...]
# No machine ever executes more: larger numbers come from invalid attributes.
_MOST_ELEMENTS, _MOST_OPERATIONS = 1 << 63, 1 << 100


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator with static shapes. ``inputs`` and ``outputs`` hold dimensions by port."""

    type: str
    inputs: Sequence[Dimensions]
    outputs: Sequence[Dimensions]
    attributes: Mapping[str, JsonValue]
    values: Mapping[int, Sequence[int]] = field(default_factory=dict)
    """Values of small constant inputs, such as axes, by port."""

    def numbers(self, name: str) -> list[int]:
        """Return an attribute that is a list of integers; empty if it is missing.

        Raises:
            ValueError: a number is too large for a tensor.
        """
        value = self.attributes.get(name)
        items = value if isinstance(value, list) else []
        numbers = [item for item in items if isinstance(item, (int, float))]
        if not all(abs(number) < _MOST_ELEMENTS for number in numbers):
            raise ValueError(f"{name} is {numbers}")
        return [int(number) for number in numbers]


def operations(operator: Operator) -> int | None:
    """Return the arithmetic operations of one inference; None if there is no formula.

    The operators of :data:`MOVES_DATA` have no formula, as they have no operations.

    Raises:
        IndexError, ValueError, ZeroDivisionError: the operator cannot have these shapes.
    """
    if operator.type in PER_OUTPUT:
        return PER_OUTPUT[operator.type] * math.prod(operator.outputs[0])
    formula = _FORMULAS.get(operator.type)
    count = None if formula is None else formula(operator)
    if count is not None and count >= _MOST_OPERATIONS:
        raise ValueError(f"{count} operations")
    return count


def dimensions(shape: str) -> Dimensions | None:
    """Parse ``[1,3,224,224]`` into ``(1, 3, 224, 224)``; None if a dimension is open."""
    if not re.fullmatch(r"\[(\d{1,18}(,\d{1,18})*)?\]", shape):
        return None
    return tuple(int(number) for number in re.findall(r"\d+", shape))


# ---------------------------------------------------------------------------- tables

VIEWS = frozenset({"Reshape", "Squeeze", "Unsqueeze", "Identity", "Flatten"})
"""Operators whose output is the memory of their input with another shape."""

TAKES_PART = frozenset({"Gather", "GatherElements", "GatherND", "Slice", "StridedSlice"})
"""Operators that read as much of their first input as they write."""

MOVES_DATA = (
    VIEWS
    | TAKES_PART
    | {
        "Assign", "BatchToSpace", "Broadcast", "Concat", "Constant", "Convert", "ConvertLike",
        "DepthToSpace", "ExtractImagePatches", "Eye", "GatherTree", "OneHot", "Pad", "Parameter",
        "Range", "ReadValue", "Result", "Reverse", "ReverseSequence", "Roll",
        "ScatterElementsUpdate", "ScatterNDUpdate", "ScatterUpdate", "ShapeOf", "ShuffleChannels",
        "SliceScatter", "SpaceToBatch", "SpaceToDepth", "Split", "StringTensorPack",
        "StringTensorUnpack", "Tile", "Transpose", "VariadicSplit",
    }
)  # fmt: skip
"""Operators without arithmetic, which copy, rearrange, convert or only name data."""

DEPENDS_ON_VALUES = frozenset({
    "DetectionOutput", "ExperimentalDetectronDetectionOutput",
    "ExperimentalDetectronGenerateProposalsSingleImage", "ExperimentalDetectronROIFeatureExtractor",
    "ExperimentalDetectronTopKROIs", "GenerateProposals", "MatrixNms", "MulticlassNms",
    "Multinomial", "NonMaxSuppression", "Proposal", "PSROIPooling", "ROIAlign", "ROIPooling",
    "Unique",
})  # fmt: skip
"""Operators whose work depends on values, such as overlaps of boxes and sizes of regions.

Greedy suppression compares each box with those that were kept, from none to all; pooling of a
region adds the elements that it covers (Girshick, *Fast R-CNN*, 2015; Dai et al., *R-FCN*, 2016).
Any figure for them would be a guess. Pooling that samples a fixed number of places has a formula.
"""

CONVOLUTIONS = frozenset({
    "Convolution", "GroupConvolution", "ConvolutionBackpropData", "GroupConvolutionBackpropData",
})  # fmt: skip

MULTIPLIES = CONVOLUTIONS | {"MatMul"}
"""Products of data and weights, or of data and data."""

RECURRENT = frozenset({
    "LSTMCell", "LSTMSequence", "GRUCell", "GRUSequence", "AUGRUCell", "AUGRUSequence", "RNNCell",
    "RNNSequence",
})  # fmt: skip

_SIGMOID = 4  # 1 / (1 + exp(−x))
_TANH = 5  # (exp(2x) − 1) / (exp(2x) + 1)
_SOFTMAX = 5  # exp(x − max) / sum
_BILINEAR = 7  # a + w(b − a) three times, less the differences that are shared

PER_OUTPUT: Mapping[str, int] = {
    **dict.fromkeys(
        (
            "Add", "Subtract", "Multiply", "Divide", "Maximum", "Minimum", "Power", "Mod",
            "FloorMod", "Equal", "NotEqual", "Greater", "GreaterEqual", "Less", "LessEqual",
            "LogicalAnd", "LogicalOr", "LogicalXor", "LogicalNot", "BitwiseAnd", "BitwiseOr",
            "BitwiseXor", "BitwiseNot", "BitwiseLeftShift", "BitwiseRightShift", "Abs", "Negative",
            "Sign", "Exp", "Log", "Sqrt", "Floor", "Ceiling", "Round", "Erf", "Sin", "Cos", "Tan",
            "Sinh", "Cosh", "Asin", "Acos", "Atan", "Asinh", "Acosh", "Atanh", "Relu", "IsNaN",
            "IsInf", "IsFinite", "Select", "CumSum",
        ),
        1,
    ),
    "SquaredDifference": 2,
    "Clamp": 2,
    "PRelu": 2,
    "HardSigmoid": 4,  # max(0, min(1, αx + β))
    "HSigmoid": 4,  # min(max(x + 3, 0), 6) / 6
    "HSwish": 5,  # x · min(max(x + 3, 0), 6) / 6
    "Sigmoid": _SIGMOID,
    "Tanh": _TANH,
    "Swish": 4,  # x / (1 + exp(−βx))
    "Elu": 4,  # α(exp(x) − 1) below 0
    "Selu": 5,
    "SoftPlus": 3,  # ln(exp(x) + 1)
    "SoftSign": 3,  # x / (1 + |x|)
    "Mish": 4 + _TANH,  # x · tanh(ln(1 + exp(x)))
    "Softmax": _SOFTMAX,
    "LogSoftmax": _SOFTMAX,
    "BatchNormInference": 2,  # scale and shift, which are known when the model is compiled
    "GroupNormalization": 7,  # mean and variance as in MVN, scale, shift
    "RMS": 4,  # squares, their sum, times the inverse root, times the scale
    "NormalizeL2": 3,  # squares, their sum, division
    "FakeQuantize": 7,  # clamp, scale and shift, round, scale and shift back
    "FakeConvert": 4,
}  # fmt: skip
"""Operations per element of the first output, by operator."""


# ---------------------------------------------------------------------------- formulas


def _convolution(op: Operator) -> int:
    """Each output is a sum over the filter's [C_in, K…] (or a group's part of it)."""
    first = 2 if op.type.startswith("Group") else 1
    return 2 * math.prod(op.outputs[0]) * math.prod(op.inputs[1][first:])


def _backward_convolution(op: Operator) -> int:
    """Each input is multiplied into the filter's [C_out, K…]: filter [C_in, C_out, K…]."""
    first = 2 if op.type.startswith("Group") else 1
    return 2 * math.prod(op.inputs[0]) * math.prod(op.inputs[1][first:])


def _deformable_convolution(op: Operator) -> int:
    """Count a convolution whose inputs are interpolated for each place and kernel element."""
    channels, *kernel = op.inputs[2][1:]
    places = math.prod(op.outputs[0]) // op.outputs[0][1]
    products = 2 * math.prod(op.outputs[0]) * channels * math.prod(kernel)
    return products + _BILINEAR * places * op.inputs[0][1] * math.prod(kernel)


def _matmul(op: Operator) -> int:
    """Count 2 · rows · columns · K."""
    left = op.inputs[0]
    transposed = op.attributes.get("transpose_a") is True and len(left) > 1
    return 2 * math.prod(op.outputs[0]) * left[-2 if transposed else -1]


def _einsum(op: Operator) -> int | None:
    """Count operations for the product of all labels' sizes.

    Two operands cost a multiplication each, and a label that is summed over costs an addition.
    """
    left = str(op.attributes.get("equation", "")).replace(" ", "").split("->")[0].split(",")
    if "..." in "".join(left) or len(left) != len(op.inputs) or len(left) > 2:
        return None
    sizes = {
        label: size
        for labels, shape in zip(left, op.inputs, strict=True)
        for label, size in zip(labels, shape, strict=True)
    }
    products = math.prod(sizes.values())
    summed = products > math.prod(op.outputs[0])
    return products * (len(left) - 1 + summed)


def _attention(op: Operator) -> int:
    """softmax(scale · Q Kᵀ + mask) V; Q [N…, L, E], K [N…, S, E], V [N…, S, E_v].

    Vaswani et al., *Attention Is All You Need* (2017), equation 1. A causal mask saves nothing
    here: kernels that skip masked blocks do less.
    """
    query, key = op.inputs[0], op.inputs[1]
    scores = math.prod(op.outputs[0][:-1]) * key[-2]
    mask = len(op.inputs) > 3
    return scores * (2 * query[-1] + 1 + mask + _SOFTMAX + 2 * op.outputs[0][-1])


def _pooling(op: Operator) -> int:
    """Count one comparison or addition for each element of the window."""
    return math.prod(op.outputs[0]) * math.prod(op.numbers("kernel"))


def _reduction(op: Operator) -> int:
    """Count one operation per input element; norms need another one, and means a division."""
    per_input = 2 if op.type in ("ReduceL1", "ReduceL2") else 1
    after = math.prod(op.outputs[0]) if op.type in ("ReduceL2", "ReduceMean") else 0
    return per_input * math.prod(op.inputs[0]) + after


def _per_input(op: Operator) -> int:
    return math.prod(op.inputs[0])


def _mvn(op: Operator) -> int:
    """Mean 1 and subtraction 1; variance 2 (square, sum) and division 1."""
    return (5 if op.attributes.get("normalize_variance") else 2) * math.prod(op.outputs[0])


def _lrn(op: Operator) -> int:
    """Count the operations of x / (bias + α / size · Σ x²)^β.

    The sum is over ``size`` neighbours along each axis.
    """
    size = op.attributes.get("size")
    if not isinstance(size, int):
        raise ValueError("LRN without a size")
    axes = min(math.prod(op.inputs[1]), len(op.inputs[0])) if len(op.inputs) > 1 else 1
    neighbours: int = size**axes
    return math.prod(op.outputs[0]) * (neighbours + 5)


def _gelu(op: Operator) -> int:
    """0.5x(1 + erf(x / √2)), or 0.5x(1 + tanh(√(2/π)(x + 0.044715x³)))."""
    exact = str(op.attributes.get("approximation_mode", "ERF")).upper() == "ERF"
    return math.prod(op.outputs[0]) * (5 if exact else 8 + _TANH)


def _interpolate(op: Operator) -> int | None:
    """Count a multiply-add per neighbour, 2 or 4 along each changing axis; none for nearest."""
    mode = str(op.attributes.get("mode", ""))
    taps = {"nearest": 0, "linear": 2, "linear_onnx": 2, "cubic": 4}.get(mode)
    if taps is None:
        return None
    axes = sum(a != b for a, b in zip(op.inputs[0], op.outputs[0], strict=True))
    return 2 * math.prod(op.outputs[0]) * taps**axes if taps and axes else 0


def _grid_sample(op: Operator) -> int:
    taps = {"nearest": 0, "bilinear": _BILINEAR}.get(str(op.attributes.get("mode")), 32)
    return math.prod(op.outputs[0]) * taps


def _roi_align(op: Operator) -> int | None:
    """Count the operations if the number of samples in a bin does not depend on the box."""
    ratio = op.attributes.get("sampling_ratio")
    if not isinstance(ratio, int) or ratio <= 0:
        return None
    return math.prod(op.outputs[0]) * ratio**2 * (_BILINEAR + 1)


def _position_sensitive_pooling(op: Operator) -> int | None:
    """Count the operations if a bin has a fixed number of samples: interpolate, add, divide."""
    bins = [op.attributes.get(f"spatial_bins_{axis}") for axis in "xy"]
    if op.attributes.get("mode") != "bilinear" or not all(isinstance(n, int) for n in bins):
        return None
    samples = math.prod(n for n in bins if isinstance(n, int))
    return math.prod(op.outputs[0]) * (samples * (_BILINEAR + 1) + 1)


# Operations of a fast Fourier transform (Cooley and Tukey 1965) of N complex points are counted as
# 5 N log₂ N and of N real ones as half of it, the convention of FFTW's benchmarks (Frigo and
# Johnson, *The Design and Implementation of FFTW3*, Proceedings of the IEEE 93(2), 2005).
_COMPLEX, _REAL = 5.0, 2.5


def _fourier(op: Operator) -> int | None:
    """Count a transform along each axis; the last dimension of complex data holds both parts."""
    axes = op.values.get(1)
    if axes is None:
        return None
    real = list(op.outputs[0] if op.type == "IRDFT" else op.inputs[0])
    if op.type in ("DFT", "IDFT"):
        real = list(op.outputs[0][:-1])
    axes = [axis % len(real) for axis in axes]
    if op.type == "RDFT" and len(op.inputs) > 2:
        sizes = op.values.get(2)
        if sizes is None:
            return None
        for axis, size in zip(axes, sizes, strict=True):
            real[axis] = size if size > 0 else real[axis]
    points = math.prod(real[axis] for axis in axes)
    per_point = _COMPLEX if op.type in ("DFT", "IDFT") else _REAL
    return round(per_point * math.prod(real) * math.log2(points))


def _short_time_fourier(op: Operator) -> int | None:
    """Count the window and the transform of each frame."""
    size = op.values.get(2)
    if not size or len(size) != 1:
        return None
    frames = math.prod(op.outputs[0]) // (2 * (size[0] // 2 + 1))
    return round(frames * size[0] * (1 + _REAL * math.log2(size[0])))


def _levels(choices: int) -> int:
    """Return the comparisons of a binary search among this number of choices."""
    return (max(2, choices) - 1).bit_length()


def _top_k(op: Operator) -> int:
    """Count a comparison with each level of a heap of the K best, for each input element."""
    axis = op.attributes.get("axis")
    if not isinstance(axis, int):
        raise ValueError("TopK without an axis")
    return math.prod(op.inputs[0]) * _levels(op.outputs[0][axis])


def _bucketize(op: Operator) -> int:
    """Count a binary search for each input element."""
    return math.prod(op.inputs[0]) * _levels(math.prod(op.inputs[1]))


# For each recurrent cell: gates, and operations per hidden element other than the products.
# LSTM (Hochreiter and Schmidhuber 1997): 3 σ, 2 tanh, c = f·c + i·g, h = o·tanh(c), and for each
# gate the sum of both products and the bias. GRU (Cho et al. 2014): 2 σ, tanh, r·h,
# (1 − z)·n + z·h. The attention of an AUGRU scales the update gate: (1 − a)·z.
_CELLS = {
    "LSTM": (4, 3 * _SIGMOID + 2 * _TANH + 4),
    "GRU": (3, 2 * _SIGMOID + _TANH + 5),
    "AUGRU": (3, 2 * _SIGMOID + _TANH + 7),
    "RNN": (1, _TANH),
}


def _recurrent(op: Operator) -> int:
    """Count X [batch, (time,) input] · W, state · R, bias and activations, at every step."""
    kind = op.type.removesuffix("Sequence").removesuffix("Cell")
    first = 3 if kind == "LSTM" else 2  # after X, the state, and the LSTM's cell state
    first += op.type.endswith("Sequence")  # and the lengths
    gates, others = _CELLS[kind]
    weights, recurrent = op.inputs[first], op.inputs[first + 1]
    steps = math.prod(op.inputs[0][:-1])
    hidden = math.prod(recurrent[:-1]) // gates  # of all directions
    products = 2 * (math.prod(weights) + math.prod(recurrent))
    return steps * (products + hidden * (2 * gates + others))


_FORMULAS: Mapping[str, Callable[[Operator], int | None]] = {
    **dict.fromkeys(("Convolution", "GroupConvolution", "BinaryConvolution"), _convolution),
    **dict.fromkeys(
        ("ConvolutionBackpropData", "GroupConvolutionBackpropData"), _backward_convolution
    ),
    "DeformableConvolution": _deformable_convolution,
    "MatMul": _matmul,
    "Einsum": _einsum,
    "ScaledDotProductAttention": _attention,
    **dict.fromkeys(("MaxPool", "AvgPool"), _pooling),
    **dict.fromkeys(
        ("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2",
         "ReduceLogicalAnd", "ReduceLogicalOr"),
        _reduction,
    ),
    **dict.fromkeys(
        ("AdaptiveAvgPool", "AdaptiveMaxPool", "NonZero", "CTCGreedyDecoder",
         "CTCGreedyDecoderSeqLen"),
        _per_input,
    ),
    "MVN": _mvn,
    "LRN": _lrn,
    "Gelu": _gelu,
    "Interpolate": _interpolate,
    "GridSample": _grid_sample,
    "ROIAlign": _roi_align,
    "PSROIPooling": _position_sensitive_pooling,
    **dict.fromkeys(("DFT", "IDFT", "RDFT", "IRDFT"), _fourier),
    "STFT": _short_time_fourier,
    "TopK": _top_k,
    "Bucketize": _bucketize,
    **dict.fromkeys(
        (kind + form for kind in _CELLS for form in ("Sequence", "Cell")), _recurrent
    ),
}  # fmt: skip
