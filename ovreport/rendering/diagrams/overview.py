"""A list of the parts of a large diagram, shown without scripts and on paper."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from ovreport.rendering.diagrams.layout import Layout
from ovreport.rendering.diagrams.svg import fitting
from ovreport.section import Diagram, DiagramNode
from ovreport.text.labels import count
from ovreport.text.numbers import show
from ovreport.text.terminal import printable_line

# Nodes on one line, where no blocks repeat.
_TOGETHER = 40
# In diagrams of more nodes, a line links only its longest layer: each link costs 100 bytes.
_LISTED = 2000
_COLUMNS, _NODE_COLUMNS = 48, 24
_STRONG = Markup("<b>{}</b>")
_LINK = Markup('<a href="#{}">{}</a>')
_LINE = Markup("<li>{} <span>{}</span>")
_FOLD = Markup("<li><details><summary>{} <span>{}</span></summary><ul>{}</ul></details>")
_NODE = Markup('<li id="{}"><a href="#{}">{}</a>')
_LIST = Markup(
    '<p class="note">Drawing so many boxes needs scripts. These are its parts, from '
    "top to bottom; {}, and bold ones hold the longest of all. "
    "<code>ovreport export --graph svg</code> draws all of it in a file.</p>"
    '<ol class="overview">{}</ol>'
)


@dataclass(frozen=True)
class Stretch:
    """Pieces ``first`` to before ``end``: a repeated block, or pieces between blocks."""

    first: int
    end: int
    block: str | None = None


def totals_text(nodes: Sequence[DiagramNode], total_s: float) -> str:
    """Return the number of some nodes, their time and its share: ``23 nodes · 61.0 µs · 1.9 %``."""
    time_s = sum(node.duration_s for node in nodes)
    figure = f" · {show(time_s, 'duration')} · {show(time_s / total_s, 'share')}" if total_s else ""
    return f"{count(len(nodes), 'node')}{figure}"


def overview(diagram: Diagram, layout: Layout, stretches: Sequence[Stretch]) -> Markup:
    """Return a line for each block, and for every few dozen nodes between blocks.

    Lines open to links to the rows of their layers.
    """
    total_s = diagram.duration_s
    listed = len(diagram.nodes) <= _LISTED
    lines = []
    for name, members in _named(layout, stretches):
        nodes = [diagram.nodes[at] for at in members]
        first, last = nodes[0].name, nodes[-1].name
        text = _text(name or (f"{first} to {last}" if len(nodes) > 1 else first), _COLUMNS)
        if any(node.emphasis for node in nodes):
            text = _STRONG.format(text)
        figure = totals_text(nodes, total_s)
        if listed:
            lines.append(_FOLD.format(text, figure, _rows(nodes)))
        else:
            row = max(nodes, key=lambda node: (bool(node.link), node.duration_s)).link
            lines.append(_LINE.format(_LINK.format(row, text) if row else text, figure))
    line_hint = (
        "each opens to its layers" if listed else "each leads to the row of its longest layer"
    )
    return _LIST.format(line_hint, Markup("").join(lines))


def _rows(nodes: Sequence[DiagramNode]) -> Markup:
    first: dict[str, DiagramNode] = {}
    for node in nodes:
        first.setdefault(node.link, node)
    return Markup("").join(
        _NODE.format(node.id, link, _text(node.name or node.lines[0], _NODE_COLUMNS))
        for link, node in first.items()
        if link
    )


def _text(text: str, columns: int) -> Markup:
    return escape(printable_line(fitting(text, columns)))


def _named(
    layout: Layout, stretches: Sequence[Stretch]
) -> Iterator[tuple[str | None, Sequence[int]]]:
    """Yield nodes from top to bottom in groups, with the name of their block, if any."""
    for stretch in stretches:
        pieces = layout.pieces[stretch.first : stretch.end]
        nodes = [node for placed in pieces for node in placed.piece.nodes]
        step = len(nodes) if stretch.block is not None else _TOGETHER
        for at in range(0, len(nodes), step):
            yield stretch.block, nodes[at : at + step]
