"""Charts drawn by another process are the same charts."""

from pathlib import Path

import pytest
from builders import Demo, charts, run_named, section

from ovreport.analysis import Analysis
from ovreport.rendering.charts.draw import draw
from ovreport.rendering.charts.process import drawing
from ovreport.rendering.page import render
from ovreport.section import Axis, Chart, Group, Points, Section
from ovreport.text.values import Role


@pytest.mark.slow
def test_a_page_is_the_same_wherever_its_charts_are_drawn() -> None:
    uneven = Points([1.0, 2.0], [1.0], Role("series", "main"))
    broken = Section([Group("", [Chart("odd", "Odd", Axis("x"), Axis("y"), [uneven], "")])])
    sections = [section("Demo"), broken]
    analyses = [Analysis(Demo(), a_section) for a_section in sections]
    with drawing() as other:
        for a_section in sections:
            other.begin(a_section)
        page = render(run_named("net"), analyses, draw=other.draw)
        late = charts("not sent off")[0]
        assert other.draw(late) == draw(late)
        other._process.kill()  # as the system does when memory runs out
        section_after = Section([Group("", [late])])
        other.begin(section_after)
        assert other.draw(late) == draw(late)
    assert page.count("<figure") == 6
    assert "ValueError" in page
    here = render(run_named("net"), analyses)
    assert page.partition("Where it happened")[0] == here.partition("Where it happened")[0]


def test_nothing_in_the_current_folder_is_executed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    executed = tmp_path / "executed"
    for name in ("signal", "sys", "os", "pickle"):
        (tmp_path / f"{name}.py").write_text(f"open({str(executed)!r}, 'w')")
    monkeypatch.chdir(tmp_path)
    chart = charts("Demo")[0]
    with drawing() as other:
        other.begin(Section([Group("", [chart])]))
        assert other._charts[id(chart)][1].result() == draw(chart)
    assert not executed.exists()
