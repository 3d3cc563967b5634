"""Streams, batch and idle cores: what a comparison of the measured configurations shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ovreport.computed.anchors import anchor
from ovreport.computed.figures import figures
from ovreport.computed.ranking import judge, times
from ovreport.computed.ratio import ratio, verdict
from ovreport.computed.speed import median_latency_s
from ovreport.computed.sweet_spot import best
from ovreport.run import CellResult, is_busy
from ovreport.text.labels import count, label, setting
from ovreport.text.numbers import show
from ovreport.text.values import Link

from ..case import NOTABLE, AdviceRule, Case, Suggestion

# Real models used 99 % of their threads on an idle machine, so more than a quarter of idle threads
# has a cause.
_MOSTLY_USED = 0.75


def _fps(result: CellResult) -> float:
    return figures(result).throughput_fps.point


def _series(
    cells: Sequence[CellResult], size: Callable[[CellResult], int | None], varied: str
) -> list[list[CellResult]]:
    """Return series of cells that differ only in one resolved size, ascending by that size."""
    series: dict[tuple[object, ...], dict[int, CellResult]] = {}
    for result in cells:
        value, resolved = size(result), result.resolved
        if value is None or resolved is None or result.cell.hint == "latency":
            continue
        settings = result.cell.model_dump(exclude={varied, "streams", "batch", "requests"})
        other_size = resolved.batch if varied == "streams" else resolved.streams
        series.setdefault((*settings.values(), other_size), {}).setdefault(value, result)
    ascending = [[by_size[number] for number in sorted(by_size)] for by_size in series.values()]
    return [members for members in ascending if len(members) > 1]


def _smaller_size(
    case: Case, size: Callable[[CellResult], int | None], noun: str
) -> Suggestion | str:
    """Suggest a smaller size if the sweet spot is larger than needed, which only costs latency."""
    spot = best(case.run, case.cells)
    if spot is None:
        return "no cell is within the latency threshold"
    # The sweet spot comes first: it represents all cells that resolved to the same sizes.
    series = _series([spot, *case.cells], size, noun)
    if not series:
        return f"the run has no throughput cells that differ only in {noun}"
    series_of_spot = [cells for cells in series if any(result is spot for result in cells)]
    if not series_of_spot:
        return f"no measured cell differs from the sweet spot only in {noun}"
    return _judge_series(case, series_of_spot[0], spot, size, noun)


def _judge_series(
    case: Case,
    series: Sequence[CellResult],
    spot: CellResult,
    size: Callable[[CellResult], int | None],
    noun: str,
) -> Suggestion | str:
    """Find where throughput stops rising in an ascending series, and what a larger size costs."""
    most_fps = max(map(_fps, series))
    enough = next(result for result in series if _fps(result) >= most_fps * (1 - NOTABLE))
    small, large = size(enough) or 0, size(spot) or 0
    throughputs = f"{show(_fps(enough), 'rate')} with {_sized(noun, small)}"
    if large < small:
        return f"{throughputs}, but the latency threshold keeps the sweet spot at {large}"
    if enough is spot and spot is series[-1]:
        if judge(ratio(series[-2], spot, "throughput")) != "more":
            previous = f"{show(_fps(series[-2]), 'rate')} with {size(series[-2])}"
            return f"{throughputs} and {previous}: no difference is shown"
        return (
            f"throughput still rises up to {_sized(noun, large)}, the most that was measured "
            f"({show(_fps(series[-2]), 'rate')} → {show(_fps(spot), 'rate')})"
        )
    if enough is spot:
        largest = series[-1]
        return (
            f"{throughputs}, the sweet spot, and {show(_fps(largest), 'rate')} with {size(largest)}"
        )
    throughputs += f", {show(_fps(spot), 'rate')} with {large}, the sweet spot"
    rises, slows = ratio(enough, spot, "throughput"), ratio(enough, spot, "median")
    if rises is None or slows is None or rises.confidence == 0 or rises.high > 1 + 2 * NOTABLE:
        return f"{throughputs}: the figures are not precise enough to decide"
    if verdict(slows, NOTABLE, higher_is_better=False) != "slower":
        return f"{throughputs}, and the latency is not shown to grow"
    spot_latency, enough_latency = median_latency_s(spot), median_latency_s(enough)
    return Suggestion(
        "info",
        f"more than {_sized(noun, small)} brings no more throughput: {throughputs}, while the "
        f"median latency grows from {show(enough_latency, 'duration')} to "
        f"{show(spot_latency, 'duration')}.",
        f"Use {_sized(noun, small)}.",
        "The section on configurations shows both cells with their intervals.",
        [
            Link(label(result.cell, case.run.header.plan), anchor("cell", result))
            for result in (enough, spot)
        ],
    )


def _sized(noun: str, size: int) -> str:
    """Return a size in words: ``1 stream``, ``a batch of 4``."""
    return f"a batch of {size}" if noun == "batch" else count(size, "stream")


def _streams(case: Case) -> Suggestion | str:
    return _smaller_size(
        case, lambda result: result.resolved.streams if result.resolved else None, "streams"
    )


def _batch(case: Case) -> Suggestion | str:
    return _smaller_size(
        case, lambda result: result.resolved.batch if result.resolved else None, "batch"
    )


def _idle(case: Case) -> Suggestion | str:
    """Find a latency cell whose threads wait while no other program runs."""
    result = case.result
    threads = result.resolved.threads if result.resolved else None
    if result.cell.hint != "latency" or not threads or not result.slices or not case.on_cpu:
        return "no cell with the latency hint on a CPU that reports its threads"
    if threads == 1:
        return "one request has one thread, so no other thread could be idle"
    busy_cores = figures(result).cores.point
    other_loads = [slice_.other_load for slice_ in result.slices if slice_.other_load is not None]
    if busy_cores >= _MOSTLY_USED * threads:
        return f"one request keeps {busy_cores:.1f} of {threads} threads busy"
    if not other_loads or is_busy(float(np.median(other_loads))):
        return (
            f"one request keeps {busy_cores:.1f} of {threads} threads busy, but the machine had "
            f"other work, so this shows nothing"
        )
    throughput_cells = [other for other in case.cells if other.cell.hint != "latency"]
    fastest = max(throughput_cells, key=_fps, default=None)
    gain = ratio(result, fastest, "throughput") if fastest else None
    higher_throughput = ""
    if fastest and gain and judge(gain) == "more":
        name = label(fastest.cell, case.run.header.plan)
        higher_throughput = f"; {name} reaches {times(gain, 'its throughput')}"
    return Suggestion(
        "info",
        f"with the latency hint one request keeps {busy_cores:.1f} of {threads} threads busy, "
        f"though the machine had nothing else to do{higher_throughput}.",
        "Its layers are too small to be split over all cores. Use several requests in several "
        "streams (hint throughput), or fewer threads.",
        f"Measure {setting('hint', 'latency', 'throughput')} and "
        f"{setting('threads', *_fewer(threads))}.",
        [
            Link(label(measured.cell, case.run.header.plan), anchor("cell", measured))
            for measured in (result, *([fastest] if fastest and higher_throughput else []))
        ],
    )


def _fewer(threads: int) -> list[int]:
    """Return numbers of threads to try: 1, 2, 4, … below the number in use."""
    return [1 << power for power in range(threads.bit_length()) if 1 << power < threads]


RULES = (
    AdviceRule("streams", "Do more streams still pay?", _streams),
    AdviceRule("batch", "Does a larger batch still pay?", _batch),
    AdviceRule("idle-cores", "Does the latency hint leave cores idle?", _idle),
)
