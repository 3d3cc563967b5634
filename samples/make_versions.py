"""Writes SqueezeNet as a parent and as an INT8 version into samples/models/.

    python samples/make_versions.py && ovreport run samples/versions.toml

The topology is that of the ``onnx`` package's file. Its weights are all the same number, which says
nothing and keeps OpenVINO from quantising them; they are random here (He et al., 2015), as at the
start of training. The INT8 version is made with nncf (extra ``samples``) from random calibration
data. So times mean something, and so does how far the answers of both are apart, but not the
answers.
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
    """Reads the model, saves it as IR, quantises it and saves that."""
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
    """The model with random weights in place of those that it makes of one number."""
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
