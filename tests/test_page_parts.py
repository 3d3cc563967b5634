"""Parts that the page adds to sections: the most important findings and the glossary."""

import re

from builders import Demo, run_named, section
from hypothesis import given
from hypothesis import strategies as st

from ovreport.analysis import Analysis, analyze, choose, installed
from ovreport.rendering.glossary import Glossary
from ovreport.rendering.highlights import SHOWN, Highlight, highlights
from ovreport.rendering.page import render
from ovreport.section import (
    Column,
    Crashed,
    Finding,
    Group,
    KeyFigure,
    KeyFigures,
    Section,
    Severity,
    Skipped,
    Table,
    Topic,
)
from ovreport.stats.estimate import Estimate
from ovreport.text.values import Link
from ovreport_plugins.summary.analyzer import Summary


def finding(
    id: str, severity: Severity, gain: float | None = None, topic: Topic | None = None
) -> Finding:
    return Finding(id, severity, f"<{id}>", gain=gain, topic=topic)


def verdict(id: str, severity: Severity) -> Finding:
    return finding(id, severity, topic="verdict")


def disturbance(id: str, severity: Severity) -> Finding:
    return finding(id, severity, topic="disturbance")


def ids(*sections: list[Finding]) -> list[str]:
    return [item.finding.id for item in shown(*sections)]


def shown(*sections: list[Finding]) -> list[Highlight]:
    analyses = []
    for number, found in enumerate(sections):
        kind = type("Some", (Demo,), {"id": f"s{number}", "title": f"S{number}"})
        analyses.append(Analysis(kind(), Section([], found)))
    return highlights(analyses)


def test_what_the_figures_count_comes_before_all_else() -> None:
    unit = finding("samples", "warning", topic="unit")
    assert ids([finding("bad", "problem"), unit], [disturbance("busy", "warning")])[0] == "samples"


def test_problems_come_first_and_large_gains_before_small_ones() -> None:
    assert ids(
        [finding("note", "info"), finding("good", "good")],
        [finding("small", "warning"), finding("large", "info", 0.5)],
        [finding("bad", "problem")],
    ) == ["bad", "large", "small", "note", "good"]


def test_one_section_does_not_displace_the_others() -> None:
    many = [finding(f"w{n}", "warning", n / 100) for n in range(9)]
    assert ids(many, [finding("note", "info")]) == ["w8", "w7", "note"]


def test_a_finding_of_several_versions_is_shown_once() -> None:
    (first,) = shown([finding("advice", "info", 0.2), finding("advice", "info", 0.5)])
    assert first.finding.gain == 0.5
    assert [(section.id, number) for section, number in first.more] == [("s0", 1)]


def test_the_first_verdict_of_each_section_always_has_a_place() -> None:
    costly = [[finding(f"{n}{m}", "warning", 0.5) for m in range(2)] for n in range(4)]
    versions = [verdict("faster", "good"), finding("layer", "warning")]
    outputs = [finding("layers", "info"), verdict("same", "good")]
    assert ids(*costly, versions, outputs)[:3] == ["faster", "same", "00"]
    drift = [verdict("drift", "problem"), verdict("same", "good")]
    assert ids(*costly, versions, drift)[:2] == ["drift", "faster"]


def test_verdicts_of_many_sections_do_not_make_the_first_screen_longer() -> None:
    assert len(ids(*[[verdict("best", "good")] for _ in range(20)])) == SHOWN


def test_disturbances_of_a_busy_machine_are_one_finding_before_the_others() -> None:
    found = shown(
        [disturbance("uncertain", "warning")],
        [disturbance("disturbed", "warning"), disturbance("outliers", "info")],
        [finding("bad", "problem"), disturbance("load", "warning")],
    )
    assert [item.finding.id for item in found] == ["uncertain", "bad"]
    assert [(section.id, number) for section, number in found[0].more] == [("s1", 2), ("s2", 1)]
    assert ids([disturbance("outliers", "info"), finding("w", "warning")])[0] == "w"


def test_the_most_severe_disturbance_represents_the_others() -> None:
    found = [[disturbance("note", "info")], [disturbance("load", "warning")]]
    assert ids(*found) == ["load"]


def test_sections_without_an_outcome_have_no_highlights() -> None:
    assert highlights([Analysis(Demo(), Skipped("")), Analysis(Demo(), Crashed("", ""))]) == []


def test_the_first_screen_links_findings_to_their_section() -> None:
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


def test_findings_that_one_represents_are_linked() -> None:
    matching = [finding("x", "warning", 0.1), finding("x", "warning", 0.3)]
    page = render(
        run_named("net"),
        [
            Analysis(Summary(), Section([section("net").groups[0]], [], "The answer.")),
            Analysis(Demo(), Section([], matching)),
        ],
    )
    assert '<a href="#demo">Demo</a>; 1 similar finding in <a href="#demo">Demo</a>' in page


# ---------------------------------------------------------------------------- nothing to show


def test_skipped_sections_with_the_same_reason_are_joined() -> None:
    """A run in which every cell failed."""
    run = run_named("net")
    page = render(run, analyze(run, choose(installed(), None, {}, "test")))
    assert page.count("No cell was measured.") == 1
    assert page.count('class="skipped"') == 1
    assert page.count(">Left out</a>") == 2  # in the navigation and as a heading
    assert '<span id="advice">Advice</span>' in page


def test_a_table_without_rows_is_not_shown() -> None:
    columns = [Column("a", "Heading of nothing")]
    tables = [
        Table(f"t{folded}", "Nothing", columns, [], collapsed=folded) for folded in (False, True)
    ]
    page = render(run_named("net"), [Analysis(Demo(), Section([Group("", tables)]))])
    assert "Heading of nothing" not in page
    assert "(0 rows)" not in page


def test_a_tile_shows_the_ends_of_an_interval_once() -> None:
    """The ends, shown instead of a percentage that is too wide, appeared twice."""
    estimate = Estimate(0.158, 0.15, 0.17, 0.95, "slices")
    vague = Estimate(0.158, 0.128, 0.332, 0.95, "slices")
    tiles = [KeyFigure("known", estimate, "duration"), KeyFigure("vague", vague, "duration")]
    blocks = Section([Group("", [KeyFigures("tiles", tiles)])])
    page = re.sub(r"<[^>]*>", "", render(run_named("net"), [Analysis(Demo(), blocks)]))
    assert page.count("150 to 170") == 1
    assert page.count("128 to 332") == 1


# ---------------------------------------------------------------------------- glossary


def test_the_first_occurrence_of_a_term_is_linked_in_each_section() -> None:
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


def test_a_term_inside_a_name_is_not_linked() -> None:
    glossary = Glossary(["my int8 model", "net", "int8"])
    text = "my int8 model, all/int8/x.onnx and v.int8.onnx are INT8; int8.example"
    assert re.findall(r">(int8)<", str(glossary.linked(text)), re.IGNORECASE) == ["INT8"]
    glossary.new_section()
    assert ">int8<" in glossary.linked("net (int8) is faster"), "a version called so is the term"


@given(st.text())
def test_linking_changes_no_text_and_escapes_markup(text: str) -> None:
    linked = Glossary().linked(text)
    assert linked.unescape().count("<a class") >= linked.count("<a ")
    plain = re.sub(r'<a class="term" href="#term-[a-z-]+">|</a>', "", str(linked))
    assert "<" not in plain
    assert type(linked)(plain).unescape() == type(linked)(linked.__class__.escape(text)).unescape()
