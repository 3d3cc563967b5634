"""Check the limits of a run: each rule for each cell, judged by intervals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from ovreport.computed.certainty import certainty
from ovreport.computed.criteria import OF_INFERENCE, Criterion, Name, figure_of
from ovreport.computed.matching import matched
from ovreport.computed.pairs import Comparison, Pair, comparisons, judged
from ovreport.gate.rules import GateRule
from ovreport.run import CellResult, Run
from ovreport.stats.estimate import Estimate
from ovreport.stats.uncertainty import CONFIDENCE
from ovreport.text.labels import label
from ovreport.text.numbers import show, signed

Status: TypeAlias = Literal["passed", "broken", "inconclusive"]

_UNKNOWN: dict[Name, str] = {
    "compile": "no launch compiled the model: each loaded it from the device's cache",
    "cached_compile": "no launch loaded the model from the device's cache",
    "memory": "the system does not tell the memory of a process",
}


@dataclass(frozen=True, slots=True)
class RuleOutcome:
    """What became of one rule at one cell; ``text`` is a sentence with the figures."""

    rule: str
    model: str
    cell: str
    status: Status
    text: str


@dataclass(frozen=True, slots=True)
class GateResult:
    """All outcomes, and what a reader should know of the rules themselves."""

    outcomes: tuple[RuleOutcome, ...] = ()
    warnings: tuple[str, ...] = field(default=())

    def count(self, status: Status) -> int:
        """Count the outcomes with a status."""
        return sum(outcome.status == status for outcome in self.outcomes)

    def fails(self, *, inconclusive: bool) -> bool:
        """Whether a limit is broken; ``inconclusive`` counts what cannot be told as broken."""
        return bool(self.count("broken") or (inconclusive and self.count("inconclusive")))


def check(run: Run, rules: Sequence[GateRule]) -> GateResult:
    """Holds a run against rules.

    Relative rules go over all pairs of the comparisons. Absolute ones go over the candidates of
    runs that were put together, and over every cell otherwise. A limit is broken, or kept, only
    where the whole interval lies beyond it, or within; anything else is inconclusive. What is seen
    once a launch has the range of its launches for an interval, and of one launch none: nothing is
    told by a single value. A relative limit inside the noise of its criterion is moved to the
    noise, since no difference below it can be told; one that demands a change is not.

    Of many limits some would break by chance. So one that tolerates a change is broken only where
    no change at all is excluded for all of them together, too: at the confidence that makes the
    rate of false alarms of the whole gate 5 % (Bonferroni's inequality).
    """
    lost = list(_without_result(run)) if rules else []
    outcomes = list(lost)
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
        if len(outcomes) == before and not lost:
            outcomes.append(_nowhere(run, rule))
    return GateResult(tuple(outcomes), tuple(warnings))


def _covers(run: Run, rule: GateRule, result: CellResult) -> bool:
    """A cell of a comparison also goes by the name that it has in its own run."""
    cell = result.cell
    return rule.covers(cell, run.header.renamed.get(cell.id, cell))


def _nowhere(run: Run, rule: GateRule) -> RuleOutcome:
    """A rule without any result must not look as if it were kept."""
    what = "compared" if rule.relative else "measured"
    text = f"nothing was {what} that this limit holds for"
    models = ", ".join(dict.fromkeys(model for model, _ in run.versions))
    return RuleOutcome(rule.text, models, "no cell", "inconclusive", text)


def _candidates(run: Run) -> Sequence[CellResult]:
    if not run.header.paired:
        return run.done
    chosen = {candidate for _, candidate in run.header.paired}
    return [result for result in run.done if result.cell.id in chosen]


def _without_result(run: Run) -> Iterator[RuleOutcome]:
    """Candidates that failed where their base did not: no rule can pass there."""
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
    words = rule.criterion.replace("_", " ")
    if value is None:
        text = _UNKNOWN.get(rule.criterion, f"too few requests to tell {words}")
        return RuleOutcome(rule.text, f"{cell.model} ({cell.version})", name, "inconclusive", text)
    status = _status(value, rule.sign, rule.limit)
    text = f"{words} is {show(value, rule.kind)}{_between(value, rule)}, "
    text += _against(status, rule, f"the limit of {rule.value_text}")
    return RuleOutcome(rule.text, f"{cell.model} ({cell.version})", name, status, text)


def _relative(
    run: Run,
    comparison: Comparison,
    pair: Pair,
    rule: GateRule,
    limits: int,
) -> tuple[RuleOutcome, list[str]]:
    """Args: limits: of the whole gate that are relative."""
    name = label(pair[0].cell, [a.cell for a, _ in comparison.pairs])
    criterion = judged(run, *pair).get(rule.criterion)
    if criterion is None:
        words = rule.criterion.replace("_", " ")
        text = f"no figure for {words} on both sides"
        return RuleOutcome(rule.text, comparison.heading, name, "inconclusive", text), []
    limit = _beyond_noise(rule, criterion)
    warnings, words = [], f"the limit of {rule.value_text}"
    if limit != rule.limit:
        within = f"the noise of ±{criterion.noise:.1%}"
        warnings = [f"{rule.text}: smaller than {within}, which is taken as the limit"]
        words = f"{within}, which is taken instead of {rule.value_text}"
    status, against = _status(criterion.ratio, rule.sign, 1 + limit), ""
    if status == "broken" and may_be_chance(criterion.ratio, rule.sign, 1 + limit, limits):
        status = "inconclusive"
        against = f"beyond {words}, and one of {limits} limits may be so by chance: measure longer"
    text = (
        f"{criterion.label} changes by {signed(criterion.ratio.point - 1)}"
        f"{_spread(criterion.ratio)}, {against or _against(status, rule, words)}"
    )
    # Layers explain a change of what an inference takes, not of what a start takes.
    if status == "broken" and rule.criterion in OF_INFERENCE:
        text += _cause(run, comparison, pair, slower=criterion.verdict == "slower")
    return RuleOutcome(rule.text, comparison.heading, name, status, text), warnings


def _beyond_noise(rule: GateRule, criterion: Criterion) -> float:
    """The limit to judge by: the rule's own, or the noise where that is larger.

    Only what tolerates a change can tolerate noise as well: a rule that demands one, as
    ``throughput<5%`` does, would be kept by a loss.
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
    """Whether two equal versions would break one of so many limits as far as this, now and then.

    A limit that demands a change is meant to be broken by equal versions.
    """
    demands = limit > 1 if sign == "<" else limit < 1
    sure = ratio.at(1 - (1 - CONFIDENCE) / limits)
    return not demands and bool(ratio.freedom) and sure.low <= 1 <= sure.high


# ---------------------------------------------------------------------------- words


def _against(status: Status, rule: GateRule, limit: str) -> str:
    """Args: limit: in words, that was judged by."""
    more = "measure longer" if rule.criterion in OF_INFERENCE else "measure more launches"
    return {
        "broken": f"beyond {limit}",
        "passed": f"within {limit}",
        "inconclusive": f"too uncertain for {limit}: {more}",
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
    """The layer that changed most in the direction of the whole, of those beyond the noise."""
    groups = matched(run, *pair)
    sure = certainty(run, comparison, pair, groups)
    changed = [g for g in groups if (g.change_s > 0) == slower and sure.beyond_noise(g)]
    if not changed:
        return ""
    largest = max(changed, key=lambda group: abs(group.change_s))
    return (
        f"; the layer that changes most is {largest.main.label} "
        f"({largest.main.type}): {show(largest.a_s, 'duration')} → "
        f"{show(largest.b_s, 'duration')}"
    )
