"""The worker's loop: read a command, run it, write its answer.

Commands are JSON lines on standard input, ``{"do": "load", …}``. Each has one JSON line as its
answer, on what was standard output at the start. Lines before the answer, ``{"stage": "compile"}``,
name the stage that begins, for the case that the worker crashes in it. Standard output itself is
redirected to standard error at once, so that text that a library prints is never read as an answer.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TextIO

# The worker is started by path, in an environment that may not have ovreport, so this folder is
# imported as a package. Its parent folder is then removed from the path, so that its modules do
# not hide those of libraries.
sys.path[0] = str(Path(__file__).resolve().parents[1])
__package__ = "worker"

from .commands import Worker  # noqa: E402
from .system import StageError, announce_by, prepare_process  # noqa: E402

del sys.path[0]


def serve(commands: TextIO, answers: TextIO) -> None:
    """Answer commands until ``quit`` or the end of input."""
    worker = Worker()
    announce_by(lambda stage: _write(answers, {"stage": stage}))
    for line in commands:
        command = json.loads(line)
        name = command.pop("do")
        if name == "quit":
            return
        try:
            _write(answers, {"ok": getattr(worker, name)(**command)})
        except StageError as error:
            _write(answers, {"error": {"stage": error.stage, "text": str(error)}})


def _write(answers: TextIO, message: dict[str, object]) -> None:
    answers.write(json.dumps(message) + "\n")
    answers.flush()


if __name__ == "__main__":
    prepare_process()
    private = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    serve(sys.stdin, private)
