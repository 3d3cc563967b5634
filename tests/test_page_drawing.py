"""Charts drawn by another process are the same charts."""

from demo import Demo, charts, run_named, section

from ovreport.analysis import Analysis
from ovreport.rendering.charts import draw
from ovreport.rendering.drawing import drawing
from ovreport.rendering.page import render
from ovreport.section import Axis, Chart, Group, Points, Role, Section


def test_a_page_is_the_same_wherever_its_charts_are_drawn() -> None:
    uneven = Points([1.0, 2.0], [1.0], Role("series", "main"))
    broken = Section([Group("", [Chart("odd", "Odd", Axis("x"), Axis("y"), [uneven], "")])])
    sections = [section("Demo"), broken]
    analyses = [Analysis(Demo(), one) for one in sections]
    with drawing() as other:
        for one in sections:
            other.begin(one)
        page = render(run_named("net"), analyses, draw=other.draw)
        late = charts("not sent off")[0]
        assert other.draw(late) == draw(late)
        other._process.kill()  # for its memory, perhaps
        section_after = Section([Group("", [late])])
        other.begin(section_after)
        assert other.draw(late) == draw(late)
    assert page.count("<figure") == 6
    assert "ValueError" in page
    here = render(run_named("net"), analyses)
    assert page.partition("Where it happened")[0] == here.partition("Where it happened")[0]
