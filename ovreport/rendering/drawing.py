"""Draws charts in a process of their own while this one writes the page.

Importing matplotlib and drawing take longer than all the rest of a usual report, and most machines
have a core to spare.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context

from ovreport.analysis import Analysis
from ovreport.section import Chart, Section


def _draw(chart: Chart | None) -> str:
    """Draws in the other process; without a chart only gets ready to."""
    from ovreport.rendering.charts import draw

    return draw(chart) if chart is not None else ""


class Drawing:
    """Charts on their way. The other process starts at once and is ready when the charts are."""

    def __init__(self, executor: ProcessPoolExecutor) -> None:
        self._executor = executor
        self._ready = executor.submit(_draw, None)
        self._charts: dict[int, tuple[Chart, Future[str]]] = {}

    def begin(self, analyses: Sequence[Analysis]) -> None:
        """Sends off all charts that sections hold as blocks of their groups."""
        for analysis in analyses:
            if isinstance(analysis.outcome, Section):
                for group in analysis.outcome.groups:
                    for block in group.blocks:
                        if isinstance(block, Chart):
                            sent = self._executor.submit(_draw, block)
                            self._charts[id(block)] = (block, sent)

    def draw(self, chart: Chart) -> str:
        """The chart as an ``<svg>`` element; waits for it.

        Raises:
            Exception: whatever drawing this chart raised.
        """
        if id(chart) not in self._charts:
            return _draw(chart)
        try:
            return self._charts[id(chart)][1].result()
        except BrokenProcessPool:  # the other process was killed, perhaps for its memory
            return _draw(chart)


@contextmanager
def drawing() -> Iterator[Drawing]:
    """A :class:`Drawing` whose process ends with the block."""
    # Spawned and not forked: a caller may have threads, and a fork copies their locks as they are.
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as executor:
        yield Drawing(executor)
