"""Numbers as text, with a suitable unit and no more digits than are significant."""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from ovreport.stats.estimate import Estimate
from ovreport.text.values import Kind, Link, Tag, Value

K = TypeVar("K", bound=Hashable)

# Narrow, so that "12 345" reads as one number; many readers take a comma for a decimal point.
_GAP = "\N{NARROW NO-BREAK SPACE}"
NOTHING = "–"


@dataclass(frozen=True, slots=True)
class Unit:
    """The unit of a column or axis, which shows value / ``size``.

    ``places`` is the number of decimals of all values; None: each value has its own. Values smaller
    than ``least`` are shown as ``<0.00001``.
    """

    name: str
    size: float
    places: int | None = None
    least: float = 0.0


_PLAIN = Unit("", 1.0)
_DURATIONS = (Unit("s", 1.0), Unit("ms", 1e-3), Unit("µs", 1e-6))
# The longest duration of a table whose durations are all shown in µs: 10 000.
_MOST_IN_MICROSECONDS_S = 1e-2
# Limits of values with three significant digits each: at most four zeros before them, and no more
# whole digits than a float keeps. Other values are written as 1.97×10⁻¹³.
_LEAST, _MOST = 1e-5, 1e15
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
# The ratio of an interval's two sides above which one ± for both would mislead.
_LOPSIDED = 2.0
# The largest error of one ± at either end, over the figure; reports often show both ends, too.
_OFF = 0.05
# The wider side of an interval, over the figure, above which percentages are hard to read.
_MOST_ARM = 1.0
# Multiple of the figure: if an interval reaches further, its end is of no use to a reader.
_MOST_RANGE = 100.0
_BYTES = (Unit("GiB", 2.0**30), Unit("MiB", 2.0**20), Unit("KiB", 2.0**10), Unit("B", 1.0))


def unit_for(kind: Kind, values: Iterable[Value]) -> Unit:
    """Return one unit for all values, chosen by the largest, so that they can be compared."""
    largest = max(_sizes(values), default=0.0)
    if kind == "duration":
        if largest >= 10:
            return _DURATIONS[0]
        return _DURATIONS[1] if largest >= 1e-4 or largest == 0 else _DURATIONS[2]
    if kind == "bytes":
        # Model files and memory read in MiB; only small tensors need less.
        return next((u for u in _BYTES if largest >= u.size), _BYTES[-1])
    if kind == "share":
        return Unit("%", 0.01)
    if kind == "ratio":
        return Unit("×", 1.0)
    if kind == "rate":
        return Unit("FPS", 1.0)
    if kind == "tokens":
        return Unit("tokens/s", 1.0)
    return _PLAIN


@dataclass(frozen=True, slots=True)
class Series:
    """The values of a column."""

    kind: Kind
    values: Sequence[Value]
    optional: bool = False
    """Whether the column is hidden at first."""


def common_units(columns: Sequence[Series]) -> list[Unit]:
    """Return the unit of each column. Durations of a table share one, so that they can be compared.

    Columns that reach 10 s are shown in s in any case. The others are in µs if one that is visible
    at first would be in µs by itself (all values below 0.1 ms) and none of them reaches 10 ms, else
    in ms.
    """
    units = [unit_for(column.kind, column.values) for column in columns]
    is_short = [
        column.kind == "duration" and unit.name != "s"
        for column, unit in zip(columns, units, strict=True)
    ]
    short = [column for column, yes in zip(columns, is_short, strict=True) if yes]
    visible = [column for column in short if not column.optional] or short
    largest = max((size for column in short for size in _sizes(column.values)), default=0.0)
    small = largest < _MOST_IN_MICROSECONDS_S and any(
        unit_for("duration", column.values).name == "µs" for column in visible
    )
    shared = _DURATIONS[2 if small else 1]
    return [
        _in_column(shared if yes else unit, column.kind, column.values)
        for column, unit, yes in zip(columns, units, is_short, strict=True)
    ]


def _in_column(unit: Unit, kind: Kind, values: Sequence[Value]) -> Unit:
    """Return the unit with the decimals that give each value of a column three significant digits.

    If the magnitudes of the largest and the smallest differ by at most one, all have the same
    number of decimals, so that the points are aligned: 16.71 over 4.28. If they differ by more, the
    largest would get meaningless digits, and each value has its own number: 723 over 3.52.
    """
    if kind == "ratio":
        numbers = [number for value in values if (number := number_of(value)) is not None]
        return replace(unit, places=max(map(_ratio_places, numbers), default=2))
    sizes = [size / unit.size for size in _sizes(values) if size]
    if kind not in _MEASURED or max(sizes, default=0.0) < _LEAST:
        return unit
    smallest = _magnitude(min(sizes))
    if _magnitude(max(sizes)) - smallest > 1:
        return replace(unit, least=_LEAST)
    return replace(unit, places=max(0, 2 - smallest))


_MEASURED: tuple[Kind, ...] = ("duration", "bytes", "rate", "tokens", "number")
"""Kinds whose figures are shown with three digits."""


def _magnitude(size: float) -> int:
    """Return the power of ten of a size as it is shown: that of 9.996 is 1, as it shows as 10.0."""
    return int(f"{min(size, sys.float_info.max):.2e}".partition("e")[2])


def _sizes(values: Iterable[Value]) -> list[float]:
    return [abs(number) for value in values if (number := number_of(value)) is not None]


def number_of(value: Value) -> float | None:
    """Return the number that a value sorts by; None for texts, missing and infinite values."""
    if isinstance(value, Estimate):
        value = value.point
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value) if abs(value) <= sys.float_info.max else None
    return None


def digits(value: float, significant: int = 3) -> str:
    """Format with three significant digits; whole above that: 0.0123, 1.23, 12.3, 123, 1 234."""
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else NOTHING
    if not _LEAST <= abs(value) < _MOST:
        return _scientific(value, significant)
    value = _without_noise(value)
    places = max(0, significant - 1 - math.floor(math.log10(abs(value))))
    text = f"{value:.{places}f}"
    if places and len(text.replace("-", "").replace(".", "").lstrip("0")) > significant:
        text = f"{value:.{places - 1}f}"  # 9.996 rounds to 10.0, not to 10.00
    return _grouped(text)


def fixed(value: float, places: int) -> str:
    """Format with this number of decimals and grouped thousands."""
    if not abs(value) < _MOST:
        return digits(value)
    return _grouped(f"{_without_noise(value):.{places}f}")


def _without_noise(value: float) -> float:
    """Round to twelve digits, so that errors of floating-point sums decide no rounding.

    Python 3.12 sums floats otherwise than releases before, and a page should read the same.
    """
    return float(f"{value:.12g}")


def _scientific(value: float, significant: int) -> str:
    mantissa, _, exponent = f"{value:.{significant - 1}e}".partition("e")
    return f"{mantissa.replace('-', '−')}×10{str(int(exponent)).translate(_SUPERSCRIPTS)}"


def _grouped(text: str) -> str:
    whole, point, rest = text.partition(".")
    sign = "−" if whole.startswith("-") else ""
    whole = whole.lstrip("-")
    if len(whole) > 4:
        first = len(whole) % 3
        groups = [whole[:first]] if first else []
        groups += [whole[at : at + 3] for at in range(first, len(whole), 3)]
        whole = _GAP.join(groups)
    return sign + whole + point + rest


def show(value: Value, kind: Kind, unit: Unit | None = None, *, with_unit: bool = True) -> str:
    """Return a value as text: ``36.9 ms``, ``12.3 %``, ``1.42 ×``."""
    if value is None:
        return NOTHING
    if isinstance(value, tuple):
        return ", ".join(link.text for link in value)
    if isinstance(value, Link | Tag):
        return value.text
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    number = number_of(value)
    if number is None:
        return NOTHING
    chosen = unit or unit_for(kind, [value])
    if kind == "count" or (isinstance(value, int) and kind == "number"):
        text = fixed(round(number), 0)
    elif kind == "share":
        text = share_digits(number)
    elif kind == "ratio":
        text = fixed(number, _ratio_places(number) if chosen.places is None else chosen.places)
    else:
        text = _in_unit(number / chosen.size, chosen)
    return f"{text}{_GAP}{chosen.name}" if with_unit and chosen.name else text


def _in_unit(value: float, unit: Unit) -> str:
    """Format with the unit's decimals; a number that they would round to 0 is given a bound."""
    least = unit.least if unit.places is None else 10.0**-unit.places
    if value and abs(value) < (least if unit.places is None else least / 2):
        return f"{'>−' if value < 0 else '<'}{digits(least, 1)}"
    return digits(value) if unit.places is None else fixed(value, unit.places)


def _ratio_places(ratio: float) -> int:
    """Return a ratio's decimals: three near 1, to show whether it is above or below, else two."""
    return 3 if abs(ratio - 1) < 0.095 else 2


def share_digits(share: float) -> str:
    """Format a share as percent, without the sign: one decimal, none from 100."""
    percent = share * 100
    if percent and abs(percent) < 0.05:
        return "<0.1"
    return fixed(percent, 0 if abs(percent) >= 99.95 else 1)


def signed(change: float) -> str:
    """Format a relative change as percent with its sign: ``+5.0%``, ``−0.3%``."""
    if not abs(change) < _MOST:
        return f"{'−' if change < 0 else '+'}{digits(abs(change))}{_GAP}×"
    return f"{change:+.1%}".replace("-", "−")


def interval(
    estimate: Estimate, kind: Kind, unit: Unit | None = None, *, brief: bool = False
) -> str:
    """Format a figure's interval: ``±0.8 %``, or ``−1/+50 %`` if one side is far wider.

    If the interval reaches beyond twice the figure, its ends are given. If there is no confidence
    interval, this is the range of the measured values, or the reason.

    Args:
        estimate: the figure.
        kind: the kind of the figure.
        unit: the unit of the ends; None: the upper end chooses it.
        brief: for use after a value in ``unit``: no unit after a range, and no reason.
    """
    if estimate.confidence == 1.0:
        return ""
    if not _is_bounded(estimate):
        return "" if brief else estimate.method
    if estimate.confidence == 0.0:
        if estimate.low == estimate.high:
            return "" if brief else estimate.method
        return _range(estimate, kind, unit, brief=brief)
    below, above = estimate.arms
    if above > _MOST_ARM:
        return _range(estimate, kind, unit, brief=brief)
    if _is_lopsided(below, above):
        places = max(0, 1 - _magnitude(100 * max(below, above)))
        return f"−{fixed(100 * below, places)}/+{fixed(100 * above, places)}{_GAP}%"
    percent = estimate.relative_half_width * 100
    return f"±{digits(percent, 2)}{_GAP}%" if percent >= 0.01 or not percent else f"<±0.01{_GAP}%"


def _is_lopsided(below: float, above: float) -> bool:
    """Return whether the two sides of an interval differ so much that a single ± would mislead.

    Args:
        below, above: the sides, over the figure.
    """
    wider, narrower = max(below, above), min(below, above)
    off = (wider - narrower) / 2
    return off > _OFF or (wider >= 1e-4 and wider > _LOPSIDED * narrower)


def _range(estimate: Estimate, kind: Kind, unit: Unit | None, *, brief: bool) -> str:
    if estimate.low > 0 and estimate.high > _MOST_RANGE * estimate.point:
        return f"± more than {_MOST_RANGE:.0f}{_GAP}×"
    chosen = unit or unit_for(kind, [estimate.high])
    low, high = (show(x, kind, chosen, with_unit=False) for x in (estimate.low, estimate.high))
    return f"{low}–{high}" if brief else f"{low} to {high}{_GAP}{chosen.name}"


def _is_bounded(estimate: Estimate) -> bool:
    """Return whether both ends are known; for a single value, neither is."""
    return math.isfinite(estimate.low) and math.isfinite(estimate.high)


def half_width(width: float) -> str:
    """Format a relative half-width of an interval: ``±0.8 %``, ``more than ±100 %``."""
    most = f"more than ±{share_digits(_MOST_ARM)}{_GAP}%"
    return most if width > _MOST_ARM else f"±{show(width, 'share')}"


def span(value: Value, kind: Kind) -> str:
    """Format the ends of a confidence interval: ``36.6 to 37.2 ms``.

    The text is empty if there is no interval, or if :func:`interval` gives the ends already.
    """
    if not isinstance(value, Estimate) or not value.confidence or value.low == value.high:
        return ""
    ends = _ends(value, kind)
    return "" if interval(value, kind) == ends else ends


def _ends(estimate: Estimate, kind: Kind) -> str:
    chosen = unit_for(kind, [estimate.point])
    low, high = (show(x, kind, chosen, with_unit=False) for x in (estimate.low, estimate.high))
    return f"{low} to {high}{_GAP}{chosen.name}"


def explain(estimate: Estimate, kind: Kind) -> str:
    """Return the interval in full, for a tooltip: its ends, its confidence and its method."""
    if estimate.low == estimate.high or not _is_bounded(estimate):
        return estimate.method
    head = _ends(estimate, kind)
    level = f" with {estimate.confidence:.0%} confidence" if estimate.confidence else ""
    return f"{head}{level}; {estimate.method}"


def unique_names(names: Mapping[K, str], length: int) -> dict[K, str]:
    """Shorten names to a length; those that are then equal get numbers."""
    shortened: dict[K, str] = {}
    numbers: Counter[str] = Counter()
    used = set[str]()
    for key, name in names.items():
        short = text = shorten(name, length)
        while text in used:
            numbers[short] += 1
            ending = f" ({numbers[short] + 1})"
            text = f"{shorten(name, length - len(ending))}{ending}"
        used.add(text)
        shortened[key] = text
    return shortened


def shorten(name: str, length: int) -> str:
    """Cut a name in the middle, as layer names differ at their ends."""
    if len(name) <= length:
        return name
    head = (length - 1) // 2
    return f"{name[:head]}…{name[len(name) - (length - 1 - head) :]}"
