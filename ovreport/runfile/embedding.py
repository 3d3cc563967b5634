"""Embeds a run in a report: its run file, compressed."""

from __future__ import annotations

import base64
import binascii
import lzma
import re

from ovreport.run import Run
from ovreport.runfile.lines import lines_of

# Users wait for the compression: level 1 takes a tenth of the time of level 6 for a quarter more
# bytes. Text compresses a little better without alignment (pb).
_XZ = ({"id": lzma.FILTER_LZMA2, "preset": 1, "lc": 4, "lp": 0, "pb": 0},)
_EMBEDDED = re.compile(rb'<script type="application/x-xz" id="ovreport-run">([A-Za-z0-9+/=\s]*)<')
_MEMORY = 256 << 20


def pack(run: Run) -> str:
    """Return the run as base64 text for embedding; equal runs give equal text."""
    content = "\n".join(lines_of(run)).encode()
    return base64.b64encode(lzma.compress(content, filters=_XZ)).decode("ascii")


def unpack(page: bytes, most: int) -> bytes | None:
    """Return the lines of the run inside a report; None if there is none.

    Args:
        page: the report.
        most: the most bytes that the lines may have.

    Raises:
        ValueError: the run is damaged, or larger than ``most``.
    """
    match = _EMBEDDED.search(page)
    if not match:
        return None
    unpacker = lzma.LZMADecompressor(memlimit=_MEMORY)
    try:
        content = unpacker.decompress(base64.b64decode(match[1]), most)
    except (binascii.Error, lzma.LZMAError) as error:
        raise ValueError(str(error)) from error
    if not unpacker.eof:
        raise ValueError("cut short or too large")
    return content
