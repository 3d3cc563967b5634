"""Which findings of all sections belong on the first screen."""

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
# A note that could save this share of the latency is worth as much as a warning.
_NOTABLE_GAIN = 0.1
_RANK: dict[Severity, int] = {"problem": 0, "warning": 1, "info": 3, "good": 4}
# Whether a version is better, and whether it is the same model at all, is what versions are
# measured for: the most important of either is always shown.
_VERDICTS = (
    frozenset(f"versions.{word}" for word in ("faster", "slower", "same", "inconclusive")),
    frozenset(
        f"outputs.{word}"
        for word in ("drift", "shape", "failed", "unkept", "random", "empty", "close", "same")
    ),
)
# What a busy or unsteady machine does to a run; the first of these that was found sums it up.
_DISTURBANCES = (
    "summary.uncertain",
    "latency.disturbed",
    "layers.disturbed",
    "environment.load",
    "latency.drift",
    "latency.groups",
    "roofline.disturbed",
    "latency.outliers",
    "latency.warm-up",
)


@dataclass(frozen=True)
class Highlight:
    """A finding and the section that made it."""

    finding: Finding
    analyzer: Analyzer
    more: tuple[tuple[Analyzer, int], ...] = ()
    """Findings that this one stands for: sections, and how many of them are in each."""


def worst_first(findings: Sequence[Finding]) -> list[Finding]:
    """By severity, then by what acting on it could save."""
    return sorted(findings, key=lambda finding: (_RANK[finding.severity], -(finding.gain or 0)))


def highlights(analyses: Sequence[Analysis]) -> list[Highlight]:
    """The most important findings, at most two of a section, most important first.

    Findings of one kind, such as the same advice for two versions, are shown once, and so is all
    that a busy machine did to the run.
    """
    found = [
        Highlight(finding, analysis.analyzer)
        for analysis in analyses
        if isinstance(analysis.outcome, Section)
        for finding in analysis.outcome.findings
    ]
    merged = _merged(sorted(found, key=_importance))
    kept = [next((h for h in merged if h.finding.id in ids), None) for ids in _VERDICTS]
    chosen = [highlight for highlight in kept if highlight is not None]
    taken = Counter(highlight.analyzer.id for highlight in chosen)
    for highlight in merged:
        section = highlight.analyzer.id
        if highlight not in chosen and taken[section] < _OF_ONE_SECTION and len(chosen) < SHOWN:
            taken[section] += 1
            chosen.append(highlight)
    return sorted(chosen, key=_importance)


def _merged(found: Iterable[Highlight]) -> list[Highlight]:
    """One for each kind: the first, or of disturbances the one that sums them up."""
    kinds: dict[tuple[str, str], list[Highlight]] = defaultdict(list)
    disturbances = []
    for highlight in found:
        if highlight.finding.id in _DISTURBANCES:
            disturbances.append(highlight)
        else:
            kinds[highlight.analyzer.id, highlight.finding.id].append(highlight)
    disturbances.sort(key=lambda highlight: _DISTURBANCES.index(highlight.finding.id))
    together = [*kinds.values(), *([disturbances] if disturbances else [])]
    merged = [replace(first, more=_sections(rest)) for first, *rest in together]
    return sorted(merged, key=_importance)


def _sections(found: Sequence[Highlight]) -> tuple[tuple[Analyzer, int], ...]:
    by_id = {highlight.analyzer.id: highlight.analyzer for highlight in found}
    numbers = Counter(highlight.analyzer.id for highlight in found)
    return tuple((by_id[id], number) for id, number in numbers.items())


def _importance(highlight: Highlight) -> tuple[int, bool, float]:
    """Whether the figures can be trusted comes first, then problems, then verdicts."""
    finding = highlight.finding
    gain = finding.gain or 0.0
    rank = _RANK[finding.severity]
    if finding.id in _DISTURBANCES and rank <= _RANK["warning"]:
        return -1, False, 0.0
    verdict = any(finding.id in ids for ids in _VERDICTS)
    if verdict or gain >= _NOTABLE_GAIN:
        rank = min(rank, _RANK["warning"])
    return rank, not verdict, -gain
