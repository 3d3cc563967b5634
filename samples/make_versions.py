"""Write SqueezeNet as a parent and as an INT8 version into samples/models/.

    python samples/make_versions.py && ovreport run samples/versions.toml

The topology is that of the ``onnx`` package's file. Its weights are all the same number, which
OpenVINO does not quantise, so this script makes them random (He et al., 2015), as at the start of
training. nncf (extra ``samples``) makes the INT8 version with random calibration data. So the
times are realistic, and so is the difference of the outputs of both versions, but not the
outputs.
"""

from __future__ import annotations

from pathlib import Path

import nncf
import numpy as np
import onnx
import openvino as ov

MODEL = Path(onnx.__file__).with_name("backend") / "test/data/light/light_squeezenet.onnx"
TARGET = Path(__file__).with_name("models")
CALIBRATION_SAMPLES = 8


def main() -> None:
    """Read the model, save it as IR, quantise it and save the result."""
    random = np.random.default_rng(0)
    filled = with_weights(onnx.load(MODEL), random)
    model = ov.Core().read_model(filled.SerializeToString())
    ov.save_model(model, TARGET / "squeezenet.xml", compress_to_fp16=False)
    samples = [
        random.random(tuple(model.inputs[0].shape), dtype=np.float32)
        for _ in range(CALIBRATION_SAMPLES)
    ]
    quantised = nncf.quantize(model, nncf.Dataset(samples), subset_size=CALIBRATION_SAMPLES)
    ov.save_model(quantised, TARGET / "squeezenet-int8.xml")
    print(f"Wrote squeezenet.xml and squeezenet-int8.xml to {TARGET}")


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
