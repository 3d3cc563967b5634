"""Diagrams as SVG, DOT and PNG, and their texts for any names of layers."""

from __future__ import annotations

import re
import subprocess
import unicodedata
from collections import Counter
from html import unescape
from xml.etree import ElementTree

import pytest
from builders import HOSTILE, diagram_of, layers
from hypothesis import given, settings
from hypothesis import strategies as st

from ovreport.rendering.diagrams import graphviz as engine
from ovreport.rendering.diagrams.blocks import repeated_blocks
from ovreport.rendering.diagrams.correspondence import Correspondence
from ovreport.rendering.diagrams.cuts import cut
from ovreport.rendering.diagrams.diagram import render_diagram
from ovreport.rendering.diagrams.standalone import diagram_file
from ovreport.section import Diagram


def inside(svg: str) -> ElementTree.Element:
    """Return the texts that a strict XML parser reads."""
    return ElementTree.fromstring(svg.encode())


def parts(root: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    return [element for element in root.iter() if element.tag.rpartition("}")[2] == name]


def harmless(name: str) -> str:
    """Return a name without control, format and unassigned characters, which cannot be shown."""
    unseen = ("Cc", "Cf", "Cs", "Co", "Cn")
    return "".join("�" if unicodedata.category(c) in unseen else c for c in name)


def assert_literal(diagram: Diagram, names: list[str]) -> None:
    root = inside(diagram_file(diagram, "svg").content.decode())
    assert {e.tag.rpartition("}")[2] for e in root.iter()} <= {
        "svg", "title", "rect", "defs", "marker", "path", "g", "a", "text",
    }  # fmt: skip
    boxes = [a for a in parts(root, "a") if a.get("id")]
    assert len(boxes) == len(names)
    for name, box in zip(names, sorted(boxes, key=lambda a: int(a.attrib["id"][5:])), strict=True):
        title = parts(box, "title")[0].text or ""
        first = re.split(r"\n", name)[0][:2000]
        assert title.startswith(harmless(first)[:1900].replace("\r", "�"))
        shown = parts(box, "text")[0].text or ""
        assert len(shown) <= 28
        if len(name) <= 20 and name.isascii():
            assert shown == harmless(name)
        elif len(name) > 60 and name.isprintable():
            assert "…" in shown
            assert shown[0] == name[0]
            assert shown[-1] == name[-1]
    assert set().union(*(e.attrib for e in root.iter())) <= {
        "width", "height", "viewBox", "font-family", "font-size", "text-anchor", "overflow", "fill",
        "id", "refX", "refY", "markerWidth", "markerHeight", "markerUnits", "orient", "d", "stroke",
        "stroke-width", "stroke-dasharray", "marker-end", "class", "x", "y", "transform", "data-e",
        "aria-hidden", "href",
    }  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_names_are_drawn_as_written(name: str) -> None:
    assert_literal(diagram_of(name, "plain", name), [name, "plain", name])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=60), min_size=1, max_size=5))
def test_any_text_is_drawn_as_written(names: list[str]) -> None:
    assert_literal(diagram_of(*names), names)


def test_graphviz_interprets_no_name_as_an_instruction() -> None:
    """Graphviz keeps the layout of our DOT and shows each name as text."""
    names = [name for name in HOSTILE if name.isprintable() and 0 < len(name.strip()) <= 28]
    source = diagram_file(diagram_of(*names), "dot").content
    drawn = subprocess.run(
        [str(engine.engine()), "-Kneato", "-n2", "-Tsvg"],
        input=source, capture_output=True, check=True,
    )  # fmt: skip
    root = inside(re.sub(r"<!DOCTYPE[^>]*>", "", drawn.stdout.decode()))
    texts = Counter((e.text or "").strip() for e in parts(root, "text"))
    for name in names:
        assert texts[name.strip()] >= 2, name
    assert len([e for e in root.iter() if e.get("class") == "node"]) == len(names)


@pytest.mark.slow
def test_a_png_is_drawn_with_any_names() -> None:
    assert diagram_file(diagram_of(*HOSTILE), "png").content.startswith(b"\x89PNG\r\n")


@pytest.mark.slow
def test_a_png_that_is_too_large_is_drawn_smaller() -> None:
    small, tall = (diagram_file(layers(count, "layer.{}/"), "png") for count in (1, 150))
    assert small.scale == 1
    assert tall.scale < 1
    height = int.from_bytes(tall.content[20:24], "big")
    assert 31_000 < height < 32_767


def test_hostile_names_of_a_graph_are_listed_as_written() -> None:
    names = HOSTILE * 20
    drawn = render_diagram(diagram_of(*names), Correspondence())
    assert drawn.overview is not None
    listed = re.findall(r'<a href="#row-(\d+)">(.*?)</a>', str(drawn.overview), re.DOTALL)
    assert len(listed) == len(names)
    tags = set(re.findall(r"<[^>]*>", str(drawn.overview)))
    assert {re.sub(r'"[^"]*"', "", tag) for tag in tags} == {
        "<p class=>", "</p>", "<code>", "</code>", "<ol class=>", "</ol>", "<li>", "<li id=>",
        "<details>", "</details>", "<summary>", "</summary>", "<span>", "</span>", "<ul>", "</ul>",
        "<a href=>", "</a>",
    }  # fmt: skip
    for at, text in listed:
        name = names[int(at)]
        if name.isascii() and name.isprintable() and 0 < len(name) <= 24:
            assert unescape(text) == name


def test_an_exported_diagram_links_to_no_anchor_of_a_report() -> None:
    root = inside(diagram_file(diagram_of("a", "b"), "svg").content.decode())
    assert not [a for a in parts(root, "a") if a.get("href")]


def test_equal_diagrams_give_equal_bytes() -> None:
    for form in ("svg", "dot"):
        assert diagram_file(diagram_of(*HOSTILE), form) == diagram_file(diagram_of(*HOSTILE), form)


# ---------------------------------------------------------------------------- blocks


def blocks_of(diagram: Diagram) -> list[tuple[str, set[str]]]:
    edges = [(int(edge.source[1:]), int(edge.target[1:])) for edge in diagram.edges]
    pieces = cut(len(diagram.nodes), edges, 200)
    names = [node.name for node in diagram.nodes]
    blocks = repeated_blocks(pieces, edges, [node.lines[0] for node in diagram.nodes], names)
    return [
        (block.name, {names[n] for piece in pieces[block.first : block.end] for n in piece.nodes})
        for block in blocks
    ]


def test_repeated_layers_are_blocks_named_after_them() -> None:
    blocks = blocks_of(layers(6, "encoder/layer.{}/"))
    assert [name for name, _ in blocks] == [f"encoder/layer.{n}" for n in range(6)]
    for name, members in blocks:
        assert len(members) == 7
        assert all(member.startswith(f"{name}/") for member in members)


def test_the_first_layer_is_a_block_although_a_mask_follows_it() -> None:
    blocks = blocks_of(layers(6, "encoder/layer.{}/", extra=True))
    assert [name for name, _ in blocks] == [f"encoder/layer.{n}" for n in range(6)]
    assert "mask" in blocks[0][1]


def test_blocks_without_names_are_numbered() -> None:
    blocks = blocks_of(layers(5, ""))
    assert [name for name, _ in blocks] == [f"out block {n} of 5" for n in range(1, 6)]


def test_graphs_without_repetition_have_no_blocks() -> None:
    assert blocks_of(layers(1, "")) == []


def test_blocks_are_open_in_small_diagrams_and_closed_in_large_ones() -> None:
    small = render_diagram(layers(6, "layer.{}/"), Correspondence())
    large = render_diagram(layers(50, "layer.{}/"), Correspondence())
    assert small.html.count('<details class="fold" open>') == 6
    assert large.html.count('<details class="fold">') == 50
    assert "7 nodes · 7.00\N{NARROW NO-BREAK SPACE}ms" in large.html
