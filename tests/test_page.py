"""The report in a real browser: complete without scripts, silent, and harmless."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

from ovreport.analysis import Analysis
from ovreport.plugin import Analyzer
from ovreport.rendering.page import render
from ovreport.run import Run
from ovreport.section import (
    Axis,
    Bars,
    Chart,
    Column,
    Crashed,
    Facts,
    Finding,
    Group,
    Role,
    Row,
    Section,
    Skipped,
    Table,
)  # fmt: skip

HOSTILE = "</script><script>document.title='owned'</script><b onload=x>\"']]>--> \u202e {{ 7*7 }}"


def browser(profile: Path, *, scripts: bool) -> webdriver.Chrome:
    options = webdriver.ChromeOptions()
    for word in (
        "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
        "--disable-background-networking", f"--user-data-dir={profile}",
    ):  # fmt: skip
        options.add_argument(word)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    if not scripts:
        content = {"profile.managed_default_content_settings.javascript": 2}
        options.add_experimental_option("prefs", content)
    return webdriver.Chrome(options=options)


@pytest.fixture(scope="module")
def chrome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    driver = browser(tmp_path_factory.mktemp("profile"), scripts=True)
    yield driver
    driver.quit()


def tables(driver: webdriver.Chrome) -> list[WebElement]:
    return driver.find_elements(By.CSS_SELECTOR, "table")


def requests(driver: webdriver.Chrome) -> list[str]:
    messages = (json.loads(entry["message"])["message"] for entry in driver.get_log("performance"))
    sent = [m for m in messages if m["method"] == "Network.requestWillBeSent"]
    return [m["params"]["request"]["url"] for m in sent]


def test_it_opens_without_errors_and_without_requests(
    chrome: webdriver.Chrome, report: Path
) -> None:
    chrome.get(report.as_uri())
    assert [e for e in chrome.get_log("browser") if e["level"] != "INFO"] == []
    outside = [url for url in requests(chrome) if not url.startswith(("file:", "data:", "chrome:"))]
    assert outside == []
    assert chrome.find_element(By.TAG_NAME, "h1").text.startswith("<script>")
    assert not chrome.find_elements(By.CSS_SELECTOR, ".crash")


def test_every_link_inside_leads_somewhere(chrome: webdriver.Chrome, report: Path) -> None:
    chrome.get(report.as_uri())
    missing = chrome.execute_script(
        "return [...document.querySelectorAll('a[href^=\"#\"]')]"
        ".map(a => a.getAttribute('href').slice(1)).filter(id => !document.getElementById(id))"
    )
    assert missing == []


def test_ids_are_unique(chrome: webdriver.Chrome, report: Path) -> None:
    chrome.get(report.as_uri())
    twice = chrome.execute_script(
        "const ids = [...document.querySelectorAll('[id]')].map(e => e.id);"
        "return ids.filter((id, at) => ids.indexOf(id) !== at)"
    )
    assert twice == []


def test_tables_sort_and_filter(chrome: webdriver.Chrome, report: Path) -> None:
    chrome.get(report.as_uri())
    table = next(t for t in tables(chrome) if t.get_attribute("id").startswith("layers-"))
    head = next(h for h in table.find_elements(By.TAG_NAME, "th") if "Time" in h.text)
    button = head.find_element(By.TAG_NAME, "button")
    chrome.execute_script("arguments[0].click()", button)
    times = chrome.execute_script(
        "return [...arguments[0].tBodies[0].rows].map(r => parseFloat(r.cells[6].textContent))",
        table,
    )
    assert times == sorted(times, reverse=True)
    box = table.find_element(By.XPATH, "../preceding-sibling::div//input[@type='search']")
    box.send_keys("type: conv; share > 1")
    shown = chrome.execute_script(
        "return [...arguments[0].tBodies[0].rows].filter(r => !r.hidden)"
        ".map(r => [r.cells[2].textContent, parseFloat(r.cells[8].textContent)])",
        table,
    )
    assert shown
    assert all("Convolution" in kind and share > 1 for kind, share in shown)


def test_a_colouring_needs_no_script(report: Path, tmp_path: Path) -> None:
    driver = browser(tmp_path / "profile", scripts=False)
    try:
        driver.get(report.as_uri())
        assert len(tables(driver)) > 5
        assert len(driver.find_elements(By.CSS_SELECTOR, "figure.chart svg")) > 5
        node = driver.find_element(By.CSS_SELECTOR, ".canvas g[id^='node-'] path")
        before = node.value_of_css_property("fill")
        first = driver.find_element(By.CSS_SELECTOR, ".diagram input[type='radio']")
        first.send_keys(Keys.ARROW_RIGHT)
        assert node.value_of_css_property("fill") != before
    finally:
        driver.quit()


class Demo(Analyzer):
    """Hostile text wherever text can be."""

    id = "demo"
    title = HOSTILE
    reading = HOSTILE

    def analyze(self, run: Run) -> Section:
        raise NotImplementedError


def test_hostile_text_is_shown_and_does_nothing(
    chrome: webdriver.Chrome, run: Run, tmp_path: Path
) -> None:
    row = Row({"a": HOSTILE}, details=[Facts("f", HOSTILE, [(HOSTILE, HOSTILE, "code")])])
    table = Table("t", HOSTILE, [Column("a", HOSTILE, "code", HOSTILE, HOSTILE)], [row], HOSTILE)
    bars = Bars([1.0], [Role("type", HOSTILE)], HOSTILE)
    chart = Chart("c", HOSTILE, Axis(HOSTILE), Axis("", categories=[HOSTILE]), [bars], HOSTILE)
    section = Section(
        [Group(HOSTILE, [table, chart])], [Finding("x", "problem", HOSTILE, HOSTILE)], HOSTILE
    )
    outcomes = (section, Skipped(HOSTILE), Crashed(HOSTILE, HOSTILE))
    path = tmp_path / "hostile.html"
    page = ""
    for outcome in outcomes:
        page = render(run, [Analysis(Demo(), outcome)])
        path.write_text(page, encoding="utf-8")
        chrome.get(path.as_uri())
        assert "owned" not in chrome.title
        assert not chrome.find_elements(By.CSS_SELECTOR, "b[onload]")
        assert [e for e in chrome.get_log("browser") if e["level"] != "INFO"] == []
        assert "document.title='owned'" in chrome.find_element(By.TAG_NAME, "main").text
