"""Text of strangers, safe in Graphviz's DOT."""

from __future__ import annotations

import graphviz

from ovreport.text.terminal import printable_line


def quoted(*lines: str) -> str:
    r"""Return a DOT string that means just this text.

    Within one, ``\N`` and the like stand for names, and ``&lt;`` for a sign.
    """
    text = "\\n".join(graphviz.escape(printable_line(line)) for line in lines)
    return str(graphviz.quoting.quote(graphviz.nohtml(text.replace("&", "&amp;"))))
