"""Draw charts in a second process while this one reads, analyses and writes the page.

Importing matplotlib and drawing take longer than the rest of a usual report, and most machines have
a free core. The process is a bare Python that imports only what drawing needs: processes of
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

# The process usually ends within a tenth of a second.
_END_S = 5.0

# The import path is passed on, so that both processes can import the same modules.
_PROGRAM = """
import signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
sys.path[:] = {path!r}
from ovreport.rendering.charts.process import serve
serve()
"""


def serve() -> None:
    """Draw charts from standard input until it ends: the main loop of the second process."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    # Output of libraries must not mix with answers.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    from ovreport.rendering.charts import draw as charts

    while True:
        try:
            chart = pickle.load(sys.stdin.buffer)
        except EOFError:
            break
        try:
            drawn = charts.draw(chart)
        except Exception:  # the first process draws it again and gets the full error
            drawn = None
        pickle.dump(drawn, answers)
        answers.flush()
    # matplotlib removes a temporary folder; a normal exit of the interpreter takes half a second.
    atexit._run_exitfuncs()
    os._exit(0)


def draw_here(chart: Chart) -> str:
    """Draw a chart as an ``<svg>`` element, in this process."""
    from ovreport.rendering.charts.draw import draw  # matplotlib takes a third of a second to load

    return draw(chart)


class ChartProcess:
    """The second process and the charts sent to it; it starts before the first chart is ready."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            # Isolated: -c could otherwise import a signal.py of the current folder.
            [sys.executable, "-I", "-c", _PROGRAM.format(path=sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        # Only one chart is in flight, so that neither pipe can fill up.
        self._executor = ThreadPoolExecutor(max_workers=1)
        self._charts: dict[int, tuple[Chart, Future[str | None]]] = {}

    def begin(self, section: Section) -> None:
        """Send all charts of a section to the second process."""
        for group in section.groups:
            for block in group.blocks:
                if isinstance(block, Chart):
                    self._charts[id(block)] = (
                        block,
                        self._executor.submit(self._drawn, block),
                    )

    def draw(self, chart: Chart) -> str:
        """Return the chart as an ``<svg>`` element; wait for it.

        Raises:
            Exception: any error of drawing this chart.
        """
        drawn = self._charts[id(chart)][1].result() if id(chart) in self._charts else None
        return draw_here(chart) if drawn is None else drawn

    def _drawn(self, chart: Chart) -> str | None:
        """Return the chart that the second process drew, or None if that failed for any reason."""
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
        """Let the second process end normally, so that matplotlib removes its temporary files."""
        self._executor.shutdown(cancel_futures=True)
        try:
            self._process.communicate(timeout=_END_S)  # closes its standard input
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """Kill the second process."""
        self._process.kill()
        self._executor.shutdown(cancel_futures=True)
        self._process.communicate()


@contextmanager
def drawing() -> Iterator[ChartProcess]:
    """Yield a :class:`ChartProcess` whose process ends with the block."""
    started = ChartProcess()
    try:
        yield started
    except BaseException:
        started.kill()
        raise
    started.finish()
