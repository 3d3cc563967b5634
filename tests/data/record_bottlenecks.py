"""Record bottlenecks.jsonl: a model with known bottlenecks, in floating point and in INT8.

    python tests/data/record_bottlenecks.py && python tests/recorded.py --unpack

Both versions hold a pair of transposes of which the second undoes the first, and a ``CumSum``, for
which the CPU plugin has a reference kernel only. The INT8 one also keeps a convolution in floating
point between two integer ones.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
from openvino import opset13 as op

from ovreport.cli import main as ovreport

SIZE = 64
CHANNELS = 32
TARGET = Path(__file__).with_name("bottlenecks.jsonl")


def model(*, quantised: bool) -> ov.Model:
    """Return four convolutions, the transposes, the sum, and a last convolution."""
    random = np.random.default_rng(0)

    def quantise(tensor: Any, low: float, high: float, levels: int) -> Any:
        if not quantised:
            return tensor
        bounds = [op.constant(np.full((1, 1, 1, 1), x, np.float32)) for x in (low, high)]
        return op.fake_quantize(tensor, *bounds, *bounds, levels)

    def convolution(data: Any, name: str, *, narrow: bool = True) -> Any:
        weights = op.constant(random.normal(0, 0.1, (CHANNELS, CHANNELS, 3, 3)).astype(np.float32))
        if narrow:
            data, weights = quantise(data, 0, 1, 256), quantise(weights, -1, 1, 255)
        made = op.convolution(data, weights, [1, 1], [1, 1], [1, 1], [1, 1], name=name)
        return op.relu(made, name=f"{name}, rectified")

    data = op.parameter([1, CHANNELS, SIZE, SIZE], np.float32, name="input")
    flow = convolution(convolution(data, "first"), "second")
    flow = convolution(flow, "island", narrow=False)
    flow = quantise(convolution(flow, "fourth"), 0, 1, 256)
    flow = op.transpose(flow, op.constant([0, 2, 3, 1]), name="there")
    flow = op.transpose(op.softmax(flow, 3), op.constant([0, 3, 1, 2]), name="back")
    flow = op.cum_sum(flow, op.constant(2), exclusive=False, reverse=False, name="sum")
    return ov.Model([op.result(convolution(flow, "last", narrow=False))], [data], "bottlenecks")


def save(folder: Path) -> None:
    """Save both versions: ``parent.xml`` and ``int8.xml``."""
    for version, quantised in (("parent", False), ("int8", True)):
        ov.save_model(model(quantised=quantised), folder / f"{version}.xml", False)


def main() -> None:
    """Save both versions, measure them briefly and keep the run file."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        save(folder)
        config = folder / "config.toml"
        config.write_text(
            """
            model = [
                { name = "bottlenecks", version = "parent", path = "parent.xml" },
                { name = "bottlenecks", version = "int8", path = "int8.xml" },
            ]
            matrix = { hint = "latency", precision = "bf16" }
            measure = { iterations = 60, launches = 1, profile_iterations = 9 }
            """
        )
        TARGET.unlink(missing_ok=True)
        report = folder / "report.html"
        ovreport(
            ["run", str(config), "-o", str(report), "--run-file", str(TARGET)],
            standalone_mode=False,
        )


if __name__ == "__main__":
    main()
