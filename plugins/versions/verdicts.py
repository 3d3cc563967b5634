"""Verdicts by criterion: the figures of both versions, their ratio and the verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import groupby

from ovreport.computed.anchors import verdict_anchor
from ovreport.computed.criteria import Criterion, CriterionName, word
from ovreport.computed.pairs import Comparison, Pair, control, judged
from ovreport.computed.ratio import Verdict, in_turn
from ovreport.run import Run
from ovreport.section import Column, Finding, Row, Severity, Table, column_units
from ovreport.stats.estimate import Estimate
from ovreport.stats.uncertainty import CONFIDENCE
from ovreport.text.labels import count, label
from ovreport.text.numbers import Unit, interval, show
from ovreport.text.values import Kind, Link, Value

_SEVERITY: dict[Verdict, Severity] = {
    "faster": "good",
    "slower": "problem",
    "same": "info",
    "inconclusive": "warning",
}
# Up to this many configurations have a sentence each; of more, each verdict has one.
_MOST_SENTENCES = 3


def verdict_table(run: Run, comparison: Comparison) -> Table:
    """Return the table of all criteria of all pairs; those of the model come once, at the end."""
    cells = [base.cell for base, _ in comparison.pairs]
    rows: list[Row] = []
    model_rows: list[Row] = []
    for pair in comparison.pairs:
        criteria = judged(run, *pair).shown
        name = label(pair[0].cell, cells)
        pair_criteria = [criterion for criterion in criteria if criterion.name != "file_size"]
        rows += [
            _row(criterion, name, "" if position else verdict_anchor(comparison, pair))
            for position, criterion in enumerate(pair_criteria)
        ]
        scope = "all" if len(cells) > 1 else name
        model_rows = [
            _row(criterion, scope) for criterion in criteria if criterion not in pair_criteria
        ]
    columns = [
        # A phone's screen shows the first three.
        Column("what", "Criterion"),
        Column("ratio", "Ratio", "ratio", help=f"{comparison.other} over {comparison.base}. For "
               "throughput and median latency of versions that took turns, it is the median of the "
               "ratios of neighbouring slices, which drift does not change, not the quotient of "
               "both figures."),
        Column("verdict", "Verdict"),
        Column("cell", "Configuration"),
        Column("base", comparison.base),
        Column("other", comparison.other),
        Column("noise", "Noise", help="Smaller differences do not matter."),
        Column("how", "Interval from", optional=True),
    ]  # fmt: skip
    note = _note(run, comparison)
    return Table(f"verdicts-{comparison.id}", "Verdicts", columns, [*rows, *model_rows], note)


def _row(criterion: Criterion, name: str, anchor: str = "") -> Row:
    values: dict[str, Value] = {
        "what": criterion.label,
        "ratio": criterion.ratio,
        "verdict": word(criterion),
        "cell": name,
        "base": _shown(criterion.a, criterion),
        "other": _shown(criterion.b, criterion),
        "noise": _within(criterion.noise),
        "how": _method(criterion.ratio),
    }
    return Row(values, anchor=anchor, emphasis=criterion.name == "throughput")


def _within(noise: float) -> str:
    """Return noise as an interval: ``±1.0 %``."""
    return interval(Estimate(1.0, 1.0 - noise, 1.0 + noise, CONFIDENCE, ""), "ratio")


def _shown(value: Estimate, criterion: Criterion) -> str:
    """Return a figure with its unit, as the rows of the table have different units."""
    return show(value, criterion.kind)


def _method(ratio: Estimate) -> str:
    """Return the method of the interval, and its confidence if it is not the usual one."""
    if ratio.confidence in (0, CONFIDENCE, 1):
        return ratio.method
    return f"{ratio.method} ({ratio.confidence:.0%} confidence)"


def _note(run: Run, comparison: Comparison) -> str:
    results = [result for pair in comparison.pairs for result in pair]
    launches = min(len(result.launches) for result in results)
    note = (
        "Compile, first inference and memory are measured once per launch. Their interval is the "
        f"range over {count(launches, 'launch')} each, so more launches make it more reliable."
    )
    if any(launch.from_cache for result in results for launch in result.launches):
        note += (
            " Some launches loaded the model from the device's cache, and others compiled it: only "
            "launches that started in the same way are compared."
        )
    if any(control(run, pair) for pair in comparison.pairs):
        note += " The run holds the baseline twice; the difference of the two counts as noise."
    return note


# ---------------------------------------------------------------------------- several versions

_OVERVIEW: tuple[CriterionName, ...] = ("throughput", "median", "file_size")


def overview(run: Run, compared: Sequence[Comparison]) -> Table:
    """Return the table that compares more than two versions with the baseline."""
    first = compared[0]
    cells = [base_result.cell for base_result, _ in first.pairs]
    rows = []
    for base_id in dict.fromkeys(
        base_result.cell.id for comparison in compared for base_result, _ in comparison.pairs
    ):
        pairs = [
            (comparison.other, pair)
            for comparison in compared
            for pair in comparison.pairs
            if pair[0].cell.id == base_id
        ]
        base_result = pairs[0][1][0]
        for name, result in [
            (first.base, base_result),
            *((other, pair[1]) for other, pair in pairs),
        ]:
            judgement = judged(run, base_result, result)
            values: dict[str, Value] = {"cell": label(base_result.cell, cells), "version": name}
            for key in _OVERVIEW:
                criterion = judgement.get(key)
                compares = criterion is not None and result is not base_result
                values[key] = criterion.b if criterion else None
                values[f"{key}-ratio"] = criterion.ratio if criterion and compares else None
                values[f"{key}-word"] = word(criterion) if criterion and compares else ""
            rows.append(Row(values, emphasis=result is base_result))
    kinds: dict[CriterionName, tuple[str, Kind]] = {
        "throughput": ("Throughput", "rate"),
        "median": ("Median latency", "duration"),
        "file_size": ("File size", "bytes"),
    }
    columns = [Column("cell", "Configuration"), Column("version", first.axis.capitalize())]
    for key in _OVERVIEW:
        name, kind = kinds[key]
        columns += [
            Column(key, name, kind),
            Column(f"{key}-ratio", "Ratio", "ratio", help=f"Over {first.base}."),
            Column(f"{key}-word", "Verdict"),
        ]
    title = f"All {first.axis}s against {first.base}"
    return Table(f"overview-{first.id}", title, columns, rows)


# ---------------------------------------------------------------------------- findings


def findings(run: Run, comparison: Comparison) -> list[Finding]:
    """Return the findings on throughput: one for each pair or, of many pairs, for each verdict."""
    judged_pairs = [(pair, judged(run, *pair).throughput) for pair in comparison.pairs]
    # As many decimals as the column of the table has.
    unit = column_units(verdict_table(run, comparison))["ratio"]
    if len(judged_pairs) <= _MOST_SENTENCES:
        return [
            _pair_finding(comparison, pair, criterion, unit) for pair, criterion in judged_pairs
        ]
    cells = [base.cell for base, _ in comparison.pairs]
    by_verdict = []
    for verdict, members in groupby(
        sorted(judged_pairs, key=lambda item: item[1].verdict), key=lambda item: item[1].verdict
    ):
        same_verdict = list(members)
        low, high = (
            pick(criterion.ratio.point for _, criterion in same_verdict) for pick in (min, max)
        )
        by_verdict.append(
            Finding(
                f"versions.{verdict}",
                _SEVERITY[verdict],
                f"{comparison.subject}: {comparison.other} has {show(low, 'ratio', unit)} to "
                f"{show(high, 'ratio', unit)} the throughput of {comparison.base} in "
                f"{len(same_verdict)} of {count(len(judged_pairs), 'configuration')}: "
                f"{word(same_verdict[0][1])}.",
                evidence=[
                    Link(label(pair[0].cell, cells), verdict_anchor(comparison, pair))
                    for pair, _ in same_verdict[:5]
                ],
                topic="verdict",
            )
        )
    return by_verdict


def _pair_finding(comparison: Comparison, pair: Pair, criterion: Criterion, unit: Unit) -> Finding:
    cells = [base.cell for base, _ in comparison.pairs]
    turns_note = "" if in_turn(*pair) else ", not measured side by side"
    return Finding(
        f"versions.{criterion.verdict}",
        _SEVERITY[criterion.verdict],
        f"{comparison.subject}, {label(pair[0].cell, cells)}: {comparison.other} has "
        f"{show(criterion.ratio.point, 'ratio', unit)} the throughput of {comparison.base} "
        f"({interval(criterion.ratio, 'ratio')}{turns_note}): {word(criterion)} "
        f"(noise {_within(criterion.noise)}).",
        evidence=[Link("verdicts", verdict_anchor(comparison, pair))],
        topic="verdict",
    )


def summary(run: Run, comparison: Comparison) -> str:
    """Return a comparison in a few words: ``mobilenet: int8 against parent: faster in 2 of 3``."""
    verdicts = tally([judged(run, *pair).throughput for pair in comparison.pairs])
    return f"{comparison.heading}: {verdicts}"


def tally(criteria: Sequence[Criterion]) -> str:
    """Say how often each verdict was given: ``faster in 2 of 3, not enough data in 1 of 3``."""
    counts = Counter(map(word, criteria)).most_common()
    if len(criteria) == 1:
        return counts[0][0]
    return ", ".join(f"{text} in {number} of {len(criteria)}" for text, number in counts)
