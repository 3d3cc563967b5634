"""Explains why OpenVINO could not read a model, by its error and by the content of the files."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from ovreport.errors import UserError
from ovreport.measuring.causes import unknown_operations
from ovreport.run import Failure

_READS = "ONNX, IR (.xml with its .bin), TFLite, Paddle and TensorFlow models"
_ANEW = "Download or export it again."
# This many bytes of a file show its kind.
_HEAD = 4096
_LFS = b"version https://git-lfs.github.com/spec/"
_ANNEX = b"/annex/objects/"
_PAGE = re.compile(rb"\s*<(!doctype html|html)\b", re.IGNORECASE)
_IR_VERSION = re.compile(rb"<net\b[^>]*\bversion=\"(\d+)\"")
# Earlier versions were written before 2020; OpenVINO no longer reads them.
_OLDEST_IR = 10
_KNOWN = {
    ".onnx": "ONNX",
    ".xml": "IR",
    ".tflite": "TFLite",
    ".pdmodel": "Paddle",
    ".pb": "TensorFlow",
    ".pbtxt": "TensorFlow",
    ".meta": "TensorFlow",
}
_FOREIGN = {
    **dict.fromkeys((".pt", ".pt2", ".pth", ".ckpt", ".safetensors"), "PyTorch"),
    **dict.fromkeys((".h5", ".keras"), "Keras"),
    **dict.fromkeys((".mlmodel", ".mlpackage"), "Core ML"),
    ".caffemodel": "Caffe",
    ".engine": "TensorRT",
}
_WEIGHTS = {".bin": ".xml", ".pdiparams": ".pdmodel"}
# How releases name a separate file with ONNX weights in an error.
_PIECE = re.compile(r"(?:in file \(|data_full_path: )(?P<name>.*?), offset: \d+, data_length: \d+")
_OUTSIDE = re.compile(r"Path '(?P<name>.*)' resolves to '.*' which is outside the base directory")


@dataclass(frozen=True)
class _Fault:
    """What is wrong, as words after the path of the model, and what to do."""

    wrong: str
    remedy: str


def unreadable(path: Path, failure: Failure) -> UserError:
    """Return the error for a model that OpenVINO could not read.

    Args:
        failure: the worker's, with all that OpenVINO printed.
    """
    fault = (
        _extension(failure.reason)
        or (_folder(path) if path.is_dir() else _file(path, failure.reason))
        or _weights(path, failure.reason)
        or _operations(failure)
        or _Fault(f"OpenVINO cannot read this model: {failure.reason}", _to_check(path))
    )
    return UserError(f"{path}: {fault.wrong}", fault.remedy, detail=failure.detail)


def check_content(path: Path) -> None:
    """Refuse a file that only stands for a model, as some of OpenVINO's readers accept it.

    Raises:
        UserError: the file is empty, a pointer to a file that was not fetched, or a web page.
    """
    if fault := _stand_in(path):
        raise UserError(f"{path}: {fault.wrong}", fault.remedy)


def _stand_in(path: Path) -> _Fault | None:
    head = _head(path)
    if not head:
        return _Fault("the file is empty", _ANEW)
    if head.startswith(_LFS):
        return _Fault("a Git LFS pointer, not the file itself", "Fetch it with `git lfs pull`.")
    if head.startswith(_ANNEX):
        return _Fault("a git-annex pointer, not the file itself", "Fetch it with `git annex get`.")
    if _PAGE.match(head):
        return _Fault("a web page, not the file itself", _ANEW)
    return None


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_HEAD)


def _extension(reason: str) -> _Fault | None:
    """Return the fault if a library of operations cannot be loaded."""
    if not reason.startswith("Cannot add extension"):
        return None
    why = reason.rpartition("This error happened: ")[2]
    return _Fault(
        f"its extension cannot be loaded: {why}",
        "Build it for this release of OpenVINO and this system.",
    )


def _folder(path: Path) -> _Fault | None:
    """Return the fault of a folder that is no TensorFlow SavedModel."""
    if (path / "saved_model.pb").is_file():
        return None
    models = sorted(file.name for file in path.iterdir() if file.suffix.lower() in _KNOWN)
    if models:
        return _Fault("a folder, not a model", f"Name a model in it, such as {models[0]}.")
    return _Fault("a folder without saved_model.pb", f"OpenVINO reads {_READS}.")


def _file(path: Path, reason: str) -> _Fault | None:
    """Return the fault of a file that none of OpenVINO's readers recognises."""
    if not reason.startswith("Unable to read the model"):
        return None
    suffix = path.suffix.lower()
    if suffix in _FOREIGN:
        return _Fault(
            f"a {_FOREIGN[suffix]} file, which OpenVINO does not read",
            "Convert it with `openvino.convert_model` or Optimum Intel, or export it to ONNX.",
        )
    if suffix in _WEIGHTS:
        model = path.with_suffix(_WEIGHTS[suffix]).name
        return _Fault("weights, not a model", f"Name the model that belongs to them: {model}.")
    if version := _IR_VERSION.search(_head(path)):
        old = int(version[1]) < _OLDEST_IR
        remedy = "Convert the original model again." if old else "Update OpenVINO."
        return _Fault(f"IR of version {int(version[1])}, which OpenVINO does not read", remedy)
    if suffix in _KNOWN:
        wrong = f"no valid {_KNOWN[suffix]}: damaged, cut off or something else"
        return _Fault(f"OpenVINO cannot read this model: {wrong}", _ANEW)
    return _Fault("no model that OpenVINO knows", f"It reads {_READS}.")


def _weights(path: Path, reason: str) -> _Fault | None:
    """Return the fault if a separate file with the model's weights cannot be read."""
    file = _blamed(path, reason)
    if file is None:
        return None
    name = os.path.relpath(file, path.parent)
    if not file.is_file():
        return _Fault(
            f"its weights are missing: {name}", "Put them into the model's folder under this name."
        )
    if stand_in := _stand_in(file):
        return _Fault(f"its weights, {name}: {stand_in.wrong}", stand_in.remedy)
    if _OUTSIDE.search(reason):
        return _Fault(
            f"its weights, {name}, lie in {file.resolve()}: OpenVINO reads no weights outside the "
            "model's folder",
            "Copy model and weights into one folder, without links (`cp -L`).",
        )
    return _Fault(f"its weights, {name}, are cut off: {file.stat().st_size} bytes", _ANEW)


def _blamed(path: Path, reason: str) -> Path | None:
    """Return the file of weights that an error concerns."""
    if "bin file" in reason:
        return path.with_suffix(".bin")
    if "pdiparams" in reason:
        return path.with_suffix(".pdiparams")
    named = _PIECE.search(reason) or _OUTSIDE.search(reason)
    return path.parent / named["name"] if named else None


def _operations(failure: Failure) -> _Fault | None:
    """Return the fault if OpenVINO does not know some of the model's operations."""
    unknown = unknown_operations(failure.detail)
    if not unknown:
        return None
    if any(re.match(r"opset\d", name) for name in unknown):
        remedy = "Convert the model with this release of OpenVINO, or update it."
    else:
        pronoun = "them" if len(unknown) > 1 else "it"
        remedy = f"Name a library that adds {pronoun} with --extensions or `extensions`."
    return _Fault(failure.reason, remedy)


def _to_check(path: Path) -> str:
    if path.suffix.lower() == ".onnx":
        return "Check it with `onnx.checker.check_model(PATH, full_check=True)`."
    return _ANEW
