"""Escapes untrusted text for CSV, so that neither a spreadsheet nor a terminal executes it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TypeAlias

from ovreport.text.terminal import printable

Field: TypeAlias = "str | int | float | bool | None"

# Beginnings, full-width forms included, by which a spreadsheet takes a text for a formula.
# https://owasp.org/www-community/attacks/CSV_Injection
_FORMULA = re.compile(r"\s*[=+\-@＝＋－＠]|\n")
# Every separator that a spreadsheet may be set to, since it may differ from the file's.
_NEEDS_QUOTES = re.compile(r'[",;\n]')


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[Field]], separator: str = ",") -> str:
    """Return CSV: lines end with CR LF (RFC 4180), numbers have a point and no grouping.

    None is an empty field.
    """
    lines = [columns, *rows]
    return "".join(separator.join(map(_field, line)) + "\r\n" for line in lines)


def _field(value: Field) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.9g}"
    text = printable(str(value))
    if isinstance(value, str) and _FORMULA.match(text):
        text = "'" + text
    return '"' + text.replace('"', '""') + '"' if _NEEDS_QUOTES.search(text) else text
