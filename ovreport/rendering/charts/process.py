"""Draws charts in a process of their own while this one reads, analyses and writes the page.

Importing matplotlib and drawing take longer than all the rest of a usual report, and most machines
have a core to spare. The process is a bare Python that imports nothing but what draws: those of
``multiprocessing`` import the program and its schemas again, and need a third process.
"""

from __future__ import annotations

import atexit
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from ovreport.section import Chart, Section

# Ending takes a tenth of a second.
_END_S = 5.0

# The path is handed over, so that neither more nor less can be imported there than here.
_PROGRAM = """
import signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
sys.path[:] = {path!r}
from ovreport.rendering.charts.process import serve
serve()
"""


def serve() -> None:
    """Draws what comes in until nothing more does: the other process's whole life."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints is no answer
    from ovreport.rendering.charts import draw as charts

    while True:
        try:
            chart = pickle.load(sys.stdin.buffer)
        except EOFError:
            break
        try:
            drawn = charts.draw(chart)
        except Exception:  # drawn again by the one who asked, for whom the error is whole
            drawn = None
        pickle.dump(drawn, answers)
        answers.flush()
    # matplotlib removes a temporary folder; taking the interpreter down would take half a second.
    atexit._run_exitfuncs()
    os._exit(0)


def draw_here(chart: Chart) -> str:
    """The chart as an ``<svg>`` element, drawn in this process."""
    from ovreport.rendering.charts.draw import draw  # matplotlib takes a third of a second to load

    return draw(chart)


class ChartProcess:
    """Charts on their way. The other process starts at once and is ready when the charts are."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            # Isolated, as -c would else import signal from the current folder if it is there.
            [sys.executable, "-I", "-c", _PROGRAM.format(path=sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        # One question and its answer at a time, so that neither pipe can fill up.
        self._asking = ThreadPoolExecutor(max_workers=1)
        self._charts: dict[int, tuple[Chart, Future[str | None]]] = {}

    def begin(self, section: Section) -> None:
        """Sends off all charts that a section holds as blocks of its groups."""
        for group in section.groups:
            for block in group.blocks:
                if isinstance(block, Chart):
                    self._charts[id(block)] = (block, self._asking.submit(self._ask, block))

    def draw(self, chart: Chart) -> str:
        """The chart as an ``<svg>`` element; waits for it.

        Raises:
            Exception: whatever drawing this chart raised.
        """
        drawn = self._charts[id(chart)][1].result() if id(chart) in self._charts else None
        return draw_here(chart) if drawn is None else drawn

    def _ask(self, chart: Chart) -> str | None:
        """The drawn chart; None where it could not be drawn, whatever the reason."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(pickle.dumps(chart))
            self._process.stdin.flush()
            drawn = pickle.load(self._process.stdout)
        except Exception:  # a plugin's own values, or a process that was killed for its memory
            return None
        return drawn if isinstance(drawn, str) else None

    def finish(self) -> None:
        """Has the other process end by itself: matplotlib removes its temporary files then."""
        self._asking.shutdown(cancel_futures=True)
        try:
            self._process.communicate(timeout=_END_S)  # closes what it reads from
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """Ends the other process, whatever it is doing."""
        self._process.kill()
        self._asking.shutdown(cancel_futures=True)
        self._process.communicate()


@contextmanager
def drawing() -> Iterator[ChartProcess]:
    """A :class:`ChartProcess` whose process ends with the block."""
    started = ChartProcess()
    try:
        yield started
    except BaseException:
        started.kill()
        raise
    started.finish()
