"""Measures how fast a device computes and moves data, on small models through OpenVINO itself.

The fastest of several inferences counts: a roof is a rate that can be reached, and other programs
can only lower it.
"""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov

try:
    from openvino import opset13 as op
except ImportError:  # OpenVINO before 2025.0
    from openvino.runtime import opset13 as op

# A device's capabilities, and the precision that each stands for.
_CAPABILITIES = {"FP32": "f32", "BF16": "bf16", "FP16": "f16", "INT8": "i8"}
# Several layers in a row, so that converting the input and output is a small part of the time.
_LAYERS = 4
_CHANNELS, _SIDE, _KERNEL = 256, 56, 3  # 3.7 GFLOP a layer, of operands that fit into caches
_ROWS, _COLUMNS = 2048, 1024  # 4.3 GFLOP a layer
# Every model has several turns, so that one short disturbance cannot spoil its result. Rounds are
# repeated while one makes a model faster by more than the usual scatter of inferences.
_LEAST_ROUNDS, _MOST_ROUNDS = 2, 6
_FASTER = 0.97
_SECONDS = 0.12
_LEAST_INFERENCES = 2
# A difference of two least times below this share may be chance. One inference reads twice what the
# other reads.
_CLEAR = 0.05
# The size of the last-level cache if the system does not report it: more than most have.
_USUAL_CACHE = 32 << 20
_SMALLEST_TENSOR, _LARGEST_TENSOR = 64 << 20, 512 << 20


def measure_roofs(device: str, properties: dict[str, Any]) -> dict[str, Any]:
    """Return operations a second by precision, and bytes a second from memory and from cache.

    Args:
        device: name of the device.
        properties: properties for compiling all models, such as the number of threads.
    """
    core = ov.Core()
    cache = last_level_cache()
    large = min(_LARGEST_TENSOR, max(_SMALLEST_TENSOR, 4 * (cache or _USUAL_CACHE)))
    capabilities = core.get_property(device, "OPTIMIZATION_CAPABILITIES")
    wanted = [
        (precision, model, amount)
        for capability, precision in _CAPABILITIES.items()
        if capability in capabilities
        for model, amount in (_convolutions(precision), _products(precision))
    ]
    wanted += [("memory", *_vector_product(large)), ("memory", *_rectifier(large))]
    if cache:
        wanted += [("small", *_vector_product(cache // 8)), ("large", *_vector_product(cache // 4))]

    timed = [
        _Timed(what, amount, _compiled(core, device, properties, what, model))
        for what, model, amount in wanted
    ]
    for number in range(_MOST_ROUNDS):
        faster = [item.run() for item in timed]
        if number + 1 >= _LEAST_ROUNDS and not any(faster):
            break

    def best(what: str) -> float:
        return max(item.amount / item.seconds for item in timed if item.what == what)

    computing = [item.what for item in timed if item.runs_in(item.what)]
    return {
        "operations": {what: best(what) for what in dict.fromkeys(computing)},
        "memory_bandwidth": best("memory"),
        "cache_bandwidth": _difference(timed) if cache else None,
        "cache_bytes": cache,
    }


def _compiled(core: Any, device: str, properties: dict[str, Any], what: str, model: Any) -> Any:
    """Compile in the precision that is measured; quantised and copying models use f32 otherwise."""
    hint = what if what in ("bf16", "f16") else "f32"
    return core.compile_model(
        model,
        device,
        {**properties, "INFERENCE_PRECISION_HINT": hint, "PERFORMANCE_HINT": "LATENCY"},
    )


def _difference(timed: list[_Timed]) -> float | None:
    """Return the bandwidth from two sizes that fit into the cache; starting costs both the same.

    None if their times differ only by chance: the bandwidth would have no upper bound.
    """
    small, large = (next(x for x in timed if x.what == what) for what in ("small", "large"))
    seconds = large.seconds - small.seconds
    return (large.amount - small.amount) / seconds if seconds > _CLEAR * large.seconds else None


class _Timed:
    """A compiled model, the amount of work in one inference, and its least time."""

    def __init__(self, what: str, amount: float, compiled: Any) -> None:
        self.what, self.amount, self.compiled = what, amount, compiled
        self.request = compiled.create_infer_request()
        for index, item in enumerate(compiled.inputs):
            ones = np.ones(tuple(item.get_shape()), np.float32)
            self.request.set_input_tensor(index, ov.Tensor(ones))
        self.request.infer()
        self.seconds = math.inf

    def run(self) -> bool:
        """Take one turn; return whether it was faster than all before."""
        before = self.seconds
        end = time.perf_counter() + _SECONDS
        count = 0
        while count < _LEAST_INFERENCES or time.perf_counter() < end:
            self.request.infer()
            self.seconds = min(self.seconds, self.request.latency / 1e3)
            count += 1
        return self.seconds < _FASTER * before

    def runs_in(self, precision: str) -> bool:
        """Return whether the products ran in this precision; a device may choose another."""
        executed = set()
        for operation in self.compiled.get_runtime_model().get_ordered_ops():
            info = {key: str(value.value) for key, value in operation.get_rt_info().items()}
            if info.get("layerType", "").startswith(("Convolution", "FullyConnected", "MatMul")):
                executed.add(info.get("runtimePrecision", "").lower())
        return bool(executed) and executed <= ({"i8", "u8"} if precision == "i8" else {precision})


def last_level_cache() -> int | None:
    """Return the bytes of the largest cache that the system reports."""
    sizes = []
    for file in Path("/sys/devices/system/cpu/cpu0/cache").glob("index*/size"):
        text = file.read_text().strip()
        unit = {"K": 1 << 10, "M": 1 << 20}.get(text[-1:])
        if unit and text[:-1].isdecimal():
            sizes.append(int(text[:-1]) * unit)
    return max(sizes, default=None)


# ---------------------------------------------------------------------------- models


def _convolutions(precision: str) -> tuple[Any, float]:
    """Return convolutions in a row, and the number of their operations."""
    data = op.parameter([1, _CHANNELS, _SIDE, _SIDE], np.float32)
    flow = data
    for _ in range(_LAYERS):
        weights = op.constant(np.full((_CHANNELS, _CHANNELS, _KERNEL, _KERNEL), 0.01, np.float32))
        flow, weights = _quantised(precision, flow, weights)
        pads = [_KERNEL // 2] * 2
        flow = op.convolution(flow, weights, [1, 1], pads, pads, [1, 1])
    count = _LAYERS * 2.0 * (_CHANNELS * _SIDE * _KERNEL) ** 2
    return ov.Model([op.result(flow)], [data]), count


def _products(precision: str) -> tuple[Any, float]:
    """Return matrix products in a row, and the number of their operations."""
    data = op.parameter([_ROWS, _COLUMNS], np.float32)
    flow = data
    for _ in range(_LAYERS):
        weights = op.constant(np.full((_COLUMNS, _COLUMNS), 0.01, np.float32))
        flow, weights = _quantised(precision, flow, weights)
        flow = op.matmul(flow, weights, False, False)
    return ov.Model([op.result(flow)], [data]), _LAYERS * 2.0 * _ROWS * _COLUMNS**2


def _quantised(precision: str, data: Any, weights: Any) -> tuple[Any, Any]:
    """Quantise both operands to 8-bit integers, if that is the precision."""
    if precision != "i8":
        return data, weights

    def quantise(tensor: Any, low: float, levels: int) -> Any:
        rank = len(tensor.get_output_partial_shape(0))
        bounds = [op.constant(np.full([1] * rank, x, np.float32)) for x in (low, 1.0)]
        return op.fake_quantize(tensor, *bounds, *bounds, levels)

    return quantise(data, 0.0, 256), quantise(weights, -1.0, 255)


def _vector_product(size: int) -> tuple[Any, float]:
    """Return the product of a vector and a matrix of this size, which reads each byte once."""
    rows = size // 4 // _COLUMNS
    data = op.parameter([1, rows], np.float32)
    weights = op.constant(np.full((rows, _COLUMNS), 0.01, np.float32))
    return ov.Model([op.result(op.matmul(data, weights, False, False))], [data]), size


def _rectifier(size: int) -> tuple[Any, float]:
    """Return a model that reads this many bytes and writes as many, and the sum of both."""
    data = op.parameter([size // 4 // _COLUMNS, _COLUMNS], np.float32)
    return ov.Model([op.result(op.relu(data))], [data]), 2 * size
