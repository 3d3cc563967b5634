"""Large parts of a page, stored compressed until a reader opens them.

The picture of 5,000 layers is megabytes of repetitive SVG, and so are their details. Such parts are
deflated, and the page's script unpacks them. Tables, charts and pictures of usual size stay
readable without scripts.
"""

from __future__ import annotations

import base64
import re
import zlib

from markupsafe import Markup

# Parts of more characters are packed. A packed table needs scripts, so only large folded ones are:
# from 100 KB, as what became of the operators of a 500-layer model takes a seventh of its report.
ROW_DETAILS, FOLDED_TABLE = 150_000, 100_000
# Stands between the details of two rows.
SEPARATOR = "\x1e"

_PART = re.compile(r"<!--pack-->(.*?)<!--/pack-->", re.DOTALL)
_HOLDER = Markup('<div class="packed">{}{}</div>')
_NOTE = Markup(
    "<p class=note>This part is large: it is stored compressed and needs scripts to be shown; "
    "<code>ovreport export</code> writes all of it.</p>"
)


def picture(html: Markup, overview: Markup | None) -> Markup:
    """Mark a picture for packing, if an overview can be shown in its place."""
    return _HOLDER.format(_marked(html), overview) if overview else html


def folded_table(html: Markup) -> Markup:
    """Mark a folded table for packing, if it is huge."""
    whole = "<!--pack-->" not in html  # a part cannot hold another
    return _HOLDER.format(_marked(html), _NOTE) if whole and len(html) > FOLDED_TABLE else html


def details(parts: list[str]) -> Markup:
    """Mark the details of rows, which are packed at the end of their table."""
    texts = [part.replace(SEPARATOR, "\N{REPLACEMENT CHARACTER}") for part in parts]
    return _marked(Markup(SEPARATOR.join(texts)))


def pack_parts(body: str) -> str:
    """Pack the marked parts. This is the last step, because packed parts cannot be searched."""
    return _PART.sub(lambda part: _packed(part[1]), body)


def _marked(html: Markup) -> Markup:
    # Names cannot end the part, because their < is escaped.
    return Markup(f"<!--pack-->{html}<!--/pack-->")


def _packed(html: str) -> str:
    deflater = zlib.compressobj(6, wbits=-15)  # no header: DecompressionStream calls it deflate-raw
    content = deflater.compress(html.encode("utf-8", "replace")) + deflater.flush()
    return f'<script type="application/x-deflate">{base64.b64encode(content).decode()}</script>'
