"""Writes SqueezeNet as a parent and as an INT8 version into samples/models/.

    python samples/make_versions.py && ovreport run samples/versions.toml

The INT8 version is made with nncf (extra ``samples``) from random calibration data. The topology
is real and the weights of the ``onnx`` package's file are constant, so times mean something and
answers do not.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import nncf
import numpy as np
import openvino as ov

MODEL = "backend/test/data/light/light_squeezenet.onnx"
TARGET = Path(__file__).with_name("models")
CALIBRATION_SAMPLES = 8


def main() -> None:
    """Reads the model, saves it as IR, quantises it and saves that."""
    spec = importlib.util.find_spec("onnx")
    if spec is None or spec.origin is None:
        raise SystemExit("The onnx package is missing: pip install -e '.[samples]'")
    model = ov.Core().read_model(Path(spec.origin).parent / MODEL)
    ov.save_model(model, TARGET / "squeezenet.xml", compress_to_fp16=False)
    random = np.random.default_rng(0)
    samples = [
        random.random(tuple(model.inputs[0].shape), dtype=np.float32)
        for _ in range(CALIBRATION_SAMPLES)
    ]
    quantised = nncf.quantize(model, nncf.Dataset(samples), subset_size=CALIBRATION_SAMPLES)
    ov.save_model(quantised, TARGET / "squeezenet-int8.xml")
    print(f"Wrote squeezenet.xml and squeezenet-int8.xml to {TARGET}")


if __name__ == "__main__":
    main()
