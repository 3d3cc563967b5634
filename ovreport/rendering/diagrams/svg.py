"""A laid-out diagram as SVG: boxes, arrows and labels.

The SVG is small, because a report may hold ten thousand nodes: whole points, relative coordinates,
and attributes given once for a group. Everything that must show if a server's policy drops style
sheets is an attribute.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from ovreport.rendering.diagrams.colours import Paint
from ovreport.rendering.diagrams.correspondence import Correspondence
from ovreport.rendering.diagrams.layout import Layout, PlacedPiece, Position, Size
from ovreport.rendering.palette import ink_on
from ovreport.section import Diagram, DiagramEdge, DiagramNode
from ovreport.text.terminal import printable, printable_line
from ovreport.text.xml import in_xml

# Points; one size for all, so that equal parts of a network look alike and are laid out once.
_WIDTH, _LINE, _PADDING = 168, 12, 10
REFERENCE: Size = (128, 18)
# How much text fits into a box, in columns of a narrow letter.
_COLUMNS, _REFERENCE_COLUMNS, _LABEL_COLUMNS = 28, 24, 64
_TOOLTIP = 2000
_FIRST_WIDE = "\u1100"  # letters before it are narrow
# The box of a repeated block, and the arrow above it.
_BLOCK, _BLOCK_COLUMNS, _ABOVE = (236, 38), 38, 16
# Labels reach beyond the outermost boxes to the right.
_MARGIN_LEFT, _MARGIN_RIGHT = 6, 70

_ARROW, _STRONG, _CHANGE = "#59636e", "#1f2328", "#b3261e"


def size_of(node: DiagramNode) -> Size:
    """Return width and height of a node's box, which depend on its number of lines."""
    return _WIDTH, _PADDING + _LINE * max(1, len(node.lines))


class PlacedDiagram:
    """A diagram with the positions of its parts."""

    def __init__(
        self, diagram: Diagram, layout: Layout, paint: Paint, correspondence: Correspondence | None
    ) -> None:
        self.diagram = diagram
        self._correspondence = correspondence
        self.layout = layout
        self.paint = paint
        drawn = [node for placed in layout.pieces for node in placed.piece.nodes]
        # Scripts number the boxes in the order of the page.
        self._number = {node: number for number, node in enumerate(drawn)}
        self._place = {node.id: at for at, node in enumerate(diagram.nodes)}
        self._centres = {n: at for placed in layout.pieces for n, at in placed.centres.items()}
        self._references_to: dict[int, int] = defaultdict(int)
        for placed in layout.pieces:
            for reference in placed.references:
                self._references_to[reference.source] += 1
        self._labelled: set[tuple[int, str]] = set()
        self._labels: Mapping[int, set[str]] = self._labels_by_source()

    @property
    def left(self) -> int:
        """The left edge, as far from the middle as the right one: the main flow is centred."""
        return -round(max(self.layout.right + _MARGIN_RIGHT, _MARGIN_LEFT - self.layout.left))

    @property
    def width(self) -> int:
        """Width of the drawing in points."""
        return -2 * self.left

    def svg(self, pieces: Sequence[PlacedPiece]) -> str:
        """Draw consecutive pieces, in the coordinates of the whole diagram."""
        top, bottom = round(pieces[0].top), round(pieces[-1].bottom)
        body = "".join((self._arrows(pieces), self._references(pieces), self._boxes(pieces)))
        return (
            f'<svg width="{self.width}" height="{bottom - top}" '
            f'viewBox="{self.left} {top} {self.width} {bottom - top}" overflow="visible" '
            f'font-size="10" text-anchor="middle">{body}</svg>'
        )

    def marker(self) -> str:
        """Return the heads of arrows, which all parts of the diagram share."""
        heads = "".join(
            f'<marker id="{self._head(colour)}" viewBox="0 0 8 8" refX="8" refY="4" '
            'markerWidth="8" markerHeight="8" markerUnits="userSpaceOnUse" orient="auto">'
            f'<path d="M0 0.8L8 4L0 7.2z" fill="{colour}"/></marker>'
            for colour in (_ARROW, _STRONG, _CHANGE)
        )
        return f'<svg width="0" height="0" aria-hidden="true"><defs>{heads}</defs></svg>'

    def _head(self, colour: str) -> str:
        return f"{in_xml(self.diagram.id)}-{colour[1:]}"

    def _look(self, critical: bool, marked: bool) -> str:
        """Return the attributes of a line and its head."""
        colour = _CHANGE if marked else _STRONG if critical else _ARROW
        width = ' stroke-width="2.5"' if critical else ' stroke-width="1.5"' if marked else ""
        dashes = ' stroke-dasharray="5 3"' if marked else ""
        head = f'marker-end="url(#{self._head(colour)})"'
        return f'fill="none" stroke="{colour}"{width}{dashes} {head}'

    def heading(self, block: DiagramNode, pieces: Sequence[PlacedPiece]) -> str:
        """Draw the box of a repeated block, at the place of the node that the block continues.

        Arrows of the first piece begin at its lower side; if the block is closed, arrows of the
        following piece do.
        """
        entry = pieces[0].piece.entry
        x = round(self._centres[entry][0] if entry is not None else 0.0)
        width, height = _BLOCK
        fill = self.paint.first(block)
        # A separate group, which has the colour of the text in every colouring.
        sign = f'<g><path class="sign" d="M-{width // 2 - 10}-5l6 5l-6 5z"/></g>'
        lines = [printable_line(fitting(line, _BLOCK_COLUMNS)) for line in block.lines]
        first, *rest = map(in_xml, lines)
        title = printable(block.name)
        strong = 3 if block.emphasis else 1
        entering = (self.diagram.edges[arrow.edge] for arrow in pieces[0].arrows)
        critical = any(e.critical and self._place[e.source] == entry for e in entering)
        line = f'<path d="M{x} 0V{_ABOVE}" {self._look(critical, marked=False)}/>'
        return (
            f'<svg width="{self.width}" height="{_ABOVE + height}" '
            f'viewBox="{self.left} 0 {self.width} {_ABOVE + height}" overflow="visible" '
            f'font-size="10" text-anchor="middle">{line if entry is not None else ""}'
            f'<a class="block {self.paint.classes(block)}{" longest" if block.emphasis else ""}" '
            f'transform="translate({x} {_ABOVE + height // 2})" fill="{ink_on(fill)}">'
            f'<path d="{_box(width, height)}" fill="{fill}" stroke="{_STRONG}" '
            f'stroke-width="{strong}"/>{sign}<text y="-3" font-size="11">{first}</text>'
            f'<text y="12">{rest[0]}</text><title>{in_xml(title)}</title></a></svg>'
        )

    # ------------------------------------------------------------------------ arrows

    def _labels_by_source(self) -> Mapping[int, set[str]]:
        labels: dict[int, set[str]] = defaultdict(set)
        for edge in self.diagram.edges:
            labels[self._place[edge.source]].add(edge.label)
        return labels

    def _arrows(self, pieces: Sequence[PlacedPiece]) -> str:
        """Draw arrows, grouped by their look, then their labels."""
        looks: dict[tuple[bool, bool], list[str]] = defaultdict(list)
        labels: dict[bool, list[str]] = defaultdict(list)
        for placed in pieces:
            for arrow in placed.arrows:
                edge = self.diagram.edges[arrow.edge]
                source, target = self._place[edge.source], self._place[edge.target]
                numbers = f"{self._number[source]} {self._number[target]}"
                looks[edge.critical, edge.marked].append(
                    f'<path d="{_curve(arrow.points)}" data-e="{numbers}"/>'
                )
                if label := self._label(source, edge, arrow.points):
                    labels[edge.marked].append(label)
        groups = [f"<g {self._look(*look)}>{''.join(drawn)}</g>" for look, drawn in looks.items()]
        groups += [
            f'<g class="labels" font-size="8.5" text-anchor="start" '
            f'fill="{_CHANGE if marked else _ARROW}">{"".join(texts)}</g>'
            for marked, texts in labels.items()
        ]
        return "".join(groups)

    def _label(self, source: int, edge: DiagramEdge, points: Sequence[Position]) -> str:
        """Draw an edge's label: below its source if all edges share it, else at the arrow's end."""
        if not edge.label or (source, edge.label) in self._labelled:
            return ""
        self._labelled.add((source, edge.label))
        text = in_xml(printable_line(fitting(edge.label, _LABEL_COLUMNS)))
        is_shared = len(self._labels[source]) == 1
        x, y = points[0] if is_shared else points[-1]
        if is_shared and source in self._centres:
            # An arrow may leave at a side of the box, which would hide the label.
            centre, middle = self._centres[source]
            width, height = size_of(self.diagram.nodes[source])
            x = min(max(x, centre - width / 2), centre + width / 2)
            y = max(y, middle + height / 2)
        further_down = self._references_to.pop(source, 0) if is_shared else 0
        text += f" · {further_down} more further down" if further_down else ""
        return f'<text x="{round(x) + 5}" y="{round(y) + (11 if is_shared else -10)}">{text}</text>'

    # ------------------------------------------------------------------------ boxes

    def _references(self, pieces: Iterable[PlacedPiece]) -> str:
        """Draw the names of nodes that stand further up, as links to them."""
        shape = _box(*REFERENCE)
        parts = []
        for placed in pieces:
            for reference in placed.references:
                node = self.diagram.nodes[reference.source]
                name = fitting(node.name or node.lines[0], _REFERENCE_COLUMNS)
                x, y = reference.centre
                parts.append(
                    f'<a href="#{in_xml(node.id)}" class="ref" '
                    f'transform="translate({round(x)} {round(y)})" fill="{_ARROW}">'
                    f'<path d="{shape}" fill="none" stroke="{_ARROW}" stroke-dasharray="3 2"/>'
                    f'<text y="3" font-size="9">↑ {in_xml(printable_line(name))}</text></a>'
                )
        return "".join(parts)

    def _boxes(self, pieces: Iterable[PlacedPiece]) -> str:
        return "".join(
            self._node(self.diagram.nodes[at], centre)
            for placed in pieces
            for at, centre in placed.centres.items()
        )

    def _node(self, node: DiagramNode, centre: Position) -> str:
        width, height = size_of(node)
        fill = self.paint.first(node)
        ink = ink_on(fill)
        lines = fitting_lines(node.lines)
        first = round(4 - _LINE * (len(lines) - 1) / 2)
        texts = "".join(
            f'<text y="{first + _LINE * at}">{in_xml(line)}</text>' for at, line in enumerate(lines)
        )
        title = printable(node.tooltip[:_TOOLTIP])
        # The page's renderer removes an href that leads nowhere.
        href = f'href="#{in_xml(node.link or node.id)}" '
        classes = self.paint.classes(node)
        if node.link and self._correspondence:
            classes += " " + self._correspondence.css_class(node.link)
        if node.emphasis:
            classes += " longest"
        strong = f' stroke="{_STRONG}" stroke-width="3"' if node.emphasis else ""
        colour = "" if ink == "#000000" else f' fill="{ink}"'
        return (
            f'<a {href}id="{in_xml(node.id)}" class="{classes.strip()}" '
            f'transform="translate({round(centre[0])} {round(centre[1])})"{colour}>'
            f'<path d="{_box(width, height)}" fill="{fill}"{strong}/>'
            f"{texts}<title>{in_xml(title)}</title></a>"
        )


def _box(width: float, height: float) -> str:
    """Return a rectangular path around (0, 0), shorter than a ``rect`` with four attributes."""
    w, h = round(width / 2), round(height / 2)
    return f"M-{w}-{h}h{2 * w}v{2 * h}H-{w}z"


def _curve(points: Sequence[Position]) -> str:
    """Return a Bézier path in whole points, each segment relative to its start."""
    at = [(round(x), round(y)) for x, y in points]
    (x, y), end = at[0], at[-1]
    if all(px == x for px, _ in at):
        return f"M{x} {y}V{end[1]}"
    text = f"M{x} {y}c"
    for number in range(1, len(at), 3):
        text += " ".join(f"{px - x} {py - y}" for px, py in at[number : number + 3]) + " "
        x, y = at[min(number + 2, len(at) - 1)]
    return text.strip().replace(" -", "-")


# ---------------------------------------------------------------------------- text


def fitting_lines(lines: Sequence[str]) -> list[str]:
    """Return the lines of a box, cut to its width and without control characters."""
    return [printable_line(fitting(line, _COLUMNS)) for line in lines]


def fitting(text: str, columns: int) -> str:
    """Cut text in the middle, because names differ at their ends; wide letters count twice."""
    if len(text) <= columns and (text.isascii() or max(text) < _FIRST_WIDE):
        return text
    if len(text) > columns:
        text = f"{text[:columns]}{text[-columns:]}" if len(text) > 2 * columns else text
    widths = [2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text]
    if sum(widths) <= columns:
        return text
    room = columns - 1
    head, used = 0, 0
    while used + widths[head] <= room // 2:
        used += widths[head]
        head += 1
    tail = len(text)
    while used + widths[tail - 1] <= room:
        tail -= 1
        used += widths[tail]
    return f"{text[:head]}…{text[tail:]}"
