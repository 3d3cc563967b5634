"""Escapes untrusted text for Graphviz's DOT."""

from __future__ import annotations

import graphviz

from ovreport.text.terminal import printable_line


def quoted(*lines: str) -> str:
    r"""Return a DOT string that shows these lines as they are.

    Escaped are ``\N`` and the like, which DOT replaces with names, and entities such as ``&lt;``.
    """
    text = "\\n".join(graphviz.escape(printable_line(line)) for line in lines)
    return str(graphviz.quoting.quote(graphviz.nohtml(text.replace("&", "&amp;"))))
