"""Limits: their grammar, their check by intervals, and the files for CI servers."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import get_args

import pytest
import xmlschema
from builders import SLOWER, configured, twice_as_expensive
from conftest import ovreport
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from ovreport.combining.compare import Side, compare
from ovreport.computed.criteria import KINDS, CriterionName
from ovreport.errors import UserError
from ovreport.export.junit import junit
from ovreport.export.markdown import markdown
from ovreport.gate import rules
from ovreport.gate.checks import GateResult, RuleOutcome, check, may_be_chance
from ovreport.gate.rules import parse
from ovreport.run import Cell, CellResult, Failure, Run
from ovreport.run.samples import Budget
from ovreport.runfile import lines_of, read_run
from ovreport.runfile.reading import parsed
from ovreport.stats.estimate import Estimate
from ovreport.text.markdown import literal
from ovreport.text.terminal import printable

DATA = Path(__file__).with_name("data")
CI_DOCS = Path(__file__).parents[1] / "docs" / "ci.md"
JUNIT = xmlschema.XMLSchema(str(DATA / "junit.xsd"))


@pytest.fixture(scope="module")
def doubled() -> Run:
    return twice_as_expensive(read_run(DATA / "versions.jsonl"))


def check_limits(run: Run, *rules: str) -> GateResult:
    return check(run, [parse(rule, "--fail-on") for rule in rules])


# ---------------------------------------------------------------------------- grammar


@pytest.mark.parametrize(
    ("text", "criterion", "sign", "limit", "relative"),
    [
        ("throughput<-5%", "throughput", "<", -0.05, True),
        (" p95 > 10 ms ", "p95", ">", 0.010, False),
        ("median>+2.5%", "median", ">", 0.025, True),
        ("first_inference>250us", "first_inference", ">", 0.00025, False),
        ("compile>1.5s", "compile", ">", 1.5, False),
        ("memory>200MiB", "memory", ">", 200 * 2**20, False),
        ("size>0%", "file_size", ">", 0.0, True),
        ("throughput<100fps", "throughput", "<", 100.0, False),
        ("mean>1s", "mean", ">", 1.0, False),
        ("p90>-3% where hint=latency", "p90", ">", -0.03, True),
    ],
)
def test_a_rule_is_parsed_as_written(
    text: str, criterion: str, sign: str, limit: float, relative: bool
) -> None:
    rule = parse(text, "--fail-on")
    assert (rule.criterion, rule.sign, rule.relative) == (criterion, sign, relative)
    assert rule.limit == pytest.approx(limit)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not a limit"),
        ("throughput", "not a limit"),
        ("throughput=5%", "not a limit"),
        ("thruput<-5%", "Did you mean throughput?"),
        ("p95>10", "the limit has no unit"),
        ("p95>10fps", "'fps' does not fit"),
        ("p95>+5ms", "'+5' has a sign"),
        ("p95>fast", "'fast' is not a limit"),
        ("p95>>10ms", "'>10ms' is not a limit"),
        ("throughput<-5 percent", "'percent' does not fit"),
        ("p95>10ms where", "'' does not narrow a limit"),
        ("p95>10ms where hint", "'hint' does not narrow a limit"),
        ("p95>10ms where hint=latency and", "'hint=latency and' does not narrow a limit"),
        ("p95>10ms where hint=latency or device=CPU", "does not narrow a limit"),
        ("p95>10ms where hnt=latency", "Did you mean hint?"),
        ("p95>10ms where color=red", "Known: model, version,"),
        ("p95>10 where hint=latency", "the limit has no unit"),
    ],
)
def test_a_wrong_rule_is_refused_with_its_wrong_part(text: str, message: str) -> None:
    with pytest.raises(UserError) as error:
        parse(text, "--fail-on")
    assert message in str(error.value)
    assert repr(text) in str(error.value)


def test_a_rule_is_narrowed_by_fields_and_values_of_cells() -> None:
    text = 'p95 > 10ms  where hint=latency and model="my model"  and device = MULTI:CPU,GPU'
    rule = parse(text, "--fail-on")
    assert rule.value_text == "10ms"
    assert rule.scope == (("hint", "latency"), ("model", "my model"), ("device", "MULTI:CPU,GPU"))
    cell = Cell(model="my model", device="MULTI:CPU,GPU", hint="latency")
    assert rule.covers(cell)
    assert not rule.covers(cell.model_copy(update={"hint": "throughput"}))
    assert parse("p95>1s where batch=auto and streams=2", "").covers(Cell(model="m", streams=2))


@given(st.text(max_size=30) | st.from_regex(r"p95>1ms where [a-z=\" ]*", fullmatch=True))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        rule = parse(text, "here")
    except UserError:
        return
    assert rule.sign in text


# ---------------------------------------------------------------------------- outcomes


def test_a_limit_broken_beyond_the_interval_names_the_layer(doubled: Run) -> None:
    gate = check_limits(doubled, "throughput<-5%", "median>+5%")
    assert [o.status for o in gate.outcomes] == ["broken", "broken"]
    assert all(
        SLOWER in o.text and "0.400\u202fms → 0.800\u202fms" in o.text for o in gate.outcomes
    )
    assert gate.fails(inconclusive=False)


def test_a_limit_that_is_kept_passes(doubled: Run) -> None:
    gate = check_limits(doubled, "throughput<-90%", "size>+1%", "median<1us")
    assert {o.status for o in gate.outcomes} == {"passed"}
    assert not gate.fails(inconclusive=True)


def test_a_limit_inside_the_interval_is_inconclusive_and_counts_as_configured(doubled: Run) -> None:
    first, *_ = check_limits(doubled, "median>+5%").outcomes
    exact = first.text.split("changes by ")[1].split(" ")[0].replace("−", "-").rstrip("%")
    gate = check_limits(doubled, f"median>{exact}%")
    assert [o.status for o in gate.outcomes] == ["inconclusive"]
    assert not gate.fails(inconclusive=False)
    assert gate.fails(inconclusive=True)


def test_a_limit_within_the_noise_is_moved_to_it_with_a_warning() -> None:
    run = read_run(DATA / "versions.jsonl")
    (parent,) = run.of_version("mobilenet", "parent")
    (again,) = run.of_version("mobilenet", "again")
    own = {"cell": again.cell, "interleaved_with": (parent.cell.id,)}
    run = replace(run, results=(parent, parent.model_copy(update=own)))
    gate = check_limits(run, "throughput<-0.1%")
    assert [o.status for o in gate.outcomes] == ["passed"]
    assert "smaller than the noise of ±1.0%" in gate.warnings[0]


def test_one_of_many_limits_is_not_broken_by_chance() -> None:
    """The 95 % interval is beyond the limit, but the one for 200 limits includes no change."""
    ratio = Estimate(1.02, 1.011, 1.029, 0.95, "by hand", freedom=10)
    assert not may_be_chance(ratio, ">", 1.01, 1)
    assert may_be_chance(ratio, ">", 1.01, 200)
    far = Estimate(1.05, 1.041, 1.059, 0.95, "by hand", freedom=10)
    assert not may_be_chance(far, ">", 1.01, 200)
    # Equal versions are meant to break a limit that demands a change.
    assert not may_be_chance(ratio, ">", 0.95, 200)


def test_a_demanded_change_is_not_moved_into_an_allowed_one() -> None:
    run = read_run(DATA / "versions.jsonl")
    (parent,) = run.of_version("mobilenet", "parent")
    (again,) = run.of_version("mobilenet", "again")
    own = {"cell": again.cell, "interleaved_with": (parent.cell.id,)}
    run = replace(run, results=(parent, parent.model_copy(update=own)))
    run = configured(run, compare={"noise": 0.06})
    rules = [parse(rule, "") for rule in ("throughput<5%", "median>-5%", "throughput<0%")]
    gate = check(run, rules)
    assert [o.status for o in gate.outcomes] == ["broken", "broken", "passed"]
    assert len(gate.warnings) == 1


def test_figures_of_one_launch_are_inconclusive_and_of_several_have_a_range(
    doubled: Run,
) -> None:
    """A range beyond the limit breaks it; a range around it is inconclusive."""
    first = doubled.done[0]

    def compiled(*seconds: float) -> Run:
        launches = (
            first.launches[0].model_copy(update={"compile_ns": int(s * 1e9)}) for s in seconds
        )
        return replace(doubled, results=(first.model_copy(update={"launches": tuple(launches)}),))

    def status(run: Run) -> str:
        (outcome,) = check_limits(run, "compile>2s").outcomes
        return outcome.status

    assert status(compiled(2.5)) == "inconclusive"
    assert status(compiled(1.5)) == "inconclusive"
    assert status(compiled(2.5, 2.2, 3.0)) == "broken"
    assert status(compiled(1.5, 1.2, 1.9)) == "passed"
    assert status(compiled(1.9, 2.2, 3.0)) == "inconclusive"
    (outcome,) = check_limits(compiled(2.5), "compile>2s").outcomes
    assert "measure more launches" in outcome.text


def test_a_relative_limit_needs_something_to_compare(doubled: Run) -> None:
    alone = replace(doubled, results=doubled.results[:1])
    (outcome,) = check_limits(alone, "throughput<-5%").outcomes
    assert outcome.status == "inconclusive"
    assert "covers no cell that was compared" in outcome.text


def test_noise_that_replaces_a_limit_is_named(doubled: Run) -> None:
    for outcome in check_limits(doubled, "throughput<-0.1%").outcomes:
        assert "the noise of ±" in outcome.text
        assert "which is taken instead of -0.1%" in outcome.text
    for size in check_limits(doubled, "size>1%").outcomes:
        assert size.text.endswith("the limit of 1%")


def test_a_failed_candidate_breaks_any_limit_but_nothing_without_limits(
    doubled: Run,
) -> None:
    pins = ({"version": "parent"}, {"version": "again"})
    both = compare(*(Side(n, n, doubled, p) for n, p in zip("ab", pins, strict=True)))
    base, candidate = both.results
    failure = Failure(stage="compile", reason="no kernel")
    failed = replace(both, results=(base, CellResult(cell=candidate.cell, failure=failure)))
    gate = check_limits(failed, "memory>100GiB")
    assert [(o.rule, o.status) for o in gate.outcomes] == [("has a result", "broken")]
    assert "no kernel" in gate.outcomes[0].text
    assert not check_limits(failed).outcomes


def test_a_narrowed_limit_covers_only_its_cells_and_says_if_there_are_none(run: Run) -> None:
    narrowed = check_limits(run, "median>1us where hint=latency", "median>1us")
    assert [o.status for o in narrowed.outcomes] == ["broken"] * 6
    assert {o.cell for o in narrowed.outcomes[:2]} == {"latency hint"}
    (versions,) = check_limits(
        run, "throughput>-99% where version=optimized and hint=latency"
    ).outcomes
    assert versions.cell == "latency hint"
    (baseline,) = check_limits(run, "throughput<-5% where version=parent").outcomes
    assert (baseline.status, baseline.cell) == ("inconclusive", "no cell")
    assert "covers no cell that was compared" in baseline.text


def test_a_comparison_is_narrowed_by_the_names_of_either_run(run: Run) -> None:
    both = compare(Side("base", "a", run), Side("candidate", "b", run))
    for scope in ('model="squeezenet · optimized"', "model=squeezenet and version=optimized"):
        found = check_limits(both, f"p95>1us where {scope} and hint=latency").outcomes
        assert [o.model for o in found] == ["squeezenet · optimized (candidate)"]


# ---------------------------------------------------------------------------- command line


@pytest.mark.slow
def test_compare_exits_with_code_3_and_writes_junit_and_markdown(
    doubled: Run, tmp_path: Path
) -> None:
    file = tmp_path / "run.jsonl"
    file.write_text("\n".join(lines_of(doubled)) + "\n")
    pins = ("--base", "version=parent", "--candidate", "version=again")
    outputs = ("--junit", tmp_path / "gate.xml", "--markdown", tmp_path / "gate.md")
    arguments = ("compare", file, file, *pins, "-o", tmp_path / "compare.html", *outputs)
    result = ovreport(*arguments, "--fail-on", "throughput<-5%", "--fail-on", "memory>100GiB")
    assert result.exit_code == 3
    assert "Limits:   1 passed, 1 broken, 0 inconclusive" in result.stdout
    assert SLOWER in result.stderr
    JUNIT.validate(str(tmp_path / "gate.xml"))
    summary = (tmp_path / "gate.md").read_text()
    assert "❌" in summary
    assert literal(SLOWER) in summary
    assert ovreport(*arguments, "--fail-on", "throughput<-90%").exit_code == 0
    wrong = ovreport(*arguments, "--fail-on", "p95>1s where hint=latnecy")
    assert wrong.exit_code == 2
    assert "run.jsonl: limit 'p95>1s where hint=latnecy': no cell has hint=latnecy" in wrong.stderr
    assert "hint=latency" in wrong.stderr


@pytest.mark.measures
def test_a_config_holds_limits_and_options_replace_them(squeezenet: Path, tmp_path: Path) -> None:
    config, target = tmp_path / "config.toml", tmp_path / "report.html"
    config.write_text(
        f"[[model]]\nname = 'm'\npath = '{squeezenet}'\n[matrix]\nhint = 'latency'\n"
        "[measure]\nduration = 0.5\nroofs = false\n[report]\nanalyzers = []\n"
        "[gate]\nfail_on = 'size>1B'\n"
    )
    arguments = ("run", config, "-o", target)
    failed = ovreport(*arguments)
    assert failed.exit_code == 3
    assert "file size is" in failed.stderr
    assert target.exists()
    assert ovreport(*arguments, "--fail-on", "throughput<-5%").exit_code == 2
    assert ovreport(*arguments, "--fail-on", "size>1B where device=GPU").exit_code == 2
    assert ovreport(*arguments, "--fail-on", "size>1B where device=CPU").exit_code == 3
    config.write_text(config.read_text().replace("size>1B", "sise>1B"))
    wrong = ovreport(*arguments)
    assert wrong.exit_code == 2
    assert "config.toml: `gate.fail_on` 'sise>1B': unknown criterion" in wrong.stderr


# ---------------------------------------------------------------------------- files

HOSTILE = "a|b\n# <script>alert(1)</script> `x` [y](http://z) @all \x00\ud800 ]]> &amp; *w*"


def test_hostile_names_stay_text_in_junit_and_markdown(doubled: Run, tmp_path: Path) -> None:
    outcome = RuleOutcome(HOSTILE, HOSTILE, HOSTILE, "broken", HOSTILE)
    open_one = replace(outcome, status="inconclusive")
    gate = GateResult((outcome, open_one, replace(outcome, status="passed")), (HOSTILE,))
    for counts in (False, True):
        path = tmp_path / "gate.xml"
        path.write_text(junit(gate, doubled.header, inconclusive_fails=counts))
        JUNIT.validate(str(path))


@pytest.mark.parametrize("compares", [True, False])
def test_markdown_renders_as_tables_with_the_same_text(doubled: Run, compares: bool) -> None:
    """A job summary allows HTML, which must not come from names."""
    gate = GateResult((RuleOutcome(HOSTILE, HOSTILE, HOSTILE, "broken", HOSTILE),), (HOSTILE,))
    run = _named(doubled, HOSTILE)
    if not compares:
        run = replace(run, results=run.results[:1])
    text = markdown(run, gate)
    page = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(text)
    found = _Tags()
    found.feed(page)
    assert set(found.tags) <= {"h2", "h3", "p", "table", "thead", "tbody", "tr", "th", "td"}
    assert found.tags["table"] == (3 if compares else 2)
    cells = {len(re.findall("<t[dh][ >]", row)) for row in page.split("<tr>")[1:]}
    assert cells == ({4, 5, 6} if compares else {4, 5})  # limits, layers or figures, verdicts
    shown = printable(" ".join(HOSTILE.split()))
    assert shown in found.text.replace("\N{WORD JOINER}", "")
    assert "http://" not in text


def _named(run: Run, name: str) -> Run:
    """Return the run with another name for its model."""
    text = "\n".join(lines_of(run)).replace('"mobilenet"', json.dumps(name.replace("\ud800", "")))
    return parsed(Path("run.jsonl"), text.encode(), Budget(1 << 30))


class _Tags(HTMLParser):
    """Counts tags and collects text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002
        self.tags[tag] += 1

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize(
    "text", [rules.__doc__, CI_DOCS.read_text(encoding="utf-8")], ids=["docstring", "docs"]
)
def test_both_grammars_name_the_criteria_and_units_that_limits_have(text: str) -> None:
    grammar = re.sub(r"\n +\|", " |", text)
    (criteria,) = re.findall(r"criterion = (.*)", grammar)
    (units,) = re.findall(r"unit      = (.*)", grammar)
    assert criteria.split(" | ") == list(rules._CRITERIA)
    assert set(re.findall(r"\w+", re.sub(r"\(.*?\)", "", units))) == {
        unit for kind in rules._UNITS.values() for unit in kind
    }


def test_every_criterion_has_one_entry_in_the_order_of_their_names() -> None:
    assert list(KINDS) == list(get_args(CriterionName))
