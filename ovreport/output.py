"""Files that are written whole or not at all, and terminal text that cannot misbehave."""

from __future__ import annotations

import os
import tempfile
import unicodedata
from collections.abc import Mapping
from pathlib import Path

from ovreport.errors import UserError


def check_writable(path: Path, option: str) -> None:
    """Fails early, before anything is measured.

    Raises:
        UserError: the path is a folder, or a file cannot be made there.
    """
    if path.is_dir():
        raise UserError(f"{option} {path}: is a folder", "Name a file.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name[:100]}."):
            pass
    except OSError as error:
        raise UserError(
            f"{option} {path}: cannot be written: {error.strerror}", "Choose another place."
        ) from error


def write_whole(path: Path, content: str | bytes) -> None:
    """Writes beside the target, then renames: a reader sees the old file or the new one.

    Raises:
        UserError: the file cannot be written; what was there is unchanged.
    """
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:100]}.")
        temporary = Path(name)
        try:
            # A name or message out of a foreign file may hold half a surrogate pair.
            raw = content.encode(errors="replace") if isinstance(content, str) else content
            with os.fdopen(descriptor, "wb") as file:
                file.write(raw)
            temporary.chmod(0o666 & ~_umask())  # mkstemp makes private files
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise UserError(
            f"{path}: cannot be written: {error.strerror}", "Choose another place."
        ) from error


def write_folder(folder: Path, files: Mapping[str, str] | Mapping[str, bytes]) -> None:
    """Writes files by name into a folder, made if need be; what else is in it stays.

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


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def file_text(path: Path) -> str:
    """A path as text that any file can hold, though it need not be UTF-8 itself."""
    return os.fsencode(path).decode(errors="replace")


def printable(text: str) -> str:
    """Text from a model or an error for a terminal: control and format characters shown as �."""
    return "".join(
        character
        if character == "\n" or unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co")
        else "\N{REPLACEMENT CHARACTER}"
        for character in text
    )
