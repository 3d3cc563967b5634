"""The files that make up a model."""

from __future__ import annotations

import hashlib
import mmap
import re
from collections.abc import Iterator
from pathlib import Path

# In an ONNX model, of a tensor whose values stand in another file: the entry ("location", path) of
# ``TensorProto.external_data``, as protobuf writes it, with the length of the path before it.
_LOCATION = re.compile(rb"\x0a\x08location\x12([\x01-\x7f])")


def identity(path: Path) -> tuple[int, str]:
    """Size in bytes and SHA-256 of all files of a model."""
    files = model_files(path)
    digest = hashlib.sha256()
    for part, file in files.items():
        digest.update(part.encode() + b"\0")
        with file.open("rb") as content:
            while block := content.read(1 << 20):
                digest.update(block)
    return sum(file.stat().st_size for file in files.values()), digest.hexdigest()


def model_files(path: Path) -> dict[str, Path]:
    """By the part of the model that each is, in a fixed order.

    A copy of the model has the same parts, whatever it is called.
    """
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.is_file())
        return {file.relative_to(path).as_posix(): file for file in files}
    suffix = path.suffix.lower()
    return {suffix: path, **dict(sorted(_beside(path, suffix)))}


def _beside(path: Path, suffix: str) -> Iterator[tuple[str, Path]]:
    weights = {".xml": ".bin", ".pdmodel": ".pdiparams"}.get(suffix)
    if weights is not None and (file := path.with_suffix(weights)).is_file():
        yield weights, file
    elif suffix == ".onnx":
        for name in _external(path):
            file = path.parent / name
            # OpenVINO reads nothing from other folders either.
            if file.is_file() and file.resolve().is_relative_to(path.parent.resolve()):
                yield name, file
    elif suffix == ".meta":
        for file in path.parent.iterdir():
            part = file.name.removeprefix(path.stem)
            if part != file.name and re.fullmatch(r"\.index|\.data-\d+-of-\d+", part):
                yield part, file


def _external(path: Path) -> set[str]:
    """Names of the files with weights of an ONNX model, relative to its folder."""
    if not path.stat().st_size:
        return set()
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        names = (content[m.end() : m.end() + m[1][0]] for m in _LOCATION.finditer(content))
        return {name.decode(errors="replace") for name in names}
