"""Charts are small SVG that stands alone in a page, themed or not."""

import re
from xml.etree import ElementTree

import pytest
from builders import charts
from hypothesis import given
from hypothesis import strategies as st

from ovreport.rendering.charts.draw import WIDTH_INCHES, draw, text_width
from ovreport.rendering.palette import colour, ink_on, scale, scale_steps
from ovreport.section import Axis, Bars, Chart, HeatMap, Points, Rule
from ovreport.stats.estimate import Estimate
from ovreport.text.values import Role

MAIN = Role("series", "main")


def line(values: list[float], x: list[float] | None = None, from_zero: bool = True) -> Chart:
    places = x or [float(place) for place in range(len(values))]
    points = Points(places, values, MAIN, joined=True)
    return Chart(
        "line",
        "A line",
        Axis("x", from_zero=False),
        Axis("y", from_zero=from_zero),
        [points],
        "Rises.",
    )


def texts(svg: str) -> list[str]:
    return re.findall(r"<text [^>]*>([^<]*)</text>", svg)


def luminance(colour: str) -> float:
    """Relative luminance of ``#rrggbb`` by WCAG 2.1."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


# ---------------------------------------------------------------------------- SVG


@pytest.mark.parametrize("chart", charts("a name"), ids=lambda chart: chart.id)
def test_every_mark_is_drawn_small_and_without_style_attributes(chart: Chart) -> None:
    svg = draw(chart)
    root = ElementTree.fromstring(svg)
    assert root.get("role") == "img"
    assert root.get("aria-label") == "a name"
    assert root.findtext("desc") == "a name"
    assert not [element for element in root.iter() if "style" in element.attrib]
    assert "http" not in svg
    assert len(svg) < 15_000
    assert draw(chart) == svg


def test_ids_of_two_charts_never_collide() -> None:
    one, other = (draw(Chart(id, "", Axis("x"), Axis("y"), [Points([1], [2], MAIN)], ""))
                  for id in ("one", "other"))  # fmt: skip
    ids = [set(re.findall(r' id="([^"]*)"', svg)) for svg in (one, other)]
    assert ids[0]
    assert not ids[0] & ids[1]
    for svg, own in ((one, ids[0]), (other, ids[1])):
        assert set(re.findall(r'(?:url\(|href=")#([^)"]*)', svg)) <= own


def test_text_of_any_script_stays_text() -> None:
    names = ["层<1>", "$a_b$"]
    bars = Bars([0.001, 0.002], [MAIN])
    chart = Chart("c", "", Axis("time", "duration"), Axis("", categories=names), [bars], "")
    shown = texts(draw(chart))
    assert {"层&lt;1&gt;", "$a_b$", "time, ms", "1.00\u202fms", "2.00\u202fms"} <= set(shown)


def test_ticks_are_round_and_the_axis_starts_at_zero_by_default() -> None:
    assert {"0", "20", "40", "60", "80"} <= set(texts(draw(line([87.0, 93.0]))))
    near = texts(draw(line([87.0, 93.0], [1.0, 2.0], from_zero=False)))
    assert "90" in near
    assert "0" not in near


def test_steps_of_a_waterfall_have_signs_but_its_ends_do_not() -> None:
    steps = Bars([4.0, 2.0, -1.0, 5.0], [Role("series", "main")], starts=[0.0, 4.0, 6.0, 0.0])
    names = Axis("", categories=["was", "more", "less", "is"])
    svg = draw(Chart("steps", "steps", Axis("FPS", "rate"), names, [steps], ""))
    assert [word for word in texts(svg) if word.endswith("\u202fFPS")] == [
        "4.00\u202fFPS", "+2.00\u202fFPS", "−1.00\u202fFPS", "5.00\u202fFPS",
    ]  # fmt: skip


def span(svg: str, text: str) -> tuple[float, float]:
    """Return where a text begins and ends, for the widest font."""
    match = re.search(rf'<text x="([\d.]+)"[^>]* text-anchor="(\w+)"[^>]*>{text}</text>', svg)
    assert match, text
    at, width = float(match[1]), text_width(text)
    return (at - width, at) if match[2] == "end" else (at, at + width)


@pytest.mark.parametrize("value", [1.0, 19.9])
def test_the_label_of_a_rule_is_inside_the_picture(value: float) -> None:
    points = Points([5.0, 20.0], [1.0, 2.0], MAIN)
    rule = Rule(value, "threshold", vertical=True)
    svg = draw(Chart("c", "", Axis("x"), Axis("y"), [points, rule], ""))
    low, high = span(svg, "threshold")
    assert 0 <= low < high <= WIDTH_INCHES * 72


@pytest.mark.parametrize(
    "names",
    [
        ["from memory, 48 GB/s", "from cache, 182 GB/s", "Convolution", "Pooling", "Softmax"],
        ["a", "b", "c", "d", "e"],
        ["a name that is long enough to take all of a row", "another that takes one by itself"],
    ],
)
def test_every_entry_of_a_legend_is_inside_the_picture(names: list[str]) -> None:
    marks = [Points([n], [n], Role("type", name), name) for n, name in enumerate(names)]
    svg = draw(Chart("c", "", Axis("x"), Axis("y"), marks, ""))
    assert all(span(svg, name)[1] <= WIDTH_INCHES * 72 for name in names)


def test_a_bare_field_of_a_heat_map_has_a_number_but_no_colour() -> None:
    def drawn(bare: frozenset[tuple[int, int]]) -> str:
        names = ["a", "b"]
        heat = HeatMap([[900.0, 1.0], [2.0, 800.0]], "count", bare=bare)
        axes = Axis("to", categories=names), Axis("from", categories=names)
        return draw(Chart("c", "", *axes, [heat], ""))

    whole, without = drawn(frozenset()), drawn(frozenset({(0, 0), (1, 1)}))
    assert {"900", "800", "1", "2"} <= set(texts(without))
    grounds = [re.findall(r'<path [^>]*fill="(#\w+)"', svg) for svg in (whole, without)]
    assert len(grounds[0]) == 4
    assert sorted(grounds[1]) == sorted([scale(0.0), scale(1.0)])  # of 1 and 2


def test_an_interval_is_drawn_from_its_low_to_its_high_end() -> None:
    sure = Chart(
        "c", "", Axis("x"), Axis("y"), [Points([1], [Estimate(5, 5, 5, 0.95, "")], MAIN)], ""
    )
    wide = Chart(
        "c", "", Axis("x"), Axis("y"), [Points([1], [Estimate(5, 4, 6, 0.95, "")], MAIN)], ""
    )
    lines = re.compile(
        rf'<path d="M ([\d.]+) ([\d.]+)\s+L ([\d.]+) ([\d.]+)" [^>]*stroke="{colour(MAIN)}"'
    )
    assert not lines.search(draw(sure))
    match = lines.search(draw(wide))
    assert match
    assert match[1] == match[3]
    assert float(match[2]) != float(match[4])


def test_a_huge_series_becomes_a_picture_inside_the_axes() -> None:
    svg = draw(line([float(number % 7) for number in range(20_000)]))
    assert "data:image/png;base64," in svg
    assert len(svg) < 100_000
    assert "y" in texts(svg)


# ---------------------------------------------------------------------------- colours


def test_one_role_has_one_colour() -> None:
    assert colour(Role("precision", "F32")) == colour(Role("precision", "f32"))
    assert colour(Role("type", "SomethingNew")) == colour(Role("type", "SomethingNew"))
    assert colour(Role("version", "parent")) != colour(Role("version", "optimized"))


@pytest.mark.slow
@given(st.text())
def test_every_colour_has_contrast_on_light_and_dark_ground(key: str) -> None:
    shown = colour(Role("type", key))
    assert re.fullmatch("#[0-9a-f]{6}", shown)
    for ground in ("#ffffff", "#f6f8fa", "#0f1318", "#181d24"):
        assert contrast(shown, ground) >= 3


def test_the_scale_can_be_read_without_colour() -> None:
    steps = [luminance(step) for step in scale_steps()]
    assert steps == sorted(steps, reverse=True)
    assert (scale(0.0), scale(1.0)) == (scale_steps()[0], scale_steps()[-1])


@given(st.floats(0, 1))
def test_text_on_the_scale_has_contrast(share: float) -> None:
    assert contrast(scale(share), ink_on(scale(share))) > 4.5
