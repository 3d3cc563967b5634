"""Paths as their user named them, and files that are written whole or not at all."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from ovreport.errors import UserError

# Reading it means setting it, so this happens while no other thread can create a file.
_UMASK = os.umask(0o077)
os.umask(_UMASK)


def absolute(path: Path) -> Path:
    """The path from the root. Links are kept.

    Model stores (the Hugging Face cache, DVC, git-annex) link names to files that are called after
    their content: a file's format, and the files that belong to it, are known by the link alone.
    """
    collapsed = Path(os.path.abspath(path))  # noqa: PTH100 - pathlib has no other way for ".."
    # After a link to a folder ".." leads elsewhere than the text says.
    return collapsed if real(collapsed) == real(path) else path.absolute()


def real(path: Path) -> Path:
    """The path without links; `Path.resolve` raises where links lead in a circle."""
    return Path(os.path.realpath(path))


def check_writable(path: Path, option: str) -> None:
    """Fails early, before anything is measured.

    Raises:
        UserError: the path is a folder, or a file cannot be made there.
    """
    if path.is_dir():
        raise UserError(f"{option} {path}: is a folder", "Name a file.")
    try:
        if not path.exists() or path.is_file():
            target = real(path)
            target.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name[:100]}."):
                pass
    except OSError as error:
        raise UserError(
            f"{option} {path}: cannot be written: {error.strerror}", "Choose another place."
        ) from error


def check_apart(outputs: Mapping[str, Path | None], inputs: Iterable[Path | None]) -> None:
    """Fail before one file overwrites another that is needed.

    Args:
        outputs: by the option that names each.

    Raises:
        UserError: an output is an input, or another output.
    """
    taken = {real(path): "what is read" for path in inputs if path is not None}
    for option, path in outputs.items():
        if path is None or (path.exists() and not path.is_file()):
            continue  # two may go to /dev/null
        if other := taken.get(real(path)):
            raise UserError(f"{option} {path}: is {other} as well", "Name another file.")
        taken[real(path)] = option


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a temporary file and rename it: a reader sees the old file or the new one.

    A link stays a link, and its target is replaced. A file keeps its permissions. A device, such
    as ``/dev/stdout``, is written in place.

    Raises:
        UserError: the file cannot be written; what was there is unchanged.
    """
    # A name or message out of a foreign file may hold half a surrogate pair.
    raw = content.encode(errors="replace") if isinstance(content, str) else content
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(raw)
        else:
            _replace(real(path), raw)
    except OSError as error:
        raise UserError(
            f"{path}: cannot be written: {error.strerror}", "Choose another place."
        ) from error


def _replace(target: Path, raw: bytes) -> None:
    mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else 0o666 & ~_UMASK
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:100]}.")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())  # else a crash could leave the new name with nothing in it
        temporary.chmod(mode)  # mkstemp makes private files
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_folder(folder: Path, files: Mapping[str, str] | Mapping[str, bytes]) -> list[Path]:
    """Write files by name into a folder, made if need be, and return their paths.

    What else is in the folder stays.

    Raises:
        UserError: the folder cannot be made, or a file in it not be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"{folder}: not a folder that can be written to: {error.strerror}",
            "Choose another place.",
        ) from error
    for name, content in files.items():
        write_whole(folder / name, content)
    return [folder / name for name in files]


def file_text(path: Path) -> str:
    """A path as text that any file can hold, though it need not be UTF-8 itself."""
    return os.fsencode(path).decode(errors="replace")
