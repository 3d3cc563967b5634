"""OpenVINO's C API from the openvino wheel, through ctypes: half the cost of the Python API.

It does not need numpy, whose import takes as long as compiling a small model. Element types are
passed on with the library's own numbers, because these changed between releases. Small handles
(shapes, ports, tensors) live as long as the process: a worker loads one model.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import zipfile
from collections.abc import Callable, Mapping, Sequence
from ctypes import POINTER, byref, c_char_p, c_int, c_int64, c_size_t, c_void_p
from functools import partial
from pathlib import Path
from typing import Any

# An ``.npy`` begins with 8 bytes, the seventh of which is the version. The length of the header
# follows (its number of bytes by version), then the header and the values.
_MAGIC = 8
_LENGTH = {1: 2, 2: 4, 3: 4}


class _Shape(ctypes.Structure):
    """``ov_shape_t``."""

    _fields_ = (("rank", c_int64), ("dims", POINTER(c_int64)))


class _Dimension(ctypes.Structure):
    """``ov_dimension_t``: a range of sizes."""

    _fields_ = (("least", c_int64), ("most", c_int64))


class _PartialShape(ctypes.Structure):
    """``ov_partial_shape_t``: its rank is a range."""

    _fields_ = (("rank", _Dimension), ("dims", POINTER(_Dimension)))


# Arguments of every function in use. Compiling accepts any number of texts after the last one.
_SIGNATURES: dict[str, tuple[Any, ...]] = {
    "ov_core_create": (c_void_p,),
    "ov_core_read_model": (c_void_p, c_char_p, c_char_p, c_void_p),
    "ov_core_compile_model": (c_void_p, c_void_p, c_char_p, c_size_t, c_void_p),
    "ov_model_reshape_by_port_indexes": (c_void_p, c_void_p, c_void_p, c_size_t),
    "ov_partial_shape_create_static": (c_int64, c_void_p, c_void_p),
    "ov_model_const_input_by_index": (c_void_p, c_size_t, c_void_p),
    "ov_port_get_partial_shape": (c_void_p, c_void_p),
    "ov_compiled_model_get_property": (c_void_p, c_char_p, c_void_p),
    "ov_compiled_model_input_by_index": (c_void_p, c_size_t, c_void_p),
    "ov_compiled_model_outputs_size": (c_void_p, c_void_p),
    "ov_compiled_model_output_by_index": (c_void_p, c_size_t, c_void_p),
    "ov_compiled_model_create_infer_request": (c_void_p, c_void_p),
    "ov_port_get_element_type": (c_void_p, c_void_p),
    "ov_tensor_create": (c_int, _Shape, c_void_p),
    "ov_tensor_get_byte_size": (c_void_p, c_void_p),
    "ov_tensor_data": (c_void_p, c_void_p),
    "ov_infer_request_set_input_tensor_by_index": (c_void_p, c_size_t, c_void_p),
    "ov_infer_request_infer": (c_void_p,),
    "ov_infer_request_free": (c_void_p,),
    "ov_compiled_model_free": (c_void_p,),
    "ov_model_free": (c_void_p,),
    "ov_get_error_info": (c_int,),
    "ov_get_last_err_msg": (),
}


def load_library() -> ctypes.CDLL | None:
    """Load the library of this environment's openvino; None if it lacks a needed function."""
    spec = importlib.util.find_spec("openvino")
    if spec is None or spec.origin is None:
        return None
    files = sorted((Path(spec.origin).parent / "libs").glob("*openvino_c.*"))
    try:
        library = ctypes.CDLL(str(files[0]))
        for name, arguments in _SIGNATURES.items():
            getattr(library, name).argtypes = arguments
    except (IndexError, OSError, AttributeError):
        return None
    library.ov_get_last_err_msg.restype = c_char_p
    return library


def takes_extensions(functions: ctypes.CDLL) -> bool:
    """Return whether this release's C API can load libraries with operations."""
    return hasattr(functions, "ov_core_add_extension")


class Library:
    """Calls functions of the library and raises its errors."""

    def __init__(self, functions: ctypes.CDLL) -> None:
        self.functions = functions

    def check(self, status: int) -> None:
        """Raise RuntimeError unless the status is 0."""
        if status:
            message = self.functions.ov_get_last_err_msg() or b""
            raise RuntimeError(message.decode(errors="replace") or f"OpenVINO's status {status}")

    def call(self, name: str, *arguments: Any) -> None:
        """Call a function and raise if it fails."""
        self.check(getattr(self.functions, name)(*arguments))

    def made(self, name: str, *arguments: Any) -> c_void_p:
        """Call a function and return the handle that it writes to its last argument."""
        handle = c_void_p()
        self.call(name, *arguments, byref(handle))
        return handle


class CRequest:
    """An infer request; its calls return 0, or a status that :meth:`check` explains."""

    latency_ns = None

    def __init__(self, library: Library, handle: c_void_p, sets: Sequence[Sequence[c_void_p]]):
        functions = library.functions
        self._library, self._handle, self._sets = library, handle, sets
        self.check = library.check
        self.infer: Callable[[], int] = partial(functions.ov_infer_request_infer, handle)
        self.nothing: Callable[[], object] = partial(functions.ov_get_error_info, 0)

    def feed(self, turn: int) -> None:
        """Set the inputs to the input set of this turn."""
        for index, tensor in enumerate(self._sets[turn % len(self._sets)]):
            self._library.call(
                "ov_infer_request_set_input_tensor_by_index", self._handle, index, tensor
            )

    def reset(self) -> None:
        """Do nothing: the C API has no states; models with states use the Python API."""


class CModel:
    """A model that was read, and then compiled."""

    api = "c"
    stateful = False
    """Always false: this API has no calls for states."""

    def __init__(self, functions: ctypes.CDLL, path: str, extensions: Sequence[str] = ()) -> None:
        self._library = Library(functions)
        self._core = self._library.made("ov_core_create")
        for extension in extensions:
            self._library.call("ov_core_add_extension", self._core, os.fsencode(extension))
        self._model = self._library.made("ov_core_read_model", self._core, os.fsencode(path), None)
        self._compiled = c_void_p()
        self._requests: list[c_void_p] = []
        self._shapes: Sequence[Sequence[int]] = ()

    def reshape(self, shapes: Sequence[Sequence[int]]) -> None:
        """Set the shape of every input, by index, unless it already has that shape.

        Scalars are skipped: the C API takes a rank of 0 as an unknown rank.
        """
        self._shapes = shapes
        wanted = [i for i, shape in enumerate(shapes) if shape and self._shape(i) != list(shape)]
        made = (_PartialShape * len(wanted))()
        for index, place in zip(wanted, made, strict=True):
            rank, dims = len(shapes[index]), (c_int64 * len(shapes[index]))(*shapes[index])
            self._library.call("ov_partial_shape_create_static", rank, dims, byref(place))
        indices = (c_size_t * len(wanted))(*wanted)
        if wanted:
            self._library.call(
                "ov_model_reshape_by_port_indexes", self._model, indices, made, len(wanted)
            )

    def _shape(self, index: int) -> list[int] | None:
        """Return the shape of an input in the model's file; None if a part of it is open."""
        port = self._library.made("ov_model_const_input_by_index", self._model, index)
        sizes = self._sizes(port)
        return (
            None if sizes is None or None in sizes else [size for size in sizes if size is not None]
        )

    def _sizes(self, port: c_void_p) -> list[int | None] | None:
        """Return the dimensions of a port; None for each open one, and None for an open rank."""
        shape = _PartialShape()
        self._library.call("ov_port_get_partial_shape", port, byref(shape))
        if shape.rank.least != shape.rank.most:
            return None
        sizes = shape.dims[: shape.rank.most] if shape.rank.most else []
        return [size.least if size.least == size.most else None for size in sizes]

    def compile(self, device: str, properties: Mapping[str, str | int | float | bool]) -> None:
        """Compile the model for a device."""
        texts = [text for pair in properties.items() for text in map(_text, pair)]
        arguments = [c_char_p(text.encode()) for text in texts]
        self._library.call(
            "ov_core_compile_model",
            self._core,
            self._model,
            device.encode(),
            len(arguments),
            byref(self._compiled),
            *arguments,
        )

    def properties(self) -> dict[str, str]:
        """Return every property that can be read, as text."""
        names = self._property("SUPPORTED_PROPERTIES") or ""
        values = {name: self._property(name) for name in names.split()}
        values.pop("SUPPORTED_PROPERTIES", None)
        return {name: value for name, value in values.items() if value is not None}

    def from_cache(self) -> bool | None:
        """Return whether the device loaded the model from its cache; None if unknown."""
        return {"YES": True, "NO": False}.get(self._property("LOADED_FROM_CACHE") or "")

    def _property(self, name: str) -> str | None:
        value = c_char_p()
        status = self._library.functions.ov_compiled_model_get_property(
            self._compiled, name.encode(), byref(value)
        )
        return None if status or value.value is None else value.value.decode(errors="replace")

    def outputs(self) -> list[str]:
        """Return the shapes of the compiled model's outputs."""
        count = c_size_t()
        self._library.call("ov_compiled_model_outputs_size", self._compiled, byref(count))
        name = "ov_compiled_model_output_by_index"
        ports = [self._library.made(name, self._compiled, i) for i in range(count.value)]
        return [_shown(self._sizes(port)) for port in ports]

    def optimal_requests(self) -> int:
        """Return the device's optimal number of requests in flight."""
        return int(self._property("OPTIMAL_NUMBER_OF_INFER_REQUESTS") or 1)

    def requests(self, count: int, sets: Sequence[Sequence[bytes]]) -> list[CRequest]:
        """Create infer requests whose inputs are copies of the values, [set][input]."""
        tensors = [[self._tensor(i, data) for i, data in enumerate(inputs)] for inputs in sets]
        create = "ov_compiled_model_create_infer_request"
        self._requests = [self._library.made(create, self._compiled) for _ in range(count)]
        return [CRequest(self._library, handle, tensors) for handle in self._requests]

    def close(self) -> None:
        """Release the model; its requests must not be used again."""
        functions = self._library.functions
        for handle in self._requests:
            functions.ov_infer_request_free(handle)
        functions.ov_compiled_model_free(self._compiled)
        functions.ov_model_free(self._model)

    @staticmethod
    def values(archive: zipfile.ZipFile, name: str) -> bytes:
        """Read the values of an array in C order from an ``.npz``."""
        with archive.open(name) as file:
            version = file.read(_MAGIC)[6]
            file.read(int.from_bytes(file.read(_LENGTH[version]), "little"))
            return file.read()

    def _tensor(self, index: int, values: bytes) -> c_void_p:
        port = self._library.made("ov_compiled_model_input_by_index", self._compiled, index)
        element, size, dims = c_int(), c_size_t(), self._shapes[index]
        shape = _Shape(len(dims), (c_int64 * len(dims))(*dims))
        self._library.call("ov_port_get_element_type", port, byref(element))
        tensor = self._library.made("ov_tensor_create", element, shape)
        self._library.call("ov_tensor_get_byte_size", tensor, byref(size))
        if size.value != len(values):
            raise ValueError(
                f"input {index} takes {size.value} bytes, and {len(values)} were given"
            )
        data = self._library.made("ov_tensor_data", tensor)
        ctypes.memmove(data, values, len(values))
        return tensor


def _text(value: str | int | float | bool) -> str:
    return ("NO", "YES")[value] if isinstance(value, bool) else str(value)


def _shown(sizes: list[int | None] | None) -> str:
    """Return a shape as OpenVINO writes it: ``[1,?,8]``."""
    if sizes is None:
        return "[...]"
    return f"[{','.join('?' if size is None else str(size) for size in sizes)}]"
