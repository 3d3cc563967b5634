"""Every kind of block in a real browser: safe, readable under any policy and at any size."""

import base64
import io
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from browser import chromium, complaints, requests, resize
from builders import Demo, charts, run_named, section, table_of
from PIL import Image
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from ovreport.analysis import Analysis, installed
from ovreport.rendering.page import render
from ovreport.section import Axis, Chart, Crashed, Group, Points, Section, Skipped
from ovreport.text.values import Role

HOSTILE = [
    "</script><script>document.title='owned'</script>",
    "<img src=x onerror=\"document.title='owned'\"><style>*{display:none}</style>",
    "'\"><b style=color:red onload=x>]]>--> {{ 7*7 }} {% raw %} $a^b$ \\n",
    "</table></style></title></svg><svg onload=document.title='owned'>",
    "\u202eright to left\u2066 \u0000\u0007\u001b[31m \ud800 \U0001f600 模型",
    "long " + "x" * 10_000,
]
# The policy that Jenkins sends with an artifact.
LOCKED = "sandbox; default-src 'none'; img-src 'self'; style-src 'self';"


def written(folder: Path, page: str) -> str:
    path = folder / "page.html"
    path.write_text(page, encoding="utf-8")
    return path.as_uri()


def page_of(*outcomes: Section | Skipped | Crashed, text: str = "Demo") -> str:
    return render(run_named(text), [Analysis(Demo(), outcome) for outcome in outcomes])


# ---------------------------------------------------------------------------- hostile text


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_text_from_a_model_is_escaped(chrome: Chrome, tmp_path: Path, text: str) -> None:
    name = text.replace("\ud800", "")  # no run file can contain this one, but an error message can

    class Hostile(Demo):
        id = "hostile"
        title = text
        reading = text

    outcomes = section(name), Skipped(text), Crashed(text, text)
    analyses = [Analysis(Demo(), outcomes[0])]
    analyses += [Analysis(Hostile(), outcome) for outcome in outcomes[1:]]
    page = render(run_named(name), analyses)
    resize(chrome, 390)
    chrome.get(written(tmp_path, page))
    assert complaints(chrome) == []
    assert requests(chrome) == [written(tmp_path, page)]
    assert chrome.title != "owned"
    assert not chrome.find_elements(
        By.CSS_SELECTOR, "[onload], [onerror], [style], main script:not([type])"
    )
    assert len(chrome.find_elements(By.CSS_SELECTOR, "style")) == 1
    assert len(chrome.find_elements(By.CSS_SELECTOR, ".crash")) == 1
    assert len(chrome.find_elements(By.CSS_SELECTOR, "figure.chart svg")) == 5
    shown = chrome.find_element(By.TAG_NAME, "main").text
    assert text[:20].replace("\u0000", "\ufffd") in shown, "the sign for what HTML cannot hold"
    beyond = "const page = document.documentElement; return page.scrollWidth - page.clientWidth"
    assert chrome.execute_script(beyond) == 0, "the page itself must not scroll sideways"


# ---------------------------------------------------------------------------- incomplete runs


def test_cells_without_a_result_are_shown_first(chrome: Chrome, tmp_path: Path) -> None:
    chrome.get(written(tmp_path, page_of(section("Demo"), text="the reason")))
    first = chrome.find_element(By.CSS_SELECTOR, "main > section").text
    assert "2 cells without a result" in first
    assert "failed (compile): the reason" in first
    assert "1 cell not measured" in first
    assert "throughput" in first


def test_a_section_that_cannot_be_drawn_does_not_affect_others(
    chrome: Chrome, tmp_path: Path
) -> None:
    uneven = Points([1.0, 2.0], [1.0], Role("series", "main"))
    broken = Section([Group("", [Chart("odd", "Odd", Axis("x"), Axis("y"), [uneven], "")])])
    chrome.get(written(tmp_path, page_of(broken, section("whole"))))
    assert "ValueError" in chrome.find_element(By.CSS_SELECTOR, ".crash").text
    assert len(chrome.find_elements(By.CSS_SELECTOR, "figure.chart svg")) == 5


def test_equal_sections_give_equal_bytes() -> None:
    assert page_of(section("same")) == page_of(section("same"))


# ---------------------------------------------------------------------------- plugin templates


def test_a_template_next_to_an_analyzer_renders_its_section(tmp_path: Path) -> None:
    plugin = tmp_path / "own.py"
    plugin.write_text(
        "from ovreport.plugin import Analyzer\n\n"
        "class Own(Analyzer):\n"
        "    id, title = 'own', 'Own'\n"
        "    def analyze(self, run): ...\n"
    )
    (tmp_path / "section.html").write_text(
        '{% import "macros.html" as show_block %}'
        "<p>{{ analyzer.title }} & {{ section.verdict }}</p>"
        '{{ show_block.block(section.groups[0].block("figures")) }}'
    )
    own = installed([plugin])["own"]()
    page = render(run_named("x"), [Analysis(own, section("<verdict>"))])
    assert "<p>Own & &lt;verdict&gt;</p>" in page
    assert page.count('<dl class="figures"') == 1
    assert "<figure" not in page


# ---------------------------------------------------------------------------- policies


@pytest.fixture
def locked_server(tmp_path: Path) -> Iterator[str]:
    """Serve a folder with a policy that blocks scripts, inline styles and data: images."""

    class Handler(SimpleHTTPRequestHandler):
        def end_headers(self) -> None:
            self.send_header("Content-Security-Policy", LOCKED)
            super().end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(tmp_path)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.browser
def test_the_page_is_readable_without_scripts_and_styles(
    tmp_path: Path, locked_server: str
) -> None:
    shown = replace(section("Demo"), groups=[Group("", [table_of(3), charts("Demo")[1]])])
    written(tmp_path, page_of(shown))
    with chromium(tmp_path / "profile", scripts=False) as driver:
        driver.get(f"{locked_server}/page.html")
        sheets = driver.find_element(By.TAG_NAME, "h1").value_of_css_property("font-family")
        assert "system-ui" not in sheets, "the policy should have blocked the style sheet"
        bar = driver.find_element(By.CSS_SELECTOR, "figure.chart svg")
        assert len(driver.find_elements(By.CSS_SELECTOR, "table tbody tr")) == 3
        assert bar.size["height"] > 100
        picture = Image.open(io.BytesIO(base64.b64decode(bar.screenshot_as_base64))).convert("RGB")
    colours = {colour for _, colour in picture.getcolors(1 << 20) or ()}
    assert (0x80, 0x80, 0x80) in colours, "the grey bars of the series “other”"


# ---------------------------------------------------------------------------- tables


def exported(driver: Chrome, clicks: str = "") -> str:
    """Return what “Copy CSV” puts on the clipboard."""
    return str(
        driver.execute_async_script(
            "const done = arguments[0];"
            "Object.defineProperty(navigator, 'clipboard', {configurable: true, value: "
            "{writeText: async (text) => done(text)}});"
            f"{clicks}"
            "[...document.querySelectorAll('.tools button')]"
            ".find((button) => button.textContent == 'Copy CSV').click()"
        )
    )


def test_exported_table_cells_cannot_be_formulas(chrome: Chrome, tmp_path: Path) -> None:
    table = table_of(7, '=HYPERLINK("x"),')
    chrome.get(written(tmp_path, page_of(Section([Group("", [table])]))))
    lines = exported(chrome).split("\r\n")
    assert lines[0] == '"\'=HYPERLINK(""x""),",Type,Time (ms),Share (%)'
    assert lines[2] == '"\'=HYPERLINK(""x""), 1",Pooling,0.100,14.286'


def test_a_hidden_column_and_filtered_rows_stay_out_of_the_export(
    chrome: Chrome, tmp_path: Path
) -> None:
    chrome.get(written(tmp_path, page_of(Section([Group("", [table_of(9)])]))))
    box = chrome.find_element(By.CSS_SELECTOR, "input[type=search]")
    box.send_keys("-type = Reorder; time >= 0.3; time < 0.7")
    hide = "document.querySelectorAll('.columns input')[2].click();"
    assert exported(chrome, hide) == (
        "layer,Type,Time (ms)\r\nlayer 3,Convolution,0.300\r\nlayer 4,Pooling,0.400\r\n"
        "layer 6,Convolution,0.600\r\n"
    )


def test_missing_numbers_sort_last_either_way(chrome: Chrome, tmp_path: Path) -> None:
    chrome.get(written(tmp_path, page_of(Section([Group("", [table_of(4)])]))))
    button = chrome.find_elements(By.CSS_SELECTOR, "th button")[2]
    orders = []
    for _ in range(2):
        button.send_keys("\n")
        names = chrome.find_elements(By.CSS_SELECTOR, "tbody summary")
        orders.append([name.text[-1] for name in names])
    assert orders == [["3", "2", "1", "0"], ["1", "2", "3", "0"]]


def test_a_link_to_a_folded_row_opens_it(chrome: Chrome, tmp_path: Path) -> None:
    folded = replace(table_of(30), collapsed=True)
    address = written(tmp_path, page_of(Section([Group("", [folded])])))
    chrome.get("about:blank")
    chrome.get(f"{address}#table-20")
    details = chrome.find_element(By.CSS_SELECTOR, "#table-20 dl")
    assert details.is_displayed()


def test_a_table_of_five_thousand_rows_is_usable(chrome: Chrome, tmp_path: Path) -> None:
    chrome.get(written(tmp_path, page_of(Section([Group("", [table_of(5000)])]))))
    box = chrome.find_element(By.CSS_SELECTOR, "input[type=search]")
    chrome.find_elements(By.CSS_SELECTOR, "th button")[3].send_keys("\n")
    box.send_keys("type: pool; share > 99")
    assert chrome.find_element(By.CSS_SELECTOR, ".shown").text == "17 of 5000"


# ---------------------------------------------------------------------------- packed parts


def test_details_of_many_rows_are_unpacked_when_one_opens(chrome: Chrome, tmp_path: Path) -> None:
    page = page_of(Section([Group("", [table_of(2000, "a <b> \x1e 层")])]))
    assert page.count("<dl class=facts>") == 0
    chrome.get(written(tmp_path, page))
    chrome.find_elements(By.CSS_SELECTOR, "th button")[3].send_keys("\n")
    first = chrome.find_element(By.CSS_SELECTOR, "tbody tr")
    assert first.get_attribute("id") == "table-1999"
    first.find_element(By.TAG_NAME, "summary").send_keys("\n")
    WebDriverWait(chrome, 10).until(lambda _: first.find_elements(By.TAG_NAME, "dl"))
    assert first.find_element(By.TAG_NAME, "dd").text == "a <b> \ufffd 层"
    assert complaints(chrome) == []


def test_a_link_into_a_packed_block_unpacks_it(chrome: Chrome, tmp_path: Path) -> None:
    bare = [replace(row, details=()) for row in table_of(9000).rows]
    folded = replace(table_of(0), rows=bare, collapsed=True)
    address = written(tmp_path, page_of(Section([Group("", [folded])])))
    assert Path(address.removeprefix("file://")).stat().st_size < 250_000
    chrome.get("about:blank")
    chrome.get(f"{address}#table-8000")
    row = WebDriverWait(chrome, 20).until(lambda _: chrome.find_element(By.ID, "table-8000"))
    WebDriverWait(chrome, 20).until(lambda _: row.is_displayed())
    assert chrome.find_elements(By.CSS_SELECTOR, ".tools input"), "it sorts and filters like others"
