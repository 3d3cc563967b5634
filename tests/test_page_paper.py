"""The printed page: short, with headings next to their content, and nothing cut."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from browser import chromium, resize
from builders import Demo, layers, run_named, table_of
from selenium.webdriver import Chrome

from ovreport.analysis import Analysis
from ovreport.rendering.page import render
from ovreport.section import Block, Facts, Group, Section, Table

WIDTH, HEIGHT = 717, 1046  # CSS pixels of A4 inside the margins


@pytest.fixture(scope="module", params=[True, False], ids=["scripts", "no scripts"])
def chrome(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Chrome]:
    with chromium(tmp_path_factory.mktemp("profile"), scripts=request.param) as driver:
        yield driver


def opened(chrome: Chrome, folder: Path, *blocks: Block) -> None:
    path = folder / "page.html"
    section = Section([Group("Heading", blocks)])
    path.write_text(render(run_named("net"), [Analysis(Demo(), section)]), encoding="utf-8")
    chrome.get(path.as_uri())


@contextmanager
def on_paper(chrome: Chrome) -> Iterator[None]:
    resize(chrome, WIDTH, HEIGHT)
    chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    yield
    chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def pages(chrome: Chrome) -> int:
    paper = {"paperWidth": 8.27, "paperHeight": 11.69}
    pdf = chrome.execute_cdp_cmd("Page.printToPDF", paper)["data"]
    return len(re.findall(rb"/Type /Page\b", base64.b64decode(pdf)))


def test_print_shows_opened_parts_and_leaves_out_folded_ones(
    chrome: Chrome, tmp_path: Path
) -> None:
    closed, open_ = (replace(table_of(3, id=id), collapsed=True) for id in ("closed", "open"))
    facts = Facts("facts", "Facts", [("a", "b", "text")], collapsed=True)
    opened(chrome, tmp_path, closed, open_, facts, table_of(3))
    chrome.execute_script("document.getElementById('open').closest('details').open = true")
    ids = "table", "open", "closed", "facts"
    with on_paper(chrome):
        seen = chrome.execute_script(
            "return arguments[0].map(id => document.getElementById(id).checkVisibility())", ids
        )
        frame = chrome.execute_script("return document.querySelector('nav').checkVisibility()")
    assert (seen, frame) == ([True, True, False, False], False)


def test_print_shows_the_first_rows_of_a_long_table_and_says_so(
    chrome: Chrome, tmp_path: Path
) -> None:
    opened(chrome, tmp_path, table_of(60))
    with on_paper(chrome):
        rows, note = chrome.execute_script(
            "return [[...document.querySelectorAll('#table > tbody > tr')]"
            ".filter(row => row.checkVisibility()).length,"
            "getComputedStyle(document.querySelector('.rest > summary'), '::after').content]"
        )
    assert (rows, note) == (15, '"The first 15 of 60 rows."')
    short = pages(chrome)
    chrome.execute_script("document.querySelector('.rest').open = true")
    assert pages(chrome) > short


def test_column_names_are_not_buttons_in_print(chrome: Chrome, tmp_path: Path) -> None:
    opened(chrome, tmp_path, table_of(9))
    with on_paper(chrome):
        boxes = chrome.execute_script(
            "return [...document.querySelectorAll('th button')]"
            ".map(button => button.getClientRects().length)"
        )
    assert not any(boxes), "Chromium leaves boxes of buttons out of repeated headings"


def test_a_caption_is_printed_on_the_page_of_its_first_rows(chrome: Chrome, tmp_path: Path) -> None:
    """Consecutive tables reach the end of the page at every height."""
    tables: list[Table] = [table_of(4, id=f"t{n}") for n in range(12)]
    opened(chrome, tmp_path, *tables)
    with on_paper(chrome):
        room = chrome.execute_script(
            "return [...document.querySelectorAll('caption, h2, h3')].map(head => {"
            "const style = getComputedStyle(head);"
            "return [style.breakInside, parseFloat(style.paddingBottom)"
            " + parseFloat(style.marginBottom) < 20]})"
        )
    assert room == [["avoid", True]] * len(room)
    assert len(room) > 12


@pytest.mark.parametrize("blocks", [6, 12])
def test_a_printed_diagram_takes_few_pages_and_cuts_no_box(
    chrome: Chrome, tmp_path: Path, blocks: int
) -> None:
    opened(chrome, tmp_path)
    without = pages(chrome)
    diagram = layers(blocks, "layer.{}/")
    opened(chrome, tmp_path, diagram)
    assert len(diagram.nodes) == 7 * blocks + 1
    assert pages(chrome) <= without + 1
    with on_paper(chrome):
        beyond, tall = chrome.execute_script(
            "const parts = [...document.querySelectorAll('.stage svg')]"
            ".map(svg => svg.getBoundingClientRect());"
            "return [parts.filter(p => p.left < 0 || p.right > arguments[0]).length,"
            "Math.max(...parts.map(p => p.height))]",
            WIDTH,
        )
    assert beyond == 0
    assert 0 < tall < HEIGHT / 2, "a page breaks between parts, never within one"
