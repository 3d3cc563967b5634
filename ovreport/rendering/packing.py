"""Large parts of a page, compressed until a reader looks at them.

The picture of 5,000 layers is megabytes of SVG that repeats itself, and so are their details. Such
parts are stored deflated and unpacked by the page's script; what a page needs to be read (tables,
charts, pictures of usual size) never is.
"""

from __future__ import annotations

import base64
import re
import zlib

from markupsafe import Markup

# Characters from which a part is packed. A table that is packed cannot be read without scripts, so
# only a large and folded one is.
ROW_DETAILS, FOLDED_TABLE = 150_000, 150_000
# Between the details of two rows.
SEPARATOR = "\x1e"

_PART = re.compile(r"<!--pack-->(.*?)<!--/pack-->", re.DOTALL)
_HOLDER = Markup('<div class="packed">{}{}</div>')
_NOTE = Markup(
    "<p class=note>As large as it is, this is stored compressed and needs scripts to be shown; "
    "<code>ovreport export</code> writes all of it.</p>"
)


def picture(html: Markup, overview: Markup | None) -> Markup:
    """Marks a picture to be packed, where there is something to show in its place."""
    return _HOLDER.format(_marked(html), overview) if overview else html


def folded_table(html: Markup) -> Markup:
    """Marks a table that is folded away to be packed, where it is huge."""
    whole = "<!--pack-->" not in html  # a part cannot hold another
    return _HOLDER.format(_marked(html), _NOTE) if whole and len(html) > FOLDED_TABLE else html


def details(parts: list[str]) -> Markup:
    """Details of rows, to be packed at the end of their table."""
    texts = [part.replace(SEPARATOR, "\N{REPLACEMENT CHARACTER}") for part in parts]
    return _marked(Markup(SEPARATOR.join(texts)))


def pack_parts(body: str) -> str:
    """Packs what is marked. Comes last, as what is packed cannot be searched."""
    return _PART.sub(lambda part: _packed(part[1]), body)


def _marked(html: Markup) -> Markup:
    # Names in it cannot end the part: their < are escaped.
    return Markup(f"<!--pack-->{html}<!--/pack-->")


def _packed(html: str) -> str:
    deflater = zlib.compressobj(6, wbits=-15)  # no header, as DecompressionStream's deflate-raw
    content = deflater.compress(html.encode("utf-8", "replace")) + deflater.flush()
    return f'<script type="application/x-deflate">{base64.b64encode(content).decode()}</script>'
