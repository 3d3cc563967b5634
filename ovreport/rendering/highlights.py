"""Which findings of all sections belong on the first screen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ovreport.analysis import Analysis
from ovreport.plugin import Analyzer
from ovreport.section import Finding, Section, Severity

SHOWN = 6
# One section must not crowd out the others.
_OF_ONE_SECTION = 2
# A note that could save this share of the latency is worth as much as a warning.
_NOTABLE_GAIN = 0.1
_RANK: dict[Severity, int] = {"problem": 0, "warning": 1, "info": 3, "good": 4}


@dataclass(frozen=True)
class Highlight:
    """A finding and the section that made it."""

    finding: Finding
    analyzer: Analyzer


def worst_first(findings: Sequence[Finding]) -> list[Finding]:
    """By severity, then by what acting on it could save."""
    return sorted(findings, key=lambda finding: (_RANK[finding.severity], -(finding.gain or 0)))


def highlights(analyses: Sequence[Analysis]) -> list[Highlight]:
    """The most important findings, at most two of a section, most important first."""
    found = [
        Highlight(finding, analysis.analyzer)
        for analysis in analyses
        if isinstance(analysis.outcome, Section)
        for finding in analysis.outcome.findings
    ]
    taken: Counter[str] = Counter()
    chosen: list[Highlight] = []
    for highlight in sorted(found, key=_importance):
        section = highlight.analyzer.id
        if taken[section] < _OF_ONE_SECTION and len(chosen) < SHOWN:
            taken[section] += 1
            chosen.append(highlight)
    return chosen


def _importance(highlight: Highlight) -> tuple[int, float]:
    finding = highlight.finding
    gain = finding.gain or 0.0
    rank = _RANK[finding.severity]
    return (min(rank, 1) if gain >= _NOTABLE_GAIN else rank, -gain)
