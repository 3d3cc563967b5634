"""Text of strangers, safe to print on a terminal."""

from __future__ import annotations

import unicodedata


def printable(text: str) -> str:
    """Text from a model or an error for a terminal: control and format characters shown as �."""
    return "".join(
        character
        if character == "\n" or unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co")
        else "\N{REPLACEMENT CHARACTER}"
        for character in text
    )
