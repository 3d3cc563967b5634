"""Asks OpenVINO about models and devices, in a worker: the parent never imports it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ovreport.errors import UserError
from ovreport.files import check_regular
from ovreport.measuring.unreadable import check_content, unreadable
from ovreport.measuring.worker_session import WorkerError, WorkerSession
from ovreport.run import Device, Port

# Enough to hash and read 10 GB of weights from a slow disk.
_READ_LIMIT_S = 600.0
_START_LIMIT_S = 60.0

# Formats by the front end of OpenVINO, which recognises a file by its content.
_FORMATS = {
    "onnx": "ONNX",
    "ir": "OpenVINO IR",
    "tflite": "TensorFlow Lite",
    "paddle": "PaddlePaddle",
    "tf": "TensorFlow",
}


@dataclass(frozen=True)
class Index:
    """The valid values of an input that indexes other tensors."""

    low: int
    high: int
    """The highest valid value plus one."""
    is_open: bool
    """Whether the size of an indexed tensor is open; then only the first index is surely valid."""


@dataclass(frozen=True)
class ModelInfo:
    """A model file before it is reshaped."""

    format: str
    size_bytes: int
    sha256: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    indices: tuple[Index | None, ...]
    """The range of each input that is an index; None if the graph does not show that it is one."""
    layouts: tuple[str, ...]
    """The layout of each input in the file, such as ``[N,C,H,W]``; an empty text for none."""
    stateful: bool
    """Whether the model keeps states from one inference to the next."""
    states: tuple[str, ...] = ()
    """The shapes of its states."""


@dataclass(frozen=True)
class Inspection:
    """What one runtime reports; ``models`` are in the order of the request."""

    openvino: str
    python: str
    devices: tuple[Device, ...]
    models: tuple[ModelInfo, ...]


def inspect(
    paths: Sequence[Path], extensions: Sequence[Sequence[Path]] | None = None, *, python: Path
) -> Inspection:
    """Read models with the OpenVINO of a Python environment.

    Args:
        paths: the model files.
        extensions: for each model, libraries with its custom operations; None for no libraries.
        python: the Python of the environment.

    Raises:
        UserError: the environment has no OpenVINO, or a model is missing or cannot be read.
    """
    for path in paths:
        _check_exists(path)
    try:
        with WorkerSession(python) as worker:
            answer = worker.ask("start", _START_LIMIT_S, "devices")
            models = tuple(
                _model(worker, path, libraries)
                for path, libraries in zip(paths, extensions or [()] * len(paths), strict=True)
            )
    except WorkerError as error:
        raise UserError(
            f"{python}: OpenVINO does not start: {error.failure.reason}",
            "Install it there with `pip install openvino`.",
            detail=error.failure.detail,
        ) from error
    devices = tuple(Device.model_validate(device) for device in answer["devices"])
    return Inspection(answer["openvino"], answer["python"], devices, models)


def _check_exists(path: Path) -> None:
    if path.is_symlink() and not path.exists():
        raise UserError(
            f"{path}: a link to {path.readlink()}, which does not exist",
            "Fetch the model, for example with `git annex get` or `dvc pull`.",
        )
    if not path.exists():
        raise UserError(f"{path}: no such model file", "Check the path.")
    if path.is_dir():
        return
    check_regular(path)
    try:
        check_content(path)
    except OSError as error:
        raise UserError(
            f"{path}: cannot be read: {error.strerror}", "Check its permissions."
        ) from error


def _model(worker: WorkerSession, path: Path, extensions: Sequence[Path]) -> ModelInfo:
    libraries = [str(library) for library in extensions]
    try:
        answer = worker.ask("read", _READ_LIMIT_S, "inspect", path=str(path), extensions=libraries)
    except WorkerError as error:
        raise unreadable(path, error.failure) from error
    return ModelInfo(
        format=_FORMATS.get(answer["frontend"], answer["frontend"]),
        size_bytes=answer["size_bytes"],
        sha256=answer["sha256"],
        inputs=tuple(Port.model_validate(port) for port in answer["inputs"]),
        outputs=tuple(Port.model_validate(port) for port in answer["outputs"]),
        indices=_indices(answer),
        layouts=tuple(answer["layouts"]),
        stateful=answer["stateful"],
        states=tuple(answer["states"]),
    )


def closed_indices(
    path: Path,
    shapes: Sequence[Sequence[int]],
    extensions: Sequence[Path],
    info: ModelInfo,
    *,
    python: Path,
) -> tuple[Index | None, ...]:
    """Return the valid values of indices once the model has these shapes.

    If the model cannot be reshaped, they stay unchanged; loading it will report why.
    """
    if not any(index is not None and index.is_open for index in info.indices):
        return info.indices
    try:
        with WorkerSession(python) as worker:
            return _indices(
                worker.ask(
                    "reshape",
                    _READ_LIMIT_S,
                    "indices",
                    path=str(path),
                    shapes=shapes,
                    extensions=[str(path) for path in extensions],
                )
            )
    except WorkerError:
        return info.indices


def _indices(answer: Mapping[str, Any]) -> tuple[Index | None, ...]:
    return tuple(None if values is None else Index(*values) for values in answer["indices"])
