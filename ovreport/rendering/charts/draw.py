"""Charts as inline SVG, drawn by matplotlib: marks over two axes, with real text."""

from __future__ import annotations

import io
import unicodedata
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis as MplAxis
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullFormatter
from matplotlib.transforms import ScaledTranslation

from ovreport.rendering.charts.svg import MARKED, compact
from ovreport.rendering.palette import distinct, ink_on, scale
from ovreport.section import Axis, Band, Bars, Chart, HeatMap, Histogram, Line, Points, Rule
from ovreport.stats.estimate import Estimate
from ovreport.text.numbers import Unit, digits, number_of, share_digits, shorten, show, unit_for
from ovreport.text.short_names import short_names
from ovreport.text.values import Kind, Role

# A phone shows this width with readable words, and larger screens show two charts side by side.
WIDTH_INCHES = 5.0
# The page's style sheet replaces these colours in dark mode and print.
INK, FAINT, GRID = "#1f2328", "#59636e", "#d1d9e0"
# More marks than this are drawn as a picture inside the vector axes: 20,000 points are 2 MB of
# paths and 50 KB of pixels.
_MAX_VECTOR_MARKS = 2000
_CATEGORY_LENGTH = 26
_FONT_SIZE = 9
# In square points, for marks whose area has a meaning.
_SMALLEST_AREA, _LARGEST_AREA = 9.0, 400.0
# In points: the symbol of a legend's entry and the gap to the next entry.
_LEGEND_EXTRA = 30.0

_STYLE: dict[str, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "ovreport",
    "font.family": "sans-serif",
    "font.size": _FONT_SIZE,
    "text.color": INK,
    "text.parse_math": False,
    "axes.edgecolor": GRID,
    "axes.labelcolor": FAINT,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "xtick.minor.size": 0,
    "ytick.minor.size": 0,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "legend.fontsize": 9,
}


def draw(chart: Chart) -> str:
    """Draw a chart as an ``<svg>`` element; equal charts give equal text."""
    with mpl.rc_context(_STYLE), warnings.catch_warnings():  # type: ignore[arg-type]
        # The reader's browser chooses the font; glyphs missing from matplotlib's do not matter.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure = Figure(figsize=(WIDTH_INCHES, chart.height))
        canvas = FigureCanvasSVG(figure)
        axes = figure.add_subplot()
        x, y = _values(chart, "x"), _values(chart, "y")
        units = unit_for(chart.x.kind, x), unit_for(chart.y.kind, y)
        _marks(axes, chart, units)
        _axis(axes.xaxis, chart.x, units[0], x, axes.set_xlim)
        _axis(axes.yaxis, chart.y, units[1], y, axes.set_ylim)
        if chart.y.categories:
            axes.invert_yaxis()  # the first category on top, as in a table
        _place(figure, axes, chart)
        source = io.StringIO()
        canvas.print_svg(source, metadata={"Date": None, "Creator": None})  # type: ignore[no-untyped-call]
    return compact(source.getvalue(), f"c-{chart.id}", chart.title, chart.alt)


# ---------------------------------------------------------------------------- axes


def _category_names(categories: Sequence[str]) -> list[str]:
    short = short_names(categories, _CATEGORY_LENGTH)
    return [short[name] for name in categories]


def _axis(
    axis: MplAxis,
    spec: Axis,
    unit: Unit,
    values: Sequence[float],
    set_limits: Callable[..., Any],
) -> None:
    name = spec.unit or unit.name
    axis.set_label_text(f"{spec.label}, {name}" if name else spec.label)
    if spec.categories:
        axis.set_major_locator(FixedLocator(range(len(spec.categories))))
        names = _category_names(spec.categories)
        axis.set_ticklabels(names)
        axis.set_tick_params(labelcolor=INK)
        if not spec.label:
            axis.set_label_text("")
        return
    axis.grid(visible=True)
    if spec.log:
        scale_of = {"x": axis.axes.set_xscale, "y": axis.axes.set_yscale}
        scale_of["x" if axis is axis.axes.xaxis else "y"]("log")
        axis.set_minor_formatter(NullFormatter())
    elif spec.from_zero and values:
        low, high = min(0.0, *values), max(0.0, *values)
        set_limits(low / unit.size * 1.06, high / unit.size * 1.06 or 1.0)
    if not spec.log:
        whole = spec.kind == "count"
        steps = [1, 2, 5, 10] if whole else [1, 2, 2.5, 5, 10]
        axis.set_major_locator(MaxNLocator(6, integer=whole, steps=steps))
    axis.set_major_formatter(FuncFormatter(lambda value, _: _tick(value)))


def _tick(value: float) -> str:
    """Return the text of a tick; ticks are round numbers, so few digits suffice."""
    return f"{value:g}".replace("-", "−") if abs(value) < 1e4 else digits(value, 5)


def _legend(axes: Axes, room: float) -> int:
    """Add a legend above the axes if there are several series; return its number of rows.

    Args:
        room: points from the axes' left end to the right end of the picture.
    """
    handles, labels = axes.get_legend_handles_labels()
    unique = dict(zip(labels, handles, strict=True))
    if len(unique) < 2:
        return 0
    columns = _legend_columns([*unique], room)
    legend = axes.legend(
        unique.values(),
        unique.keys(),
        loc="lower left",
        bbox_to_anchor=(0, 1),
        ncols=columns,
        borderaxespad=0,
        handlelength=1.2,
        columnspacing=1.4,
    )
    for handle in legend.legend_handles:
        if isinstance(handle, PathCollection):
            handle.set_sizes([36.0])
    return -(-len(unique) // columns)


def _legend_columns(labels: Sequence[str], room: float) -> int:
    """Return the largest number of columns that fit; matplotlib fills one after another."""
    widths = [text_width(label) + _LEGEND_EXTRA for label in labels]
    for columns in range(len(labels), 1, -1):
        if sum(max(column) for column in np.array_split(widths, columns)) <= room:
            return columns
    return 1


def _place(figure: Figure, axes: Axes, chart: Chart) -> None:
    """Leave room around the axes for their texts, in points, and add the legend.

    matplotlib's layouts measure every text twice, which takes half of the time of a chart, and in a
    font that the reader's browser does not use.
    """
    names = [_tick(place) for place in axes.yaxis.get_majorticklocs()]
    if chart.y.categories:
        names = _category_names(chart.y.categories)
    left = 12 + max(map(text_width, names), default=0) + (18 if axes.yaxis.label.get_text() else 0)
    bottom = 18 + (16 if axes.xaxis.label.get_text() else 0)
    right = 48 if any(isinstance(mark, Bars) and mark.horizontal for mark in chart.marks) else 14
    width, height = WIDTH_INCHES * 72, chart.height * 72
    top = 8 + 14 * _legend(axes, width - left)
    figure.subplots_adjust(left / width, bottom / height, 1 - right / width, 1 - top / height)


def text_width(text: str) -> float:
    """Return the width of a label in points, in most sans-serif fonts.

    East Asian characters are twice as wide as others.
    """
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return 0.6 * _FONT_SIZE * (len(text) + wide)


def _values(chart: Chart, axis: str) -> list[float]:
    """Return all numbers along one axis, ends of intervals included."""
    values: list[float] = []
    for mark in chart.marks:
        match mark:
            case Points():
                values += _ends(mark.x if axis == "x" else mark.y)
            case Line():
                values += mark.x if axis == "x" else mark.y
            case Bars() if mark.horizontal == (axis == "x"):
                starts = mark.starts or [0.0] * len(mark.values)
                for start, value in zip(starts, mark.values, strict=True):
                    values += [start, *(start + end for end in _ends([value]))]
            case Histogram():
                values += mark.edges if axis == "x" else mark.counts
            case Band():
                values += mark.x if axis == "x" else [*mark.low, *mark.high]
            case Rule() if mark.vertical == (axis == "x"):
                values.append(mark.value)
    stacked = _stack_totals(chart) if any(isinstance(m, Bars) for m in chart.marks) else []
    horizontal = any(isinstance(m, Bars) and m.horizontal for m in chart.marks)
    return values + (stacked if horizontal == (axis == "x") else [])


def _stack_totals(chart: Chart) -> list[float]:
    bars = [mark for mark in chart.marks if isinstance(mark, Bars) and not mark.starts]
    columns = zip(*([number_of(v) or 0.0 for v in mark.values] for mark in bars), strict=True)
    totals: list[float] = []
    for column in columns:
        totals += [sum(v for v in column if v > 0), sum(v for v in column if v < 0)]
    return totals


def _ends(values: Iterable[float | Estimate]) -> list[float]:
    ends: list[float] = []
    for value in values:
        ends += [value.low, value.high] if isinstance(value, Estimate) else [value]
    return ends


# ---------------------------------------------------------------------------- marks


def _marks(axes: Axes, chart: Chart, units: tuple[Unit, Unit]) -> None:
    xs, ys = units[0].size, units[1].size
    stack: dict[int, list[float]] = {}
    stacked = sum(isinstance(mark, Bars) for mark in chart.marks) > 1
    colours = distinct(_roles(chart))
    for mark in chart.marks:
        match mark:
            case Points():
                _points(axes, mark, xs, ys, colours[mark.role])
            case Line():
                _line(axes, mark, xs, ys, colours[mark.role])
            case Bars():
                kind, unit = (
                    (chart.x.kind, units[0]) if mark.horizontal else (chart.y.kind, units[1])
                )
                _bars(axes, mark, unit, kind, stack, colours, labelled=not stacked)
            case Histogram():
                axes.stairs(
                    list(mark.counts),
                    [edge / xs for edge in mark.edges],
                    fill=True,
                    color=colours[mark.role],
                    alpha=0.85,
                    label=mark.label or None,
                )
            case Band():
                axes.fill_between(
                    [value / xs for value in mark.x],
                    [value / ys for value in mark.low],
                    [value / ys for value in mark.high],
                    color=colours[mark.role],
                    alpha=0.25,
                    linewidth=0,
                    label=mark.label or None,
                )
            case Rule():
                _rule(axes, mark, chart, xs if mark.vertical else ys)
            case HeatMap():
                _heat_map(axes, mark)


def _roles(chart: Chart) -> Iterator[Role]:
    """Yield the roles in the order of the marks: charts show what matters most first."""
    for mark in chart.marks:
        match mark:
            case Bars():
                yield from mark.roles
            case Points() | Line() | Histogram() | Band():
                yield mark.role


def _points(axes: Axes, mark: Points, xs: float, ys: float, fill: str) -> None:
    x = [_number(value) / xs for value in mark.x]
    y = [_number(value) / ys for value in mark.y]
    axes.errorbar(
        x,
        y,
        xerr=_errors(mark.x, xs),
        yerr=_errors(mark.y, ys),
        fmt="none",
        ecolor=fill,
        elinewidth=1,
        capsize=0,
    )
    size = 8 if mark.emphasis else (4 if mark.joined else 6)
    drawn: Artist
    if mark.links or mark.sizes:
        areas = [max(_SMALLEST_AREA, _LARGEST_AREA * share) for share in mark.sizes] or size**2
        drawn = axes.scatter(
            x, y, areas, color=fill, marker="D" if mark.emphasis else "o",
            label=mark.label or None, zorder=3, alpha=0.75 if mark.sizes else None,
            rasterized=len(x) > _MAX_VECTOR_MARKS,
        )  # fmt: skip
        drawn.set_urls([f"#{link}" for link in mark.links])
    else:
        (drawn,) = axes.plot(
            x,
            y,
            linestyle="-" if mark.joined else "none",
            linewidth=1.4,
            marker="D" if mark.emphasis else ("" if mark.joined and len(x) > 60 else "o"),
            markersize=size,
            color=fill,
            markeredgecolor=INK if mark.emphasis else fill,
            label=mark.label or None,
            rasterized=len(x) > _MAX_VECTOR_MARKS,
            zorder=4 if mark.emphasis else 2,
        )
    _tag(drawn, mark.id)
    middle = sum(axes.get_xlim()) / 2
    for name, at_x, at_y in zip(mark.names, x, y, strict=False):
        if not name:
            continue
        left = at_x > middle  # the side with room for the label
        label_text = axes.annotate(
            shorten(name, 40),
            (at_x, at_y),
            # Keep clear of the intervals; labels of emphasised marks stand above the others.
            xytext=(-8 if left else 8, 5 if mark.emphasis else -11),
            textcoords="offset points",
            ha="right" if left else "left",
            fontsize=8,
        )
        _tag(label_text, f"{mark.id}-label" if mark.id else "")


def _line(axes: Axes, mark: Line, xs: float, ys: float, ink: str) -> None:
    x, y = [value / xs for value in mark.x], [value / ys for value in mark.y]
    axes.plot(
        x,
        y,
        linestyle=(0, (5, 3)) if mark.dashed else "-",
        linewidth=1.4,
        color=ink,
        label=mark.label or None,
    )
    if mark.name:
        axes.annotate(
            mark.name, (x[0], y[0]), xytext=(-4, 0), textcoords="offset points", ha="right",
            va="center", fontsize=8, color=FAINT,
        )  # fmt: skip


def _tag(artist: Artist, id: str) -> None:
    """Mark an artist, so that the page's script finds it in the picture."""
    if id:
        artist.set_gid(MARKED + id)


def _bars(
    axes: Axes,
    mark: Bars,
    unit: Unit,
    kind: Kind,
    stack: dict[int, list[float]],
    colours: Mapping[Role, str],
    *,
    labelled: bool,
) -> None:
    places = range(len(mark.values))
    values = [_number(value) / unit.size for value in mark.values]
    # Positive values stack to one side, negative ones to the other.
    bases = [
        stack.setdefault(place, [0.0, 0.0])[value < 0]
        for place, value in zip(places, values, strict=True)
    ]
    for place, value in zip(places, values, strict=True):
        stack[place][value < 0] += value
    if mark.starts:
        bases = [start / unit.size for start in mark.starts]
    roles: Sequence[Role] = mark.roles if len(mark.roles) > 1 else [mark.roles[0]] * len(values)
    fills = [colours[role] for role in roles]
    if mark.horizontal:
        axes.barh(places, values, 0.72, left=bases, color=fills, label=mark.label or None)
    else:
        axes.bar(places, values, 0.72, bottom=bases, color=fills, label=mark.label or None)
    errors = _errors(mark.values, unit.size)
    if errors is not None:
        ends = [base + value for base, value in zip(bases, values, strict=True)]
        if mark.horizontal:
            axes.errorbar(ends, places, xerr=errors, fmt="none", ecolor=INK, elinewidth=1)
        else:
            axes.errorbar(places, ends, yerr=errors, fmt="none", ecolor=INK, elinewidth=1)
    if labelled and mark.horizontal:
        offset = axes.transData + ScaledTranslation(5 / 72, 0, axes.figure.dpi_scale_trans)
        for place, base, value, original in zip(places, bases, values, mark.values, strict=True):
            shown = (
                share_digits(_number(original)) + " %"
                if kind == "share"
                else show(original, kind, unit)
            )
            if mark.starts and base and value > 0:
                shown = f"+{shown}"  # a step of a waterfall, not one of its ends
            axes.text(
                base + max(value, 0.0), place, shown,
                transform=offset, va="center", fontsize=8, color=FAINT,
            )  # fmt: skip


def _rule(axes: Axes, mark: Rule, chart: Chart, size: float) -> None:
    style: dict[str, Any] = {"color": FAINT, "linewidth": 1, "linestyle": (0, (4, 3))}
    value = mark.value / size
    if mark.vertical:
        _tag(axes.axvline(value, **style), mark.id)
        ends = [*_values(chart, "x"), *([0.0] if chart.x.from_zero else [])]
        left = mark.value > (min(ends) + max(ends)) / 2  # the side with room for the label
        # At the bottom: what is best within a limit, and its label, are at the top.
        label_text = axes.annotate(
            mark.label, (value, 0), xycoords=("data", "axes fraction"),
            xytext=(-4 if left else 4, 4), textcoords="offset points", fontsize=8, color=FAINT,
            ha="right" if left else "left",
        )  # fmt: skip
    else:
        _tag(axes.axhline(value, **style), mark.id)
        label_text = axes.annotate(
            mark.label, (1, value), xycoords=("axes fraction", "data"), xytext=(-2, 4),
            textcoords="offset points", fontsize=8, color=FAINT, ha="right",
        )  # fmt: skip
    _tag(label_text, f"{mark.id}-label" if mark.id else "")


def _heat_map(axes: Axes, mark: HeatMap) -> None:
    fields = {
        (row, column): value
        for row, values in enumerate(mark.values)
        for column, value in enumerate(values)
        if value is not None
    }
    coloured = [value for place, value in fields.items() if place not in mark.bare]
    low, high = min(coloured, default=0.0), max(coloured, default=1.0)
    unit = unit_for(mark.kind, fields.values())
    for (row, column), value in fields.items():
        ink = FAINT
        if (row, column) not in mark.bare:
            fill = scale((value - low) / (high - low) if high > low else 0.5)
            ink = ink_on(fill)
            axes.broken_barh([(column - 0.48, 0.96)], (row - 0.46, 0.92), facecolors=fill)
        axes.text(
            column, row, show(value, mark.kind, unit, with_unit=False),
            ha="center", va="center", fontsize=9, color=ink,
        )  # fmt: skip
    axes.set_xlim(-0.5, max(map(len, mark.values)) - 0.5)
    axes.set_ylim(-0.5, len(mark.values) - 0.5)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _number(value: float | Estimate) -> float:
    return value.point if isinstance(value, Estimate) else value


def _errors(values: Sequence[float | Estimate], size: float) -> list[list[float]] | None:
    """Return distances to both ends of the intervals, or None without intervals."""
    if not any(isinstance(value, Estimate) and value.high > value.low for value in values):
        return None
    pairs = [
        ((v.point - v.low) / size, (v.high - v.point) / size) if isinstance(v, Estimate) else (0, 0)
        for v in values
    ]
    return [[low for low, _ in pairs], [high for _, high in pairs]]
