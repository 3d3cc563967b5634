"""Render diagrams as inline SVG: Graphviz lays out pieces, CSS colours them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from ovreport.rendering.diagrams.blocks import RepeatedBlock, repeated_blocks
from ovreport.rendering.diagrams.colours import Paint
from ovreport.rendering.diagrams.correspondence import Correspondence
from ovreport.rendering.diagrams.graphviz import LayoutError
from ovreport.rendering.diagrams.layout import Layout, PlacedPiece, lay_out
from ovreport.rendering.diagrams.overview import Stretch, overview, totals_text
from ovreport.rendering.diagrams.svg import REFERENCE, PlacedDiagram, size_of
from ovreport.section import Diagram, DiagramNode
from ovreport.text.labels import count
from ovreport.text.values import Role
from ovreport.text.xml import in_xml

# Networks take a fraction of a second; the limit is for unforeseen graphs.
LIMIT_S = 20.0
# Repeated blocks are closed in diagrams of more nodes, so that readers see the whole first.
_OPEN_AT_MOST = 300
# Pictures of more nodes are stored compressed, as they fill most of a report: 800 bytes a node.
LARGE = 400
# Largest height of one SVG in points, if its pieces allow: pages do not break within an SVG.
_SVG_HEIGHT = 480.0
# The area that A4 and Letter both have, in CSS pixels, less the space that unbroken parts leave
# free; and the scales at which names are readable.
_PAGE_WIDTH, _PAGE_HEIGHT, _COLUMN_GAP, _MOST_COLUMNS = 710, 850, 12, 4
_SMALLEST, _LARGEST = 0.4, 0.75


@dataclass(frozen=True)
class DiagramSvg:
    """A diagram for the page.

    ``html`` holds the switches of the colourings, their legends and the SVG; ``css`` its rules
    for the page's style element; ``note`` explains the drawing; ``overview`` replaces a picture
    that is packed because it is large.
    """

    html: Markup
    css: str
    note: str = ""
    overview: Markup | None = None


def render_diagram(diagram: Diagram, correspondence: Correspondence) -> DiagramSvg:
    """Draw a diagram; if Graphviz fails, the result says why.

    Args:
        diagram: the diagram to draw.
        correspondence: the page's; it gives boxes the classes that link them with other diagrams.
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
    drawing = PlacedDiagram(diagram, layout, paint, None if large else correspondence)
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
            f'aria-label="{in_xml(diagram.alt)}"><div class="stage">{drawing.marker()}'
            f"{''.join(_parts(drawing, stretches))}</div></div>"
        ),
        paint.css() + _on_paper(diagram.id, drawing.width, layout),
        _note(layout, blocks),
        overview(diagram, layout, stretches) if large else None,
    )


def _stretches(pieces: int, blocks: Sequence[RepeatedBlock]) -> list[Stretch]:
    """Return all pieces from top to bottom: blocks, and the pieces between them."""
    stretches = []
    at = 0
    for block in blocks:
        if block.first > at:
            stretches.append(Stretch(at, block.first))
        stretches.append(Stretch(block.first, block.end, block.name))
        at = block.end
    return [*stretches, Stretch(at, pieces)] if at < pieces else stretches


def _parts(drawing: PlacedDiagram, stretches: Sequence[Stretch]) -> Iterator[str]:
    opened = " open" if len(drawing.diagram.nodes) <= _OPEN_AT_MOST else ""
    total = drawing.diagram.duration_s
    for stretch in stretches:
        pieces = drawing.layout.pieces[stretch.first : stretch.end]
        parts = "".join(map(drawing.svg, _svg_runs(pieces)))
        if stretch.block is None:
            yield parts
            continue
        heading = drawing.heading(
            _block_node(drawing.diagram, stretch.block, pieces, total), pieces
        )
        yield (f'<details class="fold"{opened}><summary>{heading}</summary>{parts}</details>')


def _svg_runs(pieces: Sequence[PlacedPiece]) -> Iterator[Sequence[PlacedPiece]]:
    """Yield runs of pieces that fit into one SVG; a higher piece is a run of its own."""
    first = 0
    for at, piece in enumerate(pieces):
        if at > first and piece.bottom - pieces[first].top > _SVG_HEIGHT:
            yield pieces[first:at]
            first = at
    yield pieces[first:]


def _on_paper(id: str, width: float, layout: Layout) -> str:
    """Return the rule that prints a picture, usually tall and narrow, in columns.

    It uses as few pages as readable names allow, and the largest scale on these pages.
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


def _block_node(
    diagram: Diagram, name: str, pieces: Sequence[PlacedPiece], total_s: float
) -> DiagramNode:
    """Return a block as one node: its total time, and the value that its nodes share.

    On a scale, the value is the largest of its nodes.
    """
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
        [name, totals_text(nodes, total_s)],
        "",
        fills,
        emphasis=any(node.emphasis for node in nodes),
        name=f"{name}\nRepeated part; its colour on a scale is that of its hottest node.",
    )


def placed(diagram: Diagram) -> Layout:
    """Lay a diagram out.

    Raises:
        LayoutError: says why that failed.
    """
    sizes = [size_of(node) for node in diagram.nodes]
    return lay_out(sizes, edges_of(diagram), REFERENCE, LIMIT_S)


def edges_of(diagram: Diagram) -> list[tuple[int, int]]:
    """Return edges as pairs of node indices."""
    place = {node.id: at for at, node in enumerate(diagram.nodes)}
    return [(place[edge.source], place[edge.target]) for edge in diagram.edges]


def _note(layout: Layout, blocks: Sequence[RepeatedBlock]) -> str:
    """Describe how the drawing differs from the graph."""
    far = sum(len(piece.references) for piece in layout.pieces)
    sentences = []
    if blocks:
        sentences.append(f"{count(len(blocks), 'repeated block')} can be opened and closed.")
    if far:
        sentences.append(
            f"{count(far, 'arrow')} from far up {'is' if far == 1 else 'are'} drawn as the name "
            "of the source, with a dashed outline, which leads there."
        )
    if layout.simplified:
        sentences.append("Parts have so many arrows that they were arranged with less care.")
    return " ".join(sentences)
