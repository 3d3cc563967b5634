"""Reads, describes and runs models through OpenVINO's Python API, which is always available."""

from __future__ import annotations

import re
import sys
import zipfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import openvino as ov
from numpy.typing import NDArray
from openvino.frontend import FrontEndManager

from .operator_names import make_readable, make_unique, readable
from .variables import has_states
from .virtual import executing, of_executing

Array = NDArray[np.generic]


class PythonRequest:
    """An infer request; its calls raise OpenVINO's errors."""

    def __init__(self, request: Any, sets: Sequence[Sequence[Any]], *, stateful: bool) -> None:
        self._request, self._sets, self._stateful = request, sets, stateful

    def infer(self) -> None:
        """Run one inference and wait for its end."""
        self._request.infer()

    def latency_ns(self) -> int:
        """Return the latency of the last inference, which OpenVINO itself measured."""
        return round(float(self._request.latency) * 1e6)

    def layers(self) -> Any:
        """Return the counters of the last inference, one entry for each layer."""
        return self._request.get_profiling_info()

    def outputs(self) -> list[Any]:
        """Return the output tensors of the last inference, by index."""
        return list(self._request.output_tensors)

    def nothing(self) -> None:
        """Do nothing, in place of ``infer`` when the cost of the loop is measured."""

    def check(self, _: object) -> None:
        """Do nothing: calls of this API raise their errors themselves."""

    def feed(self, turn: int) -> None:
        """Set the inputs to the input set of this turn."""
        for index, tensor in enumerate(self._sets[turn % len(self._sets)]):
            self._request.set_input_tensor(index, tensor)

    def reset(self) -> None:
        """Reset the model's states to their initial values."""
        if self._stateful:
            self._request.reset_state()

    def states(self) -> dict[str, list[int]]:
        """Return the present shapes of the states, by name."""
        if not self._stateful:
            return {}
        return {item.name: list(item.state.shape) for item in self._request.query_state()}


class PythonModel:
    """A model: first read, then compiled."""

    api = "python"

    def __init__(self, path: str, extensions: Sequence[str] = ()) -> None:
        self._core = ov.Core()
        for extension in extensions:
            self._core.add_extension(extension)
        self.model = self._core.read_model(path)
        self.compiled: Any = None

    @property
    def stateful(self) -> bool:
        """Whether the model keeps states between inferences (ReadValue and Assign)."""
        return has_states(self.model)

    def reshape(self, shapes: Sequence[Sequence[int]]) -> None:
        """Give every input its shape, by index: names may move, indices do not.

        A dimension of -1 stays open.
        """
        current = [item.get_partial_shape() for item in self.model.inputs]
        wanted = [ov.PartialShape(shape) for shape in shapes]
        if current != wanted:
            self.model.reshape(dict(enumerate(wanted)))

    def mend_names(self) -> None:
        """Make all names readable, and those of operators unique, before compiling."""
        make_readable(self.model)
        make_unique(self.model)

    def can_take(self, shapes: Sequence[Sequence[int]]) -> bool:
        """Return whether the model can take these shapes; if not, it keeps its shapes."""
        try:
            self.reshape(shapes)
        except RuntimeError:
            return False
        return True

    def compile(self, device: str, properties: Mapping[str, str | int | float | bool]) -> None:
        """Compile the model for a device."""
        self.compiled = self._core.compile_model(self.model, device, dict(properties))

    def properties(self) -> dict[str, str]:
        """Return every property that can be read, as text."""
        return _properties(self.compiled.get_property)

    def outputs(self) -> list[str]:
        """Return the shapes of the compiled model's outputs."""
        return [str(item.get_partial_shape()) for item in self.compiled.outputs]

    def optimal_requests(self) -> int:
        """Return the number of requests in flight that suits the device best."""
        return int(self.compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS"))

    def from_cache(self) -> bool | None:
        """Return whether the device loaded the model from its cache; None if unknown."""
        try:
            return bool(self.compiled.get_property("LOADED_FROM_CACHE"))
        except RuntimeError:  # the release has no such property
            return None

    def counters(self) -> Literal["single", "means", "means of one stream"]:
        """Return what layer times are: of single inferences, or means over a stream's inferences.

        The CPU plugin keeps such means in each stream, also behind a virtual device, and does not
        report which stream ran a request.
        """
        properties = self.properties()
        devices = executing(properties)
        if "CPU" not in devices:
            return "single"
        # AUTO writes a device in brackets as long as another one may replace it.
        fixed = devices == ["CPU"] and "(" not in properties["EXECUTION_DEVICES"]
        one_stream = of_executing(properties, "NUM_STREAMS") == "1"
        return "means of one stream" if fixed and one_stream else "means"

    def requests(self, count: int, sets: Sequence[Sequence[Array]]) -> list[PythonRequest]:
        """Create infer requests whose inputs are copies of the arrays, [set][input]."""
        inputs = self.compiled.inputs
        tensors = [[_tensor(a, item) for a, item in zip(s, inputs, strict=True)] for s in sets]
        create, stateful = self.compiled.create_infer_request, self.stateful
        return [PythonRequest(create(), tensors, stateful=stateful) for _ in range(count)]

    @staticmethod
    def values(archive: zipfile.ZipFile, name: str) -> Array:
        """Read an array from an ``.npz``."""
        with archive.open(name) as file:
            return np.lib.format.read_array(file, allow_pickle=False)

    def close(self) -> None:
        """Release the model; its memory is free when its requests are released, too."""
        self.model = self.compiled = None


def devices() -> dict[str, Any]:
    """Return the versions of OpenVINO and Python, and the devices."""
    core = ov.Core()
    described = []
    for name in core.available_devices:
        properties = _properties(core.get_property, name)
        full_name = properties.get("FULL_DEVICE_NAME", name).strip()
        described.append({"name": name, "full_name": full_name, "properties": properties})
    python = ".".join(map(str, sys.version_info[:3]))
    return {"openvino": ov.get_version(), "python": python, "devices": described}


def frontend(path: str) -> str:
    """Return the name of the front end that reads a model file: ``ir``, ``onnx`` or ``tf``."""
    return str(FrontEndManager().load_by_model(path).get_name())


def port(item: Any) -> dict[str, Any]:
    """Return an input or output in the form of ``ovreport.run.Port``."""
    return {
        "names": sorted(item.get_names()),
        "shape": str(item.get_partial_shape()),
        "precision": item.get_element_type().get_type_name(),
    }


def layout(item: Any) -> str:
    """Return the layout of an input, ``[N,C,H,W]``, if the model's file names it."""
    defined = item.get_node().layout
    return "" if defined.empty else str(defined)


def _properties(get_property: Callable[..., Any], *device: str) -> dict[str, str]:
    names = [
        n for n in get_property(*device, "SUPPORTED_PROPERTIES") if n != "SUPPORTED_PROPERTIES"
    ]
    values = {name: _readable(get_property, *device, name) for name in names}
    return {name: value for name, value in values.items() if value is not None}


def _readable(get_property: Callable[..., Any], *names: str) -> str | None:
    """Return a property as text; None if it cannot be read or has no Python form."""
    try:
        value = get_property(*names)
    except UnicodeDecodeError as error:
        return readable(error)
    except (RuntimeError, TypeError):
        return None
    return _text(value)


def _text(value: Any) -> str:
    """Return a value as the C API writes it, except for the order of lists."""
    if isinstance(value, ov.Type):
        return str(value.get_type_name())
    if isinstance(value, bool):
        return "YES" if value else "NO"
    if isinstance(value, (list, tuple, set)):
        return ", ".join(sorted(str(item) for item in value))
    if isinstance(value, dict):
        return f"{{{','.join(f'{name}:{_text(inner)}' for name, inner in value.items())}}}"
    return re.sub(r"^\w+\.(?=[A-Z_]+$)", "", str(value))


def _tensor(array: Array, item: Any) -> Any:
    """Return a tensor of an array; numpy lacks some element types, which are given as bytes."""
    element = item.get_element_type()
    if array.dtype != np.uint8 or element == ov.Type.u8:
        return ov.Tensor(np.asarray(array, order="C"))  # keeps a scalar a scalar
    made = ov.Tensor(element, item.get_partial_shape().to_shape())
    made.data.view(np.uint8).reshape(-1)[:] = array
    return made
