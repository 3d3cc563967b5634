"""Highlight all places that show the same layer together, by CSS without scripts."""

from __future__ import annotations

import re

# Each link needs a rule of a hundred bytes, which a browser checks whenever the target changes.
_MOST = 1500


class Correspondence:
    """Numbers the anchors to which the diagrams of a page lead.

    Boxes with the same number, in any diagram, and the row they lead to show the same layer. If a
    link leads to one of them, all are marked.
    """

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def css_class(self, anchor: str) -> str:
        """Return the CSS class of the boxes that lead to an anchor."""
        return f"m{self._numbers.setdefault(anchor, len(self._numbers))}"

    def css(self) -> str:
        """Return the rules for the page's style element."""
        rules = [
            f"main:has(#{anchor}:target,.m{number}:target) :is(#{anchor}>td,.m{number})"
            for anchor, number in self._numbers.items()
            if number < _MOST and re.fullmatch(r"[A-Za-z][\w-]*", anchor)
        ]
        style = "{background:var(--mark);--hit:var(--hit-colour);--hit-width:5px}"
        return f"{','.join(rules)}{style}" if rules else ""
