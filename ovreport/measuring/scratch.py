"""Folders for what only a run needs; those of runs that were killed are removed by the next."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # not a POSIX system: what a killed run leaves stays
    fcntl = None  # type: ignore[assignment]

_PREFIX = "ovreport-scratch-"
_NAME = re.compile(re.escape(_PREFIX) + r"[a-z0-9_]{8}")
# It is locked as long as its owner lives; the system unlocks it, however the owner ends.
_LOCK = "in-use.lock"


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A new folder below the temporary directory, gone after the block."""
    _remove_abandoned(Path(tempfile.gettempdir()))
    with tempfile.TemporaryDirectory(prefix=_PREFIX, ignore_cleanup_errors=True) as name:
        lock = _locked(Path(name))
        try:
            yield Path(name)
        finally:
            os.close(lock)


def _locked(folder: Path) -> int:
    """The descriptor of the folder's lock, which has its name only once it is locked."""
    unnamed = folder / f"{_LOCK}.new"
    lock = os.open(unnamed, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    if fcntl is not None:
        with suppress(OSError):  # a file system without locks, where nobody else gets one either
            fcntl.flock(lock, fcntl.LOCK_EX)
            unnamed.rename(folder / _LOCK)
    return lock


def _remove_abandoned(directory: Path) -> None:
    """Removes scratch folders whose owner is gone; what this user may not touch stays."""
    if fcntl is None:
        return
    with suppress(OSError):  # a directory that cannot be listed
        for folder in directory.iterdir():
            if _NAME.fullmatch(folder.name) and _is_abandoned(folder):
                shutil.rmtree(folder, ignore_errors=True)


def _is_abandoned(folder: Path) -> bool:
    """Whether it has a lock that nobody holds; without one it is not ours, or is being made."""
    try:
        lock = os.open(folder / _LOCK, os.O_RDWR | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(lock)
    return True
