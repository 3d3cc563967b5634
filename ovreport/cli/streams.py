"""Output streams that may be full, closed or lack characters without stopping the program."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any, TextIO

import click

from ovreport.interruption import Interrupted


class _TolerantStream:
    """A stream that keeps its first error instead of raising it, and then discards all output."""

    buffer = None  # click would write to it if the encoding is ASCII

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.error: OSError | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except OSError as error:
            self._discard_after(error)
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError as error:
            self._discard_after(error)

    def _discard_after(self, error: OSError) -> None:
        self.error = error
        # The rest of the buffer goes there too; Python would otherwise fail on it at exit.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)


@contextmanager
def tolerant_streams() -> Iterator[None]:
    """Let the program continue if standard output or standard error cannot be written.

    If output was lost on standard output, the exit code is 1 instead of 0.
    """
    with _tolerant_stderr():
        if sys.stdout is None:
            yield
            return
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="replace")
        stream = _TolerantStream(sys.stdout)
        ended: SystemExit | Interrupted | None = None
        try:
            with redirect_stdout(stream):
                yield
        except (SystemExit, Interrupted) as error:
            ended = error
        stream.flush()
        if stream.error is not None:
            click.echo(f"Standard output cannot be written: {stream.error.strerror}.", err=True)
        if isinstance(ended, Interrupted) or (ended and (ended.code or stream.error is None)):
            raise ended
        if stream.error is not None:
            sys.exit(1)


@contextmanager
def _tolerant_stderr() -> Iterator[None]:
    """Make standard error tolerant: a terminal that was closed (SIGHUP) cannot be written to."""
    if sys.stderr is None:
        yield
        return
    with redirect_stderr(_TolerantStream(sys.stderr)):
        yield
