"""Values, lists of facts and the rows of tables as HTML.

Written here and not as template macros, as a report may have a hundred thousand values; and
tersely, without end tags that HTML lets be left out, as these are most of a large report's bytes.
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
# A bar is drawn by one of so many classes: style attributes would need a laxer policy.
_BAR_STEPS = 50
# Of the columns of one table, those that a reader can put away.
_MOST_COLUMNS = 24


def value(item: Value, kind: Kind, unit: Unit | None = None, *, with_unit: bool = True) -> Markup:
    """A value with whatever belongs beside it: its interval, its link, its colour."""
    return Markup(_value(item, kind, unit, with_unit))


def link(item: Link) -> Markup:
    """A link within the report, or one that shows that it leads out."""
    return Markup(_link(item))


def facts_list(facts: Facts) -> Markup:
    """Names and values."""
    return Markup(_facts_list(facts))


def rows(
    table: Table, units: Mapping[str, Unit], nested: Callable[[Table], str] | None = None
) -> Markup:
    """The rows of a table.

    A number is shown without its unit, which the heading tells. Where the digits shown are not the
    whole number, ``data-v`` has it, in the same unit: tables sort, filter and export by it. An
    empty ``data-v`` is a missing value.

    Args:
        units: by column.
        nested: writes a table that is among a row's details.
    """
    more = [_more(row, nested) for row in table.rows]
    packed = sum(map(len, more)) > packing.ROW_DETAILS
    columns = [(column.key, column.kind, units[column.key]) for column in table.columns]
    parts: list[str] = []
    for row, detail in zip(table.rows, more, strict=True):
        anchor = f' id="{escape(row.anchor)}"' if row.anchor else ""
        parts.append(f"<tr{anchor}{' class=emphasis' if row.emphasis else ''}>")
        rest = columns
        if row.details:
            key, kind, unit = columns[0]
            shown = _value(row.values[key], kind, unit, False)
            inside = "" if packed else detail
            parts.append(f"<td><details><summary>{shown}</summary>{inside}</details>")
            rest = columns[1:]
        parts += [cell(row.values[key], kind, unit) for key, kind, unit in rest]
        parts.append("\n")
    if packed:
        parts.append(packing.details(more))
    return Markup("".join(parts))


def cell(item: Value, kind: Kind, unit: Unit) -> str:
    """One ``<td>``."""
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
    whole = "" if _reads(shown, exact) else f" data-v={exact}"
    if kind == "share":
        step = round(_BAR_STEPS * min(1.0, max(0.0, number)))
        return f'<td class="n s b{step}"{whole}>{content}'
    return f"<td class=n{whole}>{content}"


def sureness(item: Value, kind: Kind, unit: Unit | None = None, *, brief: bool = True) -> Markup:
    """The interval of an estimate in short, with the whole story as its tooltip.

    Args:
        brief: numbers alone; nothing where only words could tell.
    """
    if not isinstance(item, Estimate) or not (short := interval(item, kind, unit, brief=brief)):
        return Markup("")
    return Markup(' <span class="interval" title="{}">{}</span>').format(explain(item, kind), short)


def rules() -> str:
    """The style rules of swatches, of bars and of columns that are put away."""
    swatches = "".join(f".k{name[1:]}::before{{background:{name}}}" for name in every_name())
    bars = "".join(f".b{step}{{--b:{step * 100 // _BAR_STEPS}%}}" for step in range(_BAR_STEPS + 1))
    away = ",".join(f".h{place}>*>tr>:nth-child({place})" for place in range(1, _MOST_COLUMNS + 1))
    return f"{swatches}.s{{--bar:{BLUE}}}{bars}{away}{{display:none}}"


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


def _more(row: Row, nested: Callable[[Table], str] | None) -> str:
    """What opens below a row."""
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


def _reads(shown: str, exact: str) -> bool:
    """Whether a script that parses what is shown gets the exact number."""
    try:
        return float(shown) == float(exact)
    except ValueError:
        return False


def _spelled(item: Value) -> str:
    """Links with their addresses where one leads out, for tables that are saved as CSV."""
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
