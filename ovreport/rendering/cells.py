"""One value as HTML: in a table's cell, beside a fact's name, or in a sentence.

Written here and not as template macros, as a report may have a hundred thousand of them.
"""

from __future__ import annotations

from markupsafe import Markup, escape

from ovreport.rendering.format import Unit, explain, interval, number_of, show
from ovreport.rendering.palette import colour
from ovreport.section import Kind, Link, Role, Tag, Value
from ovreport.stats.estimate import Estimate

_NOTHING = Markup('<span class="nothing">–</span>')
_BAR_WIDTH = 44
_BAR_COLOUR = colour(Role("series", "main"))


def value(item: Value, kind: Kind, unit: Unit | None = None, *, with_unit: bool = True) -> Markup:
    """A value with whatever belongs beside it: its interval, its link, its colour."""
    if item is None:
        return _NOTHING
    if isinstance(item, Link):
        return _link(item)
    if isinstance(item, tuple):
        return Markup(", ").join(_link(link) for link in item)
    if isinstance(item, Tag):
        return Markup('<span class="tag">{} {}</span>').format(_swatch(item.role), item.text)
    shown = escape(show(item, kind, unit, with_unit=with_unit))
    if isinstance(item, Estimate):
        return shown + sureness(item, kind, unit)
    return Markup("<code>{}</code>").format(shown) if kind == "code" else shown


def cell(item: Value, kind: Kind, unit: Unit) -> Markup:
    """A table's ``<td>``.

    A number is shown without its unit, which the heading tells. Where the digits shown are not the
    whole number, ``data-v`` has it, in the same unit: tables sort, filter and export by it.
    """
    if kind in ("text", "code"):
        return Markup("<td>{}</td>").format(value(item, kind, unit))
    content = value(item, kind, unit, with_unit=False)
    number = number_of(item)
    if number is None:
        return Markup('<td class="n">{}</td>').format(content)
    if kind == "share":
        content = _bar(number) + Markup("<span>{}</span>").format(content)
    exact = f"{number / unit.size:.6g}"
    if isinstance(item, Estimate) or not _reads(show(item, kind, unit, with_unit=False), exact):
        return Markup('<td class="n" data-v="{}">{}</td>').format(exact, content)
    return Markup('<td class="n">{}</td>').format(content)


def sureness(item: Value, kind: Kind, unit: Unit | None = None, *, brief: bool = True) -> Markup:
    """The interval of an estimate in short, with the whole story as its tooltip.

    Args:
        brief: reduce to a sign what is no confidence interval and needs more than a number.
    """
    if not isinstance(item, Estimate) or not (short := interval(item, kind, unit)):
        return Markup("")
    return Markup(' <span class="interval" title="{}">{}</span>').format(
        explain(item, kind), "ⓘ" if brief and not item.confidence else short
    )


def _reads(shown: str, exact: str) -> bool:
    """Whether a script that parses what is shown gets the exact number."""
    try:
        return float(shown) == float(exact)
    except ValueError:
        return False


def _link(link: Link) -> Markup:
    return Markup('<a href="#{}">{}</a>').format(link.anchor, link.text)


def _swatch(role: Role) -> Markup:
    # Attributes, as a server's policy may drop style sheets.
    return Markup(
        '<svg width="10" height="10" aria-hidden="true">'
        '<rect width="10" height="10" fill="{}"/></svg>'
    ).format(colour(role))


def _bar(share: float) -> Markup:
    width = f"{_BAR_WIDTH * min(1.0, max(0.0, share)):.1f}"
    return Markup(
        '<svg class="bar" width="{}" height="8" aria-hidden="true">'
        '<rect width="{}" height="8" fill="{}"/></svg>'
    ).format(_BAR_WIDTH, width, _BAR_COLOUR)
