"""Values, lists of facts and the rows of tables as HTML.

Python writes them, not template macros, because a report may have a hundred thousand values. It
leaves out optional end tags, which would be most of a large report's bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from markupsafe import Markup, escape

from ovreport.rendering import packing
from ovreport.rendering.palette import BLUE, colour, every_name
from ovreport.section import Facts, Row, Table
from ovreport.stats.estimate import Estimate
from ovreport.text.numbers import NOTHING, Unit, explain, interval, number_of, show
from ovreport.text.values import Kind, Link, Role, Tag, Value

_NOTHING = f'<span class="nothing">{NOTHING}</span>'
# Bars are drawn by this many classes: style attributes would need a laxer policy.
_BAR_STEPS = 50
# How many columns of a table a reader can hide.
_MOST_COLUMNS = 24


def link(item: Link) -> Markup:
    """Return a link as HTML; one that leads out of the report is marked."""
    return Markup(_link(item))


def facts_list(facts: Facts) -> Markup:
    """Return names and values as an HTML list."""
    return Markup(_facts_list(facts))


def rows(
    table: Table, units: Mapping[str, Unit], nested: Callable[[Table], str] | None = None
) -> Markup:
    """Return the rows of a table as HTML.

    A number is shown without its unit, which the heading has. If the digits shown are rounded,
    ``data-v`` has the exact number in the same unit: tables sort, filter and export by it. An
    empty ``data-v`` is a missing value.

    Args:
        units: the unit of each column, by key.
        nested: renders a table in a row's details.
    """
    details = [_details(row, nested) for row in table.rows]
    packed = sum(map(len, details)) > packing.ROW_DETAILS
    columns = [(column.key, column.kind, units[column.key]) for column in table.columns]
    parts: list[str] = []
    for row, detail in zip(table.rows, details, strict=True):
        anchor = f' id="{escape(row.anchor)}"' if row.anchor else ""
        parts.append(f"<tr{anchor}{' class=emphasis' if row.emphasis else ''}>")
        remaining = columns
        if row.details:
            key, kind, unit = columns[0]
            shown = _value(row.values[key], kind, unit, False)
            inside = "" if packed else detail
            parts.append(f"<td><details><summary>{shown}</summary>{inside}</details>")
            remaining = columns[1:]
        parts += [cell(row.values[key], kind, unit) for key, kind, unit in remaining]
        parts.append("\n")
    if packed:
        parts.append(packing.details(details))
    return Markup("".join(parts))


def cell(item: Value, kind: Kind, unit: Unit) -> str:
    """Return one ``<td>``."""
    if isinstance(item, Tag):
        return f'<td class="tag {_swatch(item.role)}">{escape(item.text)}'
    if item is None:
        attributes = "" if kind in ("text", "code") else " class=n"
        return f"<td{attributes} data-v>{NOTHING}"
    content = _value(item, kind, unit, False)
    if kind in ("text", "code"):
        spelled = _spelled(item)
        address = f' data-v="{escape(spelled)}"' if spelled else ""
        return f"<td{address}>{content}"
    number = number_of(item)
    if number is None:
        return f"<td class=n>{content}"
    counted = isinstance(item, int) and unit.size == 1
    exact = str(item) if counted else f"{number / unit.size:.5g}"
    shown = content.partition(" ")[0]
    whole = "" if _parses_as(shown, exact) else f" data-v={exact}"
    if kind == "share":
        step = round(_BAR_STEPS * min(1.0, max(0.0, number)))
        return f'<td class="n s b{step}"{whole}>{content}'
    return f"<td class=n{whole}>{content}"


def sureness(item: Value, kind: Kind, unit: Unit | None = None, *, brief: bool = True) -> Markup:
    """Return the short interval of an estimate, with all details as its tooltip.

    Args:
        brief: show only numbers, and nothing if the interval can only be given in words.
    """
    if not isinstance(item, Estimate) or not (short := interval(item, kind, unit, brief=brief)):
        return Markup("")
    return Markup(' <span class="interval" title="{}">{}</span>').format(explain(item, kind), short)


def rules() -> str:
    """Return the style rules of swatches, bars and hidden columns."""
    swatches = "".join(f".k{name[1:]}::before{{background:{name}}}" for name in every_name())
    bars = "".join(f".b{step}{{--b:{step * 100 // _BAR_STEPS}%}}" for step in range(_BAR_STEPS + 1))
    hidden = ",".join(
        f".h{place}>*>tr>:nth-child({place})" for place in range(1, _MOST_COLUMNS + 1)
    )
    return f"{swatches}.s{{--bar:{BLUE}}}{bars}{hidden}{{display:none}}"


# ---------------------------------------------------------------------------- parts


def _value(item: Value, kind: Kind, unit: Unit | None, with_unit: bool) -> str:
    if item is None:
        return _NOTHING
    if isinstance(item, Link):
        return _link(item)
    if isinstance(item, tuple):
        return ", ".join(map(_link, item))
    if isinstance(item, Tag):
        return f'<span class="tag {_swatch(item.role)}">{escape(item.text)}</span>'
    shown = escape(show(item, kind, unit, with_unit=with_unit))
    if isinstance(item, Estimate):
        return f"{shown}{sureness(item, kind, unit)}"
    return f"<code>{shown}</code>" if kind == "code" else str(shown)


def _details(row: Row, nested: Callable[[Table], str] | None) -> str:
    """Return the details that open below a row."""
    if not row.details:
        return ""
    parts = [
        _facts_list(part) if isinstance(part, Facts) else nested(part) if nested else ""
        for part in row.details
    ]
    return f"<div class=more>{''.join(parts)}</div>"


def _facts_list(facts: Facts) -> str:
    parts = [f"<dt>{escape(n)}<dd>{_value(v, kind, None, True)}" for n, v, kind in facts.facts]
    return f"<dl class=facts>{''.join(parts)}</dl>"


def _parses_as(shown: str, exact: str) -> bool:
    """Return whether a script that parses the shown text gets the exact number."""
    try:
        return float(shown) == float(exact)
    except ValueError:
        return False


def _spelled(item: Value) -> str:
    """Return links with addresses, if any leads out, for tables that are saved as CSV."""
    links = (item,) if isinstance(item, Link) else item if isinstance(item, tuple) else ()
    return ", ".join(x.spelled for x in links) if any(x.url for x in links) else ""


def _link(link: Link) -> str:
    if link.url:
        return (
            f'<a class="out" href="{escape(link.url)}" rel="external noopener noreferrer" '
            f'title="{escape(link.url)}">{escape(link.text)}\u00a0↗</a>'
        )
    return f'<a href="#{escape(link.anchor)}">{escape(link.text)}</a>'


def _swatch(role: Role) -> str:
    return f"k{colour(role)[1:]}"
