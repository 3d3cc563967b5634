"""The worker: one process that reads, compiles and runs one model, told what to do line by line.

It needs only the standard library, numpy and openvino (2024.0 or newer), and is started by path,
so that it runs in any Python environment: ``python worker.py``. Commands come as JSON lines on
standard input, ``{"do": "load", …}``; each is answered by one JSON line on what was standard
output when it started. Standard output itself is turned to standard error at once: whatever a
library prints cannot be taken for an answer.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import openvino as ov

# A throughput slice counts at least so many rounds of all its requests.
MIN_ROUNDS = 2


class StageError(Exception):
    """An error with the stage of the work it happened in."""

    def __init__(self, stage: str, error: Exception) -> None:
        super().__init__(str(error))
        self.stage = stage


class Worker:
    """Holds the model between commands; each public method is a command."""

    def __init__(self) -> None:
        self.core = ov.Core()
        self.model: Any = None
        self.compiled: Any = None
        self.runner: Runner | None = None

    # -------------------------------------------------------------------- telling

    def devices(self) -> dict[str, Any]:
        """OpenVINO's and Python's versions and what they run on."""
        return {
            "openvino": ov.get_version(),
            "python": ".".join(map(str, sys.version_info[:3])),
            "devices": [self._device(name) for name in self.core.available_devices],
        }

    def _device(self, name: str) -> dict[str, Any]:
        properties = {}
        for key in self.core.get_property(name, "SUPPORTED_PROPERTIES"):
            if key == "SUPPORTED_PROPERTIES":
                continue
            value = readable(self.core.get_property, name, key)
            if value is not None:
                properties[key] = value
        full_name = properties.get("FULL_DEVICE_NAME", name)
        return {"name": name, "full_name": full_name.strip(), "properties": properties}

    def inspect(self, path: str) -> dict[str, Any]:
        """A model file's identity, and its inputs and outputs as it is read."""
        files = model_files(Path(path))
        digest = hashlib.sha256()
        for file in files:
            digest.update(file.name.encode() + b"\0")
            with file.open("rb") as content:
                while block := content.read(1 << 20):
                    digest.update(block)
        model = at("read", lambda: self.core.read_model(path))
        return {
            "size_bytes": sum(file.stat().st_size for file in files),
            "sha256": digest.hexdigest(),
            "inputs": [port(item) for item in model.inputs],
            "outputs": [port(item) for item in model.outputs],
        }

    # -------------------------------------------------------------------- loading

    def load(
        self,
        path: str,
        device: str,
        shapes: list[list[int]],
        inputs: str,
        properties: dict[str, Any],
        requests: int | None,
        synchronous: bool,
    ) -> dict[str, Any]:
        """Reads, reshapes, compiles and runs a model once."""
        memory = {"start_bytes": peak_memory()}
        started = time.perf_counter_ns()
        self.model = at("read", lambda: self.core.read_model(path))
        read_ns = time.perf_counter_ns() - started
        memory["read_bytes"] = peak_memory()

        at("reshape", lambda: reshape(self.model, shapes))
        started = time.perf_counter_ns()
        self.compiled = at(
            "compile", lambda: self.core.compile_model(self.model, device, properties)
        )
        compile_ns = time.perf_counter_ns() - started
        memory["compile_bytes"] = peak_memory()

        count = requests or (1 if synchronous else self._optimal_requests())
        sets = at("input", lambda: input_sets(inputs, self.compiled))
        self.runner = Runner(self.compiled, sets, count, synchronous and count == 1)
        first_inference_ns = at("inference", self.runner.once)
        memory["inference_bytes"] = peak_memory()
        return {
            "read_ns": read_ns,
            "compile_ns": compile_ns,
            "first_inference_ns": first_inference_ns,
            "memory": memory,
            "requests": count,
            "properties": self._properties(),
            "inputs": [port(item) for item in self.compiled.inputs],
            "outputs": [port(item) for item in self.compiled.outputs],
        }

    def _optimal_requests(self) -> int:
        return int(self.compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS"))

    def _properties(self) -> dict[str, str]:
        values = {
            key: readable(self.compiled.get_property, key)
            for key in self.compiled.get_property("SUPPORTED_PROPERTIES")
            if key != "SUPPORTED_PROPERTIES"
        }
        return {key: value for key, value in values.items() if value is not None}

    # -------------------------------------------------------------------- running

    def slice(self, seconds: float, iterations: int | None = None) -> dict[str, Any]:
        """Inferences for some time, or until so many are counted."""
        assert self.runner is not None, "load comes before slice"
        runner = self.runner
        result: dict[str, Any] = at("inference", lambda: runner.run(seconds, iterations))
        result["peak_bytes"] = peak_memory()
        return result

    def calibrate(self) -> dict[str, Any]:
        """Wall time that the synchronous loop adds to one request, measured on this model."""
        assert self.runner is not None, "load comes before calibrate"
        return {"cost_ns": self.runner.cost_ns()}

    def profile(
        self,
        path: str,
        device: str,
        shapes: list[list[int]],
        inputs: str,
        properties: dict[str, Any],
        iterations: int,
        seconds: float,
    ) -> dict[str, Any]:
        """Layer times of several inferences, from a model compiled anew with counters on.

        Answers with the runtime graph of that compilation and the model's own graph.
        """
        model = at("read", lambda: self.core.read_model(path))
        at("reshape", lambda: reshape(model, shapes))
        compiled = at(
            "compile",
            lambda: self.core.compile_model(model, device, {**properties, "PERF_COUNT": True}),
        )
        sets = at("input", lambda: input_sets(inputs, compiled))
        profiled: dict[str, Any] = {"latencies_ns": [], "layers": []}
        if iterations:
            profiled = at("profile", lambda: profile(compiled, sets[0], iterations, seconds))
        return {
            "profile": profiled,
            "runtime_graph": at("profile", lambda: graph(compiled.get_runtime_model(), "runtime")),
            "model_graph": at("profile", lambda: graph(model, "model")),
        }


# ---------------------------------------------------------------------------- inference loops


class Runner:
    """Runs requests without a Python callback in the loop: one halves the rate of small models.

    Args:
        sets: input tensors, by input; with several sets the requests take them in turn.
        synchronous: one request, each started when the one before has ended.
    """

    def __init__(self, compiled: Any, sets: list[list[Any]], count: int, synchronous: bool) -> None:
        self.queue = ov.AsyncInferQueue(compiled, count)
        self.requests = [self.queue[index] for index in range(count)]
        self.sets = sets
        self.turn = 0
        self.synchronous = synchronous
        for request in self.requests:
            self._feed(request)

    def _feed(self, request: Any) -> None:
        for index, tensor in enumerate(self.sets[self.turn % len(self.sets)]):
            request.set_input_tensor(index, tensor)
        self.turn += 1

    def once(self) -> int:
        """Runs one request; the time it took, in ns."""
        started = time.perf_counter_ns()
        self.requests[0].infer()
        return time.perf_counter_ns() - started

    def run(self, seconds: float, iterations: int | None) -> dict[str, Any]:
        """A slice: latencies in ns, wall and CPU time of the counted requests."""
        loop = self._one_by_one if self.synchronous else self._in_flight
        return loop(int(seconds * 1e9), iterations)

    def _one_by_one(self, limit_ns: int, iterations: int | None) -> dict[str, Any]:
        request, several = self.requests[0], len(self.sets) > 1
        latencies: list[float] = []
        cpu = time.process_time_ns()
        started = now = time.perf_counter_ns()
        while not latencies or not finished(len(latencies), now - started, iterations, limit_ns):
            if several:
                self._feed(request)
            request.infer()
            latencies.append(request.latency)
            now = time.perf_counter_ns()
        return counted(latencies, now - started, time.process_time_ns() - cpu)

    def _in_flight(self, limit_ns: int, iterations: int | None) -> dict[str, Any]:
        """Keeps all requests busy; counts from the end of the first round.

        A window that opens and closes with a completion, all other requests in flight, holds
        neither the filling nor the draining, so that short slices do not understate throughput.
        """
        queue, requests, several = self.queue, self.requests, len(self.sets) > 1
        count = len(requests)
        latencies: list[float] = []
        for _ in range(count):
            queue.start_async()
        remaining = count
        started = opened = closed = time.perf_counter_ns()
        cpu = closed_cpu = time.process_time_ns()
        while True:
            request = requests[queue.get_idle_request_id()]
            now = time.perf_counter_ns()
            if remaining:
                remaining -= 1
                if not remaining:
                    opened, cpu = now, time.process_time_ns()
            else:
                latencies.append(request.latency)
                closed = now
                # Whole rounds only: requests that run in step end in step, and a window that
                # closed between two of them would count fewer than were done.
                rounds, rest = divmod(len(latencies), count)
                enough = rounds >= MIN_ROUNDS and not rest
                if enough and finished(len(latencies), now - started, iterations, limit_ns):
                    closed_cpu = time.process_time_ns()
                    break
            if several:
                self._feed(request)
            queue.start_async()
        queue.wait_all()
        return counted(latencies, closed - opened, closed_cpu - cpu)

    def cost_ns(self) -> int:
        """Median of wall time less latency over synchronous requests, in ns."""
        request = self.requests[0]
        extra: list[float] = []
        limit = time.perf_counter_ns() + 200_000_000
        while len(extra) < 5 or (len(extra) < 1000 and time.perf_counter_ns() < limit):
            started = time.perf_counter_ns()
            request.infer()
            extra.append(time.perf_counter_ns() - started - request.latency * 1e6)
        return max(0, int(np.median(extra)))


def finished(count: int, elapsed_ns: int, iterations: int | None, limit_ns: int) -> bool:
    return count >= iterations if iterations is not None else elapsed_ns >= limit_ns


def counted(latencies_ms: list[float], wall_ns: int, cpu_ns: int) -> dict[str, Any]:
    return {
        "latencies_ns": [round(value * 1e6) for value in latencies_ms],
        "wall_ns": wall_ns,
        "cpu_ns": cpu_ns,
    }


# ---------------------------------------------------------------------------- profiling


def profile(compiled: Any, tensors: list[Any], iterations: int, seconds: float) -> dict[str, Any]:
    """Layer times of up to ``iterations`` inferences, at least three, within ``seconds``."""
    request = compiled.create_infer_request()
    for index, tensor in enumerate(tensors):
        request.set_input_tensor(index, tensor)
    request.infer()
    latencies: list[int] = []
    layers: dict[tuple[str, int], dict[str, Any]] = {}
    limit = time.perf_counter() + seconds
    while len(latencies) < min(3, iterations) or (
        len(latencies) < iterations and time.perf_counter() < limit
    ):
        request.infer()
        latencies.append(round(request.latency * 1e6))
        seen: dict[str, int] = {}
        for entry in request.get_profiling_info():
            # Names can be equal: the n-th of a name is the n-th in every inference.
            key = (entry.node_name, seen.get(entry.node_name, 0))
            seen[entry.node_name] = key[1] + 1
            status = str(entry.status).rsplit(".", 1)[-1].lower()
            layer = layers.setdefault(
                key, {"name": entry.node_name, "type": entry.node_type, "times_ns": []}
            )
            layer["kernel"], layer["status"] = entry.exec_type, status
            if status == "executed":
                layer["times_ns"].append(round(entry.real_time.total_seconds() * 1e9))
    return {"latencies_ns": latencies, "layers": list(layers.values())}


def graph(model: Any, kind: str) -> dict[str, Any]:
    """Nodes in topological order, in the form of ``ovreport.run.Graph``."""
    operations = model.get_ordered_ops()
    place = {operation.get_name(): index for index, operation in enumerate(operations)}
    return {"kind": kind, "nodes": [node(operation, place, kind) for operation in operations]}


def node(operation: Any, place: dict[str, int], kind: str) -> dict[str, Any]:
    sources = [item.get_source_output() for item in operation.inputs()]
    attributes: dict[str, Any]
    if kind == "runtime":
        attributes = {key: str(value.value) for key, value in operation.get_rt_info().items()}
        # Times belong to the profile; without them equal graphs are equal.
        attributes = {key: v for key, v in attributes.items() if key.lower() != "exectimemcs"}
        type_name = attributes.get("layerType", operation.get_type_name())
    else:
        attributes = {key: plain(value) for key, value in operation.get_attributes().items()}
        attributes["opset"] = operation.get_type_info().version_id
        type_name = operation.get_type_name()
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


def bodies(operation: Any) -> list[Any]:
    """The models inside ``If`` (then, else), ``Loop`` and ``TensorIterator``."""
    if operation.get_type_name() == "If":
        return [operation.get_function(0), operation.get_function(1)]
    if operation.get_type_name() in ("Loop", "TensorIterator"):
        return [operation.get_function()]
    return []


# ---------------------------------------------------------------------------- small parts


def port(item: Any) -> dict[str, Any]:
    return {
        "names": sorted(item.get_names()),
        "shape": str(item.get_partial_shape()),
        "precision": item.get_element_type().get_type_name(),
    }


def plain(value: Any) -> Any:
    """An attribute as JSON: numbers, texts and lists as they are, the rest as text."""
    if isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if np.isfinite(value) else str(value)
    if isinstance(value, (list, tuple, set)):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    return str(value)


def readable(get_property: Callable[..., Any], *names: str) -> str | None:
    """A property as text, or None where it is named but cannot be read or has no Python form."""
    try:
        value = get_property(*names)
    except (RuntimeError, TypeError):
        return None
    if isinstance(value, ov.Type):
        return str(value.get_type_name())
    if isinstance(value, bool):
        return "YES" if value else "NO"
    if isinstance(value, (list, tuple, set)):
        return ", ".join(sorted(str(item) for item in value))
    return re.sub(r"^\w+\.(?=[A-Z_]+$)", "", str(value))


def at(stage: str, work: Callable[[], Any]) -> Any:
    try:
        return work()
    except (RuntimeError, ValueError, TypeError, MemoryError, OSError) as error:
        raise StageError(stage, error) from error


def reshape(model: Any, shapes: list[list[int]]) -> None:
    """Gives every input its shape, by index: names may move, indices do not."""
    current = [item.get_partial_shape() for item in model.inputs]
    wanted = [ov.PartialShape(shape) for shape in shapes]
    if current != wanted:
        model.reshape(dict(enumerate(wanted)))


def input_sets(path: str, compiled: Any) -> list[list[Any]]:
    """Tensors from an ``.npz`` of arrays ``<set>_<input>``.

    Bytes stand for the element types that numpy lacks, such as bf16 and u4.
    """
    arrays = np.load(path, allow_pickle=False)
    count = 1 + max((int(name.split("_")[0]) for name in arrays.files), default=0)
    return [
        [tensor(arrays[f"{n}_{i}"], item) for i, item in enumerate(compiled.inputs)]
        for n in range(count)
    ]


def tensor(array: Any, item: Any) -> Any:
    element, shape = item.get_element_type(), item.get_partial_shape().to_shape()
    if array.dtype != np.uint8 or element == ov.Type.u8:
        return ov.Tensor(np.ascontiguousarray(array))
    made = ov.Tensor(element, shape)
    made.data.view(np.uint8).reshape(-1)[:] = array
    return made


def model_files(path: Path) -> list[Path]:
    """The files that make up a model, in a fixed order."""
    if path.is_dir():
        return sorted(file for file in path.rglob("*") if file.is_file())
    weights = {".xml": ".bin", ".pdmodel": ".pdiparams"}.get(path.suffix)
    beside = path.with_suffix(weights) if weights else None
    return [path, beside] if beside is not None and beside.is_file() else [path]


def peak_memory() -> int:
    """Highest resident size since the last call, in bytes; 0 where the system does not tell."""
    try:
        status = Path("/proc/self/status").read_text()
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return 0
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) * 1024 if found else 0


def die_with_parent() -> None:
    """Linux ends this process when its parent dies; elsewhere the end of input does."""
    if sys.platform == "linux":
        import ctypes
        import signal

        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


def serve(commands: TextIO, answers: TextIO) -> None:
    """Answers commands until ``quit`` or the end of input."""
    worker = Worker()
    for line in commands:
        command = json.loads(line)
        name = command.pop("do")
        if name == "quit":
            return
        try:
            answer = {"ok": getattr(worker, name)(**command)}
        except StageError as error:
            answer = {"error": {"stage": error.stage, "text": str(error)}}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    die_with_parent()
    private = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    serve(sys.stdin, private)
