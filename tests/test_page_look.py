"""Title, logo, style rules and templates of the user, and those in a stranger's run file."""

from __future__ import annotations

import io
import socket
from pathlib import Path

import pytest
from browser import chromium, complaints
from conftest import ovreport
from PIL import Image
from selenium.webdriver.common.by import By

from ovreport.runfile import read_run

DATA = Path(__file__).with_name("data") / "bottlenecks.jsonl"
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"><rect width="9" height="9"/>'


def config(folder: Path, **report: str) -> Path:
    lines = [f"{key} = '{value}'" for key, value in report.items()]
    path = folder / "look.toml"
    path.write_text("[[model]]\nname = 'x'\npath = 'x'\n[report]\n" + "\n".join(lines))
    return path


@pytest.mark.browser
def test_a_report_uses_the_configured_look_and_loads_nothing(tmp_path: Path) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.5)
    port = listener.getsockname()[1]
    picture = io.BytesIO()
    Image.new("RGB", (40, 20), "teal").save(picture, "PNG")
    (tmp_path / "logo.png").write_bytes(picture.getvalue())
    (tmp_path / "own.css").write_text(
        f"@import 'http://127.0.0.1:{port}/a.css';"
        f"h1 {{ color: rgb(1, 2, 3); background: url(http://127.0.0.1:{port}/x.png) }}"
        "h2 { content: '</style><script>document.title=1</script>' }"
    )
    (tmp_path / "sections").mkdir()
    (tmp_path / "sections" / "kernels.html").write_text("<p id=own>{{ section.groups|length }}</p>")
    look = config(
        tmp_path, title="Mine", notes="Two\\nlines", logo="logo.png", css="own.css",
        templates="sections",
    )  # fmt: skip
    report = tmp_path / "report.html"
    result = ovreport("render", DATA, "-o", report, "--config", look)
    assert result.exit_code == 0, result.output
    with chromium(tmp_path / "profile") as chrome:
        chrome.get(report.as_uri())
        assert all("Content Security Policy" in message for message in complaints(chrome))
        with pytest.raises(TimeoutError):
            listener.accept()
        heading = chrome.find_element(By.TAG_NAME, "h1")
        assert heading.text == "Mine"
        assert chrome.title.startswith("Mine")
        assert heading.value_of_css_property("color") == "rgba(1, 2, 3, 1)"
        logo = chrome.find_element(By.CSS_SELECTOR, "img.logo")
        assert chrome.execute_script("return arguments[0].naturalWidth", logo) == 40
        assert chrome.find_element(By.ID, "own").text == "2"
        assert len(chrome.find_elements(By.TAG_NAME, "style")) == 1
    listener.close()
    assert read_run(report).header.appearance.css.startswith("@import")


@pytest.mark.browser
def test_characters_that_a_browser_replaces_do_not_break_the_style(tmp_path: Path) -> None:
    """The policy has the hash of the style, which the browser computes after replacements."""
    (tmp_path / "own.css").write_bytes(b"h1 {\rcolor: rgb(1, 2, 3)\r\n} /* \0 */ h2 { top: '\0' }")
    report = tmp_path / "report.html"
    look = config(tmp_path, title="Mine", css="own.css")
    assert ovreport("render", DATA, "-o", report, "--config", look).exit_code == 0
    with chromium(tmp_path / "profile") as chrome:
        chrome.get(report.as_uri())
        assert complaints(chrome) == []
        heading = chrome.find_element(By.TAG_NAME, "h1")
        assert heading.value_of_css_property("color") == "rgba(1, 2, 3, 1)"
    assert not {*b"\0\r"} & {*report.read_bytes()}


@pytest.mark.slow
def test_a_run_file_keeps_its_look_but_not_its_templates(tmp_path: Path) -> None:
    (tmp_path / "logo.svg").write_text(f"{SVG}</svg>")
    (tmp_path / "kernels.html").write_text("<p id=own></p>")
    look = config(tmp_path, title="Mine", logo="logo.svg", templates=".")
    first, again = tmp_path / "first.html", tmp_path / "again.html"
    assert ovreport("render", DATA, "-o", first, "--config", look).exit_code == 0
    assert ovreport("render", first, "-o", again).exit_code == 0
    assert "<p id=own>" in first.read_text("utf-8")
    page = again.read_text("utf-8")
    assert "<p id=own>" not in page
    assert "data:image/svg+xml;base64," in page
    assert "<h1>Mine</h1>" in page


@pytest.mark.parametrize(
    ("key", "name", "content", "message"),
    [
        ("logo", "logo.png", "not a picture", "neither PNG nor SVG"),
        ("logo", "logo.svg", f"<!DOCTYPE svg [<!ENTITY a 'a'>]>{SVG}</svg>", "neither PNG nor SVG"),
        ("logo", "none.png", None, "cannot be read"),
        ("css", "own.css", "x" * (65 << 10), "larger than 64 KiB"),
        ("css", "own.css", "caf\udce9", "not UTF-8"),
        ("templates", "kernel.html", "", "kernel.html is not named after an analyzer"),
        ("templates", "none", None, "not a folder with templates"),
    ],
)
def test_unusable_logos_and_styles_are_refused(
    tmp_path: Path, key: str, name: str, content: str | None, message: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content.encode("utf-8", "surrogateescape"))
    given = "." if key == "templates" and content is not None else name
    report = tmp_path / "report.html"
    result = ovreport("render", DATA, "-o", report, "--config", config(tmp_path, **{key: given}))
    assert result.exit_code == 2
    assert message in result.output
    assert f"report.{key}" in result.output
    assert not report.exists()


@pytest.mark.parametrize("logo", ["http://127.0.0.1:9/x.png", 'data:image/png;base64,"><b>'])
def test_a_run_file_cannot_name_another_kind_of_logo(tmp_path: Path, logo: str) -> None:
    run = read_run(DATA)
    text = run.header.model_dump_json()
    quoted = logo.replace('"', '\\"')
    header = text.replace('"logo":""', f'"logo":"{quoted}"')
    assert header != text
    damaged = tmp_path / "run.jsonl"
    damaged.write_text(f'{{"kind":"header","format":1,"header":{header}}}\n')
    assert ovreport("render", damaged, "-o", tmp_path / "r.html").exit_code == 2
