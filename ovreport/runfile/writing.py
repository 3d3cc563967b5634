"""Writes a run file while its run is measured."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from ovreport.errors import UserError
from ovreport.run import CellResult, Graph, Header
from ovreport.runfile.lines import Stored, line_of

try:
    import fcntl
except ImportError:  # not a POSIX system
    fcntl = None  # type: ignore[assignment]

# The end of a file is searched in pieces of this many bytes.
_PIECE = 1 << 20


class RunFile:
    """A run file, which no other process can write until it is closed, if the system has locks.

    Opening the file does not change it. Call :meth:`begin` or :meth:`resume` first. Every method
    returns only when its lines are on the disk.

    Raises:
        UserError: another process writes the file, or it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._graph_ids: set[str] = set()
        """Ids of the graphs in the file."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("a+b")
            _claim(self._file)
        except BlockingIOError as error:
            self._file.close()
            raise UserError(
                f"{path}: another ovreport is writing this run file",
                "Wait until it has ended, or name another run file with --run-file.",
            ) from error
        except OSError as error:
            raise UserError(
                f"{path}: cannot write the run file: {error.strerror}",
                "Choose another place with --run-file or -o.",
            ) from error

    def begin(self, header: Header) -> None:
        """Start a new run, which replaces the content of the file."""
        self._file.truncate(0)
        self.add(header)

    def resume(self, header: Header, graph_ids: Iterable[str]) -> None:
        """Continue the run that the file holds.

        An unfinished last line is removed. A whole last line without a line end gets one.

        Args:
            header: the header of the resumed run.
            graph_ids: ids of the graphs that the file holds already.
        """
        self._graph_ids.update(graph_ids)
        self._mend_end()
        self.add(header)

    def add(self, record: Stored) -> None:
        """Append one record and wait until it is on the disk.

        Raises:
            UserError: the disk is full, or the file cannot be written for another reason.
        """
        try:
            self._file.write(line_of(record).encode() + b"\n")
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise UserError(
                f"{self.path}: cannot write the run file: {error.strerror}",
                f"It keeps what was written before: free some space, then add "
                f"--resume {self.path}, or choose another place with --run-file.",
            ) from error

    def result(self, result: CellResult, graphs: Iterable[Graph] = ()) -> None:
        """Append a finished cell, and before it those of its graphs that the file does not hold."""
        for graph in graphs:
            if (id := graph.id) not in self._graph_ids:
                self.add(graph)
                self._graph_ids.add(id)
        self.add(result)

    def _mend_end(self) -> None:
        """Remove or complete an unfinished last line, without reading the whole file."""
        end = size = self._file.seek(0, os.SEEK_END)
        while end:
            start = max(0, end - _PIECE)
            self._file.seek(start)
            if (place := self._file.read(end - start).rfind(b"\n")) >= 0:
                end = start + place + 1
                break
            end = start
        if end == size:
            return
        self._file.seek(end)
        try:
            json.loads(self._file.read())
        except ValueError:
            self._file.truncate(end)
        else:
            self._file.write(b"\n")

    def __enter__(self) -> RunFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._file.close()
        except OSError:
            if error is None:  # else it is the remainder of a line whose error is on its way
                raise


def _claim(file: BinaryIO) -> None:
    """Keep other processes from writing the file until it is closed.

    Raises:
        BlockingIOError: another process writes it.
    """
    if fcntl is not None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
