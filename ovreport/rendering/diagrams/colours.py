"""Colourings of a diagram: radio buttons choose one, CSS applies it without scripts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ovreport.rendering.palette import OTHER, colour, distinct, ink_on, scale_step, scale_steps
from ovreport.section import Colouring, Diagram, DiagramNode
from ovreport.text.labels import count
from ovreport.text.values import Role
from ovreport.text.xml import in_xml

NO_FILL = "#e4e8ec"


@dataclass(frozen=True)
class Paint:
    """The colours of a diagram's nodes, in every colouring.

    The first colouring is in attributes of the nodes, so that it shows if a server's policy drops
    style sheets. The others are classes such as ``b3``: the fourth colour of the second colouring.
    """

    diagram: Diagram
    roles: Sequence[Mapping[Role, str]]
    """The colour of each role, roles of most time first; one mapping for each colouring."""
    palettes: Sequence[Sequence[str]]
    """All colours of each colouring."""

    @classmethod
    def of(cls, diagram: Diagram) -> Paint:
        """Choose the colours of each colouring."""
        roles = [distinct(_by_time(diagram, colouring)) for colouring in diagram.colourings]
        return cls(
            diagram,
            roles,
            [
                sorted({NO_FILL} | {_fill(n.fills.get(colouring.id), own) for n in diagram.nodes})
                for colouring, own in zip(diagram.colourings, roles, strict=True)
            ],
        )

    def first(self, node: DiagramNode) -> str:
        """Return the fill of a node in the first colouring."""
        return _fill(node.fills.get(self.diagram.colourings[0].id), self.roles[0])

    def classes(self, node: DiagramNode) -> str:
        """Return the CSS classes that choose a node's fill in each colouring."""
        return " ".join(
            f"{_letter(number)}{palette.index(_fill(node.fills.get(colouring.id), roles))}"
            for number, (colouring, roles, palette) in enumerate(
                zip(self.diagram.colourings, self.roles, self.palettes, strict=True)
            )
            if number
        )

    def switches(self) -> str:
        """Return radio buttons and legends; CSS needs them before the drawing."""
        name = in_xml(self.diagram.id)
        inputs, legends = [], []
        for number, (colouring, roles) in enumerate(
            zip(self.diagram.colourings, self.roles, strict=True)
        ):
            checked = "" if number else " checked"
            inputs.append(
                f'<input type="radio" name="{name}-colour" id="{name}-c{number}"{checked}>'
                f'<label for="{name}-c{number}">{in_xml(colouring.label)}</label>'
            )
            hidden = " hidden" if number else ""
            legends.append(f'<ul class="legend l{number}"{hidden}>{_legend(colouring, roles)}</ul>')
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


def _fill(value: Role | float | None, roles: Mapping[Role, str]) -> str:
    """Return the colour of a node in a colouring, ``#rrggbb``; grey if it has no value there."""
    if isinstance(value, Role):
        return roles[value]
    return NO_FILL if value is None else scale_steps()[scale_step(value)]


def _by_time(diagram: Diagram, colouring: Colouring) -> list[Role]:
    """Return the roles of a colouring by the time of their nodes, then by their number."""
    weights: dict[Role, tuple[float, int]] = defaultdict(lambda: (0.0, 0))
    for node in diagram.nodes:
        if isinstance(role := node.fills.get(colouring.id), Role):
            duration_s, number = weights[role]
            weights[role] = duration_s + node.duration_s, number + 1
    return sorted(weights, key=lambda role: weights[role], reverse=True)


def _legend(colouring: Colouring, roles: Mapping[Role, str]) -> str:
    """Return each name with its colour; names without a colour of their own share one entry."""
    if colouring.scale:
        return _scale(colouring.scale)
    without = [role for role, fill in roles.items() if fill == OTHER != colour(role)]
    others = without if len(without) > 1 else []
    entries = [
        f"{_swatch(fill)} {in_xml(role.key)}" for role, fill in roles.items() if role not in others
    ]
    if others:
        names = in_xml(", ".join(role.key for role in others))
        entries.append(
            f'{_swatch(OTHER)} <span title="{names}">{count(len(others), "other")}</span>'
        )
    return "".join(f"<li>{entry}</li>" for entry in entries)


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
            f"{in_xml(label)}</text>"
        )
    return (
        f'<li><svg class="scale" width="{whole}" height="28" role="img" '
        f'aria-label="{in_xml(" to ".join([labels[0], labels[-1]]))}">{"".join(parts)}</svg></li>'
    )


def _swatch(fill: str) -> str:
    return (
        '<svg width="12" height="12" aria-hidden="true">'
        f'<rect width="12" height="12" fill="{fill}"/></svg>'
    )
