"""What shows the same thing in several places is highlighted together, by CSS alone."""

from __future__ import annotations

import re

# Each link costs a rule of a hundred bytes, which a browser looks at whenever the target changes.
_MOST = 1500


class Correspondence:
    """Numbers the anchors that diagrams of one page lead to.

    Boxes with the same number, in whatever diagram, and the row that they lead to show the same
    layer: when a link leads to one of them, all are marked.
    """

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def css_class(self, anchor: str) -> str:
        """Of the boxes that lead to an anchor."""
        return f"m{self._numbers.setdefault(anchor, len(self._numbers))}"

    def css(self) -> str:
        """For the page's one style element."""
        rules = [
            f"main:has(#{anchor}:target,.m{number}:target) :is(#{anchor}>td,.m{number})"
            for anchor, number in self._numbers.items()
            if number < _MOST and re.fullmatch(r"[A-Za-z][\w-]*", anchor)
        ]
        style = "{background:var(--mark);--hit:var(--hit-colour);--hit-width:5px}"
        return f"{','.join(rules)}{style}" if rules else ""
