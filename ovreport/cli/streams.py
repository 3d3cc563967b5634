"""Standard output and standard error may be full, closed, or lack characters: the work goes on."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any, TextIO

import click

from ovreport.interruption import Interrupted


class _Lasting:
    """A stream that is led to nowhere by its first error, which is kept instead of raised."""

    buffer = None  # click would write to it where the encoding is ASCII

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.lost: OSError | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except OSError as error:
            self._lose(error)
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError as error:
            self._lose(error)

    def _lose(self, error: OSError) -> None:
        self.lost = error
        # What is left in its buffer goes there too; Python would else fail by it when it ends.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)


@contextmanager
def lasting_streams() -> Iterator[None]:
    """Has what is printed inside get lost, where it cannot be written, while the work goes on.

    If standard output lost something, the program ends with exit code 1 instead of 0.
    """
    with _lasting_stderr():
        if sys.stdout is None:
            yield
            return
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="replace")
        stream = _Lasting(sys.stdout)
        ended: SystemExit | Interrupted | None = None
        try:
            with redirect_stdout(stream):
                yield
        except (SystemExit, Interrupted) as error:
            ended = error
        stream.flush()
        if stream.lost is not None:
            click.echo(f"Standard output cannot be written: {stream.lost.strerror}.", err=True)
        if isinstance(ended, Interrupted) or (ended and (ended.code or stream.lost is None)):
            raise ended
        if stream.lost is not None:
            sys.exit(1)


@contextmanager
def _lasting_stderr() -> Iterator[None]:
    """A terminal that was closed, of which SIGHUP tells, can no longer be written to."""
    if sys.stderr is None:
        yield
        return
    with redirect_stderr(_Lasting(sys.stderr)):
        yield
