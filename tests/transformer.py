"""An encoder of any depth, built operator by operator, as exporters write it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openvino as ov
import openvino.opset13 as op

_HEADS = 4


def transformer(layers: int, width: int = 64, tokens: int = 16) -> ov.Model:
    """Self-attention with a mask that all layers read, and a feed-forward part, pre-normalised."""
    random = np.random.default_rng(0)
    hidden = op.parameter([1, tokens, width], np.float32, name="hidden_states")
    mask = op.parameter([1, 1, 1, tokens], np.float32, name="attention_mask")
    hidden.output(0).set_names({"hidden_states"})
    mask.output(0).set_names({"attention_mask"})
    bias = op.multiply(
        op.subtract(np.float32(1), mask, name="mask/sub"), np.float32(-1e4), name="mask/mul"
    )

    def linear(x: ov.Node, size: int, name: str) -> ov.Node:
        weights = random.standard_normal((size, x.shape[-1]), np.float32) / width
        product = op.matmul(x, weights, False, True, name=f"{name}/MatMul")
        return op.add(product, np.zeros(size, np.float32), name=f"{name}/Add")

    def normal(x: ov.Node, name: str) -> ov.Node:
        return op.multiply(
            op.mvn(x, np.array([-1]), True, 1e-5, "inside_sqrt", name=f"{name}/mvn"),
            np.linspace(0.5, 1.5, width, dtype=np.float32),
            name=f"{name}/scale",
        )

    def heads(x: ov.Node, name: str) -> ov.Node:
        split = op.reshape(
            x, np.array([0, 0, _HEADS, width // _HEADS]), True, name=f"{name}/Reshape"
        )
        return op.transpose(split, np.array([0, 2, 1, 3]), name=f"{name}/Transpose")

    x: ov.Node = hidden
    for number in range(layers):
        at = f"encoder/layer.{number}"
        before = normal(x, f"{at}/attention/LayerNorm")
        query, key, value = (
            heads(linear(before, width, f"{at}/attention/{name}"), f"{at}/attention/{name}")
            for name in ("query", "key", "value")
        )
        scores = op.matmul(query, key, False, True, name=f"{at}/attention/scores")
        scaled = op.divide(scores, np.float32((width / _HEADS) ** 0.5), name=f"{at}/attention/div")
        masked = op.add(scaled, bias, name=f"{at}/attention/masked")
        context = op.matmul(
            op.softmax(masked, 3, name=f"{at}/attention/Softmax"), value, False, False,
            name=f"{at}/attention/context",
        )  # fmt: skip
        merged = op.reshape(
            op.transpose(context, np.array([0, 2, 1, 3]), name=f"{at}/attention/Transpose"),
            np.array([0, 0, width]), True, name=f"{at}/attention/Reshape",
        )  # fmt: skip
        x = op.add(x, linear(merged, width, f"{at}/attention/output"), name=f"{at}/attention/sum")
        before = normal(x, f"{at}/output/LayerNorm")
        inner = op.gelu(linear(before, 4 * width, f"{at}/intermediate"), "erf", name=f"{at}/Gelu")
        x = op.add(x, linear(inner, width, f"{at}/output"), name=f"{at}/output/sum")
    result = op.result(normal(x, "pooler"), name="last_hidden_state")
    return ov.Model([result], [hidden, mask], "transformer")


def save_transformer(path: Path, layers: int) -> None:
    """Writes it as OpenVINO IR."""
    ov.save_model(transformer(layers), path, compress_to_fp16=False)
