"""The grammar of limits: ``throughput<-5%``, ``p95>10ms``.

::

    rule      = criterion ("<" | ">") limit
    criterion = throughput | median | p95 | p99 | compile | first_inference | memory | size
    limit     = number "%"                     the candidate's change against the base
              | number unit                    the figure itself
    unit      = fps (throughput) | us, ms, s (times) | B, KiB, MiB, GiB (memory, size)

A rule says what must *not* be: ``throughput<-5%`` is broken where throughput falls by more than
5 %.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

from ovreport.errors import UserError
from ovreport.section import Kind
from ovreport.stats.criteria import Name

Sign: TypeAlias = Literal["<", ">"]

_CRITERIA: dict[str, tuple[Name, Kind]] = {
    "throughput": ("throughput", "rate"),
    "median": ("median", "duration"),
    "p95": ("p95", "duration"),
    "p99": ("p99", "duration"),
    "compile": ("compile", "duration"),
    "first_inference": ("first_inference", "duration"),
    "memory": ("memory", "bytes"),
    "size": ("file_size", "bytes"),
}
_UNITS: dict[Kind, dict[str, float]] = {
    "rate": {"fps": 1.0},
    "duration": {"us": 1e-6, "ms": 1e-3, "s": 1.0},
    "bytes": {"B": 1.0, "KiB": 2.0**10, "MiB": 2.0**20, "GiB": 2.0**30},
}
_EXAMPLE = "Write CRITERION<LIMIT or CRITERION>LIMIT: throughput<-5%, p95>10ms."
_RULE = re.compile(r"\s*([^<>=\s]*)\s*(<|>)\s*(.*?)\s*")
_LIMIT = re.compile(r"([+-]?\d{1,15}(?:\.\d{1,15})?)\s*(\S*)")


@dataclass(frozen=True, slots=True)
class Rule:
    """A limit. ``limit`` is in seconds, bytes, samples a second or, if ``relative``, a fraction."""

    text: str
    """As the user wrote it."""
    criterion: Name
    kind: Kind
    sign: Sign
    limit: float
    relative: bool

    @property
    def value_text(self) -> str:
        """The limit as the user wrote it: ``-5%``."""
        return self.text.split(self.sign, 1)[1].strip()


def parse(text: str, where: str) -> Rule:
    """A rule from its text.

    Args:
        where: the option or key that holds it, for messages.

    Raises:
        UserError: names the part that is wrong and what may stand there.
    """
    said = f"{where} {text!r}"
    found = _RULE.fullmatch(text)
    if found is None or not found[1]:
        raise UserError(f"{said}: not a limit", _EXAMPLE)
    name, sign, limit = found.groups()
    if name not in _CRITERIA:
        near = difflib.get_close_matches(name, _CRITERIA, n=1)
        known = f"Did you mean {near[0]}?" if near else f"Known: {', '.join(_CRITERIA)}."
        raise UserError(f"{said}: unknown criterion {name!r}", known)
    criterion, kind = _CRITERIA[name]
    number = _LIMIT.fullmatch(limit)
    if number is None:
        raise UserError(f"{said}: {limit!r} is not a limit", _expected(name, kind))
    value, unit = float(number[1]), number[2]
    if unit == "%":
        return Rule(text, criterion, kind, _sign(sign), value / 100, relative=True)
    size = _UNITS[kind].get("us" if unit in ("µs", "μs") else unit)
    if size is None:
        what = f"the unit {unit!r} does not fit" if unit else "the limit has no unit"
        raise UserError(f"{said}: {what}", _expected(name, kind))
    if number[1][0] in "+-":
        raise UserError(
            f"{said}: {number[1]!r} has a sign, which only a change in % has",
            f"Write {number[1][1:]}{unit} for the figure itself.",
        )
    return Rule(text, criterion, kind, _sign(sign), value * size, relative=False)


def _sign(text: str) -> Sign:
    return "<" if text == "<" else ">"


def _expected(name: str, kind: Kind) -> str:
    units = " or ".join(_UNITS[kind])
    return f"{name} takes a change in % (-5%) or a figure in {units}."
