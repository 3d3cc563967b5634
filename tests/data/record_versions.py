"""Record versions.jsonl: a small MobileNet-like network, two equal copies and one in INT8.

    python tests/data/record_versions.py && python tests/recorded.py --unpack

The second copy is a control: a difference between its figures and those of the first is noise.
``nncf.quantize`` makes the INT8 version, as users do.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import nncf
import numpy as np
import openvino as ov
from openvino import opset13 as op

from ovreport.cli import main as ovreport

SIZE = 32
TARGET = Path(__file__).with_name("versions.jsonl")


def mobilenet() -> ov.Model:
    """Return a stem, three inverted residual blocks (Sandler et al., 2018), head and classifier."""
    random = np.random.default_rng(0)

    def constant(*shape: int, scale: float) -> Any:
        return op.constant((random.normal(0, scale, shape)).astype(np.float32))

    def convolution(data: Any, name: str, weights: Any, stride: int, *, grouped: bool) -> Any:
        border = [weights.shape[-1] // 2] * 2
        make = op.group_convolution if grouped else op.convolution
        made = make(data, weights, [stride] * 2, border, border, [1, 1], name=f"{name}/conv")
        channels = weights.shape[0]
        return op.add(made, constant(1, channels, 1, 1, scale=0.1), name=name)

    def block(data: Any, name: str, inside: int, outside: int, stride: int) -> Any:
        channels = data.shape[1]
        flow = convolution(
            data, f"{name}/expand", constant(inside, channels, 1, 1, scale=channels**-0.5), 1,
            grouped=False,
        )  # fmt: skip
        flow = op.clamp(flow, 0.0, 6.0, name=f"{name}/expand/relu6")
        flow = convolution(
            flow, f"{name}/depthwise", constant(inside, 1, 1, 3, 3, scale=0.3), stride, grouped=True
        )
        flow = op.clamp(flow, 0.0, 6.0, name=f"{name}/depthwise/relu6")
        flow = convolution(
            flow, f"{name}/project", constant(outside, inside, 1, 1, scale=inside**-0.5), 1,
            grouped=False,
        )  # fmt: skip
        whole = stride == 1 and channels == outside
        return op.add(data, flow, name=f"{name}/add") if whole else flow

    data = op.parameter([1, 3, SIZE, SIZE], np.float32, name="image")
    flow = convolution(data, "stem", constant(16, 3, 3, 3, scale=0.2), 2, grouped=False)
    flow = op.clamp(flow, 0.0, 6.0, name="stem/relu6")
    for number, (inside, outside, stride) in enumerate([(64, 24, 2), (96, 24, 1), (96, 32, 2)]):
        flow = block(flow, f"block{number}", inside, outside, stride)
    flow = op.reduce_mean(flow, op.constant([2, 3]), False, name="pool")
    flow = op.matmul(flow, constant(32, 10, scale=0.2), False, False, name="logits")
    return ov.Model([op.result(op.softmax(flow, 1, name="scores"))], [data], "mobilenet")


def main() -> None:
    """Save the versions, measure them briefly and keep the run file."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = mobilenet()
        ov.save_model(model, folder / "parent.xml", compress_to_fp16=False)
        random = np.random.default_rng(0)
        samples = [random.random((1, 3, SIZE, SIZE), dtype=np.float32) for _ in range(8)]
        quantised = nncf.quantize(model, nncf.Dataset(samples), subset_size=8)
        ov.save_model(quantised, folder / "int8.xml", compress_to_fp16=False)
        config = folder / "config.toml"
        config.write_text(
            """
            model = [
                { name = "mobilenet", version = "parent", path = "parent.xml" },
                { name = "mobilenet", version = "again", path = "parent.xml" },
                { name = "mobilenet", version = "int8", path = "int8.xml" },
            ]
            [matrix]
            hint = "latency"
            [measure]
            duration = 0.6
            slice = 0.05
            launches = 2
            profile_iterations = 15
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
