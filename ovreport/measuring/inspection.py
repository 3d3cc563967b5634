"""What OpenVINO says of models and devices, asked in a worker: the parent never imports it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ovreport.errors import UserError
from ovreport.measuring.unreadable import check_content, unreadable
from ovreport.measuring.worker_session import WorkerError, WorkerSession
from ovreport.run import Device, Port

# Hashing and reading 10 GB of weights from a slow disk.
_READ_LIMIT_S = 600.0
_START_LIMIT_S = 60.0

# By OpenVINO's front end, which knows a file by what it holds.
_FORMATS = {
    "onnx": "ONNX",
    "ir": "OpenVINO IR",
    "tflite": "TensorFlow Lite",
    "paddle": "PaddlePaddle",
    "tf": "TensorFlow",
}


@dataclass(frozen=True)
class Index:
    """What values an input may have that other tensors are indexed by."""

    low: int
    high: int
    """The one after the highest."""
    is_open: bool
    """The size of an indexed tensor is open; the first place is sure to be there."""


@dataclass(frozen=True)
class ModelInfo:
    """A model file before it is reshaped."""

    format: str
    size_bytes: int
    sha256: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    indices: tuple[Index | None, ...]
    """Of the inputs; None where one is no index, as far as the graph shows."""
    layouts: tuple[str, ...]
    """Of the inputs, as the file has them: ``[N,C,H,W]``; empty texts where it has none."""
    stateful: bool
    """Whether an inference leaves something for the next one."""


@dataclass(frozen=True)
class Inspection:
    """One runtime's view: ``models`` in the order they were asked for."""

    openvino: str
    python: str
    devices: tuple[Device, ...]
    models: tuple[ModelInfo, ...]


def inspect(
    paths: Sequence[Path], extensions: Sequence[Sequence[Path]] | None = None, *, python: Path
) -> Inspection:
    """Reads models with the OpenVINO of a Python environment.

    Args:
        extensions: for each model, libraries with operations of its own; None: there are none.

    Raises:
        UserError: the environment has no OpenVINO, or a model is missing or cannot be read.
    """
    for path in paths:
        _check_there(path)
    try:
        with WorkerSession(python) as worker:
            told = worker.ask("start", _START_LIMIT_S, "devices")
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
    devices = tuple(Device.model_validate(device) for device in told["devices"])
    return Inspection(told["openvino"], told["python"], devices, models)


def _check_there(path: Path) -> None:
    if path.is_symlink() and not path.exists():
        raise UserError(
            f"{path}: a link to {path.readlink()}, which is not there",
            "Fetch the model, for example with `git annex get` or `dvc pull`.",
        )
    if not path.exists():
        raise UserError(f"{path}: no such model file", "Check the path.")
    if path.is_file():
        try:
            check_content(path)
        except OSError as error:
            raise UserError(
                f"{path}: cannot be read: {error.strerror}", "Check its permissions."
            ) from error


def _model(worker: WorkerSession, path: Path, extensions: Sequence[Path]) -> ModelInfo:
    libraries = [str(library) for library in extensions]
    try:
        told = worker.ask("read", _READ_LIMIT_S, "inspect", path=str(path), extensions=libraries)
    except WorkerError as error:
        raise unreadable(path, error.failure) from error
    return ModelInfo(
        format=_FORMATS.get(told["frontend"], told["frontend"]),
        size_bytes=told["size_bytes"],
        sha256=told["sha256"],
        inputs=tuple(Port.model_validate(port) for port in told["inputs"]),
        outputs=tuple(Port.model_validate(port) for port in told["outputs"]),
        indices=_indices(told),
        layouts=tuple(told["layouts"]),
        stateful=told["stateful"],
    )


def closed_indices(
    path: Path,
    shapes: Sequence[Sequence[int]],
    extensions: Sequence[Path],
    info: ModelInfo,
    *,
    python: Path,
) -> tuple[Index | None, ...]:
    """What values the indices may have once the model has these shapes.

    Those of a model that cannot be reshaped stay as they are: loading it tells why.
    """
    if not any(one is not None and one.is_open for one in info.indices):
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
                    extensions=[str(one) for one in extensions],
                )
            )
    except WorkerError:
        return info.indices


def _indices(told: Mapping[str, Any]) -> tuple[Index | None, ...]:
    return tuple(None if one is None else Index(*one) for one in told["indices"])
