"""Temporary folders of a run; the next run removes the folders of a killed one."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ovreport.file_locks import is_abandoned, lock

_PREFIX = "ovreport-scratch-"
_NAME = re.compile(re.escape(_PREFIX) + r"[a-z0-9_]{8}")
# The owner holds a lock on this file; the system releases it however the owner ends.
_LOCK = "in-use.lock"


@contextmanager
def scratch_folder(parent: Path | None = None) -> Iterator[Path]:
    """Create a folder, by default in the temporary directory, and remove it after the block."""
    _remove_abandoned(parent or Path(tempfile.gettempdir()))
    with tempfile.TemporaryDirectory(
        prefix=_PREFIX, dir=parent, ignore_cleanup_errors=True
    ) as name:
        descriptor = _locked(Path(name))
        try:
            yield Path(name)
        finally:
            os.close(descriptor)


def _locked(folder: Path) -> int:
    """Create the folder's lock and return its descriptor; the file is renamed when it is locked."""
    unnamed = folder / f"{_LOCK}.new"
    descriptor = os.open(unnamed, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    if lock(descriptor):
        with suppress(OSError):
            unnamed.rename(folder / _LOCK)
    return descriptor


def _remove_abandoned(directory: Path) -> None:
    """Remove scratch folders whose owner has ended; those that this user may not remove stay.

    A folder without a lock is not of ovreport, or is being created.
    """
    with suppress(OSError):  # a directory that cannot be listed
        for folder in directory.iterdir():
            if _NAME.fullmatch(folder.name) and is_abandoned(folder / _LOCK):
                shutil.rmtree(folder, ignore_errors=True)
