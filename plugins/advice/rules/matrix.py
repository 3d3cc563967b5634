"""Streams, batch and idle cores: what the measured configurations say about each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ovreport.anchors import anchor
from ovreport.computed.figures import figures
from ovreport.computed.ranking import judge, times
from ovreport.computed.ratio import ratio, verdict
from ovreport.computed.speed import median_latency_s
from ovreport.computed.sweet_spot import best
from ovreport.run import CellResult, is_busy
from ovreport.text.labels import count, label, setting
from ovreport.text.numbers import show
from ovreport.text.values import Link

from ..case import NOTABLE, Case, Found, Rule

# Undisturbed real models were seen to use 99 % of their threads; with more than a quarter idle the
# difference has a cause.
_BUSY = 0.75


def _fps(result: CellResult) -> float:
    return figures(result).throughput_fps.point


def _series(
    cells: Sequence[CellResult], size: Callable[[CellResult], int | None], varied: str
) -> list[list[CellResult]]:
    """Cells that differ in one size alone, ascending by it; what was resolved counts."""
    series: dict[tuple[object, ...], dict[int, CellResult]] = {}
    for result in cells:
        value, resolved = size(result), result.resolved
        if value is None or resolved is None or result.cell.hint == "latency":
            continue
        asked = result.cell.model_dump(exclude={varied, "streams", "batch", "requests"})
        other = resolved.batch if varied == "streams" else resolved.streams
        series.setdefault((*asked.values(), other), {}).setdefault(value, result)
    found = [[by_size[n] for n in sorted(by_size)] for by_size in series.values()]
    return [one for one in found if len(one) > 1]


def _no_longer_pays(case: Case, size: Callable[[CellResult], int | None], noun: str) -> Found | str:
    """Whether the sweet spot is larger than it needs to be, which only costs latency."""
    spot = best(case.run, case.cells)
    if spot is None:
        return "no cell is within the latency threshold"
    # First, so that it stands for any other cell that came to the same.
    series = _series([spot, *case.cells], size, noun)
    if not series:
        return f"the run has no throughput cells that differ only in {noun}"
    of_spot = [one for one in series if any(result is spot for result in one)]
    if not of_spot:
        return f"no measured cell differs from the sweet spot only in {noun}"
    return _compared(case, of_spot[0], spot, size, noun)


def _compared(
    case: Case,
    one: Sequence[CellResult],
    spot: CellResult,
    size: Callable[[CellResult], int | None],
    noun: str,
) -> Found | str:
    """One series, ascending: where throughput stops rising, and what the rest costs."""
    most_fps = max(map(_fps, one))
    enough = next(result for result in one if _fps(result) >= most_fps * (1 - NOTABLE))
    small, large = size(enough) or 0, size(spot) or 0
    said = f"{show(_fps(enough), 'rate')} with {_sized(noun, small)}"
    if large < small:
        return f"{said}, but the latency threshold keeps the sweet spot at {large}"
    if enough is spot and spot is one[-1]:
        if judge(ratio(one[-2], spot, "throughput")) != "more":
            fewer = f"{show(_fps(one[-2]), 'rate')} with {size(one[-2])}"
            return f"{said} and {fewer}: not known to differ"
        return (
            f"throughput still rises up to {_sized(noun, large)}, the most that was measured "
            f"({show(_fps(one[-2]), 'rate')} → {show(_fps(spot), 'rate')})"
        )
    if enough is spot:
        most = one[-1]
        return f"{said}, the sweet spot, and {show(_fps(most), 'rate')} with {size(most)}"
    said += f", {show(_fps(spot), 'rate')} with {large}, the sweet spot"
    rises, slows = ratio(enough, spot, "throughput"), ratio(enough, spot, "median")
    if rises is None or slows is None or rises.confidence == 0 or rises.high > 1 + 2 * NOTABLE:
        return f"{said}: not known precisely enough to decide"
    if verdict(slows, NOTABLE, higher_is_better=False) != "slower":
        return f"{said}, and the latency is no longer"
    ours, theirs = median_latency_s(spot), median_latency_s(enough)
    return Found(
        "info",
        f"more than {_sized(noun, small)} brings no more throughput: {said}, while the "
        f"median latency grows from {show(theirs, 'duration')} to {show(ours, 'duration')}.",
        f"Use {_sized(noun, small)}.",
        "The section on configurations shows both cells with their intervals.",
        [Link(label(r.cell, case.run.header.plan), anchor("cell", r)) for r in (enough, spot)],
    )


def _sized(noun: str, size: int) -> str:
    """``1 stream``, ``a batch of 4``."""
    return f"a batch of {size}" if noun == "batch" else count(size, "stream")


def _streams(case: Case) -> Found | str:
    return _no_longer_pays(case, lambda r: r.resolved.streams if r.resolved else None, "streams")


def _batch(case: Case) -> Found | str:
    return _no_longer_pays(case, lambda r: r.resolved.batch if r.resolved else None, "batch")


def _idle(case: Case) -> Found | str:
    """A latency cell whose threads wait, on a machine with nothing else to do."""
    result = case.result
    threads = result.resolved.threads if result.resolved else None
    if result.cell.hint != "latency" or not threads or not result.slices or not case.on_cpu:
        return "no cell with the latency hint on a CPU that reports its threads"
    if threads == 1:
        return "one request has one thread, so no other thread could be idle"
    busy = figures(result).cores.point
    known = [s.other_load for s in result.slices if s.other_load is not None]
    if busy >= _BUSY * threads:
        return f"one request keeps {busy:.1f} of {threads} threads busy"
    if not known or is_busy(float(np.median(known))):
        return (
            f"one request keeps {busy:.1f} of {threads} threads busy, but the machine had "
            f"other work, so this shows nothing"
        )
    several = [r for r in case.cells if r.cell.hint != "latency"]
    other = max(several, key=_fps, default=None)
    gain = ratio(result, other, "throughput") if other else None
    more = ""
    if other and gain and judge(gain) == "more":
        name = label(other.cell, case.run.header.plan)
        more = f"; {name} reaches {times(gain, 'its throughput')}"
    return Found(
        "info",
        f"with the latency hint one request keeps {busy:.1f} of {threads} threads busy, though "
        f"the machine had nothing else to do{more}.",
        "Its layers are too small to be split over all cores. Use several requests in several "
        "streams (hint throughput), or fewer threads.",
        f"Measure {setting('hint', 'latency', 'throughput')} and "
        f"{setting('threads', *_fewer(threads))}.",
        [Link(label(r.cell, case.run.header.plan), anchor("cell", r)) for r in
         (result, *([other] if other and more else []))],
    )  # fmt: skip


def _fewer(threads: int) -> list[int]:
    """Numbers of threads to try: 1, 2, 4, … below what there is."""
    return [1 << power for power in range(threads.bit_length()) if 1 << power < threads]


RULES = (
    Rule("streams", "Do more streams still pay?", _streams),
    Rule("batch", "Does a larger batch still pay?", _batch),
    Rule("idle-cores", "Does the latency hint leave cores idle?", _idle),
)
