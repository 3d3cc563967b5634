"""Select the findings of all sections that the first screen shows."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ovreport.analysis import Analysis
from ovreport.plugin import Analyzer
from ovreport.section import Finding, Section, Severity

SHOWN = 6
# One section must not crowd out the others.
_OF_ONE_SECTION = 2
# A note that could save this share of the latency ranks as high as a warning.
_NOTABLE_GAIN = 0.1
_RANK: dict[Severity, int] = {"problem": 0, "warning": 1, "info": 3, "good": 4}


@dataclass(frozen=True)
class Highlight:
    """A finding and the section that made it."""

    finding: Finding
    analyzer: Analyzer
    more: tuple[tuple[Analyzer, int], ...] = ()
    """Further findings that this one represents: sections, and their number in each."""


def worst_first(findings: Sequence[Finding]) -> list[Finding]:
    """Sort findings by severity, then by the gain that they promise."""
    return sorted(findings, key=lambda finding: (_RANK[finding.severity], -(finding.gain or 0)))


def highlights(analyses: Sequence[Analysis]) -> list[Highlight]:
    """Return the most important findings, at most two of a section, most important first.

    The first verdict of a section is always included. Findings of one kind, such as the same
    advice for two versions, are shown once; so are all disturbances by a busy machine.
    """
    all_findings = [
        Highlight(finding, analysis.analyzer)
        for analysis in analyses
        if isinstance(analysis.outcome, Section)
        for finding in analysis.outcome.findings
    ]
    merged = _merged(sorted(all_findings, key=_importance))
    chosen = _verdicts(merged)[:SHOWN]
    per_section = Counter(highlight.analyzer.id for highlight in chosen)
    for highlight in merged:
        section = highlight.analyzer.id
        if (
            highlight not in chosen
            and per_section[section] < _OF_ONE_SECTION
            and len(chosen) < SHOWN
        ):
            per_section[section] += 1
            chosen.append(highlight)
    return sorted(chosen, key=_importance)


def _verdicts(all_findings: Sequence[Highlight]) -> list[Highlight]:
    """Return the most important verdict of each section."""
    of_section: dict[str, Highlight] = {}
    for highlight in all_findings:
        if highlight.finding.topic == "verdict":
            of_section.setdefault(highlight.analyzer.id, highlight)
    return list(of_section.values())


def _merged(all_findings: Iterable[Highlight]) -> list[Highlight]:
    """Return the first finding of each kind; all disturbances are one kind."""
    kinds: dict[tuple[str, ...], list[Highlight]] = defaultdict(list)
    for highlight in all_findings:
        kinds[_kind(highlight)].append(highlight)
    merged = [replace(first, more=_sections(rest)) for first, *rest in kinds.values()]
    return sorted(merged, key=_importance)


def _kind(highlight: Highlight) -> tuple[str, ...]:
    if highlight.finding.topic == "disturbance":
        return ("disturbance",)
    return highlight.analyzer.id, highlight.finding.id


def _sections(same_kind: Sequence[Highlight]) -> tuple[tuple[Analyzer, int], ...]:
    by_id = {highlight.analyzer.id: highlight.analyzer for highlight in same_kind}
    numbers = Counter(highlight.analyzer.id for highlight in same_kind)
    return tuple((by_id[id], number) for id, number in numbers.items())


def _importance(highlight: Highlight) -> tuple[int, bool, float]:
    """Return a sort key: units and disturbances of the figures, then problems, then verdicts."""
    finding = highlight.finding
    gain = finding.gain or 0.0
    rank = _RANK[finding.severity]
    if finding.topic == "unit":
        return -2, False, 0.0
    if finding.topic == "disturbance" and rank <= _RANK["warning"]:
        return -1, False, 0.0
    verdict = finding.topic == "verdict"
    if verdict or gain >= _NOTABLE_GAIN:
        rank = min(rank, _RANK["warning"])
    return rank, not verdict, -gain
