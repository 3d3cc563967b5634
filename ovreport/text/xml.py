"""Escapes untrusted text for XML and SVG."""

from __future__ import annotations

import re
from html import escape

# Characters that XML does not allow (https://www.w3.org/TR/xml/#charsets), but a model's names may
# contain.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def legal_xml(text: str) -> str:
    """Return the text with � in place of each character that XML does not allow."""
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)


def in_xml(text: str) -> str:
    """Return the text as content, or as a value in quotes, of XML or of SVG in a page."""
    return escape(text)
