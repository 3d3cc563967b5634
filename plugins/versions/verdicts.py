"""Criterion by criterion: figures of both, their ratio, and what it says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import groupby

from ovreport.computed.criteria import Criterion, Name, word
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
# With more configurations than this, one sentence for each verdict says it better than one each.
_EACH = 3


def verdict_table(run: Run, comparison: Comparison) -> Table:
    """All criteria of all pairs; what does not depend on the configuration once, in the end."""
    cells = [a.cell for a, _ in comparison.pairs]
    rows: list[Row] = []
    of_model: list[Row] = []
    for pair in comparison.pairs:
        found = judged(run, *pair).shown
        name = label(pair[0].cell, cells)
        own = [criterion for criterion in found if criterion.name != "file_size"]
        rows += [
            _row(criterion, name, "" if place else anchor(comparison, pair))
            for place, criterion in enumerate(own)
        ]
        every = "all" if len(cells) > 1 else name
        of_model = [_row(criterion, every) for criterion in found if criterion not in own]
    columns = [
        # On a phone's screen there is room for three.
        Column("what", "Criterion"),
        Column("ratio", "Ratio", "ratio", help=f"{comparison.other} over {comparison.base}; of "
               "throughput and median latency, where both took turns, the median of the ratios of "
               "neighbouring slices, which drift does not move: not the quotient of both figures."),
        Column("verdict", "Verdict"),
        Column("cell", "Configuration"),
        Column("base", comparison.base),
        Column("other", comparison.other),
        Column("noise", "Noise", help="Smaller differences do not matter."),
        Column("how", "Interval from", optional=True),
    ]  # fmt: skip
    note = _note(run, comparison)
    return Table(f"verdicts-{comparison.id}", "Verdicts", columns, [*rows, *of_model], note)


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
    """``±1.0 %``, as intervals are shown."""
    return interval(Estimate(1.0, 1.0 - noise, 1.0 + noise, CONFIDENCE, ""), "ratio")


def anchor(comparison: Comparison, pair: Pair) -> str:
    """Of the first row of a pair."""
    return f"verdict-{comparison.axis}-{pair[0].cell.id}-{pair[1].cell.id}"


def _shown(value: Estimate, criterion: Criterion) -> str:
    """With its unit: the rows of the table are of several kinds."""
    return show(value, criterion.kind)


def _method(ratio: Estimate) -> str:
    """Where the interval is from; its confidence where that is not the usual one."""
    if ratio.confidence in (0, CONFIDENCE, 1):
        return ratio.method
    return f"{ratio.method} ({ratio.confidence:.0%} confidence)"


def _note(run: Run, comparison: Comparison) -> str:
    results = [r for pair in comparison.pairs for r in pair]
    launches = min(len(r.launches) for r in results)
    note = (
        "Compile, first inference and memory are seen once a launch: their interval is the range "
        f"over {launches} of each, so more launches tell more."
    )
    if any(launch.from_cache for r in results for launch in r.launches):
        note += (
            " Some launches loaded the model from the device's cache, and others compiled it: only "
            "those that began alike are compared."
        )
    if any(control(run, pair) for pair in comparison.pairs):
        note += " The run holds the baseline twice; what the two differ by counts as noise."
    return note


# ---------------------------------------------------------------------------- several versions

_OVERVIEW: tuple[Name, ...] = ("throughput", "median", "file_size")


def overview(run: Run, compared: Sequence[Comparison]) -> Table:
    """More than two versions: each against the baseline, configuration by configuration."""
    first = compared[0]
    cells = [a.cell for a, _ in first.pairs]
    rows = []
    for base in dict.fromkeys(a.cell.id for c in compared for a, _ in c.pairs):
        pairs = [(c.other, pair) for c in compared for pair in c.pairs if pair[0].cell.id == base]
        a = pairs[0][1][0]
        for name, b in [(first.base, a), *((other, pair[1]) for other, pair in pairs)]:
            known = judged(run, a, b)
            values: dict[str, Value] = {"cell": label(a.cell, cells), "version": name}
            for key in _OVERVIEW:
                criterion = known.get(key)
                compares = criterion is not None and b is not a
                values[key] = criterion.b if criterion else None
                values[f"{key}-ratio"] = criterion.ratio if criterion and compares else None
                values[f"{key}-word"] = word(criterion) if criterion and compares else ""
            rows.append(Row(values, emphasis=b is a))
    kinds: dict[Name, tuple[str, Kind]] = {
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
    """What the throughput says, pair by pair or, of many pairs, verdict by verdict."""
    known = [(pair, judged(run, *pair).throughput) for pair in comparison.pairs]
    # As many decimals as the column of the table has.
    unit = column_units(verdict_table(run, comparison))["ratio"]
    if len(known) <= _EACH:
        return [_of_pair(comparison, pair, criterion, unit) for pair, criterion in known]
    cells = [a.cell for a, _ in comparison.pairs]
    found = []
    for verdict, several in groupby(
        sorted(known, key=lambda item: item[1].verdict), key=lambda item: item[1].verdict
    ):
        listed = list(several)
        low, high = (pick(c.ratio.point for _, c in listed) for pick in (min, max))
        found.append(
            Finding(
                f"versions.{verdict}",
                _SEVERITY[verdict],
                f"{comparison.subject}: {comparison.other} has {show(low, 'ratio', unit)} "
                f"to {show(high, 'ratio', unit)} the throughput of {comparison.base} in "
                f"{len(listed)} of {count(len(known), 'configuration')}: {word(listed[0][1])}.",
                evidence=[
                    Link(label(pair[0].cell, cells), anchor(comparison, pair))
                    for pair, _ in listed[:5]
                ],
                topic="verdict",
            )
        )
    return found


def _of_pair(comparison: Comparison, pair: Pair, criterion: Criterion, unit: Unit) -> Finding:
    a, b = pair
    cells = [base.cell for base, _ in comparison.pairs]
    apart = "" if in_turn(a, b) else ", not measured side by side"
    return Finding(
        f"versions.{criterion.verdict}",
        _SEVERITY[criterion.verdict],
        f"{comparison.subject}, {label(a.cell, cells)}: {comparison.other} has "
        f"{show(criterion.ratio.point, 'ratio', unit)} the throughput of {comparison.base} "
        f"({interval(criterion.ratio, 'ratio')}{apart}): {word(criterion)} "
        f"(noise {_within(criterion.noise)}).",
        evidence=[Link("verdicts", anchor(comparison, pair))],
        topic="verdict",
    )


def summary(run: Run, comparison: Comparison) -> str:
    """One comparison in a few words: ``mobilenet: int8 against parent: faster in 2 of 3``."""
    said = tally([judged(run, *pair).throughput for pair in comparison.pairs])
    return f"{comparison.heading}: {said}"


def tally(found: Sequence[Criterion]) -> str:
    """How often each verdict was given: ``faster in 2 of 3, not enough data in 1 of 3``."""
    words = Counter(map(word, found)).most_common()
    if len(found) == 1:
        return words[0][0]
    return ", ".join(f"{text} in {number} of {len(found)}" for text, number in words)
