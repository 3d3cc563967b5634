"""Text of strangers, safe in an HTML page."""

from __future__ import annotations

import re
from urllib.parse import quote

_REPLACED = re.compile("[\0\ud800-\udfff]")


def normalised(text: str) -> str:
    """Return the text as an HTML parser passes it on.

    It turns every end of a line into LF and NUL into U+FFFD
    (https://html.spec.whatwg.org/multipage/parsing.html#preprocessing-the-input-stream). Half a
    surrogate pair, which an error message may hold, has no form in UTF-8. Style rules are hashed as
    the browser hashes them only after this, and an anchor and the links to it stay equal.
    """
    return _REPLACED.sub("\ufffd", text).replace("\r\n", "\n").replace("\r", "\n")


def css_in_html(css: str) -> str:
    """Return rules that cannot end their style element; an escaped slash is the same to CSS."""
    return css.replace("</", "<\\/")


def csv_address(content: str) -> str:
    """Return CSV as a ``data:`` address, for a link that saves it.

    The ``data:`` of a page's policy is for what the page loads, not for what is saved.
    """
    return "data:text/csv;charset=utf-8," + quote(content, safe=" ;:/,.()[]")
