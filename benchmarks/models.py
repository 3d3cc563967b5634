"""Models that the benchmarks measure, and the command of benchmark_app, for comparison."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import onnx
import openvino as ov
from openvino import opset13 as op

# This does what the console script does, which need not be on the path.
_PROGRAM = """
import sys
from openvino.tools.benchmark.main import main
sys.argv[0] = "benchmark_app"
sys.exit(main())
"""
BENCHMARK_APP = (sys.executable, "-c", _PROGRAM)


def light(name: str) -> Path:
    """Return a network of the ``onnx`` package: real topology, constant weights."""
    return Path(onnx.__file__).parent / "backend/test/data/light" / f"light_{name}.onnx"


def mlp(folder: Path) -> Path:
    """Save a model of two layers of 64; an inference takes 10 to 20 µs, so overhead is visible."""
    random = np.random.default_rng(0)
    x = op.parameter([1, 64], np.float32, name="x")
    hidden = op.relu(op.matmul(x, op.constant(_weights(random)), False, False))
    y = op.matmul(hidden, op.constant(_weights(random)), False, False)
    path = folder / "mlp.xml"
    ov.save_model(ov.Model([y], [x], "mlp"), path)
    return path


def _weights(random: np.random.Generator) -> np.ndarray:
    return random.standard_normal((64, 64), dtype=np.float32)
