"""Functions of the worker for its process and the operating system."""

from __future__ import annotations

import ctypes
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


class StageError(Exception):
    """An error with the stage of work in which it happened."""

    def __init__(self, stage: str, error: Exception) -> None:
        super().__init__(_text(error))
        self.stage = stage


def _text(error: Exception) -> str:
    """Return the message of an error, even if it holds a name that is not UTF-8."""
    if isinstance(error, UnicodeDecodeError):
        return error.object.decode(errors="backslashreplace")
    return str(error)


_announcers: list[Callable[[str], None]] = []


def announce_by(announce: Callable[[str], None]) -> None:
    """Announce every stage when it begins, so that a crash is reported with its stage."""
    _announcers[:] = [announce]


def at(stage: str, work: Callable[[], T]) -> T:
    """Do the work of a stage; an error of OpenVINO is raised again with the name of the stage."""
    for announce in _announcers:
        announce(stage)
    try:
        return work()
    except (RuntimeError, ValueError, TypeError, MemoryError, OSError) as error:
        raise StageError(stage, error) from error


def peak_memory() -> int:
    """Return the highest resident size since the last call, in bytes; 0 if it is not available."""
    try:
        status = Path("/proc/self/status").read_text()
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return 0
    match = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(match[1]) * 1024 if match else 0


def prepare_process() -> None:
    """Make this process end with its parent, wake on time, and import no more than it needs.

    Linux ends it when its parent dies; on other systems the end of input does. Sleeping threads
    inherit the timer setting and wake on time for the next arrival, not 50 µs late. openvino's
    converter of other frameworks' models is not imported, which halves openvino's import time.
    """
    sys.modules["openvino.tools.ovc"] = None  # type: ignore[assignment]
    if sys.platform == "linux":
        prctl = ctypes.CDLL(None).prctl
        prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG
        prctl(29, ctypes.c_ulong(1))  # PR_SET_TIMERSLACK, in ns
