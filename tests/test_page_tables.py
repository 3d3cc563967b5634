"""Long and wide tables: folded after their first rows, and readable on a phone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from browser import chromium, complaints, resize
from builders import Demo, run_named, table_of
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By

from ovreport.analysis import Analysis
from ovreport.rendering.page import render
from ovreport.section import Column, Finding, Group, Row, Section, Table
from ovreport.text.values import Value


@pytest.fixture(scope="module")
def chrome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    with chromium(tmp_path_factory.mktemp("profile")) as driver:
        resize(driver, 1280)
        yield driver


def written(folder: Path, *tables: Table, findings: list[Finding] | None = None) -> str:
    class Asking(Demo):
        title = "Same answers as before?"

    path = folder / "page.html"
    section = Section([Group("", tables)], findings or [])
    path.write_text(render(run_named("net"), [Analysis(Asking(), section)]), encoding="utf-8")
    return path.as_uri()


def seen(driver: Chrome) -> list[str]:
    """Return the anchors of the visible rows, in their order."""
    rows = driver.find_elements(By.CSS_SELECTOR, "#table > tbody > tr")
    return [str(row.get_attribute("id")) for row in rows if row.is_displayed()]


def saved_csv(driver: Chrome) -> list[str]:
    text = driver.execute_async_script(
        """
        const done = arguments[0];
        URL.createObjectURL = (blob) => { blob.text().then(done); return "#"; };
        [...document.querySelectorAll(".tools button")].at(-1).click();
        """
    )
    return str(text).strip().split("\r\n")


def anchors(numbers: range) -> list[str]:
    return [f"table-{number}" for number in numbers]


def test_columns_that_are_empty_in_every_row_are_left_out() -> None:
    columns = [Column("name", ""), Column("a", ""), Column("b", ""), Column("c", "", kept=True)]
    rows = [Row({"name": None, "a": None, "b": value, "c": ""}) for value in (None, 0)]
    filled = Table("t", "", columns, rows).filled
    assert [column.key for column in filled.columns] == ["name", "b", "c"]
    assert [dict(row.values) for row in filled.rows] == [
        {"name": None, "b": None, "c": ""}, {"name": None, "b": 0, "c": ""},
    ]  # fmt: skip


# ---------------------------------------------------------------------------- long ones


@pytest.mark.browser
def test_a_long_table_begins_with_its_first_rows_without_scripts(tmp_path: Path) -> None:
    with chromium(tmp_path / "profile", scripts=False) as driver:
        address = written(tmp_path, table_of(30))
        driver.get(address)
        assert seen(driver) == anchors(range(15))
        control = driver.find_element(By.CSS_SELECTOR, ".rest > summary")
        assert control.text == "Show all 30 rows"
        control.click()
        assert seen(driver) == anchors(range(30))
        assert control.text == "Show the first 15 rows"
        driver.get("about:blank")
        driver.get(f"{address}#table-20")
        assert seen(driver) == [*anchors(range(15)), "table-20"], "a link shows its row"


def test_short_and_folded_tables_are_whole(chrome: Chrome, tmp_path: Path) -> None:
    folded = replace(table_of(30, id="folded"), collapsed=True)
    chrome.get(written(tmp_path, table_of(20), folded))
    assert not chrome.find_elements(By.CSS_SELECTOR, ".rest")
    assert len(seen(chrome)) == 20


def test_sorting_filtering_and_saving_include_all_rows(chrome: Chrome, tmp_path: Path) -> None:
    chrome.get(written(tmp_path, table_of(30)))
    button = chrome.find_elements(By.CSS_SELECTOR, "th button")[2]
    button.send_keys("\n")
    assert seen(chrome) == anchors(range(29, 14, -1))
    box = chrome.find_element(By.CSS_SELECTOR, "input[type=search]")
    box.send_keys("share > 40")
    assert seen(chrome) == anchors(range(29, 12, -1)), "what a filter leaves is all shown"
    assert not chrome.find_element(By.CSS_SELECTOR, ".rest").is_displayed()
    box.clear()
    box.send_keys(" ")
    assert len(seen(chrome)) == 15
    assert len(saved_csv(chrome)) == 31
    assert complaints(chrome) == []


def test_a_missing_value_is_last_in_either_order_and_empty_in_csv(
    chrome: Chrome, tmp_path: Path
) -> None:
    columns = [Column("name", "Name"), Column("word", "Word"), Column("size", "Size", "count")]
    values = [("x", 1), (None, None), ("y", 2), ("z", 3), ("w", 4), ("v", 5)]
    rows = [
        Row({"name": f"n{place}", "word": word, "size": size}, anchor=f"table-{place}")
        for place, (word, size) in enumerate(values)
    ]
    chrome.get(written(tmp_path, Table("table", "T", columns, rows)))
    for place in (1, 2):
        for _ in range(2):
            chrome.find_elements(By.CSS_SELECTOR, "th button")[place].send_keys("\n")
            assert seen(chrome)[-1] == "table-1"
    assert saved_csv(chrome)[-1] == "n1,,"
    chrome.find_element(By.CSS_SELECTOR, "input[type=search]").send_keys("word = n/a")
    assert seen(chrome) == ["table-1"]


def test_rows_can_be_left_out_with_any_column_names(chrome: Chrome, tmp_path: Path) -> None:
    columns = [
        Column("name", "Typ"),
        Column("time", "Zeit", "duration"),
        Column("share", "Anteil", "share"),
    ]
    rows = [Row({"name": f"n{n}", "time": 1e-3, "share": 0.25}) for n in range(4)]
    chrome.get(written(tmp_path, Table("table", "T", columns, rows, leave_out=True)))
    chrome.find_element(By.CSS_SELECTOR, "#table input[type=checkbox]").click()
    shares = [
        row.text.split()[-1] for row in chrome.find_elements(By.CSS_SELECTOR, "#table tbody tr")
    ]
    assert shares == ["–", "33.3", "33.3", "33.3"]


def test_only_tables_with_times_and_shares_can_leave_rows_out() -> None:
    with pytest.raises(ValueError, match="leave_out needs columns 'time' and 'share'"):
        Table("t", "", [Column("time", "")], [], leave_out=True)


def test_a_link_to_a_hidden_row_opens_the_whole_table(chrome: Chrome, tmp_path: Path) -> None:
    address = written(tmp_path, table_of(30))
    for row, shown in ((3, 15), (20, 30)):
        chrome.get("about:blank")
        chrome.get(f"{address}#table-{row}")
        assert len(seen(chrome)) == shown
        assert chrome.find_element(By.CSS_SELECTOR, f"#table-{row} dl").is_displayed()


# ---------------------------------------------------------------------------- tools


def test_the_filter_shows_examples_of_its_own_columns(chrome: Chrome, tmp_path: Path) -> None:
    columns = [
        Column("name", "Name"),
        Column("hidden", "Hidden", optional=True),
        Column("why", "Verdict"),
        Column("size", "Size", "bytes"),
    ]
    values: dict[str, Value] = {"name": "a", "hidden": "no", "why": "Faster", "size": 5 * 2**20}
    plain = [Row({"name": f"row {n}"}) for n in range(6)]
    tables = [
        table_of(9),
        Table("some", "", columns, [Row(values)] * 6),
        Table("one", "", columns[:1], plain),
    ]
    chrome.get(written(tmp_path, *tables))
    boxes = chrome.find_elements(By.CSS_SELECTOR, "input[type=search]")
    assert [box.get_attribute("placeholder") for box in boxes] == [
        "Filter: words; type: conv; share > 0",
        "Filter: words; verdict: fast; size > 5",
        "Filter: words",
    ]
    boxes[1].send_keys("words; verdict: faster; size > 4")
    assert complaints(chrome) == []


def test_the_count_of_findings_does_not_wrap(chrome: Chrome, tmp_path: Path) -> None:
    findings = [Finding(f"f-{n}", "warning", "x") for n in range(12)]
    chrome.get(written(tmp_path, findings=findings))
    pieces = "return document.querySelector('.alarms').getClientRects().length"
    assert chrome.execute_script(pieces) == 1
    assert chrome.find_element(By.CSS_SELECTOR, ".alarms").size["height"] < 24


# ---------------------------------------------------------------------------- a phone


@pytest.fixture
def phone(chrome: Chrome) -> Iterator[Chrome]:
    resize(chrome, 390)
    yield chrome
    resize(chrome, 1280)


@pytest.mark.browser
def test_names_stay_visible_while_a_wide_table_scrolls(phone: Chrome, tmp_path: Path) -> None:
    wide = table_of(8)
    more = [Column(f"m{n}", f"More {n}") for n in range(8)]
    rows = [replace(r, values={**r.values, **{c.key: "words" for c in more}}) for r in wide.rows]
    phone.get(written(tmp_path, replace(wide, columns=[*wide.columns, *more], rows=rows)))
    moved, lefts, shadows = phone.execute_script(
        "const box = document.querySelector('.scroll');"
        "box.scrollLeft = 150;"
        "const left = (item) => item.getBoundingClientRect().left;"
        "return [box.scrollLeft,"
        "[...box.querySelectorAll(':is(th, td):first-child')]"
        ".map(cell => left(cell) - left(box)),"
        "getComputedStyle(box).backgroundImage.match(/gradient/g).length]"
    )
    assert moved == 150
    assert set(lefts) == {0}
    assert shadows == 2, "the shadow of the edge, and what hides it at the end"


@pytest.mark.browser
def test_a_name_is_on_the_line_of_its_marker(phone: Chrome, tmp_path: Path) -> None:
    phone.get(written(tmp_path, table_of(8, "a_name_that_is_long/as_layers_have")))
    distances = phone.execute_script(
        "return [...document.querySelectorAll('td summary')].map(summary =>"
        "summary.firstElementChild.getBoundingClientRect().top"
        " - summary.getBoundingClientRect().top)"
    )
    assert max(distances) < 12
