"""The files that make up a model."""

from __future__ import annotations

import hashlib
import mmap
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

# In an ONNX model, of a tensor whose values stand in another file: the entry ("location", path) of
# ``TensorProto.external_data``, as protobuf writes it. The length before the path is a varint: of
# each byte the lower seven bits count, and the highest is set where another byte follows.
_LOCATION = re.compile(rb"\x0a\x08location\x12([\x80-\xff]{0,4}[\x00-\x7f])")


def identity(path: Path, extensions: Sequence[str] = ()) -> tuple[int, str]:
    """Return the size in bytes and the SHA-256 of all files of a model.

    Args:
        path: path of the model.
        extensions: libraries with custom operations; the SHA-256 covers their content, too.
    """
    files = model_files(path)
    digest = hashlib.sha256()
    libraries = {f"extension {n}": Path(file) for n, file in enumerate(extensions)}
    for part, file in {**files, **libraries}.items():
        digest.update(os.fsencode(part) + b"\0")
        with file.open("rb") as content:
            while block := content.read(1 << 20):
                digest.update(block)
    return sum(file.stat().st_size for file in files.values()), digest.hexdigest()


def model_files(path: Path) -> dict[str, Path]:
    """Return the files of a model by their part of the model, in a fixed order.

    A copy of the model under another name has the same parts.
    """
    if path.is_dir():
        return {file.relative_to(path).as_posix(): file for file in sorted(_files_below(path))}
    suffix = path.suffix.lower()
    return {suffix: path, **dict(sorted(_companions(path, suffix)))}


def _files_below(folder: Path) -> Iterator[Path]:
    """Yield all files; links to folders are followed unless they lead to a parent folder."""
    for name, folders, files in os.walk(folder, followlinks=True):
        current = Path(name)
        around = {parent.resolve() for parent in (current, *current.parents)}
        folders[:] = [f for f in folders if (current / f).resolve() not in around]
        yield from (file for f in files if (file := current / f).is_file())


def _companions(path: Path, suffix: str) -> Iterator[tuple[str, Path]]:
    weights = {".xml": ".bin", ".pdmodel": ".pdiparams"}.get(suffix)
    if weights is not None:
        if (file := path.with_suffix(weights)).is_file():
            yield weights, file
    elif suffix == ".meta":
        for file in path.parent.iterdir():
            part = file.name.removeprefix(path.stem)
            if part != file.name and re.fullmatch(r"\.index|\.data-\d+-of-\d+", part):
                yield part, file
    else:  # OpenVINO recognises ONNX by its content, with any file name
        for name in _external(path):
            file = path.parent / name
            if _is_inside(file, path.parent) and os.path.isfile(file):  # noqa: PTH113 - never raises
                yield name, file


def _external(path: Path) -> set[str]:
    """Find the names of the files with weights of an ONNX model, relative to its folder."""
    if not path.stat().st_size:
        return set()
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        names = (content[m.end() : m.end() + _number(m[1])] for m in _LOCATION.finditer(content))
        return {os.fsdecode(name) for name in names if name and b"\0" not in name}


def _number(varint: bytes) -> int:
    return sum((byte & 0x7F) << (7 * place) for place, byte in enumerate(varint))


def _is_inside(file: Path, folder: Path) -> bool:
    """Return whether the name, links not followed, is in the folder; OpenVINO reads no others."""
    return Path(os.path.abspath(file)).is_relative_to(os.path.abspath(folder))  # noqa: PTH100
