"""Write SqueezeNet with random weights into samples/models/.

    python samples/make_model.py && ovreport run samples/versions.toml

The topology is that of the ``onnx`` package's file. Its weights are all the same number, which
OpenVINO does not quantise, so this script makes them random (He et al., 2015), as at the start of
training. So the times are realistic, and so is the difference of the outputs of both versions in
samples/versions.toml, but not the outputs.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx

MODEL = Path(onnx.__file__).with_name("backend") / "test/data/light/light_squeezenet.onnx"
TARGET = Path(__file__).with_name("models") / "squeezenet.onnx"


def main() -> None:
    """Read the model, make its weights random and save it."""
    TARGET.parent.mkdir(exist_ok=True)
    onnx.save(with_weights(onnx.load(MODEL), np.random.default_rng(0)), TARGET)
    print(f"Wrote {TARGET}")


def with_weights(model: onnx.ModelProto, random: np.random.Generator) -> onnx.ModelProto:
    """Replace the weights that the model makes of one number by random weights."""
    graph = model.graph
    shapes = {item.name: onnx.numpy_helper.to_array(item) for item in graph.initializer}
    constant = [node for node in graph.node if node.op_type == "ConstantOfShape"]
    for node in constant:
        shape = shapes[node.input[0]]
        inputs = np.prod(shape[1:])
        # Biases, which have one dimension, start at zero.
        scale = np.sqrt(2 / inputs) if len(shape) > 1 else 0.0
        weights = (scale * random.standard_normal(shape)).astype(np.float32)
        graph.initializer.append(onnx.numpy_helper.from_array(weights, node.output[0]))
        graph.node.remove(node)
    return model


if __name__ == "__main__":
    main()
