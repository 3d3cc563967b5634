"""Numbers as a reader sees them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovreport.rendering.cells import cell, value
from ovreport.rendering.format import (
    Unit,
    column_unit,
    digits,
    explain,
    interval,
    shorten,
    show,
    unit_for,
)
from ovreport.section import Kind, Link, Role, Tag, Value
from ovreport.stats.estimate import Estimate

GAP = "\N{NARROW NO-BREAK SPACE}"
LATENCY = Estimate(0.0369, 0.0366, 0.0372, 0.95, "bootstrap over 3 launches")


@pytest.mark.parametrize(
    ("number", "kind", "text"),
    [
        (0.0369, "duration", "36.9 ms"),
        (0.000123, "duration", "0.123 ms"),
        (0.0000999, "duration", "99.9 µs"),
        (12.3, "duration", "12.3 s"),
        (0.0, "duration", "0 ms"),
        (0.1234, "share", "12.3 %"),
        (1.0, "share", "100 %"),
        (0.0001, "share", "<0.1 %"),
        (1.5, "ratio", "1.50 ×"),
        (1.012, "ratio", "1.012 ×"),
        (5 * 2**20, "bytes", "5.00 MiB"),
        (512, "bytes", "512 B"),
        (27.123, "rate", "27.1 FPS"),
        (12345, "count", "12 345"),
        (1234, "count", "1234"),
        (-0.00198, "duration", "−1.98 ms"),
        (float("nan"), "number", "–"),
        (None, "duration", "–"),
        (True, "text", "yes"),
    ],
)
def test_a_number_reads_as_its_kind(number: Value, kind: Kind, text: str) -> None:
    assert show(number, kind) == text.replace(" ", GAP)


@given(st.floats(1e-9, 1e12))
def test_three_significant_digits_are_kept(number: float) -> None:
    shown = float(digits(number).replace(GAP, ""))
    assert math.isclose(shown, number, rel_tol=0.5e-2)
    assert number >= 999.5 or len(digits(number).replace(".", "").lstrip("0")) == 3


@given(st.lists(st.floats(1e-7, 100), min_size=1))
def test_a_column_has_one_unit_and_one_number_of_decimals(durations: list[float]) -> None:
    unit = column_unit("duration", durations)
    shown = [show(duration, "duration", unit, with_unit=False) for duration in durations]
    assert len({len(text.partition(".")[2]) for text in shown}) == 1
    for text, duration in zip(shown, durations, strict=True):
        if not text.startswith("<"):
            within = 0.5 * 10 ** -(unit.places or 0) * 1.000001
            assert abs(float(text.replace(GAP, "")) - duration / unit.size) <= within


def test_a_column_gains_a_decimal_where_its_values_differ_in_magnitude() -> None:
    alike, wide = [16.71e-3, 42.8e-3], [16.71e-3, 4.283e-3, 1e-9]
    unit = column_unit("duration", alike)
    assert [show(v, "duration", unit, with_unit=False) for v in alike] == ["16.7", "42.8"]
    unit = column_unit("duration", wide)
    assert [show(v, "duration", unit, with_unit=False) for v in wide] == [
        "16.71",
        "4.28",
        "<0.01",
    ]


def test_an_empty_column_has_a_unit() -> None:
    assert column_unit("duration", [None, 0.0]).name == "ms"
    assert unit_for("text", []) == Unit("", 1.0)


def test_an_estimate_tells_how_sure_it_is() -> None:
    assert interval(LATENCY, "duration") == f"±0.81{GAP}%"
    assert explain(LATENCY, "duration") == (
        f"36.6 to 37.2{GAP}ms with 95% confidence; bootstrap over 3 launches"
    )
    assert interval(Estimate.exact(3.0), "number") == ""


@given(st.text(), st.integers(3, 40))
def test_a_long_name_keeps_both_ends(name: str, length: int) -> None:
    short = shorten(name, length)
    assert len(short) == min(len(name), length)
    assert short[0] == name[0] if name else short == ""
    assert not name or short[-1] == name[-1]


def test_a_cell_shows_little_and_keeps_the_whole_number() -> None:
    unit = column_unit("duration", [0.0369])
    assert cell(0.0369123, "duration", unit) == "<td class=n data-v=36.912>36.9"
    assert cell(0.0369, "duration", unit) == "<td class=n>36.9"
    assert cell(None, "duration", unit) == "<td class=n>–"


def test_a_value_is_escaped() -> None:
    text = "\"'><script>"
    safe = "&#34;&#39;&gt;&lt;script&gt;"
    assert value(text, "code") == f"<code>{safe}</code>"
    assert value(Link(text, text), "text") == f'<a href="#{safe}">{safe}</a>'
    assert value(Tag(text, Role("type", text)), "text").endswith(f">{safe}</span>")
