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

# Who presses Ctrl-C twice does so within this time, and the program is ending already.
_DOUBLE_PRESS_S = 0.5


class Interrupted(BaseException):
    """A signal came. It is no ``Exception``, so that nothing takes it for an error of its own."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_code = 128 + number
        """What a shell reports of a program that this signal ended."""


def end_at_once() -> None:
    """Has each of the signals end the program where it is, without a word."""
    for number in _taken():
        signal.signal(number, signal.SIG_DFL)


@contextmanager
def ending_in_order() -> Iterator[None]:
    """Turns the first signal into :class:`Interrupted`, and that into an exit code.

    Signals that follow within half a second change nothing. Any later one ends the program at
    once, as ending in order takes too long then. So does any after the block: nobody is left to
    catch an exception.
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
