"""Tests that no sentence of a page contradicts another, over all recorded runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from builders import section_of
from pages import findings

from ovreport.computed.quantisation import quantisation
from ovreport.run import Run
from ovreport.runfile import read_run
from ovreport.section import Table
from ovreport_plugins.advice.analyzer import Advice, _agreeing
from ovreport_plugins.advice.case import AdviceRule, Case, Suggestion
from ovreport_plugins.advice.rules import RULES

RECORDED = sorted((Path(__file__).parent / "data").glob("*.jsonl"))


@pytest.fixture(scope="module", params=RECORDED, ids=lambda path: path.stem)
def run(request: pytest.FixtureRequest) -> Run:
    return read_run(request.param)


def cases(run: Run) -> list[Case]:
    """Return a case for each version, as the section makes them."""
    collected = []
    for model, version in run.versions:
        result = run.focus(model, version)
        assert result is not None
        collected.append(Case(run, run.of_version(model, version), result))
    return collected


def advice(case: Case) -> dict[str, Suggestion]:
    answers = {rule.id: rule.look(case) for rule in RULES}
    return {id: answer for id, answer in answers.items() if isinstance(answer, Suggestion)}


def test_no_two_pieces_of_advice_pull_in_opposite_directions(run: Run) -> None:
    for case in cases(run):
        aims = {(knob, to) for found in advice(case).values() for knob, to in found.towards.items()}
        assert len({knob for knob, _ in aims}) == len(aims)


def test_no_layer_is_counted_for_two_remedies(run: Run) -> None:
    for case in cases(run):
        seen: dict[str, str] = {}
        for id, found in advice(case).items():
            for link in found.evidence:
                assert seen.setdefault(link.anchor, id) == id, f"{link.text}: {seen}"


def test_no_gain_exceeds_the_time_that_there_is(run: Run) -> None:
    for case in cases(run):
        gains = [found.gain for found in advice(case).values() if found.gain is not None]
        assert all(0 < gain <= 1 for gain in gains)


def test_a_version_is_quantised_or_not_on_the_whole_page(run: Run) -> None:
    (table,) = section_of(Advice(), run).groups[0].blocks
    assert isinstance(table, Table)
    for case in cases(run):
        name = f"{case.result.cell.model} ({case.result.cell.version})"
        texts_found = [f.text for f in findings(run) if name in f.text]
        texts_found += [str(r.values["answer"]) for r in table.rows if r.values["version"] == name]
        whole = " ".join(texts_found)
        quantised = quantisation(run, case.result).scheme is not None
        assert ("this version is not quantised" in whole) != quantised
        assert not quantised or "no layer runs in INT8" not in whole


def test_advice_that_an_earlier_piece_contradicts_is_left_out() -> None:
    def piece(value: str) -> Suggestion:
        return Suggestion("info", "So it is.", "Do it.", "Look.", towards={"int8": value})

    first, second, third = (AdviceRule(name, "?", lambda _: "") for name in ("a", "b", "c"))
    advised: dict[str, tuple[str, str]] = {}
    assert isinstance(_agreeing(piece("more"), first, advised), Suggestion)
    assert isinstance(_agreeing(piece("more"), second, advised), Suggestion)
    left_out = _agreeing(piece("less"), third, advised)
    assert left_out == "So it is. Not advised, as advice.a advises otherwise."


def test_int8_that_is_slower_is_not_advised_to_be_extended() -> None:
    run = read_run(next(path for path in RECORDED if path.stem == "bottlenecks"))
    slow = []
    for result in run.results:
        factor = 1 if result.cell.version == "parent" else 10
        launches = tuple(
            launch.model_copy(
                update={
                    "slices": 5
                    * tuple(
                        s.model_copy(update={"latencies_ns": s.latencies_ns * factor})
                        for s in launch.slices
                    )
                }
            )
            for launch in result.launches
        )
        slow.append(result.model_copy(update={"launches": launches}))
    there = replace(run, results=tuple(slow))
    case = next(c for c in cases(there) if c.result.cell.version == "int8")
    found = advice(case)
    assert found["int8-slower"].towards == {"int8": "less"}
    assert "float-in-int8" not in found
