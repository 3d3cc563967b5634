"""Escapes untrusted text for Markdown."""

from __future__ import annotations

import re

from ovreport.text.numbers import shorten
from ovreport.text.terminal import printable

# Most characters of a name.
_LONGEST = 80
# Characters that have a meaning inside a line of Markdown, HTML or GitHub's Markdown.
_SPECIAL = re.compile(r"([\\`*_\[\]#!|~@$])")
# GitHub turns addresses into links, and words between colons into pictures.
_LINKED = re.compile(r"(?i)(://|www\.|(?<=\w):(?=\w))")


def literal(text: str, longest: int = _LONGEST) -> str:
    """Return Markdown that shows the text as it is written, on one line."""
    line = printable(" ".join(shorten(text, longest).split()))
    escaped = _SPECIAL.sub(r"\\\1", line.replace("&", "&amp;").replace("<", "&lt;"))
    return _LINKED.sub("\N{WORD JOINER}\\1", escaped)
