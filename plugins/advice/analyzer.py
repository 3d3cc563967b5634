"""Advice from rules that read the measurements and advise nothing that these disprove."""

from __future__ import annotations

from collections.abc import Iterator

from ovreport.computed.point_names import point_name, version_name
from ovreport.plugin import Analyzer
from ovreport.run import Run
from ovreport.section import Column, Finding, Group, Row, Section, Table

from .case import AdviceRule, Case, Suggestion
from .rules import RULES


class Advice(Analyzer):
    """Say what could be faster, with figures of this run, a remedy and a check."""

    id = "advice"
    title = "Advice"
    reading = (
        "Each piece of advice gives figures of this run and the most it could gain. "
        "Unless it says otherwise, this is the gain if its layers took no time at all (Amdahl's "
        "law). Questions that led to no advice are listed below."
    )
    needs = frozenset({"full_rate"})
    order = 150

    def analyze(self, run: Run) -> Section:
        findings: list[Finding] = []
        rows: list[Row] = []
        for case in _cases(run):
            advised: dict[str, tuple[str, str]] = {}
            for rule in RULES:
                answer = _agreeing(_answer(rule, case), rule, advised)
                rows.append(_row(rule, case, answer))
                if isinstance(answer, Suggestion):
                    findings.append(_finding(rule, case, answer))
        columns = [
            Column("version", "Version"),
            Column("question", "Question"),
            Column("answer", "Answer"),
            Column("id", "Id", "code", help="Hide this advice by its id, under [report] suppress."),
        ]
        table = Table("advice-rules", "All questions", columns, rows, collapsed=True)
        return Section([Group("", [table])], findings)


def _cases(run: Run) -> Iterator[Case]:
    for model, version in run.versions:
        cells = run.of_version(model, version)
        if cells:
            latency = next((result for result in cells if result.cell.hint == "latency"), cells[0])
            yield Case(run, cells, run.focus(model, version) or latency)


def _answer(rule: AdviceRule, case: Case) -> Suggestion | str:
    if rule.needs_layers and not case.layers:
        return "no layer times"
    return rule.look(case)


def _agreeing(
    answer: Suggestion | str, rule: AdviceRule, advised: dict[str, tuple[str, str]]
) -> Suggestion | str:
    """Return the answer, but no suggestion that contradicts an earlier one for the version.

    Args:
        advised: the earlier suggestions: the value of each setting, and the id of the rule. This
            answer is added.
    """
    if isinstance(answer, str):
        return answer
    for setting, value in answer.towards.items():
        advised_value, id = advised.setdefault(setting, (value, _id(rule)))
        if advised_value != value:
            return f"{answer.text} Not advised, as {id} advises otherwise."
    return answer


def _row(rule: AdviceRule, case: Case, answer: Suggestion | str) -> Row:
    return Row(
        {
            "version": _subject(rule, case),
            "question": rule.question,
            "answer": answer if isinstance(answer, str) else answer.text,
            "id": _id(rule),
        },
        emphasis=isinstance(answer, Suggestion),
    )


def _finding(rule: AdviceRule, case: Case, suggestion: Suggestion) -> Finding:
    return Finding(
        _id(rule),
        suggestion.severity,
        f"{_subject(rule, case)}: {suggestion.text}",
        suggestion.remedy,
        suggestion.evidence,
        suggestion.gain,
        suggestion.check,
    )


def _subject(rule: AdviceRule, case: Case) -> str:
    """Return the name of what the rule examines: the layers of one cell, or a whole version."""
    return (
        point_name(case.run, case.result)
        if rule.needs_layers
        else version_name(case.run, case.result)
    )


def _id(rule: AdviceRule) -> str:
    return f"advice.{rule.id}"
