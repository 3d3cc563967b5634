"""One worker process and the pipe to it."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, get_args

import psutil

from ovreport.measuring.causes import cause
from ovreport.run import Failure, Stage

WORKER = Path(__file__).with_name("worker")

# How often the memory of a busy worker is checked; one check costs about 50 µs of CPU time.
_MEMORY_INTERVAL_S = 0.25
# The longest answer in bytes; the graphs of a model with 45,000 nodes take about 50 MB.
_MAX_ANSWER = 1 << 30
_MAX_DETAIL = 20_000
# The longest time from the end of a worker's output to its exit status, as for a core dump.
_EXIT_S = 10.0


class WorkerError(Exception):
    """A worker could not run a command, or has ended."""

    def __init__(self, stage: Stage, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.failure = Failure(stage=stage, reason=reason, detail=detail[-_MAX_DETAIL:])


class WorkerRefusalError(WorkerError):
    """A worker answered that it could not run a command; it keeps running."""


class WorkerSession:
    """Starts a worker, sends it commands, and kills its process group in the end.

    Args:
        python: the runtime whose OpenVINO the worker uses.
        script: the worker's code; None: the worker that measures.
        memory_limit_mib: resident size at which the worker is stopped.

    Raises:
        WorkerError: from every method, if the worker answers with an error, dies, prints something
            that is not an answer, takes too long or uses too much memory.
    """

    def __init__(
        self, python: Path, *, script: Path | None = None, memory_limit_mib: int | None = None
    ) -> None:
        self._limit_mib = memory_limit_mib
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the session
        try:
            self._process = subprocess.Popen(
                [str(python), str(script or WORKER)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                env=_environment(python),
                start_new_session=True,
            )
        except OSError as error:
            self._log.close()
            raise WorkerError("start", f"{python} cannot be started: {error.strerror}") from error
        self._buffer = bytearray()

    @property
    def pid(self) -> int:
        """The worker's process id."""
        return self._process.pid

    def ask(self, stage: Stage, limit_s: float, do: str, **arguments: Any) -> dict[str, Any]:
        """Send a command and wait at most ``limit_s`` seconds for its answer.

        ``stage`` is the stage of the failure if the worker dies or hangs meanwhile.
        """
        self.send(stage, do, **arguments)
        return self.answer(stage, limit_s)

    def send(self, stage: Stage, do: str, **arguments: Any) -> None:
        """Send a command without waiting for its answer."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps({"do": do, **arguments}).encode() + b"\n")
            self._process.stdin.flush()
        except OSError:
            raise self._died(stage) from None

    def answer(
        self, stage: Stage, limit_s: float, on_progress: Callable[[int], None] = lambda _: None
    ) -> dict[str, Any]:
        """Wait for the answer to a command and return it.

        A failure is attributed to ``stage`` until the worker names another one. ``on_progress`` is
        called with each count that the worker reports meanwhile.
        """
        deadline = time.monotonic() + limit_s
        try:
            while {"stage", "progress"} & set(
                answer := json.loads(line := self._line(stage, limit_s, deadline))
            ):
                if "stage" in answer:
                    stage = _stage(answer["stage"], stage)
                else:
                    on_progress(int(answer["progress"]))
            if "error" in answer:
                text = str(answer["error"]["text"])
                failed_stage = answer["error"]["stage"]
            else:
                return dict(answer["ok"])
        except (ValueError, TypeError, KeyError) as error:
            shown = line[:80].decode(errors="replace")
            raise WorkerError(
                stage, f"the worker gave no proper answer: {shown!r}", self._output()
            ) from error
        raise WorkerRefusalError(_stage(failed_stage, stage), cause(text), text + self._output())

    def _line(self, stage: Stage, limit_s: float, deadline: float) -> bytes:
        assert self._process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            searched = 0
            while (end := self._buffer.find(b"\n", searched)) < 0:
                searched = len(self._buffer)
                left = deadline - time.monotonic()
                if left <= 0:
                    self.kill()
                    raise WorkerError(
                        stage, f"took longer than {limit_s:g} s and was stopped", self._output()
                    )
                self._check_memory(stage)
                wait = left if self._limit_mib is None else min(left, _MEMORY_INTERVAL_S)
                if selector.select(wait):
                    block = os.read(self._process.stdout.fileno(), 1 << 20)
                    if not block:
                        raise self._died(stage)
                    self._buffer += block
                    if len(self._buffer) > _MAX_ANSWER:
                        self.kill()
                        raise WorkerError(
                            stage, f"answered more than {_MAX_ANSWER >> 20} MiB and was stopped"
                        )
        self._check_memory(stage)
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return line

    def _check_memory(self, stage: Stage) -> None:
        if self._limit_mib is None:
            return
        try:
            used = psutil.Process(self.pid).memory_info().rss
        except psutil.Error:
            return  # the process has ended; reading the pipe shows how
        if used > self._limit_mib << 20:
            self.kill()
            raise WorkerError(
                stage,
                f"used {used >> 20} MiB of memory, over the limit of {self._limit_mib} MiB, "
                "and was stopped",
                self._output(),
            )

    def _died(self, stage: Stage) -> WorkerError:
        try:
            code = self._process.wait(timeout=_EXIT_S)
        except subprocess.TimeoutExpired:
            self.kill()
            return WorkerError(stage, "the worker closed its answers and was stopped")
        if code < 0:
            has_name = -code in set(signal.Signals)  # most real-time signals have no name
            name = signal.Signals(-code).name if has_name else f"signal {-code}"
            reason = f"the worker was ended by {name}"
            if name == "SIGKILL":
                reason += "; the system may have run out of memory"
        else:
            reason = f"the worker ended with exit code {code}"
        output = self._output()
        if last := output.strip().rsplit("\n", 1)[-1]:
            reason += f": {last[:300]}"
        return WorkerError(stage, reason, output)

    def _output(self) -> str:
        """Return the end of the worker's printed output."""
        size = self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, size - _MAX_DETAIL))
        return self._log.read().decode(errors="replace")

    def kill(self) -> None:
        """Kill the worker and all processes that it started."""
        with suppress(ProcessLookupError):  # all have ended
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def __enter__(self) -> WorkerSession:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                try:
                    stream.close()
                except BrokenPipeError:
                    continue  # a command that the dead worker never read
        self._log.close()


def _stage(reported: object, otherwise: Stage) -> Stage:
    """Return the stage that a worker reports, if it is one of the stages."""
    return next((stage for stage in get_args(Stage) if stage == reported), otherwise)


def _environment(python: Path) -> dict[str, str]:
    """Return the worker's environment variables.

    A worker of another runtime must find its own packages and libraries, not those that variables
    of this process put first, as OpenVINO's ``setupvars.sh`` does.
    """
    inherited = dict(os.environ)
    if python != Path(sys.executable):
        for name in ("PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH"):
            inherited.pop(name, None)
    return {**inherited, "PYTHONUNBUFFERED": "1"}
