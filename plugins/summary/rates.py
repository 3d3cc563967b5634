"""Requests at fixed rates on the first screen: up to which one the machine keeps up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ovreport.anchors import anchor
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
class _Reach:
    """The highest rate that a version serves, and the lowest that nothing of it surely serves."""

    kept: CellResult | None
    """Of several configurations that serve it, the quickest."""
    lost: CellResult | None
    """Of several configurations, the one that serves most of it."""

    @classmethod
    def of(cls, results: Sequence[CellResult]) -> _Reach:
        kept = [r for r in results if kept_up(r)]
        rates = {r.cell.rate for r in kept}
        lost = [r for r in results if r.cell.rate not in rates]
        return cls(
            min(kept, key=lambda r: (-(r.cell.rate or 0), _late(r)[1].point), default=None),
            min(lost, key=lambda r: (r.cell.rate or 0, -_served(r)), default=None),
        )


def sentence(run: Run, model: str, version: str) -> str:
    """Of a version that was measured at fixed rates alone."""
    results = run.paced(model, version)
    first = results[0]
    ran = ", ".join([*executed_in(run, first), *resolved_to(first)])
    return f"{name(run, model, version)} on {first.cell.device} ({ran}) {served(results)}."


def served(results: Sequence[CellResult]) -> str:
    """``keeps up with 100 requests/s (p95 5.83 ms), not with 300 (serves 243)``."""
    reach = _Reach.of(results)
    parts = []
    if reach.kept is not None:
        tail, latency = _late(reach.kept)
        rate = count(reach.kept.cell.rate or 0, "request")
        parts.append(f"keeps up with {rate}/s ({tail} {show(latency, 'duration')})")
    if reach.lost is not None:
        rate = count(reach.lost.cell.rate or 0, "request")
        serves = f"(serves {show(_served(reach.lost), 'number')})"
        if falls_behind(reach.lost):
            lost = f"not with {rate.split()[0]}" if parts else f"does not keep up with {rate}/s"
        else:
            lost = f"perhaps with {rate.split()[0]}" if parts else f"may keep up with {rate}/s"
        parts.append(f"{lost} {serves}")
    return ", ".join(parts)


def blocks(run: Run, versions: Sequence[tuple[str, str]]) -> list[Block]:
    """Key figures of versions that were measured at fixed rates alone."""
    if not versions:
        return []
    if len(versions) == 1:
        return [_figures(run.paced(*versions[0]))]
    rows = []
    for model, version in versions:
        results = run.paced(model, version)
        reach = _Reach.of(results)
        rows.append(
            Row(
                {
                    "version": Tag(f"{model} · {version}", Role("version", version)),
                    "kept": reach.kept.cell.rate if reach.kept else None,
                    "latency": _late(reach.kept)[1] if reach.kept else None,
                    "lost": reach.lost.cell.rate if reach.lost else None,
                    "serves": _served(reach.lost) if reach.lost else None,
                    "ready": ready_s(results[0]),
                    "memory": max(map(memory_bytes, results)),
                }
            )
        )
    columns = [
        Column("version", "Model and version"),
        Column("kept", "Keeps up with", "number", "1/s", help="The highest rate that is served."),
        Column("latency", "Latency", "duration", help="At this rate, from arrival to completion: "
               "p95, or the median where requests are too few."),
        Column("lost", "Not with", "number", "1/s", help="The lowest rate that is not "
               "served, or may not be."),
        Column("serves", "Serves", "number", "1/s", help="Of this rate."),
        Column("ready", "Ready after", "duration",
               help="Reading, compiling and the first inference."),
        Column("memory", "Peak memory", "bytes", help="Resident, of the whole process."),
    ]  # fmt: skip
    return [Table("key-rates", "Key figures at fixed rates", columns, rows)]


def _figures(results: Sequence[CellResult]) -> KeyFigures:
    reach = _Reach.of(results)
    shown = []
    if reach.kept is not None:
        tail, latency = _late(reach.kept)
        rate, link = reach.kept.cell.rate, anchor("rate", reach.kept)
        shown += [
            KeyFigure("Keeps up with", rate, "number", unit="requests/s", link=link),
            KeyFigure(f"Latency, {tail}", latency, "duration", "from arrival", link=link),
        ]
    if reach.lost is not None:
        verdict = "does" if falls_behind(reach.lost) else "may"
        arrive = count(reach.lost.cell.rate or 0, "request")
        note = f"of {arrive}/s, with which it {verdict} not keep up"
        shown.append(
            KeyFigure("Serves", _served(reach.lost), "number", note, "requests/s",
                      anchor("rate", reach.lost))
        )  # fmt: skip
    return KeyFigures("key-rates", [*shown, *ready(results[0])])


def _late(result: CellResult) -> tuple[str, Estimate]:
    """Latency from arrival, as far into the tail as requests tell."""
    p95 = figures(result).latency.p95
    return ("p95", p95) if p95 is not None else ("median", median_s(result))


def _served(result: CellResult) -> float:
    return requests_a_second(result).point
