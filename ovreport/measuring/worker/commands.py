"""The commands of the worker."""

from __future__ import annotations

import time
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import c_api
from .loops import Runner
from .reference import median, rounds_ns
from .states import States
from .system import StageError, at, peak_memory

if TYPE_CHECKING:
    from .profiling import Profiling
    from .python_api import PythonModel, PythonRequest
    from .sequences import SequenceRequest


class Worker:
    """Holds the model between commands; each public method is a command.

    Commands import what only they need: importing openvino's Python package and numpy takes as long
    as compiling a small model, and would slow every launch.
    """

    def __init__(self) -> None:
        self.model: c_api.CModel | PythonModel | None = None
        self.runner: Runner | None = None
        self.request: PythonRequest | None = None
        self.profiling: Profiling | None = None
        self.states: States | None = None
        self.sequences: list[SequenceRequest] = []

    # -------------------------------------------------------------------- facts

    def devices(self) -> dict[str, Any]:
        """Return the versions of OpenVINO and Python, and the devices."""
        from .python_api import devices

        return devices()

    def inspect(self, path: str, extensions: Sequence[str] = ()) -> dict[str, Any]:
        """Return the identity of a model file, and the inputs and outputs in the file.

        Args:
            path: path of the model.
            extensions: libraries with the model's custom operations.
        """
        from .indices import index_ranges
        from .model_files import identity
        from .python_api import PythonModel, frontend, layout, port
        from .variables import state_shapes

        size, digest = at("read", lambda: identity(Path(path), extensions))
        source = at("read", lambda: PythonModel(path, extensions))
        source.mend_names()
        model = source.model
        return {
            "size_bytes": size,
            "sha256": digest,
            "frontend": frontend(path),
            "stateful": source.stateful,
            "states": state_shapes(model),
            "indices": index_ranges(model),
            "layouts": [layout(item) for item in model.inputs],
            "inputs": [port(item) for item in model.inputs],
            "outputs": [port(item) for item in model.outputs],
        }

    def first_fitting(
        self, path: str, shapes: list[list[list[int]]], extensions: Sequence[str] = ()
    ) -> dict[str, Any]:
        """Return the index of the first of some sets of shapes that the model accepts."""
        from .python_api import PythonModel

        model = at("read", lambda: PythonModel(path, extensions))
        fitting = (place for place, shape in enumerate(shapes) if model.can_take(shape))
        return {"place": next(fitting, None)}

    def indices(
        self, path: str, shapes: list[list[int]], extensions: Sequence[str] = ()
    ) -> dict[str, Any]:
        """Return the valid values of inputs that are indices, once the model has these shapes."""
        from .indices import index_ranges
        from .python_api import PythonModel

        model = at("read", lambda: PythonModel(path, extensions))
        at("reshape", lambda: model.reshape(shapes))
        return {"indices": index_ranges(model.model)}

    def roofs(self, device: str, properties: dict[str, Any]) -> dict[str, Any]:
        """Measure the peak rates of the device with small models."""
        from .roofs import measure_roofs

        return at("inference", lambda: measure_roofs(device, properties))

    # -------------------------------------------------------------------- running

    def load(
        self,
        path: str,
        device: str,
        shapes: list[list[int]],
        inputs: str,
        properties: dict[str, Any],
        requests: int | None,
        api: str | None = None,
        extensions: Sequence[str] = (),
        sequence: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Read, reshape and compile a model, and run it once.

        Args:
            requests: requests in flight; None takes the device's optimum.
            api: ``c`` or ``python``; None takes the C API where there is one.
            extensions: libraries with operations of the model's own.
            sequence: ``roles`` of the inputs and ``new_tokens``, if a request is a sequence of
                tokens; the inputs are those with which the prompt is read.
        """
        open_model = _opener(api, extensions)
        memory = {"start_bytes": peak_memory()}
        started = time.perf_counter_ns()
        model = self.model = at("read", lambda: open_model(path))
        read_ns = time.perf_counter_ns() - started
        memory["read_bytes"] = peak_memory()

        at("reshape", lambda: model.reshape(shapes))
        started = time.perf_counter_ns()
        at("compile", lambda: model.compile(device, properties))
        compile_ns = time.perf_counter_ns() - started
        memory["compile_bytes"] = peak_memory()

        count = requests or model.optimal_requests()
        sets = at("input", lambda: _input_sets(inputs, model.values))
        if sequence:
            from .sequences import sequence_requests

            self.sequences = at(
                "input", lambda: sequence_requests(model.requests, count, sets[0], **sequence)
            )
            self.runner = Runner(self.sequences, 1)
        else:
            ready = at("input", lambda: model.requests(count, sets))
            self.runner = Runner(ready, len(sets))
        first_inference_ns = at("inference", self.runner.once)
        memory["inference_bytes"] = peak_memory()
        if self.sequences:
            first_inference_ns = self.sequences[0].first_token_ns()
        elif model.stateful:
            self.states = States(ready[0])
            at("state", self.states.check_second)
        return {
            "api": model.api,
            "read_ns": read_ns,
            "compile_ns": compile_ns,
            "from_cache": model.from_cache(),
            "first_inference_ns": first_inference_ns,
            "memory": memory,
            "requests": count,
            "outputs": model.outputs(),
            "properties": model.properties(),
        }

    def slice(
        self, seconds: float, iterations: int | None = None, rate: float | None = None
    ) -> dict[str, Any]:
        """Run a slice: inferences for a time, or a number of them.

        The reference computation runs before and after them and shows the speed of the machine.

        Args:
            seconds: the time.
            iterations: the number of inferences, instead of the time.
            rate: requests that arrive in a second, at a fixed rate; None for no pauses.
        """
        assert self.runner is not None, "load comes before slice"
        runner, before_ns = self.runner, rounds_ns()
        result = at(
            "inference",
            lambda: runner.paced(seconds, rate) if rate else runner.run(seconds, iterations),
        )
        result["reference_ns"] = int(median((*before_ns, *rounds_ns())))
        result["peak_bytes"] = peak_memory()
        if self.sequences:
            from .sequences import phases

            result |= phases(self.sequences)
        if self.states is not None:
            at("state", self.states.check)
        return result

    def calibrate(self) -> dict[str, Any]:
        """Measure the wall time that the loop adds to one request."""
        assert self.runner is not None, "load comes before calibrate"
        if self.sequences:
            return {"cost_ns": at("inference", self.sequences[0].cost_ns)}
        return {"cost_ns": self.runner.cost_ns()}

    # -------------------------------------------------------------------- profiling

    def begin_profile(
        self,
        path: str,
        device: str,
        shapes: list[list[int]],
        inputs: str,
        properties: dict[str, Any],
        extensions: Sequence[str] = (),
    ) -> dict[str, Any]:
        """Compile a model with counters on, after releasing the loaded one."""
        from .profiling import Profiling
        from .python_api import PythonModel

        if self.model is not None:
            self.model.close()
        self.model = self.runner = self.states = None
        self.sequences = []
        model = at("read", lambda: PythonModel(path, extensions))
        model.mend_names()
        properties = {**properties, "PERF_COUNT": True}
        request, _ = _ready(model, device, shapes, inputs, properties)
        self.profiling = at("profile", lambda: Profiling(model, request, device, properties))
        return {}

    def profile(self, iterations: int, seconds: float) -> dict[str, Any]:
        """Run at least one inference with counters on; return how many were run."""
        assert self.profiling is not None, "begin_profile comes before profile"
        profiling = self.profiling
        return {"inferences": at("profile", lambda: profiling.run(iterations, seconds))}

    def end_profile(self, *, cached: bool = False) -> dict[str, Any]:
        """Return layer times of all inferences with counters, and the graphs of that compilation.

        Args:
            cached: whether to time compiling from the device's model cache, too.
        """
        assert self.profiling is not None, "begin_profile comes before end_profile"
        profiling = self.profiling
        profile = {"profile": profiling.times(), **at("profile", profiling.graphs)}
        return {**profile, "model_cache": profiling.cached_compile()} if cached else profile

    # -------------------------------------------------------------------- answers

    def prepare(
        self,
        path: str,
        device: str,
        shapes: list[list[int]],
        inputs: str,
        properties: dict[str, Any],
        operators: list[str],
        extensions: Sequence[str] = (),
    ) -> dict[str, Any]:
        """Read and compile a model whose outputs are then collected, set by set.

        Args:
            operators: names of operators whose output is saved, too, after the model's outputs.
        """
        from .outputs import add_results
        from .python_api import PythonModel, port

        model = at("read", lambda: PythonModel(path, extensions))
        model.mend_names()
        indices = at("read", lambda: add_results(model.model, operators))
        self.request, sets = _ready(model, device, shapes, inputs, properties)
        ports = [port(item) for item in model.compiled.outputs]
        return {"outputs": ports, "operators": indices, "sets": sets}

    def answer(self, turn: int, target: str) -> dict[str, Any]:
        """Run one input set and write the outputs to ``target``, an ``.npz``."""
        from .outputs import save_outputs

        request = self.request
        assert request is not None, "prepare comes before answer"
        at("inference", lambda: save_outputs(request, turn, target))
        return {}


def _opener(api: str | None, extensions: Sequence[str]) -> Callable[[str], Any]:
    """Return a function that reads a model with the requested API, or the C API if it exists."""
    library = c_api.load_library() if api != "python" else None
    if library is not None and (not extensions or c_api.takes_extensions(library)):
        return lambda path: c_api.CModel(library, path, extensions)
    if api == "c":
        raise StageError("start", RuntimeError("this environment's openvino has no C API"))
    from .python_api import PythonModel

    return lambda path: PythonModel(path, extensions)


def _ready(
    model: PythonModel,
    device: str,
    shapes: list[list[int]],
    inputs: str,
    properties: dict[str, Any],
) -> tuple[PythonRequest, int]:
    """Compile a model; return a request, and the number of its input sets."""
    at("reshape", lambda: model.reshape(shapes))
    at("compile", lambda: model.compile(device, properties))
    sets = at("input", lambda: _input_sets(inputs, model.values))
    return at("input", lambda: model.requests(1, sets))[0], len(sets)


def _input_sets(path: str, values: Callable[[zipfile.ZipFile, str], Any]) -> list[list[Any]]:
    """Read inputs as the API needs them, [set][input], from an ``.npz`` of ``<set>_<input>``.

    Element types that numpy lacks, such as bf16 and u4, are stored as bytes.
    """
    with zipfile.ZipFile(path) as archive:
        names = {tuple(map(int, Path(n).stem.split("_"))): n for n in archive.namelist()}
        sets = 1 + max((place[0] for place in names), default=0)
        inputs = 1 + max((place[1] for place in names), default=-1)
        return [[values(archive, names[n, i]) for i in range(inputs)] for n in range(sets)]
