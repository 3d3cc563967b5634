"""Colourings of a diagram: radio buttons choose one, CSS applies it without scripts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from ovreport.rendering.palette import colour, ink_on, scale_step, scale_steps
from ovreport.section import Colouring, Diagram, DiagramNode
from ovreport.text.values import Role

NO_FILL = "#e4e8ec"
_LEGEND_ENTRIES = 14


def fill_of(value: Role | float | None) -> str:
    """Return ``#rrggbb`` of a node's value in a colouring; grey if it has none."""
    if isinstance(value, Role):
        return colour(value)
    return NO_FILL if value is None else scale_steps()[scale_step(value)]


@dataclass(frozen=True)
class Paint:
    """The colours of a diagram's nodes, in every colouring.

    The first colouring is in attributes of the nodes, so that it shows if a server's policy drops
    style sheets. The others are classes such as ``b3``: the fourth colour of the second colouring.
    """

    diagram: Diagram
    palettes: Sequence[Sequence[str]]

    @classmethod
    def of(cls, diagram: Diagram) -> Paint:
        """Collect the palette of each colouring."""
        return cls(
            diagram,
            [
                sorted({NO_FILL} | {fill_of(n.fills.get(colouring.id)) for n in diagram.nodes})
                for colouring in diagram.colourings
            ],
        )

    def first(self, node: DiagramNode) -> str:
        """Return the fill of a node in the first colouring."""
        return fill_of(node.fills.get(self.diagram.colourings[0].id))

    def classes(self, node: DiagramNode) -> str:
        """Return the CSS classes that choose a node's fill in each colouring."""
        return " ".join(
            f"{_letter(number)}{palette.index(fill_of(node.fills.get(colouring.id)))}"
            for number, (colouring, palette) in enumerate(
                zip(self.diagram.colourings, self.palettes, strict=True)
            )
            if number
        )

    def switches(self) -> str:
        """Return radio buttons and legends; CSS needs them before the drawing."""
        name = escape(self.diagram.id)
        inputs, legends = [], []
        for number, colouring in enumerate(self.diagram.colourings):
            checked = "" if number else " checked"
            inputs.append(
                f'<input type="radio" name="{name}-colour" id="{name}-c{number}"{checked}>'
                f'<label for="{name}-c{number}">{escape(colouring.label)}</label>'
            )
            hidden = " hidden" if number else ""
            legends.append(
                f'<ul class="legend l{number}"{hidden}>{_legend(self.diagram, colouring)}</ul>'
            )
        head = '<span class="colourings">Colour by</span>' if len(inputs) > 1 else ""
        return head + "".join(inputs if len(inputs) > 1 else []) + "".join(legends)

    def css(self) -> str:
        """Return the rules by which a checked button shows its legend and recolours the nodes."""
        rules = []
        for number, palette in enumerate(self.palettes):
            if not number:
                continue
            chosen = f"#{self.diagram.id}-c{number}:checked~"
            rules.append(f"{chosen}.l0{{display:none}}{chosen}.l{number}{{display:flex}}")
            for place, fill in enumerate(palette):
                nodes = f"{chosen}:is(.canvas,.body) .{_letter(number)}{place}"
                rules.append(f"{nodes}{{fill:{ink_on(fill)}}}{nodes}>path{{fill:{fill}}}")
        return "".join(rules)


def _letter(number: int) -> str:
    return chr(ord("a") + number)


def _legend(diagram: Diagram, colouring: Colouring) -> str:
    if colouring.scale:
        return _scale(colouring.scale)
    roles: dict[str, Role] = {}
    for node in diagram.nodes:
        value = node.fills.get(colouring.id)
        if isinstance(value, Role):
            roles.setdefault(value.key, value)
    shown = list(roles.values())[:_LEGEND_ENTRIES]
    more = len(roles) - len(shown)
    return "".join(f"<li>{_swatch(colour(role))} {escape(role.key)}</li>" for role in shown) + (
        f"<li>and {more} more</li>" if more else ""
    )


def _scale(labels: Sequence[str]) -> str:
    """Return the legend of a scale: its steps in a row, with labels spread evenly."""
    steps = scale_steps()
    width, height = 64, 12
    parts = [
        f'<rect x="{width * at}" width="{width}" height="{height}" fill="{fill}"/>'
        for at, fill in enumerate(steps)
    ]
    whole = width * len(steps)
    for at, label in enumerate(labels):
        x = whole * at / (len(labels) - 1)
        anchor = "start" if at == 0 else "end" if at == len(labels) - 1 else "middle"
        parts.append(
            f'<text x="{x:g}" y="25" text-anchor="{anchor}" font-size="11" fill="#59636e">'
            f"{escape(label)}</text>"
        )
    return (
        f'<li><svg class="scale" width="{whole}" height="28" role="img" '
        f'aria-label="{escape(" to ".join([labels[0], labels[-1]]))}">{"".join(parts)}</svg></li>'
    )


def _swatch(fill: str) -> str:
    return (
        '<svg width="12" height="12" aria-hidden="true">'
        f'<rect width="12" height="12" fill="{fill}"/></svg>'
    )
