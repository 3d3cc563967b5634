"""Makes untrusted text safe to print on a terminal and to draw."""

from __future__ import annotations

import unicodedata

# Control, format, surrogate, private and unassigned characters. They would break XML, control a
# terminal or reverse the direction of text.
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})


def printable(text: str) -> str:
    """Return the text with � in place of each invisible character, ends of lines excepted."""
    return "\n".join(map(printable_line, text.split("\n")))


def printable_line(text: str) -> str:
    """Return the text with � in place of each invisible character, ends of lines included."""
    # Figures have a narrow space before their unit, which Python counts as not printable.
    if text.replace("\N{NARROW NO-BREAK SPACE}", " ").isprintable():
        return text
    return "".join(
        "\N{REPLACEMENT CHARACTER}" if unicodedata.category(character) in _INVISIBLE else character
        for character in text
    )
