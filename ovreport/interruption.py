"""Ctrl-C, SIGTERM (a CI server cancels a job) and SIGHUP (a terminal closes) end the program.

It ends in order: workers are stopped, temporary folders go, and what was measured stays.
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
    """A signal came. It is no ``Exception``, so that nothing takes it for an error of its own."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_code = 128 + number
        """What a shell reports of a program that this signal ended."""


def end_at_once() -> None:
    """Let each of the signals end the program at once, without a message."""
    for number in _taken():
        signal.signal(number, signal.SIG_DFL)


@contextmanager
def ending_in_order() -> Iterator[None]:
    """Turns the first signal into :class:`Interrupted`, and that into an exit code.

    Signals that follow within half a second change nothing. Any later one ends the program at
    once, as ending in order takes too long then. A signal after the block does so, too,
    because nothing would catch an exception there.
    """
    first: float | None = None

    def interrupt(number: int, _: FrameType | None) -> None:
        nonlocal first
        now = time.monotonic()
        if first is None:
            first = now
            raise Interrupted(number)
        if now - first > _DOUBLE_PRESS_S:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)

    for number in _taken():
        signal.signal(number, interrupt)
    try:
        yield
    except Interrupted as interrupted:
        sys.exit(interrupted.exit_code)
    finally:
        end_at_once()


def _taken() -> list[signal.Signals]:
    """All but those that the parent has the program ignore, as ``nohup`` does."""
    names = ("SIGINT", "SIGTERM", "SIGHUP")  # Windows lacks the last
    known = [signal.Signals[name] for name in names if hasattr(signal, name)]
    return [number for number in known if signal.getsignal(number) != signal.SIG_IGN]
