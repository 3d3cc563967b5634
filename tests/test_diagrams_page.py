"""Diagrams in a real browser: links, colours and blocks without scripts, and what scripts add."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from browser import chromium, complaints, resize
from builders import HOSTILE, Demo, diagram_of, layers, run_named
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from ovreport.analysis import Analysis
from ovreport.rendering.page import render
from ovreport.section import Block, Column, Diagram, Group, Row, Section, Table

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def chrome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    with chromium(tmp_path_factory.mktemp("profile")) as driver:
        resize(driver, 1280)
        yield driver


@pytest.fixture(scope="module")
def without_scripts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    with chromium(tmp_path_factory.mktemp("profile"), scripts=False) as driver:
        resize(driver, 1280)
        yield driver


def written(folder: Path, *blocks: Block) -> str:
    path = folder / "page.html"
    section = Section([Group("", blocks)])
    path.write_text(
        render(run_named("Demo"), [Analysis(Demo(), section)]).encode("utf-8", "replace").decode(),
        encoding="utf-8",
    )
    return path.as_uri()


def rows(count: int) -> Table:
    """Return a table with the rows that the nodes of :func:`diagram_of` link to."""
    return Table(
        "rows",
        "Rows",
        [Column("name", "Name")],
        [Row({"name": f"row {n}"}, anchor=f"row-{n}") for n in range(count)],
    )


def open_at(chrome: Chrome, address: str) -> None:
    """Open an address like an external link; a change of the anchor would not load the page."""
    chrome.get("about:blank")
    chrome.get(address)


def stroke(chrome: Chrome, box: str) -> str:
    shape = chrome.find_element(By.CSS_SELECTOR, f"[id='{box}'] > path")
    return shape.value_of_css_property("stroke")


def row_ground(chrome: Chrome, row: int) -> str:
    cell = chrome.find_element(By.CSS_SELECTOR, f"#row-{row} > td")
    return cell.value_of_css_property("background-color")


# ---------------------------------------------------------------------------- without scripts


def test_colours_change_without_scripts(without_scripts: Chrome, tmp_path: Path) -> None:
    without_scripts.get(written(tmp_path, diagram_of("a", "b")))
    box = without_scripts.find_element(By.CSS_SELECTOR, "#node-0 > path")
    before = box.value_of_css_property("fill")
    legends = without_scripts.find_elements(By.CSS_SELECTOR, ".legend")
    assert [legend.is_displayed() for legend in legends] == [True, False]
    without_scripts.find_element(By.CSS_SELECTOR, "#graph-c1").click()
    assert box.value_of_css_property("fill") != before
    assert [legend.is_displayed() for legend in legends] == [False, True]
    without_scripts.find_element(By.CSS_SELECTOR, "#graph-c0").click()
    assert box.value_of_css_property("fill") == before


def test_links_mark_corresponding_boxes_without_scripts(
    without_scripts: Chrome, tmp_path: Path
) -> None:
    first, second = diagram_of("a", "b", "c"), diagram_of("a", "b")
    other = Diagram(
        "other",
        "",
        [replace(n, id=n.id.replace("node", "other")) for n in second.nodes],
        [],
        second.colourings,
        "",
    )
    address = written(tmp_path, rows(3), first, other)
    open_at(without_scripts, f"{address}#row-1")
    marked = stroke(without_scripts, "node-1")
    assert marked == stroke(without_scripts, "other-1")
    assert marked != stroke(without_scripts, "node-0") == stroke(without_scripts, "other-0")
    assert row_ground(without_scripts, 1) != row_ground(without_scripts, 0)
    open_at(without_scripts, f"{address}#other-0")
    assert stroke(without_scripts, "node-0") == stroke(without_scripts, "other-0") == marked
    assert stroke(without_scripts, "node-1") != marked
    assert row_ground(without_scripts, 0) != row_ground(without_scripts, 1)
    without_scripts.find_element(By.CSS_SELECTOR, "#node-2 > text").click()
    assert without_scripts.current_url.endswith("#row-2")


def test_a_link_into_a_closed_block_opens_it(without_scripts: Chrome, tmp_path: Path) -> None:
    address = written(tmp_path, layers(50, "layer.{}/"))
    open_at(without_scripts, address)
    box = without_scripts.find_element(By.CSS_SELECTOR, "#n150")
    fold = without_scripts.find_elements(By.CSS_SELECTOR, ".fold")
    assert not any(f.get_attribute("open") for f in fold)
    open_at(without_scripts, f"{address}#n150")
    box = without_scripts.find_element(By.CSS_SELECTOR, "#n150 > path")
    assert box.is_displayed()
    summary = without_scripts.find_elements(By.CSS_SELECTOR, ".fold > summary .block")[0]
    summary.click()
    assert without_scripts.find_elements(By.CSS_SELECTOR, ".fold[open]")


# ---------------------------------------------------------------------------- with scripts


@pytest.mark.parametrize(
    ("words", "hits"), [("query", 6), ("layer.3", 7), ("LAYER.3 query", 1), ("nothing", 0)]
)
def test_search_counts_and_shows_matches(
    chrome: Chrome, tmp_path: Path, words: str, hits: int
) -> None:
    chrome.get(written(tmp_path, layers(6, "layer.{}/")))
    box = chrome.find_element(By.CSS_SELECTOR, ".diagram input[type=search]")
    box.send_keys(words)
    found = chrome.find_elements(By.CSS_SELECTOR, ".stage a.found")
    assert len(found) == hits
    shown = chrome.find_element(By.CSS_SELECTOR, ".diagram .shown").text
    assert shown == (f"1 of {hits}" if hits else "0 found")
    if hits > 1:
        box.send_keys(Keys.ENTER)
        assert chrome.find_element(By.CSS_SELECTOR, ".diagram .shown").text == f"2 of {hits}"
    assert complaints(chrome) == []


def test_a_click_shows_details_and_marks_the_row(chrome: Chrome, tmp_path: Path) -> None:
    chrome.get(written(tmp_path, rows(3), diagram_of("first", "second", "third")))
    chrome.find_element(By.CSS_SELECTOR, "#node-1 > text").click()
    panel = chrome.find_element(By.CSS_SELECTOR, ".panel").text
    assert panel.splitlines()[0] in ("✕", "second")
    assert "from\nfirst" in panel
    assert "to\nthird" in panel
    assert "selected" in (chrome.find_element(By.ID, "row-1").get_attribute("class") or "")
    assert chrome.current_url.endswith("#node-1")
    active = chrome.switch_to.active_element
    active.send_keys(Keys.ARROW_DOWN)
    assert chrome.switch_to.active_element.get_attribute("id") == "node-2"
    chrome.switch_to.active_element.send_keys(Keys.ESCAPE)
    assert not chrome.find_element(By.CSS_SELECTOR, ".panel").is_displayed()
    assert complaints(chrome) == []


def test_a_saved_diagram_is_complete(chrome: Chrome, tmp_path: Path) -> None:
    chrome.get(written(tmp_path, layers(6, "layer.{}/")))
    saved = chrome.execute_async_script(
        """
        const done = arguments[0];
        URL.createObjectURL = (blob) => { blob.text().then(done); return "#"; };
        [...document.querySelectorAll(".diagram .tools button")].at(-1).click();
        """
    )
    parsed = chrome.execute_script(
        "const made = new DOMParser().parseFromString(arguments[0], 'image/svg+xml');"
        "return [made.querySelectorAll('parsererror').length, made.querySelectorAll('a').length]",
        saved,
    )
    assert parsed == [0, 43 + 6]  # boxes, and headings of blocks


def test_zoom_whole_page_and_back(chrome: Chrome, tmp_path: Path) -> None:
    chrome.get(written(tmp_path, layers(6, "layer.{}/")))
    box = chrome.find_element(By.CSS_SELECTOR, "#n3 > path")
    before = box.rect["width"]
    buttons = {b.text: b for b in chrome.find_elements(By.CSS_SELECTOR, ".diagram .tools button")}
    buttons["+"].click()
    assert box.rect["width"] > before
    buttons["Whole page"].click()
    figure = chrome.find_element(By.CSS_SELECTOR, "figure.diagram")
    assert figure.rect["width"] == 1280
    canvas = chrome.find_element(By.CSS_SELECTOR, ".canvas")
    canvas.send_keys(Keys.ESCAPE)
    assert figure.rect["width"] < 1280
    assert complaints(chrome) == []


def test_names_in_diagrams_execute_nothing(chrome: Chrome, tmp_path: Path) -> None:
    names = [name for name in HOSTILE if name != "\ud800"]
    chrome.get(written(tmp_path, rows(len(names)), diagram_of(*names)))
    assert complaints(chrome) == []
    for at, name in enumerate(names):
        title = chrome.find_element(By.CSS_SELECTOR, f"[id='node-{at}'] > title")
        shown = title.get_attribute("textContent") or ""
        if name.isprintable():
            assert shown.startswith(name[:1900])
    assert (
        len(chrome.find_elements(By.CSS_SELECTOR, "main script, [onload], .stage b, .stage i")) == 0
    )
    chrome.execute_script("document.querySelector('#node-7 > path').dispatchEvent("
                          "new MouseEvent('click', {bubbles: true}))")  # fmt: skip
    assert chrome.find_element(By.CSS_SELECTOR, ".panel h5").text == HOSTILE[7]
    assert complaints(chrome) == []


def test_fit_shows_the_whole_diagram(chrome: Chrome, tmp_path: Path) -> None:
    chrome.get(written(tmp_path, layers(6, "layer.{}/")))
    buttons = {b.text: b for b in chrome.find_elements(By.CSS_SELECTOR, ".diagram .tools button")}
    buttons["Fit"].click()
    canvas, first, last = chrome.execute_script(
        """
        const box = (item) => item.getBoundingClientRect().toJSON();
        const boxes = document.querySelectorAll(".stage a[id] > path");
        const canvas = document.querySelector(".canvas");
        return [box(canvas), box(boxes[0]), box(boxes[boxes.length - 1])];
        """
    )
    assert canvas["top"] <= first["top"] < last["bottom"] <= canvas["bottom"]
    assert canvas["left"] <= first["left"] < first["right"] <= canvas["right"]
    assert last["bottom"] - first["top"] > 0.8 * canvas["height"], "as large as there is room"
    buttons["100 %"].click()
    box = chrome.find_element(By.CSS_SELECTOR, "#n3 > path")
    assert box.rect["width"] == pytest.approx(168, abs=4)
    chrome.find_element(By.CSS_SELECTOR, ".canvas").send_keys("f")
    assert box.rect["width"] < 100
    assert complaints(chrome) == []


# ---------------------------------------------------------------------------- large ones


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a page with a diagram of 2,101 nodes and a table that they link to."""
    diagram = layers(300, "layer.{}/")
    linked = [replace(node, link=f"row-{at}") for at, node in enumerate(diagram.nodes)]
    folder = tmp_path_factory.mktemp("large")
    return written(folder, rows(len(linked)), replace(diagram, nodes=linked))


def test_the_parts_of_a_packed_diagram_open_to_its_layers_without_scripts(
    without_scripts: Chrome, tmp_path: Path
) -> None:
    diagram = layers(70, "layer.{}/")
    linked = [replace(node, link=f"row-{at}") for at, node in enumerate(diagram.nodes)]
    address = written(tmp_path, rows(len(linked)), replace(diagram, nodes=linked))
    open_at(without_scripts, f"{address}#n150")
    item = without_scripts.find_element(By.ID, "n150")
    assert item.is_displayed(), "a link into a line opens it"
    assert len(without_scripts.find_elements(By.CSS_SELECTOR, ".overview details[open]")) == 1
    item.find_element(By.TAG_NAME, "a").click()
    assert without_scripts.current_url.endswith("#row-150")
    assert row_ground(without_scripts, 150) != row_ground(without_scripts, 151)


def test_a_large_diagram_is_an_overview_without_scripts(
    without_scripts: Chrome, large: str
) -> None:
    without_scripts.get(large)
    items = without_scripts.find_elements(By.CSS_SELECTOR, ".overview li")
    assert len(items) == 301  # the input, and each block
    assert items[3].text == "layer.2 7 nodes · 7.00\N{NARROW NO-BREAK SPACE}ms · 0.3 %".replace(
        " %", "\N{NARROW NO-BREAK SPACE}%"
    )
    items[3].find_element(By.TAG_NAME, "a").click()
    assert without_scripts.current_url.endswith("#row-15")
    assert row_ground(without_scripts, 15) != row_ground(without_scripts, 16)


def test_scripts_draw_a_large_diagram_in_place_of_its_overview(chrome: Chrome, large: str) -> None:
    open_at(chrome, f"{large}#n150")
    waited = WebDriverWait(chrome, 20)
    waited.until(lambda driver: driver.find_elements(By.CSS_SELECTOR, "#n150.selected"))
    assert chrome.find_element(By.CSS_SELECTOR, "#n150 > path").is_displayed()
    assert not chrome.find_elements(By.CSS_SELECTOR, ".overview")
    assert "selected" in (chrome.find_element(By.ID, "row-150").get_attribute("class") or "")
    assert len(chrome.find_elements(By.CSS_SELECTOR, ".fold[open]")) == 1
    assert complaints(chrome) == []


def test_the_address_is_updated_after_the_last_key_press(chrome: Chrome, tmp_path: Path) -> None:
    """Browsers throttle an address that changes at every key press."""
    open_at(chrome, written(tmp_path, rows(40), diagram_of(*map(str, range(40)))))
    chrome.execute_script(
        "window.written = 0; const write = history.replaceState.bind(history);"
        "history.replaceState = (...words) => { window.written += 1; write(...words); };"
    )
    chrome.find_element(By.CSS_SELECTOR, ".stage a[id]").send_keys(*[Keys.ARROW_DOWN] * 30)
    selected = chrome.find_element(By.CSS_SELECTOR, ".stage a.selected").get_attribute("id")
    WebDriverWait(chrome, 10).until(lambda driver: driver.current_url.endswith(f"#{selected}"))
    assert chrome.execute_script("return window.written") < 5
    open_at(chrome, written(tmp_path, rows(1), diagram_of("one")) + "#%zz")
    assert complaints(chrome) == []


# ---------------------------------------------------------------------------- a real run


def test_layers_link_to_both_graphs_and_back(chrome: Chrome, nested_report: Path) -> None:
    open_at(chrome, nested_report.as_uri())
    row = chrome.find_element(By.CSS_SELECTOR, "tr[id^='layer-']:has(code)")
    anchor = row.get_attribute("id")
    chrome.execute_script("location.hash = arguments[0]", anchor)
    marked = chrome.find_elements(By.CSS_SELECTOR, ".stage a.selected")
    places = {str(box.get_attribute("id")).split("-")[0] for box in marked}
    assert places == {"node", "op"}
    assert all(box.get_dom_attribute("href") == f"#{anchor}" for box in marked)
    open_at(chrome, f"{nested_report.as_uri()}#{marked[0].get_attribute('id')}")
    assert "selected" in (chrome.find_element(By.ID, str(anchor)).get_attribute("class") or "")
    assert "type" in chrome.find_element(By.CSS_SELECTOR, ".panel:not([hidden])").text
    assert complaints(chrome) == []


def test_operators_without_a_layer_say_why(chrome: Chrome, nested_report: Path) -> None:
    chrome.get(nested_report.as_uri())
    facts = chrome.execute_script(
        "return [...document.querySelectorAll(\"figure:not([data-inside]) a[id^='op-'] > title\")]"
        ".map((title) => title.textContent)"
    )
    assert facts
    assert all("in the runtime graph: " in fact for fact in facts)
    assert any("kept, but takes no time" in fact for fact in facts)


def test_a_node_and_its_inner_graph_link_to_each_other(
    chrome: Chrome, without_scripts: Chrome, nested_report: Path
) -> None:
    without_scripts.get(nested_report.as_uri())
    inner = without_scripts.find_element(By.CSS_SELECTOR, "figure[data-inside]")
    body, holder = inner.get_attribute("id"), inner.get_attribute("data-inside")
    open_at(without_scripts, f"{nested_report.as_uri()}#{body}")
    assert without_scripts.find_element(By.ID, str(body)).is_displayed()
    inner = without_scripts.find_element(By.ID, str(body))
    inner.find_element(By.LINK_TEXT, "To the node that contains it").click()
    assert without_scripts.current_url.endswith(f"#{holder}")
    assert stroke(without_scripts, str(holder)) != stroke(without_scripts, f"{body}-0")
    open_at(chrome, f"{nested_report.as_uri()}#{holder}")
    links = chrome.find_elements(By.CSS_SELECTOR, f".panel:not([hidden]) a[href='#{body}']")
    links[0].click()
    assert chrome.find_element(By.CSS_SELECTOR, f"[id='{body}-0'] > path").is_displayed()
    assert complaints(chrome) == []
