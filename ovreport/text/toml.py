"""Escapes untrusted text for TOML."""

from __future__ import annotations

import json


def toml_string(text: str) -> str:
    """Return a TOML basic string.

    JSON's escapes are a subset of TOML's, except for surrogate pairs, in whose place the character
    itself is written. TOML requires DEL to be escaped, too (https://toml.io/en/v1.0.0#string).
    """
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")
