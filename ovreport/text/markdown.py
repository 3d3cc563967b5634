"""Text of strangers, safe in Markdown."""

from __future__ import annotations

import re

from ovreport.text.numbers import shorten
from ovreport.text.terminal import printable

# Characters of a name.
_LONGEST = 80
# All that Markdown, HTML or GitHub's own marks could make something of inside a line.
_SPECIAL = re.compile(r"([\\`*_\[\]#!|~@$])")
# Addresses become links of themselves, and words between colons pictures.
_LINKED = re.compile(r"(?i)(://|www\.|(?<=\w):(?=\w))")


def literal(text: str, longest: int = _LONGEST) -> str:
    """Return Markdown that shows the text as it is written, on one line."""
    line = printable(" ".join(shorten(text, longest).split()))
    escaped = _SPECIAL.sub(r"\\\1", line.replace("&", "&amp;").replace("<", "&lt;"))
    return _LINKED.sub("\N{WORD JOINER}\\1", escaped)
