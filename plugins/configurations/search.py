"""The steps of a search: each configuration, the reason for it, and the outcome."""

from __future__ import annotations

from collections.abc import Sequence

from ovreport.computed.anchors import anchor
from ovreport.computed.figures import figures
from ovreport.computed.ranking import judge, times
from ovreport.computed.speed import latency_threshold_s, median_s
from ovreport.computed.sweet_spot import fps, over
from ovreport.run import CellResult, Run, SearchStep
from ovreport.section import Column, Row, Table
from ovreport.text.labels import count, label
from ovreport.text.numbers import show
from ovreport.text.values import Link


def search_tables(run: Run, results: Sequence[CellResult]) -> list[Table]:
    """Return a table for each search that began at one of a version's cells."""
    steps: dict[str, list[SearchStep]] = {}
    for step in run.search:
        steps.setdefault(step.start, []).append(step)
    return [
        _table(run, result, steps[result.cell.id]) for result in results if result.cell.id in steps
    ]


def _table(run: Run, start: CellResult, steps: Sequence[SearchStep]) -> Table:
    """Return the table of a search that began at ``start``, the device's own choice."""
    results = {result.cell.id: result for result in run.results}
    cells = [result.cell for result in run.results]
    best: CellResult | None = None
    rows, missing = [], 0
    end = "It was interrupted."
    for number, step in enumerate(steps, 1):
        if step.cell is None:
            end = f"It ended: {step.why}."
            continue
        result = results.get(step.cell.id)
        if result is None:
            missing += 1
            continue
        outcome, best = _outcome(run, result, best)
        estimates = figures(result) if result.ok else None
        rows.append(
            Row(
                {
                    "step": number,
                    "cell": Link(label(result.cell, cells), anchor("cell", result)),
                    "why": step.why,
                    "fps": estimates.throughput_fps if estimates else None,
                    "latency": median_s(result) if estimates else None,
                    "what": outcome,
                },
                emphasis=outcome in (_BEST, _MAYBE_BEST),
            )
        )
    columns = [
        Column("step", "Step", "count"),
        Column("cell", "Configuration"),
        Column("why", "Why"),
        Column("fps", "Throughput", "rate"),
        Column("latency", "Latency", "duration"),
        Column("what", "Outcome"),
    ]
    note = (
        f"The search begins at the device's own choice and changes streams and batch in "
        f"turns, as long as a step brings a gain. {end}"
    )
    if missing:
        note += f" {count(missing, 'step')} to configurations without a result here are left out."
    return Table(f"search-{start.cell.id}", "Steps of the search", columns, rows, note)


_BEST, _MAYBE_BEST = "best so far", "may be the best so far"


def _outcome(
    run: Run, result: CellResult, best: CellResult | None
) -> tuple[str, CellResult | None]:
    """Return the outcome of a step in words, and the best cell after it."""
    if result.failure is not None:
        return f"failed: {result.failure.reason}", best
    threshold = latency_threshold_s(run)
    if threshold is not None and median_s(result).point > threshold:
        return f"over {show(threshold, 'duration')}", best
    assert result.resolved is not None
    streams = result.resolved.streams
    if isinstance(result.cell.streams, int) and streams and streams < result.cell.streams:
        return f"the device uses {count(streams, 'stream')}", best
    gain = over(best, result) if best else None
    if best is None or (gain and judge(gain) == "more"):
        return _BEST, result
    if fps(result) > fps(best):
        return _MAYBE_BEST, result
    return times(gain, "the best so far") if gain else "unknown", best
