"""Diagrams as inline SVG: laid out by Graphviz in pieces, coloured by CSS alone."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from markupsafe import Markup

from ovreport.rendering.diagrams.blocks import RepeatedBlock, repeated_blocks
from ovreport.rendering.diagrams.colours import Paint
from ovreport.rendering.diagrams.correspondence import Correspondence
from ovreport.rendering.diagrams.graphviz import LayoutError
from ovreport.rendering.diagrams.layout import Layout, PlacedPiece, lay_out
from ovreport.rendering.diagrams.overview import Stretch, in_all, overview
from ovreport.rendering.diagrams.svg import REFERENCE, PlacedDiagram, size_of
from ovreport.section import Diagram, DiagramNode
from ovreport.text.labels import count
from ovreport.text.values import Role

# Networks take a fraction of a second; this is for graphs that nobody thought of.
LIMIT_S = 20.0
# Repeated blocks are closed in diagrams of more nodes, so that the whole is seen first.
_OPEN_AT_MOST = 300
# Pictures of more nodes are stored compressed, as they are most of a report: 800 bytes a node.
LARGE = 400
# Of one SVG at most, in points, as far as pieces allow: a page does not break within one.
_SVG_HEIGHT = 480.0
# What A4 and Letter both have, in CSS pixels, less what is left free as parts are not broken; and
# the scales between which names can be read.
_PAGE_WIDTH, _PAGE_HEIGHT, _COLUMN_GAP, _MOST_COLUMNS = 710, 850, 12, 4
_SMALLEST, _LARGEST = 0.4, 0.75


@dataclass(frozen=True)
class DiagramSvg:
    """A diagram for the page.

    ``html`` holds the switches of the colourings, their legends and the SVG; ``css`` its rules
    for the page's style element; ``note`` what a reader should know of the drawing; ``overview``
    what stands for a picture so large that it is to be packed.
    """

    html: Markup
    css: str
    note: str = ""
    overview: Markup | None = None


def render_diagram(diagram: Diagram, together: Correspondence) -> DiagramSvg:
    """Draws a diagram; where Graphviz cannot, the page says why and is otherwise whole.

    Args:
        together: of the page; boxes are given the classes that link them with other diagrams.
    """
    if not diagram.nodes:
        return DiagramSvg(Markup("<p>No picture: the graph is empty.</p>"), "")
    try:
        layout = placed(diagram)
    except LayoutError as error:
        return DiagramSvg(Markup("<p>{}</p>").format(f"No picture: {error}"), "")
    large = len(diagram.nodes) > LARGE
    paint = Paint.of(diagram)
    # Style sheets cannot mark thousands of boxes; scripts, which unpack a large diagram, can.
    drawing = PlacedDiagram(diagram, layout, paint, None if large else together)
    blocks = repeated_blocks(
        [piece.piece for piece in layout.pieces],
        edges_of(diagram),
        [node.lines[0].split(" ")[0] if node.lines else "" for node in diagram.nodes],
        [node.name for node in diagram.nodes],
    )
    stretches = _stretches(len(layout.pieces), blocks)
    return DiagramSvg(
        Markup(
            f'{paint.switches()}<div class="canvas" tabindex="0" role="group" '
            f'aria-label="{escape(diagram.alt)}"><div class="stage">{drawing.marker()}'
            f"{''.join(_parts(drawing, stretches))}</div></div>"
        ),
        paint.css() + _on_paper(diagram.id, drawing.width, layout),
        _note(layout, blocks),
        overview(diagram, layout, stretches) if large else None,
    )


def _stretches(pieces: int, blocks: Sequence[RepeatedBlock]) -> list[Stretch]:
    """All pieces from top to bottom: blocks, and what lies between them."""
    found = []
    at = 0
    for block in blocks:
        if block.first > at:
            found.append(Stretch(at, block.first))
        found.append(Stretch(block.first, block.end, block.name))
        at = block.end
    return [*found, Stretch(at, pieces)] if at < pieces else found


def _parts(drawing: PlacedDiagram, stretches: Sequence[Stretch]) -> Iterator[str]:
    opened = " open" if len(drawing.diagram.nodes) <= _OPEN_AT_MOST else ""
    total = drawing.diagram.duration_s
    for stretch in stretches:
        pieces = drawing.layout.pieces[stretch.first : stretch.end]
        parts = "".join(map(drawing.svg, _short(pieces)))
        if stretch.block is None:
            yield parts
            continue
        heading = drawing.heading(_whole(drawing.diagram, stretch.block, pieces, total), pieces)
        yield (f'<details class="fold"{opened}><summary>{heading}</summary>{parts}</details>')


def _short(pieces: Sequence[PlacedPiece]) -> Iterator[Sequence[PlacedPiece]]:
    """The pieces in runs that are as high as an SVG may be, or consist of one."""
    first = 0
    for at, piece in enumerate(pieces):
        if at > first and piece.bottom - pieces[first].top > _SVG_HEIGHT:
            yield pieces[first:at]
            first = at
    yield pieces[first:]


def _on_paper(id: str, width: float, layout: Layout) -> str:
    """The rule by which a picture, mostly tall and narrow, is printed in columns.

    On as few pages as names that can be read allow, and on these as large as possible.
    """
    height = layout.pieces[-1].bottom - layout.pieces[0].top
    fits = []
    for columns in range(1, _MOST_COLUMNS + 1):
        widest = min(_LARGEST, _PAGE_WIDTH / columns / (width + _COLUMN_GAP))
        if columns == 1 or widest >= _SMALLEST:
            room = columns * _PAGE_HEIGHT
            pages = math.ceil(height * min(widest, _SMALLEST) / room)
            fits.append((-pages, min(widest, pages * room / height), columns))
    _, scale, columns = max(fits)
    return f"@media print{{#{id} .stage{{columns:{columns}}}#{id} .stage svg{{zoom:{scale:.2f}}}}}"


def _whole(
    diagram: Diagram, name: str, pieces: Sequence[PlacedPiece], total_s: float
) -> DiagramNode:
    """A block as one node: its time in all, and what all its nodes share, or the most of them."""
    nodes = [diagram.nodes[at] for placed in pieces for at in placed.piece.nodes]
    fills: dict[str, Role | float] = {}
    for colouring in diagram.colourings:
        values = [node.fills[colouring.id] for node in nodes if colouring.id in node.fills]
        if colouring.scale:
            fills[colouring.id] = max((v for v in values if isinstance(v, float)), default=0.0)
        elif len(set(values)) == 1:
            fills[colouring.id] = values[0]
    return DiagramNode(
        "",
        [name, in_all(nodes, total_s)],
        "",
        fills,
        emphasis=any(node.emphasis for node in nodes),
        name=f"{name}\nRepeated part; its colour on a scale is that of its hottest node.",
    )


def placed(diagram: Diagram) -> Layout:
    """Where everything of a diagram goes.

    Raises:
        LayoutError: says why it goes nowhere.
    """
    sizes = [size_of(node) for node in diagram.nodes]
    return lay_out(sizes, edges_of(diagram), REFERENCE, LIMIT_S)


def edges_of(diagram: Diagram) -> list[tuple[int, int]]:
    """Arrows between the places of nodes in the diagram's list."""
    place = {node.id: at for at, node in enumerate(diagram.nodes)}
    return [(place[edge.source], place[edge.target]) for edge in diagram.edges]


def _note(layout: Layout, blocks: Sequence[RepeatedBlock]) -> str:
    """What was done to a graph to make it a picture."""
    far = sum(len(piece.references) for piece in layout.pieces)
    said = []
    if blocks:
        said.append(f"{count(len(blocks), 'repeated block')} can be opened and closed.")
    if far:
        said.append(
            f"{count(far, 'arrow')} from far up {'is' if far == 1 else 'are'} drawn as the name "
            "of the source, with a dashed outline, which leads there."
        )
    if layout.simplified:
        said.append("Parts have so many arrows that they were arranged with less care.")
    return " ".join(said)
