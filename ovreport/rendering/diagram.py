"""Diagrams as inline SVG: laid out by Graphviz in pieces, coloured by CSS alone."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from markupsafe import Markup

from ovreport.graphs.engine import LayoutError
from ovreport.graphs.layout import Layout, lay_out
from ovreport.labels import count
from ovreport.rendering.diagram_colours import Paint
from ovreport.rendering.diagram_svg import REFERENCE, Drawing, size_of
from ovreport.section import Diagram

# Networks take a fraction of a second; this is for graphs that nobody thought of.
LIMIT_S = 20.0


@dataclass(frozen=True)
class DiagramSvg:
    """``html`` holds the switches of the colourings, their legends and the SVG; ``css`` its rules
    for the page's style element; ``note`` what a reader should know of the drawing."""

    html: Markup
    css: str
    note: str = ""


def render_diagram(diagram: Diagram) -> DiagramSvg:
    """Draws a diagram; where Graphviz cannot, the page says why and is otherwise whole."""
    try:
        layout = placed(diagram)
    except LayoutError as error:
        return DiagramSvg(Markup("<p>{}</p>").format(f"No picture: {error}"), "")
    paint = Paint.of(diagram)
    drawing = Drawing(diagram, layout, paint)
    stage = drawing.svg(layout.pieces) if layout.pieces else ""
    return DiagramSvg(
        Markup(
            f'{paint.switches()}<div class="canvas" tabindex="0" role="group" '
            f'aria-label="{escape(diagram.alt)}"><div class="stage">{drawing.marker()}{stage}'
            "</div></div>"
        ),
        paint.css(),
        _note(layout),
    )


def placed(diagram: Diagram) -> Layout:
    """Where everything of a diagram goes.

    Raises:
        LayoutError: says why it goes nowhere.
    """
    place = {node.id: at for at, node in enumerate(diagram.nodes)}
    edges = [(place[edge.source], place[edge.target]) for edge in diagram.edges]
    return lay_out([size_of(node) for node in diagram.nodes], edges, REFERENCE, LIMIT_S)


def _note(layout: Layout) -> str:
    """What was done to a graph to make it a picture."""
    far = sum(len(piece.references) for piece in layout.pieces)
    said = []
    if far:
        said.append(
            f"{count(far, 'arrow')} from far up {'is' if far == 1 else 'are'} drawn as the name "
            "of the source, with a dashed outline, which leads there."
        )
    if layout.simplified:
        said.append("Parts have so many arrows that they were arranged with less care.")
    return " ".join(said)
