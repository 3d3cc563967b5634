"""Diagrams as inline SVG: laid out by Graphviz in pieces, coloured by CSS alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from markupsafe import Markup

from ovreport.graphs.blocks import Block, repeated_blocks
from ovreport.graphs.engine import LayoutError
from ovreport.graphs.layout import Layout, PlacedPiece, lay_out
from ovreport.labels import count
from ovreport.rendering.correspondence import Correspondence
from ovreport.rendering.diagram_colours import Paint
from ovreport.rendering.diagram_svg import REFERENCE, Drawing, size_of
from ovreport.rendering.format import show
from ovreport.section import Diagram, DiagramNode, Role

# Networks take a fraction of a second; this is for graphs that nobody thought of.
LIMIT_S = 20.0
# Repeated blocks are closed in diagrams of more nodes, so that the whole is seen first.
_OPEN_AT_MOST = 300


@dataclass(frozen=True)
class DiagramSvg:
    """``html`` holds the switches of the colourings, their legends and the SVG; ``css`` its rules
    for the page's style element; ``note`` what a reader should know of the drawing."""

    html: Markup
    css: str
    note: str = ""


def render_diagram(diagram: Diagram, together: Correspondence) -> DiagramSvg:
    """Draws a diagram; where Graphviz cannot, the page says why and is otherwise whole.

    Args:
        together: of the page; boxes are given the classes that link them with other diagrams.
    """
    try:
        layout = placed(diagram)
    except LayoutError as error:
        return DiagramSvg(Markup("<p>{}</p>").format(f"No picture: {error}"), "")
    paint = Paint.of(diagram)
    drawing = Drawing(diagram, layout, paint, together)
    blocks = repeated_blocks(
        [piece.piece for piece in layout.pieces],
        edges_of(diagram),
        [node.lines[0].split(" ")[0] if node.lines else "" for node in diagram.nodes],
        [node.name for node in diagram.nodes],
    )
    return DiagramSvg(
        Markup(
            f'{paint.switches()}<div class="canvas" tabindex="0" role="group" '
            f'aria-label="{escape(diagram.alt)}"><div class="stage">{drawing.marker()}'
            f"{''.join(_parts(drawing, blocks))}</div></div>"
        ),
        paint.css(),
        _note(layout, blocks),
    )


def _parts(drawing: Drawing, blocks: Sequence[Block]) -> Iterator[str]:
    """What is drawn from top to bottom: stretches between blocks, and the blocks."""
    pieces = drawing.layout.pieces
    opened = " open" if len(drawing.diagram.nodes) <= _OPEN_AT_MOST else ""
    at = 0
    for block in blocks:
        if block.first > at:
            yield drawing.svg(pieces[at : block.first])
        inside = pieces[block.first : block.end]
        heading = drawing.heading(_whole(drawing.diagram, block, inside), inside)
        yield (
            f'<details class="fold"{opened}><summary>{heading}</summary>'
            f"{drawing.svg(inside)}</details>"
        )
        at = block.end
    if at < len(pieces):
        yield drawing.svg(pieces[at:])


def _whole(diagram: Diagram, block: Block, inside: Sequence[PlacedPiece]) -> DiagramNode:
    """A block as one node: its time in all, and what all its nodes share, or the most of them."""
    nodes = [diagram.nodes[at] for placed in inside for at in placed.piece.nodes]
    time = sum(node.duration_s for node in nodes)
    total = sum(node.duration_s for node in diagram.nodes)
    figure = f" · {show(time, 'duration')} · {show(time / total, 'share')}" if total else ""
    fills: dict[str, Role | float] = {}
    for colouring in diagram.colourings:
        values = [node.fills[colouring.id] for node in nodes if colouring.id in node.fills]
        if colouring.scale:
            fills[colouring.id] = max((v for v in values if isinstance(v, float)), default=0.0)
        elif len(set(values)) == 1:
            fills[colouring.id] = values[0]
    return DiagramNode(
        "",
        [block.name, f"{count(len(nodes), 'node')}{figure}"],
        "",
        fills,
        emphasis=any(node.emphasis for node in nodes),
        name=f"{block.name}\nRepeated part; its colour on a scale is that of its hottest node.",
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


def _note(layout: Layout, blocks: Sequence[Block]) -> str:
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
