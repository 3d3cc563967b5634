"""Numbers as readers see them."""

import math
import re
from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovreport.rendering.cells import cell, facts_list
from ovreport.section import Column, Facts, Row, Table, column_units
from ovreport.stats.estimate import Estimate
from ovreport.text.labels import count
from ovreport.text.numbers import (
    Unit,
    digits,
    explain,
    half_width,
    interval,
    shorten,
    show,
    span,
    unit_for,
)
from ovreport.text.values import Kind, Link, Role, Tag, Value

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
def test_numbers_are_written_according_to_their_kind(number: Value, kind: Kind, text: str) -> None:
    assert show(number, kind) == text.replace(" ", GAP)


def read(text: str) -> float:
    """Return the value that a reader understands from a shown number."""
    plain = text.replace(GAP, "").replace("−", "-").replace("×10", "e")
    return float(plain.translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")))


@given(st.floats(1e-300, 1e300))
def test_three_significant_digits_are_kept(number: float) -> None:
    text = digits(number)
    assert math.isclose(read(text), number, rel_tol=0.5e-2)
    mantissa = text.partition("×")[0].replace(GAP, "").replace(".", "").lstrip("0")
    assert len(mantissa) == 3 or 999.5 <= number < 1e15


KINDS = get_args(Kind)
NUMBERS = st.one_of(
    st.none(),
    st.integers(),
    st.integers(-(10**400), 10**400),
    st.floats(),
    st.builds(Estimate, st.floats(), st.floats(), st.floats(), st.floats(0, 1), st.just("")),
)
ABSURD = r"(?<![.\d])\d{5}|\.\d{8}|0\.0{5}|nan|inf"
LONGEST = len("−999 999 999 999 999.99")


@given(st.sampled_from(KINDS), st.lists(NUMBERS, min_size=1))
def test_no_value_in_a_column_has_absurd_digits(kind: Kind, values: list[Value]) -> None:
    unit = column_units(column(kind, values))["a"]
    for item in values:
        text = show(item, kind, unit, with_unit=False)
        assert len(text) <= LONGEST, text
        assert not re.search(ABSURD, text), text
        assert cell(item, kind, unit).startswith("<td")


@given(st.sampled_from(KINDS), NUMBERS)
def test_no_single_value_has_absurd_digits(kind: Kind, value: Value) -> None:
    text = show(value, kind)
    assert len(text) <= LONGEST + len("\u202fMiB"), text
    assert not re.search(ABSURD, text), text
    if isinstance(value, Estimate):
        texts = f"{interval(value, kind)} {explain(value, kind)} {span(value, kind)}"
        assert not re.search(ABSURD, texts), texts


@given(st.floats(), st.sampled_from(["stream", "launch"]))
def test_a_counted_thing_has_no_absurd_digits(number: float, noun: str) -> None:
    assert len(count(number, noun)) < 40


def column(kind: Kind, values: list[Value], key: str = "a") -> Table:
    return Table("t", "", [Column(key, "", kind)], [Row({key: value}) for value in values])


def shown(kind: Kind, values: list[Value]) -> list[str]:
    unit = column_units(column(kind, values))["a"]
    return [show(value, kind, unit, with_unit=False) for value in values]


@given(st.lists(st.floats(1e-7, 100), min_size=1))
def test_each_value_of_a_column_keeps_three_digits_in_one_unit(durations: list[float]) -> None:
    unit = column_units(column("duration", list(durations)))["a"]
    texts = shown("duration", list(durations))
    for text, duration in zip(texts, durations, strict=True):
        if not text.startswith("<"):
            value = float(text.replace(GAP, ""))
            assert math.isclose(value, duration / unit.size, rel_tol=0.5e-2)
        else:
            assert duration / unit.size < 1e-5
    if max(durations) < 10 * min(durations):
        assert len({len(text.partition(".")[2]) for text in texts}) == 1, "points stand in line"


@pytest.mark.parametrize(
    ("kind", "values", "texts"),
    [
        ("duration", [16.71e-3, 42.8e-3], ["16.7", "42.8"]),
        ("duration", [16.71e-3, 4.283e-3], ["16.71", "4.28"]),
        ("rate", [291.04, 61.23, 3.5163], ["291", "61.2", "3.52"]),
        ("number", [0.1238, 306315264.0], ["0.124", "306 315 264"]),
        ("number", [2.5, 1e-19, -1e-19, 0.0], ["2.50", "<0.00001", ">−0.00001", "0"]),
        ("number", [1.97e-13, 0.0], ["1.97×10⁻¹³", "0"]),
        ("number", [3.4e38, 1.0], ["3.40×10³⁸", "1.00"]),
        ("number", [1.7e308, float("inf")], ["1.70×10³⁰⁸", "–"]),
        ("number", [9.996, 9.123], ["10.00", "9.12"]),
    ],
)
def test_a_column_has_common_decimals_unless_its_values_differ_widely(
    kind: Kind, values: list[Value], texts: list[str]
) -> None:
    assert shown(kind, values) == [text.replace(" ", GAP) for text in texts]


@pytest.mark.parametrize(
    ("largest", "units"),
    [
        ({"time": 4e-3, "left": 9e-5}, {"time": "µs", "left": "µs"}),
        ({"time": 2e-2, "left": 9e-5}, {"time": "ms", "left": "ms"}),
        ({"time": 4e-3, "left": 2e-4}, {"time": "ms", "left": "ms"}),
        ({"time": 4e-3, "spread": 9e-5}, {"time": "ms", "spread": "ms"}),
        ({"time": 9e-5, "spread": 9e-6}, {"time": "µs", "spread": "µs"}),
        ({"spread": 9e-6}, {"spread": "µs"}),
        ({"compile": 12.0, "time": 4e-3, "left": 9e-5},
         {"compile": "s", "time": "µs", "left": "µs"}),
        ({"time": Estimate.exact(4e-3), "left": 9e-5}, {"time": "µs", "left": "µs"}),
    ],
)  # fmt: skip
def test_durations_of_a_table_share_one_unit(
    largest: dict[str, Value], units: dict[str, str]
) -> None:
    columns = [Column(key, "", "duration", optional=key == "spread") for key in largest]
    table = Table("t", "", [*columns, Column("n", "", "count")], [Row({**largest, "n": 1})])
    assert {key: unit.name for key, unit in column_units(table).items()} == {**units, "n": ""}


def test_an_empty_column_has_a_unit() -> None:
    assert column_units(column("duration", [None, 0.0]))["a"].name == "ms"
    assert unit_for("text", []) == Unit("", 1.0)


def test_an_estimate_shows_its_interval() -> None:
    assert interval(LATENCY, "duration") == f"±0.81{GAP}%"
    assert explain(LATENCY, "duration") == (
        f"36.6 to 37.2{GAP}ms with 95% confidence; bootstrap over 3 launches"
    )
    assert interval(Estimate.exact(3.0), "number") == ""


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (3.99, 6.06, "−1/+50 %"),
        (2.02, 4.07, "−50/+1 %"),
        (4.03, 4.24, "−0.0/+5.2 %"),
        (3.80, 4.40, "±7.4 %"),
        (4.03, 4.03001, "<±0.01 %"),
        (2.15, 7.12, "−47/+77 %"),
        (3.45, 4.75, "±16 %"),
    ],
)
def test_an_asymmetric_interval_shows_both_sides(low: float, high: float, text: str) -> None:
    estimate = Estimate(4.03, low, high, 0.95, "bootstrap over 3 launches")
    assert interval(estimate, "duration") == text.replace(" ", GAP)
    mirrored = Estimate(-4.03, -high, -low, 0.95, "")
    assert interval(mirrored, "duration").count("/") == text.count("/")


@pytest.mark.parametrize(
    ("high", "text"),
    [(8.02, "−75/+99 %"), (40.0, "1.00 to 40.0 ms"), (500.0, "± more than 100 ×")],
)
def test_a_very_wide_interval_is_not_a_percentage(high: float, text: str) -> None:
    """It was shown as "± 2732 %"."""
    estimate = Estimate(4.03e-3, 1e-3, high / 1e3, 0.95, "scatter of 2 launches")
    assert interval(estimate, "duration").replace(GAP, " ") == text


def test_a_difference_that_may_be_zero_is_shown_as_a_range() -> None:
    estimate = Estimate(1e-6, -0.02, 0.01, 0.95, "")
    assert interval(estimate, "duration").replace(GAP, " ") == "−20.0 to 10.0 ms"


def test_a_single_value_has_no_range() -> None:
    estimate = Estimate(1e-3, -float("inf"), float("inf"), 0.95, "a single value")
    assert interval(estimate, "duration") == explain(estimate, "duration") == "a single value"


def test_a_very_wide_half_width_is_not_a_percentage() -> None:
    assert half_width(0.008).replace(GAP, " ") == "±0.8 %"
    assert half_width(27.32).replace(GAP, " ") == "more than ±100 %"


def test_a_range_is_shown_with_its_value_in_the_unit_of_the_column() -> None:
    seen = Estimate(3.3e-3, 3.1e-3, 9.04e-3, 0.0, "median and range of 7 launches")
    unit = unit_for("duration", [12e-3, seen])
    assert cell(seen, "duration", unit).endswith(
        f'>3.30 <span class="interval" title="3.10 to 9.04{GAP}ms; median and range of 7 launches">'
        "3.10–9.04</span>"
    )
    unknown = replace(seen, low=seen.point, high=seen.point, method="no interval: only 2 slices")
    assert "<span" not in cell(unknown, "duration", unit)


@given(st.text(), st.integers(3, 40))
def test_a_long_name_keeps_both_ends(name: str, length: int) -> None:
    short = shorten(name, length)
    assert len(short) == min(len(name), length)
    assert short[0] == name[0] if name else short == ""
    assert not name or short[-1] == name[-1]


def test_a_table_cell_shows_few_digits_and_keeps_the_exact_number() -> None:
    unit = unit_for("duration", [0.0369])
    assert cell(0.0369123, "duration", unit) == "<td class=n data-v=36.912>36.9"
    assert cell(0.0369, "duration", unit) == "<td class=n>36.9"
    assert cell(None, "duration", unit) == "<td class=n data-v>–"
    assert cell(123456, "count", Unit("", 1.0)) == f"<td class=n data-v=123456>123{GAP}456"
    size = 5 * 2**20 + 1234
    assert cell(size, "bytes", unit_for("bytes", [size])) == "<td class=n data-v=5.0012>5.00"


def test_a_value_is_escaped() -> None:
    text = "\"'><script>"
    safe = "&#34;&#39;&gt;&lt;script&gt;"
    shown = facts_list(
        Facts("facts", "", [
            (text, text, "code"),
            ("link", Link(text, text), "text"),
            ("tag", Tag(text, Role("type", text)), "text"),
        ])
    )  # fmt: skip
    assert f"<dt>{safe}<dd><code>{safe}</code>" in shown
    assert f'<a href="#{safe}">{safe}</a>' in shown
    assert f">{safe}</span>" in shown
    assert text not in shown
