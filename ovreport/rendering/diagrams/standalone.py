"""Diagrams as files of their own: SVG, DOT with positions, and PNG by Graphviz."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ovreport.rendering.diagrams import graphviz as engine
from ovreport.rendering.diagrams.colours import Paint
from ovreport.rendering.diagrams.diagram import LIMIT_S, placed
from ovreport.rendering.diagrams.layout import Layout, Position
from ovreport.rendering.diagrams.svg import REFERENCE, PlacedDiagram, fitting_lines, size_of
from ovreport.rendering.palette import ink_on
from ovreport.section import Diagram
from ovreport.text.dot import quoted
from ovreport.text.terminal import printable_line
from ovreport.text.xml import in_xml

FileFormat = Literal["svg", "png", "dot"]

# PNG writers allow 32,767 pixels; a taller diagram is drawn smaller.
_MOST_PIXELS, _DPI = 32_000, 96
_HREF = re.compile(r' ?href="#([^"]*)"')


@dataclass(frozen=True)
class DiagramFile:
    """The content of a diagram's file."""

    content: bytes
    scale: float = 1.0
    """Below 1 if the picture is drawn smaller."""


def diagram_file(diagram: Diagram, format: FileFormat) -> DiagramFile:
    """Render a diagram as a file, with all blocks open, in its first colouring.

    Raises:
        LayoutError: Graphviz is missing, failed, or took too long.
    """
    layout = placed(diagram)
    if format == "svg":
        return DiagramFile(_svg(diagram, layout).encode())
    dot = _dot(diagram, layout)
    if format == "dot":
        return DiagramFile(dot.encode())
    inches = max(layout.right - layout.left, layout.pieces[-1].bottom if layout.pieces else 0) / 72
    dpi = min(_DPI, _MOST_PIXELS / max(1.0, inches))
    sized = dot.replace("graph[", f"graph[dpi={dpi:.4g} ", 1)
    return DiagramFile(engine.graphviz(sized, "png", LIMIT_S, placed=True), dpi / _DPI)


def _svg(diagram: Diagram, layout: Layout) -> str:
    drawing = PlacedDiagram(diagram, layout, Paint.of(diagram), None)
    height = round(layout.pieces[-1].bottom) if layout.pieces else 0
    body = drawing.svg(layout.pieces) if layout.pieces else ""
    node_ids = {node.id for node in diagram.nodes}
    # References stay, as they lead within the file; links to the report would lead nowhere.
    body = _HREF.sub(lambda href: href[0] if href[1] in node_ids else "", body)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{drawing.width}" height="{height}" '
        f'viewBox="0 0 {drawing.width} {height}" font-family="Arial, Helvetica, sans-serif">'
        f"<title>{in_xml(printable_line(diagram.title))}</title>"
        f'<rect width="100%" height="100%" fill="#ffffff"/>{drawing.marker()}{body}</svg>\n'
    )


# ---------------------------------------------------------------------------- DOT


def _dot(diagram: Diagram, layout: Layout) -> str:
    """Return DOT with positions, which ``neato -n2`` keeps; ``dot`` would compute new ones."""
    return "\n".join(_statements(diagram, layout)) + "\n"


def _statements(diagram: Diagram, layout: Layout) -> Iterator[str]:
    paint = Paint.of(diagram)
    number = {node.id: at for at, node in enumerate(diagram.nodes)}
    yield f"digraph {quoted(diagram.title)} {{"
    yield "graph[splines=true]"
    yield 'node[shape=box style=filled fontname="Arial" fontsize=10 fixedsize=true]'
    yield 'edge[color="#59636e" arrowsize=0.6 fontname="Arial" fontsize=8.5 fontcolor="#59636e"]'
    for at, piece in enumerate(layout.pieces):
        for index, centre in piece.centres.items():
            node = diagram.nodes[index]
            width, height = size_of(node)
            fill = paint.first(node)
            yield (
                f'{index}[label={quoted(*fitting_lines(node.lines))} pos="{_at(centre)}" '
                f"width={width / 72:.4g} height={height / 72:.4g} "
                f'fillcolor="{fill}" fontcolor="{ink_on(fill)}" '
                f"penwidth={3 if node.emphasis else 1} "
                f"tooltip={quoted(*node.tooltip.splitlines()[:20])}]"
            )
        for reference in piece.references:
            node = diagram.nodes[reference.source]
            width, height = REFERENCE
            yield (
                f"r{at}_{reference.source}[label={quoted(*fitting_lines([f'↑ {node.name}']))} "
                f'pos="{_at(reference.centre)}" width={width / 72:.4g} height={height / 72:.4g} '
                'style=dashed color="#59636e"]'
            )
        for arrow in piece.arrows:
            edge = diagram.edges[arrow.edge]
            far = arrow.edge in piece.piece.references
            source = f"r{at}_{number[edge.source]}" if far else str(number[edge.source])
            x, y = arrow.points[0]
            look = ' color="#b3261e" style=dashed' if edge.marked else ""
            look += " penwidth=2.5" if edge.critical else ""
            spline = " ".join(map(_at, arrow.points))
            yield (
                f"{source}->{number[edge.target]}"
                f'[pos="e,{_at(arrow.points[-1])} {spline}" '
                f'label={quoted(edge.label)} lp="{_at((x + 55, y + 10))}"{look}]'
            )
    yield "}"


def _at(point: Position) -> str:
    """Return a point as Graphviz writes it, with y upwards."""
    return f"{point[0]:.1f},{-point[1]:.1f}"
