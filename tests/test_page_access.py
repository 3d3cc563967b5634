"""Access to the page: keyboard, screen reader, enlarged, in print, in Firefox."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path

import pytest
from browser import firefox, resize
from builders import Demo, run_named, section
from conftest import ovreport
from selenium.webdriver import Chrome, Keys
from selenium.webdriver.common.by import By

from ovreport.analysis import Analysis
from ovreport.rendering.page import render

# axe checks every word, and a run's report has ten thousand; the demo has each kind of block.
SLOW = ("color-contrast", "target-size")
VERSIONS = Path(__file__).with_name("data") / "versions.jsonl"
LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a page with every kind of block, and with the parts that a failed run adds."""
    path = tmp_path_factory.mktemp("demo") / "demo.html"
    path.write_text(render(run_named("net"), [Analysis(Demo(), section("Demo"))]), "utf-8")
    return path


@pytest.fixture(scope="module")
def comparison(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("comparison") / "compare.html"
    words = "--base", "version=parent", "--candidate", "version=int8"
    result = ovreport("compare", VERSIONS, VERSIONS, *words, "-o", path)
    assert result.exit_code == 0, result.output
    return path


@pytest.fixture(scope="module")
def trend(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a trend of the same run on two days."""
    folder = tmp_path_factory.mktemp("trend")
    text = VERSIONS.read_text("utf-8")
    day = re.search(r'"created":"([0-9-]+)', text)
    assert day is not None
    (folder / "next.jsonl").write_text(text.replace(day[1], "2027-01-02"), "utf-8")
    result = ovreport("trend", VERSIONS, folder / "next.jsonl", "-o", folder / "trend.html")
    assert result.exit_code == 0, result.output
    return folder / "trend.html"


@pytest.fixture(scope="session")
def axe() -> str:
    """Return axe-core, a file in a package of the test extra."""
    spec = importlib.util.find_spec("axe_playwright_python")
    if spec is None or spec.origin is None:
        pytest.skip("axe-core is missing: pip install -e '.[test]'")
    return Path(spec.origin).with_name("axe.min.js").read_text("utf-8")


@pytest.mark.measures
@pytest.mark.parametrize(
    ("page", "width", "scheme"),
    [
        ("report", 1280, "light"),
        ("report", 1280, "dark"),
        ("comparison", 1280, "light"),
        ("comparison", 390, "dark"),
        ("trend", 1280, "light"),
        ("trend", 1280, "dark"),
        ("demo", 1280, "light"),
        ("demo", 1280, "dark"),
        ("demo", 390, "light"),
    ],
)
def test_axe_reports_no_violation(
    chrome: Chrome, axe: str, request: pytest.FixtureRequest, page: str, width: int, scheme: str
) -> None:
    resize(chrome, width)
    preferred = [{"name": "prefers-color-scheme", "value": scheme}]
    chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": preferred})
    chrome.get(request.getfixturevalue(page).as_uri())
    opened = "details" if page == "demo" else "details.block"
    chrome.execute_script(
        f"document.querySelectorAll('{opened}').forEach(d => {{ d.open = true }})"
    )
    chrome.execute_script(  # check parts outside the viewport, too
        "document.querySelectorAll('main > section')"
        ".forEach(s => { s.style.contentVisibility = 'visible' })"
    )
    chrome.set_script_timeout(120)
    chrome.execute_script(axe)
    found = chrome.execute_async_script(
        "const done = arguments[2];"
        "axe.run(document, "
        "{runOnly: arguments[0], rules: arguments[1], resultTypes: ['violations']})"
        ".then(({violations}) => done(violations))",
        LEVELS,
        {rule: {"enabled": page in ("demo", "trend")} for rule in SLOW},
    )
    assert [(v["id"], [node["html"] for node in v["nodes"]][:3]) for v in found] == []


def test_the_keyboard_reaches_the_results_and_sorts_a_table(chrome: Chrome, report: Path) -> None:
    resize(chrome, 1280)
    chrome.get(report.as_uri())
    active = chrome.switch_to.active_element
    active.send_keys(Keys.TAB)
    skip = chrome.switch_to.active_element
    assert skip.text == "Skip to the results"
    skip.send_keys(Keys.ENTER)
    assert chrome.current_url.endswith("#main")
    button = chrome.find_element(By.CSS_SELECTOR, "th:nth-child(2) button.sort")
    button.send_keys(Keys.ENTER)
    head = button.find_element(By.XPATH, "..")
    assert head.get_attribute("aria-sort") in ("ascending", "descending")
    assert chrome.switch_to.active_element == button


def test_pictures_have_descriptions_for_screen_readers(chrome: Chrome, demo: Path) -> None:
    chrome.get(demo.as_uri())
    unnamed = chrome.execute_script(
        "return [...document.querySelectorAll('figure.chart svg')]"
        ".filter(s => !s.getAttribute('aria-label') || !s.querySelector('desc')?.textContent)"
    )
    assert unnamed == []
    for landmark in ("header", "nav[aria-label]", "main", "footer"):
        assert len(chrome.find_elements(By.CSS_SELECTOR, f"body {landmark}")) == 1
    for table in chrome.find_elements(By.TAG_NAME, "table"):
        assert table.find_elements(By.TAG_NAME, "caption")
        assert all(
            head.get_attribute("scope") == "col" for head in table.find_elements(By.TAG_NAME, "th")
        )


@pytest.mark.parametrize("width", [640, 320])  # 1280 pixels at 200 and at 400 %
def test_the_enlarged_page_scrolls_in_one_direction_only(
    chrome: Chrome, report: Path, width: int
) -> None:
    resize(chrome, width)
    chrome.get(report.as_uri())
    beyond = "const page = document.documentElement; return page.scrollWidth - page.clientWidth"
    assert chrome.execute_script(beyond) == 0


def test_charts_fit_a_phone(chrome: Chrome, report: Path) -> None:
    resize(chrome, 390)
    chrome.get(report.as_uri())
    edges = chrome.execute_script(
        "return [...document.querySelectorAll('figure.chart svg')]"
        ".map(s => s.getBoundingClientRect()).filter(r => r.left < 0 || r.right > 390).length"
    )
    assert edges == 0


def test_print_shows_tables_without_controls(chrome: Chrome, report: Path) -> None:
    resize(chrome, 700)
    chrome.get(report.as_uri())
    chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    shown, cut = chrome.execute_script(
        "return [[...document.querySelectorAll('nav, .tools, .skip')]"
        ".filter(e => e.checkVisibility()).length,"
        "[...document.querySelectorAll('.scroll')]"
        ".filter(e => getComputedStyle(e).overflowX !== 'visible').length]"
    )
    chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    assert (shown, cut) == (0, 0)


# ---------------------------------------------------------------------------- Firefox


@pytest.mark.browser("firefox-esr")
def test_firefox_sorts_and_filters_without_errors(report: Path, tmp_path: Path) -> None:
    with firefox(tmp_path) as browser:
        browser.open(report.as_uri())
        counts = json.loads(browser.run(
            """
            const table = document.querySelector("table[id^='layers-']");
            const box = table.querySelector("input[type=search]");
            const all = table.tBodies[0].rows.length;
            box.value = "type: conv";
            box.dispatchEvent(new Event("input"));
            JSON.stringify({
              all, shown: table.tBodies[0].rows.length,
              says: table.querySelector(".shown").textContent,
              crashed: document.querySelectorAll(".crash").length,
              charts: [...document.querySelectorAll("figure.chart svg")]
                .filter((svg) => svg.getBoundingClientRect().height > 50).length,
              wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
            })
            """
        ))  # fmt: skip
    assert 0 < counts["shown"] < counts["all"]
    assert counts["says"] == f"{counts['shown']} of {counts['all']}"
    assert counts["charts"] > 5
    assert (counts["crashed"], counts["wide"], browser.complaints) == (0, 0, [])
