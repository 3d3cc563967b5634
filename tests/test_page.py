"""The report of a real run in a real browser: no errors, no dead links, usable tables."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from browser import chromium, complaints, requests
from selenium.webdriver import ActionChains, Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from ovreport.analysis import analyze, choose, installed
from ovreport.rendering.page import render
from ovreport.run import Run


def tables(driver: Chrome) -> list[WebElement]:
    return driver.find_elements(By.CSS_SELECTOR, "table")


def test_the_page_opens_without_errors_and_requests(chrome: Chrome, report: Path) -> None:
    chrome.get(report.as_uri())
    assert complaints(chrome) == []
    assert requests(chrome) == [report.as_uri()]
    assert chrome.find_element(By.TAG_NAME, "h1").text.startswith("<script>")
    assert not chrome.find_elements(By.CSS_SELECTOR, ".crash")


def test_every_internal_link_has_a_target(chrome: Chrome, report: Path) -> None:
    chrome.get(report.as_uri())
    missing = chrome.execute_script(
        "return [...document.querySelectorAll('a[href^=\"#\"]')]"
        ".map(a => a.getAttribute('href').slice(1)).filter(id => !document.getElementById(id))"
    )
    assert missing == []


def test_a_link_to_a_section_that_is_left_out_is_plain_text(run: Run) -> None:
    (layers,) = analyze(run, choose(installed(), ["layers"], {}, "test"))
    page = render(run, [layers], with_data=False)
    sections, _, _script = page.partition("<script>")
    targets = re.findall(r'href="#([^"]+)"', sections)
    assert targets
    assert all(re.search(rf' id="?{re.escape(target)}[" >]', page) for target in targets)
    assert "<a>show</a>" in page  # a node of the diagram, which is missing


def test_ids_are_unique(chrome: Chrome, report: Path) -> None:
    chrome.get(report.as_uri())
    twice = chrome.execute_script(
        "const ids = [...document.querySelectorAll('[id]')].map(e => e.id);"
        "return ids.filter((id, at) => ids.indexOf(id) !== at)"
    )
    assert twice == []


def test_tables_sort_and_filter(chrome: Chrome, report: Path) -> None:
    chrome.get(report.as_uri())
    table = next(t for t in tables(chrome) if (t.get_attribute("id") or "").startswith("layers-"))
    heads = [head.text.split("\n")[0] for head in table.find_elements(By.TAG_NAME, "th")]
    time, kind, share = heads.index("Time"), heads.index("Type"), heads.index("Share")
    chrome.execute_script(
        "arguments[0].tHead.rows[0].cells[arguments[1]].querySelector('button').click()",
        table, time,
    )  # fmt: skip
    numbers = "arguments[0].tBodies[0].rows].map(r => r.cells[arguments[1]])"
    times = chrome.execute_script(
        f"return [...{numbers}.map(c => parseFloat(c.dataset.v ?? c.textContent))", table, time
    )
    assert times == sorted(times, reverse=True)
    assert len(times) > 20
    table.find_element(By.CSS_SELECTOR, "input[type=search]").send_keys("type: conv; share > 1")
    shown = chrome.execute_script(
        "return [...arguments[0].tBodies[0].rows].filter(r => !r.hidden)"
        ".map(r => [arguments[1], arguments[2]].map(n => r.cells[n].textContent))",
        table, kind, share,
    )  # fmt: skip
    assert 0 < len(shown) < len(times)
    assert all("Convolution" in kind and float(share) >= 1 for kind, share in shown)


@pytest.mark.browser
def test_a_colouring_needs_no_script(report: Path, tmp_path: Path) -> None:
    with chromium(tmp_path / "profile", scripts=False) as driver:
        driver.get(report.as_uri())
        assert len(tables(driver)) > 5
        assert len(driver.find_elements(By.CSS_SELECTOR, "figure.chart svg")) > 5
        diagram = driver.find_element(By.CSS_SELECTOR, ".diagram[id^='runtime-']")
        node = diagram.find_element(By.CSS_SELECTOR, "[id^='node-'] path")
        before = node.value_of_css_property("fill")
        first = diagram.find_element(By.CSS_SELECTOR, "input[type='radio']")
        # Moving the pointer makes the browser lay out parts that it had skipped.
        ActionChains(driver).click(first).send_keys(Keys.ARROW_RIGHT).perform()
        assert node.value_of_css_property("fill") != before


def test_a_report_without_data_carries_none(run: Run) -> None:
    assert 'id="ovreport-run"' in render(run, [])
    assert 'id="ovreport-run"' not in render(run, [], with_data=False)


def test_types_can_be_left_out_and_shares_are_updated(chrome: Chrome, report: Path) -> None:
    chrome.get(report.as_uri())
    table = next(t for t in tables(chrome) if (t.get_attribute("id") or "").startswith("by-type-"))
    shares = (
        "const share = [...arguments[0].tHead.rows[0].cells].findIndex(c => "
        "c.textContent.startsWith('Share'));"
        "return [...arguments[0].tBodies[0].rows].map(r => r.cells[share].textContent)"
    )
    before = chrome.execute_script(shares, table)
    boxes = table.find_elements(By.CSS_SELECTOR, "tbody input[type=checkbox]")
    boxes[0].click()
    after = chrome.execute_script(shares, table)
    assert after[0] == "–"
    assert sum(map(float, after[1:])) == pytest.approx(100, abs=0.1 * len(after))
    assert float(after[1]) > float(before[1])
    boxes[0].click()
    again = chrome.execute_script(shares, table)
    assert [float(a) for a in again] == pytest.approx(
        [float(b.replace("<", "")) for b in before], abs=0.11
    )


@pytest.mark.parametrize(
    ("query", "holds"),
    [
        ("type is convolution", lambda kind, _time: kind == "Convolution"),
        ("type is not convolution", lambda kind, _time: kind != "Convolution"),
        ("type contains conv; time ≥ 0.05", lambda kind, time: "Conv" in kind and time >= 0.05),
        ("time ≠ 0; type != pooling", lambda kind, time: time and kind != "Pooling"),
        ("work = n/a", lambda _kind, _time: False),
    ],
)
def test_filters_support_the_operators_of_the_workbench(
    query: str, holds: Callable[[str, float], bool], chrome: Chrome, report: Path
) -> None:
    chrome.get(report.as_uri())
    table = next(t for t in tables(chrome) if (t.get_attribute("id") or "").startswith("layers-"))
    rows = (
        "const heads = [...arguments[0].tHead.rows[0].cells].map(c => c.textContent);"
        "const at = (name) => heads.findIndex(h => h.startsWith(name));"
        "return [...arguments[0].tBodies[0].rows].map(r => [r.cells[at('Type')].textContent.trim(),"
        "parseFloat(r.cells[at('Time')].dataset.v ?? r.cells[at('Time')].textContent)])"
    )
    expected = [row for row in chrome.execute_script(rows, table) if holds(*row)]
    table.find_element(By.CSS_SELECTOR, "input[type=search]").send_keys(query)
    assert chrome.execute_script(rows, table) == expected
