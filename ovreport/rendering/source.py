"""The characters of a page as a browser reads them."""

from __future__ import annotations

import re

_REPLACED = re.compile("[\0\ud800-\udfff]")


def normalised(text: str) -> str:
    """The text as an HTML parser passes it on.

    It turns every end of a line into LF and NUL into U+FFFD
    (https://html.spec.whatwg.org/multipage/parsing.html#preprocessing-the-input-stream). Half a
    surrogate pair, which an error message may hold, has no form in UTF-8. Style rules are hashed as
    the browser hashes them only after this, and an anchor and the links to it stay equal.
    """
    return _REPLACED.sub("\ufffd", text).replace("\r\n", "\n").replace("\r", "\n")
