"""Paths as the user named them, and files that are written completely or not at all."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from ovreport.errors import UserError
from ovreport.file_locks import is_abandoned, lock

# Ends the name of a file that is being written, and that is locked meanwhile.
_PART = ".ovreport-part"

# The umask can only be read by setting it, so read it before another thread can create a file.
_UMASK = os.umask(0o077)
os.umask(_UMASK)


def absolute(path: Path) -> Path:
    """Return the path from the root, without following links.

    Model stores (the Hugging Face cache, DVC, git-annex) link names to files that are named after
    a digest of their content: only the link shows a file's format and the files that belong to it.
    """
    collapsed = Path(os.path.abspath(path))  # noqa: PTH100 - pathlib has no other way for ".."
    # After a link to a folder, ".." is the parent of the link's target, not of the link.
    return collapsed if real(collapsed) == real(path) else path.absolute()


def real(path: Path) -> Path:
    """Return the path with links followed; `Path.resolve` would raise if links form a circle."""
    return Path(os.path.realpath(path))


def check_regular(path: Path) -> None:
    """Refuse a named pipe or a device: opening a pipe that nobody writes to waits forever.

    Raises:
        UserError: the path exists and is not a regular file.
    """
    if not path.is_file():
        raise UserError(f"{path}: not a regular file", "Save its content to a file, and name that.")


def check_writable(path: Path, option: str) -> None:
    """Check that a file can be created, before anything is measured.

    Raises:
        UserError: the path is a folder, or no file can be created there.
    """
    if path.is_dir():
        raise UserError(f"{option} {path}: is a folder", "Name a file.")
    try:
        if not path.exists() or path.is_file():
            target = real(path)
            target.parent.mkdir(parents=True, exist_ok=True)
            _remove_abandoned(target)
            with _part(target):
                pass
    except OSError as error:
        raise UserError(
            f"{option} {path}: cannot be written: {error.strerror}", "Choose another place."
        ) from error


def check_apart(outputs: Mapping[str, Path | None], inputs: Iterable[Path | None]) -> None:
    """Check that no output overwrites an input or another output.

    Args:
        outputs: paths by the option that names them.
        inputs: files that are read.

    Raises:
        UserError: an output is also an input or another output.
    """
    uses = {real(path): "an input" for path in inputs if path is not None}
    for option, path in outputs.items():
        if path is None or (path.exists() and not path.is_file()):
            continue  # several outputs may be /dev/null
        if other_use := uses.get(real(path)):
            raise UserError(f"{option} {path}: is also {other_use}", "Name another file.")
        uses[real(path)] = f"the file of {option}"


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a temporary file and rename it: a reader sees the old file or the new one.

    A link stays a link, and its target is replaced. A file keeps its permissions. A device, such
    as ``/dev/stdout``, is written in place.

    Raises:
        UserError: the file cannot be written; the old file is unchanged.
    """
    # A name or message from a foreign file may hold half a surrogate pair.
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
    with _part(target) as (part, file):
        file.write(raw)
        file.flush()
        os.fsync(file.fileno())  # otherwise a crash could leave an empty file under this name
        part.chmod(mode)  # mkstemp creates files that only the owner can read
        part.replace(target)


@contextmanager
def _part(target: Path) -> Iterator[tuple[Path, BinaryIO]]:
    """Create a temporary file in the target's folder; after the block, its name is gone."""
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=_prefix(target))
    part = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            if lock(descriptor):
                part = part.rename(f"{name}{_PART}")  # only locked files have this suffix
            yield part, file
    finally:
        part.unlink(missing_ok=True)


def _prefix(target: Path) -> str:
    """Return how temporary files of a target begin, short enough for any file system."""
    return f".{os.fsdecode(os.fsencode(target.name)[:100])}."


def _remove_abandoned(target: Path) -> None:
    """Remove what killed processes left while they wrote the target."""
    with suppress(OSError):  # a folder that cannot be listed
        for path in target.parent.iterdir():
            if path.name.startswith(_prefix(target)) and path.name.endswith(_PART):
                _remove_if_abandoned(path)


def _remove_if_abandoned(path: Path) -> None:
    if is_abandoned(path):
        with suppress(OSError):  # another start has removed it, or it is another user's
            path.unlink()


def write_folder(folder: Path, files: Mapping[str, str] | Mapping[str, bytes]) -> list[Path]:
    """Write files by name into a folder, create the folder if missing, and return the files' paths.

    Other files in the folder are kept.

    Raises:
        UserError: the folder cannot be created, or a file cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"{folder}: the folder cannot be created: {error.strerror}",
            "Choose another place.",
        ) from error
    for name, content in files.items():
        write_whole(folder / name, content)
    return [folder / name for name in files]


def file_text(path: Path) -> str:
    """Return a path as text that UTF-8 can encode; bytes that are not UTF-8 are replaced."""
    return os.fsencode(path).decode(errors="replace")
