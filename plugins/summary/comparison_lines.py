"""Comparisons of two versions in one line each, with the verdicts of the section Versions."""

from __future__ import annotations

from collections.abc import Sequence

from ovreport.computed.criteria import Criterion, word
from ovreport.computed.pairs import Comparison, Judgement, judged
from ovreport.computed.settings import settings
from ovreport.computed.sweet_spot import in_latency_mode
from ovreport.outputs.agreement import agreements
from ovreport.outputs.words import in_words
from ovreport.run import Run
from ovreport.stats.estimate import Estimate
from ovreport.text.numbers import interval, show, unit_for

from ..versions.verdicts import tally
from .naming import mode

# Up to this many ratios are listed one by one.
_MOST_LISTED = 3


def lines(
    run: Run,
    compared: Sequence[Comparison],
) -> list[str]:
    """Return a line for each comparison; the model is named only if there are several."""
    name_model = len({comparison.subject for comparison in compared}) > 1
    return [_line(run, comparison, name_model=name_model) for comparison in compared]


def by_version(run: Run, compared: Sequence[Comparison]) -> dict[str, tuple[str, Criterion]]:
    """Return the baseline's name and the comparison of throughput, by the id of the cell."""
    return {
        other.cell.id: (comparison.base, judged(run, base, other).throughput)
        for comparison in compared
        if comparison.axis == "version"
        for base, other in comparison.pairs
    }


def _line(
    run: Run,
    comparison: Comparison,
    *,
    name_model: bool,
) -> str:
    judgements = {other.cell.id: judged(run, base, other) for base, other in comparison.pairs}
    head = f"{comparison.other} against {comparison.base}"
    parts = [
        _latency(comparison, judgements),
        _throughput([judgement.throughput for judgement in judgements.values()]),
        _answers(run, comparison),
        _file(next(iter(judgements.values())).get("file_size")),
    ]
    subject = f"{comparison.subject}: " if name_model else ""
    return f"{subject}{head}: {'; '.join(part for part in parts if part)}."


def _latency(comparison: Comparison, judgements: dict[str, Judgement]) -> str:
    """Return the median latencies of the pair in latency mode, and the verdict."""
    latency_cell = in_latency_mode([base for base, _ in comparison.pairs])
    other = next(other_cell for base, other_cell in comparison.pairs if base is latency_cell)
    criterion = judgements[other.cell.id].get("median")
    if criterion is None:
        return ""
    mode_text = f" in {mode(latency_cell)}" if len(comparison.pairs) > 1 else ""
    return f"median latency {_change(criterion)}{mode_text}, {word(criterion)}"


def _throughput(criteria: Sequence[Criterion]) -> str:
    ratios = [criterion.ratio for criterion in criteria]
    if len(ratios) <= _MOST_LISTED:
        *others, last = map(_ratio, ratios)
        shown = f"{', '.join(others)} and {last}" if others else last
    else:
        low, high = (show(pick(ratio.point for ratio in ratios), "ratio") for pick in (min, max))
        shown = f"{low} to {high}"
    return f"throughput {shown}, {tally(criteria)}"


def _ratio(ratio: Estimate) -> str:
    return f"{show(ratio.point, 'ratio')} ({interval(ratio, 'ratio')})"


def _answers(run: Run, comparison: Comparison) -> str:
    compared = agreements(run, comparison.pairs, settings(run).outputs)
    return ", ".join(dict.fromkeys(map(in_words, compared)))


def _file(criterion: Criterion | None) -> str:
    """Return the change of the file size; empty if both sizes are written alike."""
    if criterion is None or show(criterion.a, criterion.kind) == show(criterion.b, criterion.kind):
        return ""
    return f"file {_change(criterion)}"


def _change(criterion: Criterion) -> str:
    """Return both figures in one unit: ``3.73 → 1.17 ms``."""
    kind = criterion.kind
    unit = unit_for(kind, [criterion.a, criterion.b])
    return f"{show(criterion.a, kind, unit, with_unit=False)} → {show(criterion.b, kind, unit)}"
