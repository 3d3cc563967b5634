"""Diagrams as inline SVG: laid out by Graphviz, coloured by CSS alone."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import graphviz
from markupsafe import Markup

from ovreport.graphs.engine import LayoutError, layout_svg
from ovreport.rendering.format import shorten
from ovreport.rendering.palette import colour, ink_on, scale_step, scale_steps
from ovreport.section import Colouring, Diagram, DiagramNode, Role

# dot needs 28 s for 5,000 nodes in one piece; a report has 5 s for all it does.
LIMIT_S = 20.0
# Graphviz fails the whole drawing over a label or tooltip of 16,384 characters.
_LABEL, _TOOLTIP = 28, 1000
_LEGEND_ENTRIES = 14


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
        drawn = layout_svg(_source(diagram), LIMIT_S)
    except LayoutError as error:
        return DiagramSvg(Markup("<p>{}</p>").format(f"No picture: {error}"), "")
    svg = _rewrite(drawn, diagram)
    head, css = _switches(diagram)
    return DiagramSvg(Markup(f'{head}<div class="canvas" tabindex="0">{svg}</div>'), css)


# ---------------------------------------------------------------------------- DOT


def _source(diagram: Diagram) -> str:
    """Nodes are numbered: their own names never reach DOT but as escaped labels."""
    graph = graphviz.Digraph(
        graph_attr={"rankdir": "TB", "nodesep": "0.2", "ranksep": "0.3", "bgcolor": "transparent"},
        node_attr={"shape": "box", "style": "rounded,filled", "fontname": "Arial",
                   "fontsize": "10", "margin": "0.17,0.05", "height": "0.3"},
        edge_attr={"arrowsize": "0.6", "color": "#59636e"},
    )  # fmt: skip
    place = {node.id: str(number) for number, node in enumerate(diagram.nodes)}
    for node in diagram.nodes:
        lines = [_literal(shorten(line, _LABEL)) for line in node.lines]
        graph.node(
            place[node.id],
            label=graphviz.escape("\n".join(lines)).replace("\n", "\\n"),
            tooltip=graphviz.escape(_literal(node.tooltip[:_TOOLTIP])),
            URL=f"#{node.link or node.id}",
            penwidth="3" if node.emphasis else "1",
        )
    for edge in diagram.edges:
        strong = {"penwidth": "2.5", "color": "#cc6677"} if edge.marked else {}
        graph.edge(
            place[edge.source],
            place[edge.target],
            edgetooltip=graphviz.escape(edge.label),
            **strong,
        )
    return str(graph.source)


def _literal(text: str) -> str:
    """Control, format and surrogate characters would break XML or turn the reading direction."""
    return "".join(
        "\N{REPLACEMENT CHARACTER}" if unicodedata.category(c) in ("Cc", "Cf", "Cs") else c
        for c in text
    )


# ---------------------------------------------------------------------------- SVG

_NODE = re.compile(r'<g id="node\d+" class="node">\s*<title>(\d+)</title>')
_EDGE = re.compile(r'<g id="edge\d+" class="edge">\s*<title>[^<]*</title>')
_NUMBER = re.compile(r"(?<=[ ,MCL\"])(-?\d+\.\d{2,})")


def _rewrite(drawn: str, diagram: Diagram) -> str:
    """Graphviz's SVG without what repeats, with our ids, and colours of the first colouring."""
    svg = drawn[drawn.index("<svg") :]
    svg = re.sub(r"<!--.*?-->\s*", "", svg, flags=re.DOTALL)
    head, *parts = _NODE.split(svg)
    # Split at a group with one number, what follows a number is that node and then its edges.
    svg = head + "".join(
        _painted(diagram, diagram.nodes[int(number)], rest)
        for number, rest in zip(parts[::2], parts[1::2], strict=True)
    )
    svg = _EDGE.sub("<g>", svg)
    svg = re.sub(r'<g id="graph\d+" class="graph"', "<g", svg)
    svg = re.sub(r'<g id="a_[^"]*"><a ', "<g><a ", svg).replace("xlink:href=", "href=")
    svg = svg.replace("xlink:title=", "data-title=").replace(' xml:space="preserve"', "")
    svg = re.sub(r' (font-family|xmlns:xlink|xmlns)="[^"]*"', "", svg)
    svg = re.sub(r' data-title="([^"]*)">', r"><title>\1</title>", svg)
    svg = _NUMBER.sub(lambda m: f"{float(m[1]):.1f}", svg)
    svg = re.sub(r">\s+<", "><", svg)
    label = escape(diagram.alt, quote=True)
    return svg.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1)


def _painted(diagram: Diagram, node: DiagramNode, rest: str) -> str:
    """A node with its id, classes, and the colours of the first colouring as attributes."""
    fill = _fill(node, diagram.colourings[0])
    rest = rest.replace('fill="lightgrey"', f'fill="{fill}"')
    rest = rest.replace("<text ", f'<text fill="{ink_on(fill)}" ')
    return f'<g id="{escape(node.id)}" class="{_classes(diagram, node)}">{rest}'


def _fill(node: DiagramNode, colouring: Colouring) -> str:
    fill = node.fills.get(colouring.id)
    if isinstance(fill, Role):
        return colour(fill)
    return scale_steps()[scale_step(fill)] if fill is not None else "#e4e8ec"


# ---------------------------------------------------------------------------- colourings


def _classes(diagram: Diagram, node: DiagramNode) -> str:
    """One class for each colouring: ``k1-fee391`` is that colour in the second."""
    return " ".join(
        f"k{number}-{_fill(node, colouring)[1:]}"
        for number, colouring in enumerate(diagram.colourings)
    )


def _switches(diagram: Diagram) -> tuple[str, str]:
    """Radio buttons, legends, and the rules by which a checked one recolours the nodes."""
    name = escape(diagram.id)
    inputs, legends, rules = [], [], []
    for number, colouring in enumerate(diagram.colourings):
        own = f"{name}-colour-{number}"
        checked = " checked" if number == 0 else ""
        inputs.append(
            f'<input type="radio" name="{name}-colour" id="{own}"{checked}>'
            f'<label for="{own}">{escape(colouring.label)}</label> '
        )
        legends.append(f'<ul class="legend l{number}">{_legend(diagram, colouring)}</ul>')
        rules.append(f"#{own}:checked~.l{number}{{display:flex}}")
        for fill in sorted({_fill(node, colouring) for node in diagram.nodes}):
            start = f"#{own}:checked~.canvas .k{number}-{fill[1:]}"
            rules.append(f"{start} path{{fill:{fill}}}{start} text{{fill:{ink_on(fill)}}}")
    head = '<span class="colourings">Colour by </span>' + "".join(inputs) + "".join(legends)
    return head, "".join(rules)


def _legend(diagram: Diagram, colouring: Colouring) -> str:
    if colouring.scale is not None:
        low, high = (escape(text) for text in colouring.scale)
        return f"<li>{low}</li>{''.join(_swatch(c, '') for c in scale_steps())}<li>{high}</li>"
    counts: dict[str, Role] = {}
    for node in diagram.nodes:
        fill = node.fills.get(colouring.id)
        if isinstance(fill, Role):
            counts.setdefault(fill.key, fill)
    shown: Sequence[Role] = list(counts.values())[:_LEGEND_ENTRIES]
    return "".join(_swatch(colour(role), role.key) for role in shown)


def _swatch(fill: str, text: str) -> str:
    return (
        '<li><svg width="12" height="12" aria-hidden="true">'
        f'<rect width="12" height="12" fill="{fill}"/></svg> {escape(text)}</li>'
    )
