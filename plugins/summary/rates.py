"""Fixed rates on the first screen: the highest rate with which the machine keeps up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ovreport.computed.anchors import anchor
from ovreport.computed.figures import figures
from ovreport.computed.speed import falls_behind, kept_up, median_s
from ovreport.run import CellResult, Run
from ovreport.section import Block, Column, KeyFigure, KeyFigures, Row, Table
from ovreport.stats.estimate import Estimate
from ovreport.text.labels import count
from ovreport.text.numbers import show
from ovreport.text.values import Role, Tag

from ..rates.analyzer import requests_a_second
from .key_figures import memory_bytes, ready, ready_s
from .naming import executed_in, name, resolved_to


@dataclass(frozen=True)
class _RateLimits:
    """The highest rate that a version serves, and the lowest that it does not surely serve."""

    kept: CellResult | None
    """The fastest of the configurations that serve the highest rate."""
    lost: CellResult | None
    """The configuration that serves most requests of the lowest rate not surely served."""

    @classmethod
    def of(cls, results: Sequence[CellResult]) -> _RateLimits:
        kept = [result for result in results if kept_up(result)]
        rates = {result.cell.rate for result in kept}
        lost = [result for result in results if result.cell.rate not in rates]
        return cls(
            min(
                kept,
                key=lambda result: (-(result.cell.rate or 0), _tail_latency(result)[1].point),
                default=None,
            ),
            min(lost, key=lambda result: (result.cell.rate or 0, -_served(result)), default=None),
        )


def sentence(run: Run, model: str, version: str) -> str:
    """Return the sentence on a version that was measured only at fixed rates."""
    results = run.paced(model, version)
    first = results[0]
    settings = ", ".join([*executed_in(run, first), *resolved_to(first)])
    return f"{name(run, model, version)} on {first.cell.device} ({settings}) {served(results)}."


def served(results: Sequence[CellResult]) -> str:
    """Return the rates that a version serves, and does not serve.

    For example ``keeps up with 100 requests/s (p95 5.83 ms), not with 300 (serves 243)``.
    """
    limits = _RateLimits.of(results)
    parts = []
    if limits.kept is not None:
        tail, latency = _tail_latency(limits.kept)
        rate = count(limits.kept.cell.rate or 0, "request")
        parts.append(f"keeps up with {rate}/s ({tail} {show(latency, 'duration')})")
    if limits.lost is not None:
        rate = count(limits.lost.cell.rate or 0, "request")
        serves = f"(serves {show(_served(limits.lost), 'number')})"
        if falls_behind(limits.lost):
            limit = f"not with {rate.split()[0]}" if parts else f"does not keep up with {rate}/s"
        else:
            limit = f"perhaps with {rate.split()[0]}" if parts else f"may keep up with {rate}/s"
        parts.append(f"{limit} {serves}")
    return ", ".join(parts)


def blocks(run: Run, versions: Sequence[tuple[str, str]]) -> list[Block]:
    """Return the key figures of versions that were measured only at fixed rates."""
    if not versions:
        return []
    if len(versions) == 1:
        return [_figures(run.paced(*versions[0]))]
    rows = []
    for model, version in versions:
        results = run.paced(model, version)
        limits = _RateLimits.of(results)
        rows.append(
            Row(
                {
                    "version": Tag(f"{model} · {version}", Role("version", version)),
                    "kept": limits.kept.cell.rate if limits.kept else None,
                    "latency": _tail_latency(limits.kept)[1] if limits.kept else None,
                    "lost": limits.lost.cell.rate if limits.lost else None,
                    "serves": _served(limits.lost) if limits.lost else None,
                    "ready": ready_s(results[0]),
                    "memory": max(map(memory_bytes, results)),
                }
            )
        )
    columns = [
        Column("version", "Model and version"),
        Column("kept", "Keeps up with", "number", "1/s", help="The highest rate that is served."),
        Column("latency", "Latency", "duration", help="At this rate, from arrival to completion: "
               "p95, or the median if there are too few requests."),
        Column("lost", "Not with", "number", "1/s", help="The lowest rate that is not "
               "served, or perhaps not served."),
        Column("serves", "Serves", "number", "1/s", help="Requests served at this rate."),
        Column("ready", "Ready after", "duration",
               help="Reading, compiling and the first inference."),
        Column("memory", "Peak memory", "bytes", help="Resident memory of the whole process."),
    ]  # fmt: skip
    return [Table("key-rates", "Key figures at fixed rates", columns, rows)]


def _figures(results: Sequence[CellResult]) -> KeyFigures:
    limits = _RateLimits.of(results)
    shown = []
    if limits.kept is not None:
        tail, latency = _tail_latency(limits.kept)
        rate, link = limits.kept.cell.rate, anchor("rate", limits.kept)
        shown += [
            KeyFigure("Keeps up with", rate, "number", unit="requests/s", link=link),
            KeyFigure(f"Latency, {tail}", latency, "duration", "from arrival", link=link),
        ]
    if limits.lost is not None:
        verdict = "does" if falls_behind(limits.lost) else "may"
        arriving = count(limits.lost.cell.rate or 0, "request")
        note = f"of {arriving}/s, with which it {verdict} not keep up"
        shown.append(
            KeyFigure("Serves", _served(limits.lost), "number", note, "requests/s",
                      anchor("rate", limits.lost))
        )  # fmt: skip
    return KeyFigures("key-rates", [*shown, *ready(results[0])])


def _tail_latency(result: CellResult) -> tuple[str, Estimate]:
    """Return p95 of the latency from arrival, or the median if there are too few requests."""
    p95 = figures(result).latency.p95
    return ("p95", p95) if p95 is not None else ("median", median_s(result))


def _served(result: CellResult) -> float:
    return requests_a_second(result).point
