"""Each escape function of text/, against a reader of its format."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
from html.parser import HTMLParser
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from ovreport.rendering.diagrams.graphviz import engine
from ovreport.text.csv import csv_text
from ovreport.text.dot import quoted
from ovreport.text.html import css_in_html, csv_address, normalised
from ovreport.text.markdown import literal
from ovreport.text.terminal import printable, printable_line
from ovreport.text.toml import toml_string
from ovreport.text.xml import legal_xml

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

SIGN = "\N{REPLACEMENT CHARACTER}"
encodable = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.text())
@example("a\x1b[31m\u202eb\ue000\ud800")
def test_a_printable_line_is_printable_and_has_the_same_length(text: str) -> None:
    line = printable_line(text)
    assert len(line) == len(text)
    assert "\n" not in line
    assert not {"\x1b", "\u202e", "\ue000", "\ud800"} & set(line)
    assert all(new in (old, SIGN) for new, old in zip(line, text, strict=True))


@given(st.text())
def test_printable_text_keeps_its_lines(text: str) -> None:
    assert printable(text).split("\n") == [printable_line(line) for line in text.split("\n")]


def test_a_figure_keeps_its_narrow_space() -> None:
    assert printable_line("1\u202f234 ms \x07") == f"1\u202f234 ms {SIGN}"


@given(st.text())
def test_legal_xml_is_accepted_by_an_xml_parser(text: str) -> None:
    element = ElementTree.Element("a", name=legal_xml(text))
    ElementTree.fromstring(ElementTree.tostring(element, encoding="utf-8"))


@given(encodable)
def test_html_of_normalised_text_is_read_as_written(text: str) -> None:
    once = normalised(text)
    assert normalised(once) == once
    assert not {"\r", "\0"} & set(once)
    once.encode()
    assert normalised("\ud800\r\n\r") == "\ufffd\n\n"


@given(st.text())
@example("</style><script>")
def test_css_cannot_end_its_element(css: str) -> None:
    class Reader(HTMLParser):
        tags: tuple[str, ...] = ()

        def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002
            self.tags += (tag,)

    reader = Reader()
    reader.feed(f"<style>{css_in_html(css)}</style><p>")
    assert reader.tags == ("style", "p")


@given(encodable)
def test_an_address_of_csv_holds_the_csv(content: str) -> None:
    address = csv_address(content)
    assert unquote(address.partition(",")[2]) == content
    assert not set('"<>&#\n') & set(address)


@given(st.text())
@example("=1+1")
@example('a,"b"\n')
def test_csv_is_read_back_and_no_field_is_a_formula(text: str) -> None:
    lines = list(csv.reader(io.StringIO(csv_text(["name"], [[text]]), newline="")))
    field = lines[1][0] if len(lines) > 1 and lines[1] else ""
    assert field.removeprefix("'") in (printable(text), printable(text).removeprefix("'"))
    assert not field.lstrip().startswith(("=", "+", "-", "@"))


@pytest.mark.parametrize(
    "text",
    ["<b>a</b> & **b** `c` | [d](http://e) #1 @f $g$ ~h~", "www.example.com", "a:b:c", "\\n &lt;"],
)
def test_markdown_shows_the_literal_text(text: str) -> None:
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parseInline(literal(text))
    (line,) = tokens
    assert {token.type for token in line.children or ()} <= {"text", "text_special"}
    shown = "".join(token.content for token in line.children or ())
    assert shown.replace("\N{WORD JOINER}", "") == text


@pytest.mark.parametrize("text", ["\\N", "&lt;", 'a"b', "<b>", "a\\", "→ 模型", "a\x00b"])
def test_dot_shows_the_literal_text(text: str) -> None:
    source = f"digraph {{a[label={quoted(text)}]}}".encode()
    drawn = subprocess.run([str(engine()), "-Tsvg"], input=source, capture_output=True, check=True)
    svg = ElementTree.fromstring(drawn.stdout)
    (node,) = (g for g in svg.iter("{http://www.w3.org/2000/svg}g") if g.get("class") == "node")
    (label,) = node.iter("{http://www.w3.org/2000/svg}text")
    assert label.text == printable_line(text)


@given(encodable)
@example('"\\\x7f\n\u2028')
def test_a_toml_string_is_read_back(text: str) -> None:
    assert tomllib.loads(f"a = {toml_string(text)}") == {"a": text}
