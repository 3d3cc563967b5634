"""Ranks cells by throughput or latency, as far as their intervals allow."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from ovreport.computed.ratio import Figure, ratio
from ovreport.run import CellResult
from ovreport.stats.estimate import Estimate
from ovreport.text.numbers import interval, show

Ordering = Literal["more", "less", "alike", "unknown"]


def judge(factor: Estimate | None, noise: float = 0.0) -> Ordering:
    """Return whether the second figure of a ratio is more or less than the first.

    It is ``more`` or ``less`` if the whole interval is above or below 1, ``alike`` if it is within
    the noise, else ``unknown``.
    """
    if factor is None or not factor.confidence:
        return "unknown"
    if factor.low > 1:
        return "more"
    if factor.high < 1:
        return "less"
    return "alike" if factor.low >= 1 - noise and factor.high <= 1 + noise else "unknown"


def rivals(
    best: CellResult, among: Iterable[CellResult], figure: Figure = "throughput"
) -> list[CellResult]:
    """Return the cells that may be as good as the best, as their intervals do not exclude it."""
    worse: Ordering = "less" if figure == "throughput" else "more"
    return [
        other for other in among if other is not best and judge(ratio(best, other, figure)) != worse
    ]


def times(factor: Estimate, what: str) -> str:
    """Format a ratio with its interval: ``1.42 × the throughput (±1.3 %)``."""
    precision = interval(factor, "ratio") if factor.confidence else factor.method
    return f"{show(factor, 'ratio')} {what} ({precision})"
