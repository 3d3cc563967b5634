"""The plugin API: all plugins, including the built-in ones, use the same interfaces."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Generic, TypeVar

import pytest
from builders import run_named

import ovreport
from ovreport.analysis import analyze, choose, installed
from ovreport.config.analyzer_options import Options
from ovreport.errors import UserError
from ovreport.export import diagrams
from ovreport.export.documents import csv_files, json_text
from ovreport.plugin import Analyzer, Need
from ovreport.rendering.page import render
from ovreport.run import Run
from ovreport.runfile import read_run
from ovreport.section import (
    Colouring,
    Column,
    Crashed,
    Diagram,
    DiagramNode,
    Finding,
    Group,
    Row,
    Section,
    Skipped,
    Table,
)
from ovreport.stats.estimate import Estimate
from ovreport.text.values import Link, Role

PACKAGE = Path(ovreport.__file__).parent
MEASURED = read_run(Path(__file__).with_name("data") / "bottlenecks.jsonl")
T = TypeVar("T", bound=Options)
U = TypeVar("U")


class Limits(Options):
    limit_s: float = 10.0
    """Longer compile times are a warning."""


class Plain(Analyzer):
    """An analyzer written before options were given in brackets."""

    id = "plain"
    title = "Plain"

    def analyze(self, run: Run) -> Section | Skipped:  # noqa: ARG002
        return Section([])


class OldStyle(Plain):
    id = "old"
    options_type = Limits
    options: Limits


class Bracketed(Analyzer[Limits]):
    id = "bracketed"
    title = "Bracketed"

    def analyze(self, run: Run) -> Section | Skipped:  # noqa: ARG002
        return Skipped(f"Nothing took {self.options.limit_s} s.")


class Base(Analyzer[T], Generic[U, T]):
    title = "Base"

    def analyze(self, run: Run) -> Section:  # noqa: ARG002
        return Section([])


class Derived(Base[int, Limits]):
    id = "derived"


class Further(Derived):
    id = "further"


def outcome(kind: type[Analyzer], run: Run = MEASURED) -> Section | Skipped | Crashed:
    (analysis,) = analyze(run, [kind()])
    return analysis.outcome


def texts(path: Path) -> Iterator[str]:
    """Return every string in a module."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_only_plugins_contain_ids_of_their_findings() -> None:
    finding = re.compile(rf"({'|'.join(installed())})\.(?!html|csv|json|xml)[a-z-]+")
    named = [
        (path.name, text)
        for path in PACKAGE.rglob("*.py")
        for text in texts(path)
        if finding.fullmatch(text)
    ]
    assert named == []


@pytest.mark.parametrize("kind", [OldStyle, Bracketed, Derived, Further])
def test_an_analyzer_reads_its_options_from_the_config(kind: type[Analyzer]) -> None:
    available = {kind.id: kind}
    (analyzer,) = choose(available, None, {kind.id: {"limit_s": 2.5}}, "x.toml")
    assert analyzer.options == Limits(limit_s=2.5)
    assert kind().options == Limits()
    with pytest.raises(UserError, match=rf"`analyzer.{kind.id}.limit`.*limit_s"):
        choose(available, None, {kind.id: {"limit": 1}}, "x.toml")


def test_an_analyzer_without_options_takes_none() -> None:
    assert Plain.options_type is Options
    assert Plain().options == Options()


def test_brackets_without_options_are_refused_when_the_file_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text("from ovreport.plugin import Analyzer\nclass X(Analyzer[int]): pass\n")
    with pytest.raises(UserError, match=r"TypeError: X: .*Analyzer.int. holds no class that deriv"):
        installed([path])


def test_an_analyzer_can_give_a_reason_for_no_section() -> None:
    assert outcome(Bracketed) == Skipped("Nothing took 10.0 s.")


@pytest.mark.parametrize("reason", ["", " ", None, 5])
def test_a_reason_that_is_not_a_sentence_fails_the_section(reason: object) -> None:
    kind = type("Bad", (Plain,), {"analyze": lambda *_: Skipped(reason)})  # type: ignore[arg-type]
    crashed = outcome(kind)
    assert isinstance(crashed, Crashed)
    assert "whose reason is not a sentence" in crashed.error


NEVER = Need(lambda run: not run.done, "The moon was not full.")
ALWAYS = Need(lambda run: bool(run.done), "The sun did not shine.")


@pytest.mark.parametrize(
    ("needs", "reason"),
    [
        ({ALWAYS}, None),
        ({"layers", ALWAYS}, None),
        ({NEVER}, "The moon was not full."),
        ({"measurements", ALWAYS, NEVER}, "The moon was not full."),
    ],
)
def test_a_plugin_can_define_needs(needs: set[str | Need], reason: str | None) -> None:
    result = outcome(type("Needy", (Plain,), {"needs": frozenset(needs)}))
    assert result == Skipped(reason) if reason else isinstance(result, Section)


def test_common_needs_are_checked_before_those_of_a_plugin() -> None:
    def first_model(run: Run) -> bool:
        return run.done[0].cell.model != ""

    kind = type("Needy", (Plain,), {"needs": {"measurements", Need(first_model, "No model.")}})
    assert outcome(kind, run_named("m")) == Skipped("No cell was measured.")


def test_a_need_that_raises_fails_only_the_section() -> None:
    broken = Need(lambda run: bool(len(run.done) / 0), "Nothing.")
    result = outcome(type("Broken", (Plain,), {"needs": {broken}}))
    assert isinstance(result, Crashed)
    assert result.error == "ZeroDivisionError: division by zero"


@pytest.mark.parametrize("values", [(None, "Text."), (bool, " ")])
def test_a_need_has_a_function_and_a_sentence(values: tuple[object, str]) -> None:
    with pytest.raises(TypeError, match="Need: "):
        Need(*values)  # type: ignore[arg-type]


URL = "https://docs.openvino.ai/2026/a_(b).html?x=1&y=2#z"


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JaVaScRiPt://docs.openvino.ai/%0aalert(1)",
        "data:text/html,<script>alert(1)</script>",
        "file:///etc/passwd",
        "ftp://docs.openvino.ai",
        "//docs.openvino.ai",
        "docs.openvino.ai",
        "http:docs.openvino.ai",
        "https://",
        "https:///etc",
        "https://docs.openvino.ai@evil.example",
        "https://user:word@docs.openvino.ai",
        "https://docs.openvino.ai\\.evil.example",
        " https://docs.openvino.ai",
        "https://docs.openvino.ai\n",
        "https://docs.openvino.ai/a b",
        'https://docs.openvino.ai/"onclick=',
        "https://docs.openvino.ai/<b>",
        "java\tscript:alert(1)",
        "https://d\u043ecs.openvino.ai",
    ],
)
def test_external_links_are_http_or_https(url: str) -> None:
    with pytest.raises(ValueError, match="is not an address that begins with http:// or https://"):
        Link("x", url=url)


@pytest.mark.parametrize(
    "url", [URL, "http://localhost:8000", "HTTPS://A.example/", "http://[::1]:80/?q"]
)
def test_web_addresses_are_links(url: str) -> None:
    assert Link("x", url=url).spelled == f"x ({url})"


def test_a_link_has_exactly_one_target() -> None:
    with pytest.raises(ValueError, match="an anchor or a url, not both"):
        Link("x", "row", URL)


class Outward(Plain):
    id = "outward"

    def analyze(self, run: Run) -> Section:  # noqa: ARG002
        out = Link("the <docs>", url=URL)
        rows = [Row({"where": out, "time": 0.001})]
        columns = [Column("where", "Where"), Column("time", "Time", "duration")]
        found = Finding("outward.x", "info", "x", evidence=[out, Link("the row", "gone")])
        return Section([Group("", [Table("places", "Places", columns, rows)])], [found])


def test_an_external_link_is_escaped_and_marked() -> None:
    page = render(MEASURED, analyze(MEASURED, [Outward()]), with_data=False)
    address = URL.replace("&", "&amp;")
    attributes = (
        f'class="out" href="{address}" rel="external noopener noreferrer" title="{address}"'
    )
    assert page.count(f"<a {attributes}>the &lt;docs&gt;\u00a0↗</a>") == 2
    assert f'<td data-v="the &lt;docs&gt; ({address})">' in page


def test_exports_contain_the_address_of_an_external_link() -> None:
    analyses = analyze(MEASURED, [Outward()])
    (finding,) = json.loads(json_text(MEASURED, analyses))["findings"]
    assert finding["evidence"] == [f"the <docs> ({URL})", "the row"]
    assert f"the <docs> ({URL}); the row" in csv_files(MEASURED, analyses)["findings.csv"]


class Tables(Plain):
    id = "tables"

    def analyze(self, run: Run) -> Section:  # noqa: ARG002
        columns = [
            Column("name", "Name", "code"),
            Column("time", "Time", "duration"),
            Column("size_bytes", "Size", "bytes"),
            Column("fps", "Throughput", "rate", "FPS"),
            Column("rate", "Rate", "number", "GFLOP/s"),
            Column("share", "Share", "share"),
            Column("share_s", "Odd", "duration"),
            Column("more", "More"),
        ]
        values = (
            "a",
            Estimate(0.0123456789, 0.01, 0.02, 0.95, "x"),
            1 << 40,
            float("inf"),
            1.23456789,
            0.5,
            Estimate(1.0, 1.0, 1.0, 0.0, "x"),
            (Link("row", "row"), Link("docs", url="https://a.example")),
        )
        keys = [column.key for column in columns]
        inner = Table("inner", "Inner", [Column("x", "X")], [Row({"x": None})])
        row = Row(dict(zip(keys, values, strict=True)), details=[inner])
        return Section([Group("int8", [Table("outer", "Outer", columns, [row])])])


def test_the_tables_of_a_section_are_exported_unrounded_and_with_units() -> None:
    (section,) = json.loads(json_text(MEASURED, analyze(MEASURED, [Tables()])))["sections"]
    outer, inner = section.pop("tables")
    assert section == {"analyzer": "tables", "title": "Plain"}
    assert (outer["id"], outer["group"], outer["title"]) == ("outer", "int8", "Outer")
    assert outer["columns"][4] == {
        "name": "rate",
        "label": "Rate",
        "kind": "number",
        "unit": "GFLOP/s",
    }
    assert outer["rows"] == [
        {
            "name": "a",
            "time_s": {"point": 0.0123456789, "low": 0.01, "high": 0.02},
            "size_bytes": 1 << 40,
            "fps": None,
            "rate": 1.23456789,
            "share": 0.5,
            "share_s": {"point": 1.0, "low": None, "high": None},
            "more": ["row", "docs (https://a.example)"],
        }
    ]
    assert inner["inside"] == {"table": "outer", "row": 0}
    assert inner["rows"] == [{"x": None}]


@pytest.mark.parametrize("name", ["bottlenecks", "versions"])
@pytest.mark.slow
def test_every_table_of_the_page_is_in_the_export_under_its_id(name: str) -> None:
    run = read_run(Path(__file__).with_name("data") / f"{name}.jsonl")
    analyses = analyze(run, [kind() for kind in installed().values()])
    sections = json.loads(json_text(run, analyses))["sections"]
    ids = [table["id"] for part in sections for table in part["tables"] if not table["inside"]]
    assert len(ids) == len(set(ids)) > 15
    page = render(run, analyses, with_data=False)
    assert [id for id in ids if f'id="{id}"' not in page] == []


class Drawing(Plain):
    id = "drawing"
    exports_diagrams = True

    def analyze(self, run: Run) -> Section | Skipped:
        if not run.done:
            return Skipped("Nothing to draw.")
        node = DiagramNode("n", ["n"], "n", {"type": Role("type", "n")})
        diagram = Diagram("own", "Own", [node], [], [Colouring("type", "type")], "n")
        return Section([Group("m · parent", [diagram])])


def test_diagrams_of_any_plugin_can_be_exported(monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = {kind.id: kind for kind in (Plain, Drawing)}
    monkeypatch.setattr(diagrams, "installed", lambda: kinds)
    assert list(diagrams.graph_files(MEASURED, "dot")) == ["m-parent-own.dot"]
    with pytest.raises(UserError, match=r"--graph: Nothing to draw\."):
        diagrams.graph_files(run_named("m"), "dot")
