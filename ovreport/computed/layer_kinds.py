"""Kinds of executed layers, by their types in runtime graphs."""

from __future__ import annotations

CONVOLUTIONS = frozenset({"Convolution", "GroupConvolution", "Deconvolution"})
PRODUCTS = CONVOLUTIONS | {"FullyConnected", "MatMul"}
"""Convolutions and matrix products."""

RECURRENT = frozenset({"RNNCell", "RNNSeq"})
"""LSTM, GRU and the like: matrix products at every step."""

CONVERTERS = frozenset({"Reorder", "Convert", "Transpose"})
"""Layers that only write their input in another order or precision."""

MOVERS = CONVERTERS | {
    "Broadcast", "Concatenation", "Flatten", "Gather", "GatherElements", "GatherND", "Pad",
    "Reshape", "Roll", "ScatterElementsUpdate", "ScatterNDUpdate", "ScatterUpdate", "ShapeOf",
    "Split", "Squeeze", "StridedSlice", "Tile", "Unsqueeze",
}  # fmt: skip
"""Layers that move data without arithmetic."""

NESTED = frozenset({"If", "Loop", "TensorIterator"})
"""Layers that contain a body. The device reports the precision of an input, such as the condition,
whatever the body computes in."""
