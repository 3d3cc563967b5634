"""What the page adds to the sections: the findings that matter most, and words explained."""

import re

from demo import Demo, run_named, section
from hypothesis import given
from hypothesis import strategies as st

from ovreport.analysis import Analysis
from ovreport.rendering.glossary import Glossary
from ovreport.rendering.highlights import highlights
from ovreport.rendering.page import render
from ovreport.section import Crashed, Finding, Link, Section, Severity, Skipped
from ovreport_plugins.summary.analyzer import Summary


def finding(id: str, severity: Severity, gain: float | None = None) -> Finding:
    return Finding(id, severity, f"<{id}>", gain=gain)


def ids(*sections: list[Finding]) -> list[str]:
    analyses = []
    for number, found in enumerate(sections):
        kind = type("Some", (Demo,), {"id": f"s{number}", "title": f"S{number}"})
        analyses.append(Analysis(kind(), Section([], found)))
    return [item.finding.id for item in highlights(analyses)]


def test_problems_come_first_and_large_gains_before_small_ones() -> None:
    assert ids(
        [finding("note", "info"), finding("good", "good")],
        [finding("small", "warning"), finding("large", "info", 0.5)],
        [finding("bad", "problem")],
    ) == ["bad", "large", "small", "note", "good"]


def test_one_section_does_not_crowd_out_the_others() -> None:
    many = [finding(f"w{n}", "warning", n / 100) for n in range(9)]
    assert ids(many, [finding("note", "info")]) == ["w8", "w7", "note"]


def test_sections_without_an_outcome_have_no_highlights() -> None:
    assert highlights([Analysis(Demo(), Skipped("")), Analysis(Demo(), Crashed("", ""))]) == []


def test_the_first_screen_leads_to_the_section_that_found_it() -> None:
    found = Finding("x", "problem", "Too <slow>.", evidence=[Link("the row", "demo")])
    page = render(
        run_named("net"),
        [
            Analysis(Summary(), Section([section("net").groups[0]], [], "The answer.")),
            Analysis(Demo(), Section([], [found])),
        ],
    )
    summary = page[page.index('<section id="summary"') : page.index('<section id="demo"')]
    assert "Too &lt;slow&gt;." in summary
    assert '<a href="#demo">Demo</a>: <a href="#demo">the row</a>' in summary


# ---------------------------------------------------------------------------- glossary


def test_the_first_of_a_term_is_linked_in_each_section() -> None:
    glossary = Glossary()
    first = glossary.linked("Latency, and p95 latency of 2 streams & more")
    assert first == (
        '<a class="term" href="#term-latency">Latency</a>, and '
        '<a class="term" href="#term-percentile">p95</a> latency of 2 '
        '<a class="term" href="#term-stream">streams</a> &amp; more'
    )
    assert glossary.linked("latency") == "latency"
    glossary.new_section()
    assert "term-latency" in glossary.linked("latency")
    assert [term for _, term, _ in glossary.used()] == ["latency", "percentile", "stream"]


@given(st.text())
def test_linking_changes_no_word_and_lets_no_markup_through(text: str) -> None:
    linked = Glossary().linked(text)
    assert linked.unescape().count("<a class") >= linked.count("<a ")
    plain = re.sub(r'<a class="term" href="#term-[a-z-]+">|</a>', "", str(linked))
    assert "<" not in plain
    assert type(linked)(plain).unescape() == type(linked)(linked.__class__.escape(text)).unescape()
