"""Two versions in one line: what changed, in the words of the section Versions."""

from __future__ import annotations

from collections.abc import Sequence

from ovreport.computed.criteria import Criterion, word
from ovreport.computed.pairs import Comparison, Judgement, judged
from ovreport.computed.sweet_spot import in_latency_mode
from ovreport.outputs.agreement import OutputOptions, agreements
from ovreport.outputs.words import in_words
from ovreport.run import Run
from ovreport.stats.estimate import Estimate
from ovreport.text.numbers import interval, show, unit_for

from ..versions.verdicts import tally
from .naming import mode

# Ratios that a sentence lists one by one.
_LISTED = 3


def lines(
    run: Run,
    compared: Sequence[Comparison],
    outputs: OutputOptions,
) -> list[str]:
    """A line for each comparison; all are of one model as a rule, which is then not named."""
    several = len({comparison.subject for comparison in compared}) > 1
    return [_line(run, comparison, outputs, several=several) for comparison in compared]


def by_version(run: Run, compared: Sequence[Comparison]) -> dict[str, tuple[str, Criterion]]:
    """The baseline's name and the throughput against it, by the id of the cell compared."""
    return {
        b.cell.id: (comparison.base, judged(run, a, b).throughput)
        for comparison in compared
        if comparison.axis == "version"
        for a, b in comparison.pairs
    }


def _line(
    run: Run,
    comparison: Comparison,
    outputs: OutputOptions,
    *,
    several: bool,
) -> str:
    known = {b.cell.id: judged(run, a, b) for a, b in comparison.pairs}
    head = f"{comparison.other} against {comparison.base}"
    parts = [
        _latency(comparison, known),
        _throughput([found.throughput for found in known.values()]),
        _answers(run, comparison, outputs),
        _file(next(iter(known.values())).get("file_size")),
    ]
    subject = f"{comparison.subject}: " if several else ""
    return f"{subject}{head}: {'; '.join(part for part in parts if part)}."


def _latency(comparison: Comparison, known: dict[str, Judgement]) -> str:
    """Of the pair in latency mode."""
    quick = in_latency_mode([a for a, _ in comparison.pairs])
    other = next(b for a, b in comparison.pairs if a is quick)
    criterion = known[other.cell.id].get("median")
    if criterion is None:
        return ""
    where = f" in {mode(quick)}" if len(comparison.pairs) > 1 else ""
    return f"median latency {_change(criterion)}{where}, {word(criterion)}"


def _throughput(found: Sequence[Criterion]) -> str:
    ratios = [criterion.ratio for criterion in found]
    if len(ratios) <= _LISTED:
        *first, last = map(_ratio, ratios)
        shown = f"{', '.join(first)} and {last}" if first else last
    else:
        low, high = (show(pick(r.point for r in ratios), "ratio") for pick in (min, max))
        shown = f"{low} to {high}"
    return f"throughput {shown}, {tally(found)}"


def _ratio(ratio: Estimate) -> str:
    return f"{show(ratio.point, 'ratio')} ({interval(ratio, 'ratio')})"


def _answers(run: Run, comparison: Comparison, options: OutputOptions) -> str:
    known = agreements(run, comparison.pairs, options)
    return ", ".join(dict.fromkeys(map(in_words, known)))


def _file(criterion: Criterion | None) -> str:
    """Nothing where the sizes read the same."""
    if criterion is None or show(criterion.a, criterion.kind) == show(criterion.b, criterion.kind):
        return ""
    return f"file {_change(criterion)}"


def _change(criterion: Criterion) -> str:
    """``3.73 → 1.17 ms``, both in one unit."""
    kind = criterion.kind
    unit = unit_for(kind, [criterion.a, criterion.b])
    return f"{show(criterion.a, kind, unit, with_unit=False)} → {show(criterion.b, kind, unit)}"
