"""Reads layer times and graphs of a model through the Python API."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov

from .means import singles
from .operator_names import bodies
from .python_api import PythonModel, PythonRequest, port

_MAX_PARAMETERS = 8
# Bytes at each end of a constant that are compared first: different weights differ here, too.
_END_BYTES = 1024


class Profiling:
    """Collects the layer times of inferences, some at a time.

    Args:
        model: a model that was compiled with counters on.
        request: its request.
        device: the device that it was compiled for.
        properties: the properties that it was compiled with.
    """

    def __init__(
        self, model: PythonModel, request: PythonRequest, device: str, properties: dict[str, Any]
    ) -> None:
        self._model, self._device, self._properties = model, device, properties
        self._request: PythonRequest | None = request
        self._counters = model.counters()
        # The counters are means over all inferences since compiling, in whole µs; for one stream,
        # the times of single inferences follow from them.
        self._separable = self._counters == "means of one stream"
        self._latencies: list[int] = []
        self._first: dict[tuple[str, int], int] = {}
        self._layers: dict[tuple[str, int], dict[str, Any]] = {}

    def run(self, iterations: int, seconds: float) -> int:
        """Run inferences, at least one, and return their number.

        Before the very first, one more is run as a warm-up. States are reset before each call.

        Args:
            iterations: the most inferences.
            seconds: the time after which no further inference starts.
        """
        request = self._request
        assert request is not None, "no inference runs after cached_compile"
        request.reset()
        if not self._latencies:
            request.feed(0)
            request.infer()
            self._first = {key: _time_ns(entry) for key, entry in _counters(request)}
        limit = time.perf_counter() + seconds
        before = len(self._latencies)
        for _ in range(iterations):
            request.infer()
            self._count(request)
            if time.perf_counter() >= limit:
                break
        return len(self._latencies) - before

    def _count(self, request: PythonRequest) -> None:
        self._latencies.append(request.latency_ns())
        for key, entry in _counters(request):
            layer = self._layers.setdefault(
                key,
                {"name": entry.node_name, "type": entry.node_type, "status": "", "times_ns": []},
            )
            status = _status(entry)
            # If a mean falls below 1 µs, the counters say that the layer did not run.
            if layer["status"] != "executed":
                layer["kernel"], layer["status"] = entry.exec_type, status
            if self._separable or status == "executed":
                layer["times_ns"].append(_time_ns(entry))

    def times(self) -> dict[str, Any]:
        """Return layer times of all inferences but the first, as ``ovreport.run.Profile``."""
        if self._separable:
            for key, layer in self._layers.items():
                means_ns = [self._first.get(key, 0), *layer["times_ns"]]
                executed = layer["status"] == "executed"
                layer["times_ns"] = _single_times_ns(means_ns) if executed else []
        return {
            "latencies_ns": self._latencies,
            "layers": list(self._layers.values()),
            "means": self._counters == "means",
        }

    def graphs(self) -> dict[str, Any]:
        """Return the graphs of that compilation and of the model, with the compiled ports."""
        compiled = self._model.compiled
        return {
            "inputs": [port(item) for item in compiled.inputs],
            "outputs": [port(item) for item in compiled.outputs],
            "runtime_graph": graph(compiled.get_runtime_model(), "runtime"),
            "model_graph": graph(self._model.model, "model"),
        }

    def cached_compile(self) -> dict[str, Any]:
        """Compile again from the device's cache; return an ``ovreport.run.ModelCache``.

        The compiled model is released first, so that memory does not hold it twice.
        """
        files = [file for file in Path(self._properties["CACHE_DIR"]).rglob("*") if file.is_file()]
        size_bytes = sum(file.stat().st_size for file in files)
        self._request = self._model.compiled = None
        started = time.perf_counter_ns()
        try:
            self._model.compile(self._device, self._properties)
        except RuntimeError as error:
            return {"compile_ns": 0, "size_bytes": size_bytes, "failure": str(error)}
        return {"compile_ns": time.perf_counter_ns() - started, "size_bytes": size_bytes}


def _single_times_ns(means_ns: list[int]) -> list[int]:
    """Return each inference's time from running means, without the first, which warms up."""
    return [round(1000 * time_us) for time_us in singles([mean // 1000 for mean in means_ns])]


def _counters(request: PythonRequest) -> Iterator[tuple[tuple[str, int], Any]]:
    """Yield each entry with its key: the name, and its number among entries of the same name.

    The order of entries is the same in every inference.
    """
    counts: dict[str, int] = {}
    for entry in request.layers():
        number = counts.get(entry.node_name, 0)
        counts[entry.node_name] = number + 1
        yield (entry.node_name, number), entry


def _status(entry: Any) -> str:
    return str(entry.status).rsplit(".", 1)[-1].lower()


def _time_ns(entry: Any) -> int:
    return round(float(entry.real_time.total_seconds()) * 1e9)


def graph(model: Any, kind: str) -> dict[str, Any]:
    """Return a graph as an ``ovreport.run.Graph``, with nodes in topological order."""
    operations = model.get_ordered_ops()
    place = {operation.get_name(): index for index, operation in enumerate(operations)}
    nodes = [_node(operation, place, kind) for operation in operations]
    if kind != "runtime":
        for index, first in _copies(operations).items():
            nodes[index]["attributes"]["copy_of"] = first
    return {"kind": kind, "nodes": nodes}


def _copies(operations: list[Any]) -> dict[int, int]:
    """Find constants with the content of an earlier one: the same parameters, stored twice.

    Only constants with equal ends are read as a whole, because weights may be large and on disk. A
    constant that is filled with one number, as in an untrained model, is not a copy.

    Returns:
        The index of the first constant by the index of each copy.
    """
    copies: dict[int, int] = {}
    by_ends: dict[tuple[str, str, bytes, bytes], list[tuple[int, Any]]] = {}
    for index, operation in enumerate(operations):
        if operation.get_type_name() != "Constant" or (content := _bytes(operation)) is None:
            continue
        kind, shape = operation.get_element_type(), operation.get_output_shape(0)
        ends = content[:_END_BYTES].tobytes(), content[-_END_BYTES:].tobytes()
        earlier = by_ends.setdefault((str(kind), str(shape), *ends), [])
        same = (first for first, other in earlier if np.array_equal(other, content))
        if (first := next(same, None)) is None:
            earlier.append((index, content))
        elif not _is_filled(operation):
            copies[index] = first
    return copies


def _is_filled(constant: Any) -> bool:
    data = np.asarray(constant.data).reshape(-1)
    return bool((data == data[0]).all())


def _bytes(constant: Any) -> Any:
    """Return the content of a weight without a copy.

    It is None for a constant that is no weight: texts, shapes, indices and single numbers.
    """
    kind, number = constant.get_element_type(), np.prod(constant.get_output_shape(0))
    if kind in (ov.Type.string, ov.Type.i32, ov.Type.i64) or number < 2:
        return None
    return np.ascontiguousarray(constant.data).reshape(-1).view(np.uint8)


def _node(operation: Any, place: dict[str, int], kind: str) -> dict[str, Any]:
    sources = [item.get_source_output() for item in operation.inputs()]
    attributes: dict[str, Any]
    if kind == "runtime":
        attributes = {key: str(value.value) for key, value in operation.get_rt_info().items()}
        # Times are in the profile; graphs without them are equal if their nodes are.
        attributes = {key: v for key, v in attributes.items() if key.lower() != "exectimemcs"}
        type_name = attributes.get("layerType", operation.get_type_name())
    else:
        attributes = _attributes(operation)
        attributes["opset"] = operation.get_type_info().version_id
        type_name = operation.get_type_name()
        if type_name == "Constant":
            attributes.update(_few_integers(operation))
        if type_name in ("Loop", "TensorIterator"):
            attributes["num_iterations"] = operation.get_num_iterations()  # -1: not known
    return {
        "name": operation.get_friendly_name(),
        "type": type_name,
        "inputs": [[place[s.get_node().get_name()], s.get_index()] for s in sources],
        "outputs": [port(item) for item in operation.outputs()],
        "attributes": attributes,
        "bodies": [graph(body, kind) for body in bodies(operation)],
    }


def _few_integers(constant: Any) -> dict[str, list[int]]:
    """Return the values of a short integer constant, such as axes or a target shape."""
    if constant.get_element_type() not in (ov.Type.i32, ov.Type.i64):
        return {}
    shape = constant.get_output_shape(0)
    if len(shape) > 1 or sum(shape) > _MAX_PARAMETERS:
        return {}
    return {"value": np.atleast_1d(constant.data).tolist()}


def _attributes(operation: Any) -> dict[str, Any]:
    """Return an operator's attributes; none if one of them holds text that is not UTF-8."""
    try:
        return {key: _plain(value) for key, value in operation.get_attributes().items()}
    except UnicodeDecodeError:
        return {}


def _plain(value: Any) -> Any:
    """Return an attribute for JSON: numbers, texts and lists unchanged, the rest as text."""
    if isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if np.isfinite(value) else str(value)
    if isinstance(value, (list, tuple, set)):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    return str(value)
