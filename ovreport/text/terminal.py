"""Text of strangers, safe to print on a terminal and to draw."""

from __future__ import annotations

import unicodedata

# Control, format, surrogate, private and unassigned characters. They would break XML, steer a
# terminal or turn the direction of reading.
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})


def printable(text: str) -> str:
    """Return the text with � in place of each character that is not a sign; lines stay lines."""
    return "\n".join(map(printable_line, text.split("\n")))


def printable_line(text: str) -> str:
    """Return the text with � in place of each character that is not a sign, an end of line too."""
    # Figures have a narrow space before their unit, which Python takes for not printable.
    if text.replace("\N{NARROW NO-BREAK SPACE}", " ").isprintable():
        return text
    return "".join(
        "\N{REPLACEMENT CHARACTER}" if unicodedata.category(character) in _INVISIBLE else character
        for character in text
    )
