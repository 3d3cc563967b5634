"""Kinds of executed layers, by their types in runtime graphs."""

from __future__ import annotations

CONVOLUTIONS = frozenset({"Convolution", "GroupConvolution", "Deconvolution"})
PRODUCTS = CONVOLUTIONS | {"FullyConnected", "MatMul"}
"""Convolutions and matrix products."""

RECURRENT = frozenset({"RNNCell", "RNNSeq"})
"""LSTM, GRU and their like: matrix products at every step."""

CONVERTERS = frozenset({"Reorder", "Convert", "Transpose"})
"""They compute nothing: they only write their input in another order or precision."""

MOVERS = CONVERTERS | {
    "Broadcast", "Concatenation", "Flatten", "Gather", "GatherElements", "GatherND", "Pad",
    "Reshape", "Roll", "ScatterElementsUpdate", "ScatterNDUpdate", "ScatterUpdate", "ShapeOf",
    "Split", "Squeeze", "StridedSlice", "Tile", "Unsqueeze",
}  # fmt: skip
"""They hand data on without arithmetic."""

NESTED = frozenset({"If", "Loop", "TensorIterator"})
"""They hold a body. The device gives them the precision of an input, such as the condition,
whatever runs inside."""
