"""Ends the program in order at a signal: workers stop, temporary folders go, results are kept.

The signals are SIGINT (Ctrl-C), SIGTERM (a CI server cancels a job) and SIGHUP (a terminal closes).
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

# A double press of Ctrl-C takes less time than this. The program is already ending then.
_DOUBLE_PRESS_S = 0.5


class Interrupted(BaseException):
    """A signal arrived. Not an ``Exception``, so that no handler of errors catches it."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_code = 128 + number
        """The exit code that a shell reports for a program that this signal ended."""


def end_at_once() -> None:
    """Let each of the signals end the program at once, without a message."""
    for number in _handled_signals():
        signal.signal(number, signal.SIG_DFL)


@contextmanager
def ending_in_order() -> Iterator[None]:
    """Turn the first signal into :class:`Interrupted`, and that into an exit code.

    Signals within the next half second are ignored. Any later one ends the program at once,
    because ending in order takes too long. A signal after the block also ends it at once, because
    nothing would catch an exception there.
    """
    first_signal_s: float | None = None

    def interrupt(number: int, _: FrameType | None) -> None:
        nonlocal first_signal_s
        now = time.monotonic()
        if first_signal_s is None:
            first_signal_s = now
            raise Interrupted(number)
        if now - first_signal_s > _DOUBLE_PRESS_S:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)

    for number in _handled_signals():
        signal.signal(number, interrupt)
    try:
        yield
    except Interrupted as interrupted:
        sys.exit(interrupted.exit_code)
    finally:
        end_at_once()


def _handled_signals() -> list[signal.Signals]:
    """Return the signals, without those that the parent process ignores, as ``nohup`` does."""
    names = ("SIGINT", "SIGTERM", "SIGHUP")  # Windows has no SIGHUP
    available = [signal.Signals[name] for name in names if hasattr(signal, name)]
    return [number for number in available if signal.getsignal(number) != signal.SIG_IGN]
