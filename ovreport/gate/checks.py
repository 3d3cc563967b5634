"""Check the limits of a run: each rule for each cell, judged by intervals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from ovreport.computed.certainty import certainty
from ovreport.computed.criteria import OF_INFERENCE, Criterion, CriterionName, figure_of
from ovreport.computed.matching import matched
from ovreport.computed.pairs import Comparison, Pair, comparisons, judged
from ovreport.gate.rules import GateRule
from ovreport.run import CellResult, Run
from ovreport.stats.estimate import Estimate
from ovreport.stats.uncertainty import CONFIDENCE
from ovreport.text.labels import label
from ovreport.text.numbers import show, signed

Status: TypeAlias = Literal["passed", "broken", "inconclusive"]

_UNKNOWN: dict[CriterionName, str] = {
    "compile": "no launch compiled the model: each loaded it from the device's cache",
    "cached_compile": "no launch loaded the model from the device's cache",
    "memory": "the system does not report the memory of a process",
}


@dataclass(frozen=True, slots=True)
class RuleOutcome:
    """The outcome of one rule at one cell; ``text`` is a sentence with the figures."""

    rule: str
    model: str
    cell: str
    status: Status
    text: str


@dataclass(frozen=True, slots=True)
class GateResult:
    """All outcomes, and warnings about the rules."""

    outcomes: tuple[RuleOutcome, ...] = ()
    warnings: tuple[str, ...] = field(default=())

    def count(self, status: Status) -> int:
        """Count the outcomes with a status."""
        return sum(outcome.status == status for outcome in self.outcomes)

    def fails(self, *, inconclusive: bool) -> bool:
        """Return whether a limit is broken; ``inconclusive`` counts inconclusive ones as broken."""
        return bool(self.count("broken") or (inconclusive and self.count("inconclusive")))


def check(run: Run, rules: Sequence[GateRule]) -> GateResult:
    """Check a run against rules.

    Relative rules apply to all pairs of the comparisons. Absolute ones apply to the candidates of
    combined runs, and to every cell otherwise. A limit is broken (or kept) only if the whole
    interval lies beyond (or within) it; otherwise it is inconclusive. A figure that is measured
    once a launch has the range of its launches for an interval. With one launch it has none, and
    the limit is inconclusive. A relative limit within the noise of its criterion is moved to the
    noise, because smaller differences cannot be detected; a limit that demands a change is not.

    Of many limits, some would break by chance. A limit that tolerates a change is therefore broken
    only if its interval also excludes "no change" at a higher confidence: the one that keeps the
    rate of false alarms of the whole gate at 5 % (Bonferroni's inequality).
    """
    missing = list(_without_result(run)) if rules else []
    outcomes = list(missing)
    warnings: dict[str, None] = {}
    pairs = [(comparison, pair) for comparison in comparisons(run) for pair in comparison.pairs]
    limits = sum(_covers(run, r, pair[1]) for r in rules if r.relative for _, pair in pairs)
    for rule in rules:
        before = len(outcomes)
        if not rule.relative:
            covered = (result for result in _candidates(run) if _covers(run, rule, result))
            outcomes += [_absolute(run, rule, result) for result in covered]
        for comparison, pair in pairs if rule.relative else ():
            if _covers(run, rule, pair[1]):
                outcome, warning = _relative(run, comparison, pair, rule, limits)
                outcomes.append(outcome)
                warnings.update(dict.fromkeys(warning))
        if len(outcomes) == before and not missing:
            outcomes.append(_covers_no_cell(run, rule))
    return GateResult(tuple(outcomes), tuple(warnings))


def _covers(run: Run, rule: GateRule, result: CellResult) -> bool:
    """Return whether a rule covers a cell, by its name here or its name in its own run."""
    cell = result.cell
    return rule.covers(cell, run.header.renamed.get(cell.id, cell))


def _covers_no_cell(run: Run, rule: GateRule) -> RuleOutcome:
    """Return an inconclusive outcome, so that a rule that covers no cell does not look kept."""
    what = "compared" if rule.relative else "measured"
    text = f"this limit covers no cell that was {what}"
    models = ", ".join(dict.fromkeys(model for model, _ in run.versions))
    return RuleOutcome(rule.text, models, "no cell", "inconclusive", text)


def _candidates(run: Run) -> Sequence[CellResult]:
    if not run.header.paired:
        return run.done
    chosen = {candidate for _, candidate in run.header.paired}
    return [result for result in run.done if result.cell.id in chosen]


def _without_result(run: Run) -> Iterator[RuleOutcome]:
    """Yield an outcome for each candidate that failed although its base was measured."""
    done = {result.cell.id for result in run.done}
    failed = {result.cell.id: result for result in run.failed}
    for base, candidate in run.header.paired:
        result = failed.get(candidate)
        if base in done and result is not None and result.failure is not None:
            yield RuleOutcome(
                "has a result",
                result.cell.model,
                label(result.cell, run.header.plan),
                "broken",
                f"the base was measured, and {result.cell.version} failed: {result.failure.reason}",
            )


# ---------------------------------------------------------------------------- one rule, one cell


def _absolute(run: Run, rule: GateRule, result: CellResult) -> RuleOutcome:
    cell = result.cell
    name = label(cell, run.header.plan)
    value = figure_of(run, result, rule.criterion)
    criterion_name = rule.criterion.replace("_", " ")
    if value is None:
        text = _UNKNOWN.get(rule.criterion, f"too few requests for {criterion_name}")
        return RuleOutcome(rule.text, f"{cell.model} ({cell.version})", name, "inconclusive", text)
    status = _status(value, rule.sign, rule.limit)
    text = f"{criterion_name} is {show(value, rule.kind)}{_between(value, rule)}, "
    text += _position(status, rule, f"the limit of {rule.value_text}")
    return RuleOutcome(rule.text, f"{cell.model} ({cell.version})", name, status, text)


def _relative(
    run: Run,
    comparison: Comparison,
    pair: Pair,
    rule: GateRule,
    limits: int,
) -> tuple[RuleOutcome, list[str]]:
    """Check a relative rule for one pair.

    Args:
        limits: how many relative limits the whole gate checks.
    """
    name = label(pair[0].cell, [a.cell for a, _ in comparison.pairs])
    criterion = judged(run, *pair).get(rule.criterion)
    if criterion is None:
        criterion_name = rule.criterion.replace("_", " ")
        text = f"no figure for {criterion_name} on both sides"
        return RuleOutcome(rule.text, comparison.heading, name, "inconclusive", text), []
    limit = _beyond_noise(rule, criterion)
    warnings, limit_text = [], f"the limit of {rule.value_text}"
    if limit != rule.limit:
        within = f"the noise of ±{criterion.noise:.1%}"
        warnings = [f"{rule.text}: smaller than {within}, which is taken as the limit"]
        limit_text = f"{within}, which is taken instead of {rule.value_text}"
    status, comment = _status(criterion.ratio, rule.sign, 1 + limit), ""
    if status == "broken" and may_be_chance(criterion.ratio, rule.sign, 1 + limit, limits):
        status = "inconclusive"
        comment = f"beyond {limit_text}, but one of {limits} limits may be broken by chance"
        comment += ": measure longer"
    text = (
        f"{criterion.label} changes by {signed(criterion.ratio.point - 1)}"
        f"{_spread(criterion.ratio)}, {comment or _position(status, rule, limit_text)}"
    )
    # Layers explain a change of inference times, not of start-up times.
    if status == "broken" and rule.criterion in OF_INFERENCE:
        text += _cause(run, comparison, pair, slower=criterion.verdict == "slower")
    return RuleOutcome(rule.text, comparison.heading, name, status, text), warnings


def _beyond_noise(rule: GateRule, criterion: Criterion) -> float:
    """Return the limit to judge by: the rule's, or the noise if that is larger.

    A rule that demands a change, such as ``throughput<5%``, is not moved: a loss would keep it.
    """
    demands = rule.limit > 0 if rule.sign == "<" else rule.limit < 0
    if demands or abs(rule.limit) >= criterion.noise:
        return rule.limit
    return -criterion.noise if rule.sign == "<" else criterion.noise


def _status(value: Estimate, sign: str, limit: float) -> Status:
    if value.confidence == 0 and value.low == value.high:
        return "inconclusive"  # neither an interval nor a range
    beyond = value.high < limit if sign == "<" else value.low > limit
    within = value.low >= limit if sign == "<" else value.high <= limit
    return "broken" if beyond else "passed" if within else "inconclusive"


def may_be_chance(ratio: Estimate, sign: str, limit: float, limits: int) -> bool:
    """Return whether equal versions would sometimes break one of ``limits`` limits by this much.

    A limit that demands a change is meant to be broken by equal versions.
    """
    demands = limit > 1 if sign == "<" else limit < 1
    simultaneous = ratio.at(1 - (1 - CONFIDENCE) / limits)
    return not demands and bool(ratio.freedom) and simultaneous.low <= 1 <= simultaneous.high


# ---------------------------------------------------------------------------- words


def _position(status: Status, rule: GateRule, limit: str) -> str:
    """Return how the figure compares with the limit, which is given in words."""
    remedy = "measure longer" if rule.criterion in OF_INFERENCE else "measure more launches"
    return {
        "broken": f"beyond {limit}",
        "passed": f"within {limit}",
        "inconclusive": f"too uncertain for {limit}: {remedy}",
    }[status]


def _between(value: Estimate, rule: GateRule) -> str:
    if value.low == value.high:
        return ""
    return f" ({show(value.low, rule.kind)} to {show(value.high, rule.kind)})"


def _spread(ratio: Estimate) -> str:
    if ratio.low == ratio.high:
        return ""
    return f" ({signed(ratio.low - 1)} to {signed(ratio.high - 1)})"


def _cause(run: Run, comparison: Comparison, pair: Pair, *, slower: bool) -> str:
    """Name the layer with the largest change beyond the noise in the direction of the total."""
    groups = matched(run, *pair)
    layer_certainty = certainty(run, comparison, pair, groups)
    changed = [g for g in groups if (g.change_s > 0) == slower and layer_certainty.beyond_noise(g)]
    if not changed:
        return ""
    largest = max(changed, key=lambda group: abs(group.change_s))
    return (
        f"; the layer that changes most is {largest.main.label} "
        f"({largest.main.type}): {show(largest.a_s, 'duration')} → "
        f"{show(largest.b_s, 'duration')}"
    )
