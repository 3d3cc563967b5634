"""Each role has one colour, in tables, charts and diagrams of FP32 and INT8 versions."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest
from browser import chromium, resize
from conftest import ovreport

from ovreport.analysis import analyze, choose, installed
from ovreport.rendering.palette import colour
from ovreport.runfile import read_run
from ovreport.section import Chart, Section
from ovreport.text.values import Role

VERSIONS = Path(__file__).with_name("data") / "versions.jsonl"
# The words next to colours: in cells of tables, and in legends of diagrams and charts.
SEEN = """
const hex = (colour) => {
  const [r, g, b] = colour.match(/\\d+/g).map(Number);
  return "#" + [r, g, b].map((n) => n.toString(16).padStart(2, "0")).join("");
};
const seen = [];
for (const tag of document.querySelectorAll(".tag")) {
  const swatch = getComputedStyle(tag, "::before");
  seen.push(["table", tag.textContent.trim(), hex(swatch.backgroundColor)]);
}
for (const item of document.querySelectorAll(".legend li")) {
  const box = item.querySelector("rect");
  if (box) seen.push(["diagram", item.textContent.trim(), box.getAttribute("fill")]);
}
return seen;
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("colours") / "report.html"
    assert ovreport("render", VERSIONS, "-o", path).exit_code == 0
    return path


@pytest.mark.browser
def test_a_layer_type_precision_or_version_has_one_colour(page: Path, tmp_path: Path) -> None:
    with chromium(tmp_path / "profile") as chrome:
        resize(chrome, 1280)
        chrome.get(page.as_uri())
        seen = chrome.execute_script(SEEN)
    names: dict[str, set[str]] = defaultdict(set)
    places: dict[str, set[str]] = defaultdict(set)
    for place, name, shown in seen:
        names[name].add(shown)
        places[name].add(place)
    for kind, keys in (
        ("type", ("Convolution", "Reorder")),
        ("precision", ("f32", "u8")),
        ("version", ("parent", "again", "int8")),
    ):
        for key in keys:
            assert names[key] == {colour(Role(kind, key))}, key  # type: ignore[arg-type]
    assert places["Convolution"] == places["f32"] == {"table", "diagram"}


def test_every_chart_title_states_its_result_in_figures_or_that_it_is_noise() -> None:
    run = read_run(VERSIONS)
    for analysis in analyze(run, choose(installed(), None, {}, "test")):
        if not isinstance(analysis.outcome, Section):
            continue
        for group in analysis.outcome.groups:
            for block in group.blocks:
                if isinstance(block, Chart):
                    words = block.title.split()
                    has_figure = any(word.lstrip("(+−")[:1].isdigit() for word in words)
                    assert has_figure or "beyond the noise" in block.title, block.title
                    assert block.alt
