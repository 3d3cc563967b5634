"""Escapes untrusted text for an HTML page."""

from __future__ import annotations

import re
from urllib.parse import quote

_REPLACED = re.compile("[\0\ud800-\udfff]")


def normalised(text: str) -> str:
    """Return the text as an HTML parser passes it on.

    A parser turns every end of a line into LF and NUL into U+FFFD
    (https://html.spec.whatwg.org/multipage/parsing.html#preprocessing-the-input-stream). Half a
    surrogate pair, which an error message may hold, becomes U+FFFD, too, as UTF-8 cannot encode it.
    Only after this do hashes of style rules equal the browser's, and anchors equal links to them.
    """
    return _REPLACED.sub("\ufffd", text).replace("\r\n", "\n").replace("\r", "\n")


def css_in_html(css: str) -> str:
    """Return rules that cannot end their style element; CSS reads an escaped slash as a slash."""
    return css.replace("</", "<\\/")


def csv_address(content: str) -> str:
    """Return CSV as a ``data:`` address, for a link that saves it.

    The page's content security policy need not allow ``data:`` for this: it restricts what the page
    loads, not what a link saves.
    """
    return "data:text/csv;charset=utf-8," + quote(content, safe=" ;:/,.()[]")
