"""The grammar of limits: ``throughput<-5%``, ``p95>10ms``.

::

    rule      = criterion ("<" | ">") limit ["where" key "=" value {"and" key "=" value}]
    criterion = throughput | mean | median | p90 | p95 | p99
              | compile | cached_compile | first_inference | memory | size
              | first_token | token | prefill | decode | request
    limit     = number "%"                     the candidate's change against the base
              | number unit                    the figure itself
    unit      = fps (throughput) | tps (prefill, decode) | us, ms, s (times)
              | B, KiB, MiB, GiB (memory, size)
    key       = a field of a cell: model, version, device, hint, …
    value     = a word, or anything between double quotes

A rule states what must *not* happen: ``throughput<-5%`` is broken where throughput falls by more
than 5 %. ``where`` narrows it to some cells: ``p95>10ms where hint=latency and device=CPU``.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from ovreport.computed.criteria import KINDS, CriterionName
from ovreport.errors import UserError
from ovreport.run import Cell
from ovreport.text.labels import FIELDS, field_text
from ovreport.text.values import Kind

Sign: TypeAlias = Literal["<", ">"]

# Limits call the size of the model's file ``size``; all other criteria keep their names.
_CRITERIA: dict[str, tuple[CriterionName, Kind]] = {
    "size" if name == "file_size" else name: (name, kind) for name, kind in KINDS.items()
}
_UNITS: dict[Kind, dict[str, float]] = {
    "rate": {"fps": 1.0},
    "tokens": {"tps": 1.0},
    "duration": {"us": 1e-6, "ms": 1e-3, "s": 1.0},
    "bytes": {"B": 1.0, "KiB": 2.0**10, "MiB": 2.0**20, "GiB": 2.0**30},
}
_EXAMPLE = "Write CRITERION<LIMIT or CRITERION>LIMIT: throughput<-5%, p95>10ms."
_RULE = re.compile(r"\s*([^<>=\s]*)\s*(<|>)\s*(.*?)(?:\s+(where)(?:\s+(.*?))?)?\s*")
_CONDITION = re.compile(r'([^\s="]+)\s*=\s*(?:"([^"]+)"|([^\s"]+))(?:\s+and\s+(?=\S)|$)')
_LIMIT = re.compile(r"([+-]?\d{1,15}(?:\.\d{1,15})?)\s*(\S*)")


@dataclass(frozen=True, slots=True)
class GateRule:
    """A limit.

    ``limit`` is in seconds, bytes, samples or tokens a second or, if ``relative``, a fraction.
    """

    text: str
    """The whole limit as the user wrote it."""
    criterion: CriterionName
    kind: Kind
    sign: Sign
    limit: float
    relative: bool
    value_text: str
    """The limit as the user wrote it: ``-5%``."""
    scope: tuple[tuple[str, str], ...] = ()
    """Fields of a cell and their values; all hold where the rule does."""

    def covers(self, *names: Cell) -> bool:
        """Return whether the rule covers a cell with any of these names."""
        return all(
            any(field_text(cell, key) == value for cell in names) for key, value in self.scope
        )


def parse(text: str, where: str) -> GateRule:
    """Parse a rule.

    Args:
        where: the option or key that holds it, for messages.

    Raises:
        UserError: names the part that is wrong and what is allowed there.
    """
    location = f"{where} {text!r}"
    match = _RULE.fullmatch(text)
    if match is None or not match[1]:
        raise UserError(f"{location}: not a limit", _EXAMPLE)
    name, sign, limit, narrowed, conditions = match.groups()
    if name not in _CRITERIA:
        near = difflib.get_close_matches(name, _CRITERIA, n=1)
        remedy = f"Did you mean {near[0]}?" if near else f"Known: {', '.join(_CRITERIA)}."
        raise UserError(f"{location}: unknown criterion {name!r}", remedy)
    criterion, kind = _CRITERIA[name]
    scope = _scope(conditions or "", location) if narrowed else ()
    number = _LIMIT.fullmatch(limit)
    if number is None:
        raise UserError(f"{location}: {limit!r} is not a limit", _expected(name, kind))
    value, unit = float(number[1]), number[2]
    rule = GateRule(text, criterion, kind, _sign(sign), value / 100, True, limit, scope)
    if unit == "%":
        return rule
    size = _UNITS[kind].get("us" if unit in ("µs", "μs") else unit)
    if size is None:
        what = f"the unit {unit!r} does not fit" if unit else "the limit has no unit"
        raise UserError(f"{location}: {what}", _expected(name, kind))
    if number[1][0] in "+-":
        raise UserError(
            f"{location}: {number[1]!r} has a sign, which only a change in % has",
            f"Write {number[1][1:]}{unit} for the figure itself.",
        )
    return replace(rule, limit=value * size, relative=False)


def check_scopes(rules: Sequence[GateRule], cells: Iterable[Cell], where: str) -> None:
    """Check that some cell has each value of a scope.

    With a misspelt value, a rule would cover no cell and never be broken.

    Args:
        cells: all cells that rules may cover, under each of their names.
        where: the file that holds the cells, for messages.

    Raises:
        UserError: names the value that no cell has, and those that cells have.
    """
    all_cells = list(cells)
    for rule in rules:
        for key, value in rule.scope:
            values = list(dict.fromkeys(field_text(cell, key) for cell in all_cells))
            if value not in values:
                raise UserError(
                    f"{where}: limit {rule.text!r}: no cell has {key}={value}",
                    f"Its cells have {key}={' or '.join(values)}.",
                )


def _scope(text: str, location: str) -> tuple[tuple[str, str], ...]:
    """Parse ``hint=latency and device=CPU``; values with blanks stand in double quotes."""
    conditions: list[tuple[str, str]] = []
    at = 0
    while at < len(text) or not conditions:
        condition = _CONDITION.match(text, at)
        if condition is None:
            raise UserError(
                f"{location}: {text[at:]!r} does not narrow a limit",
                'Write where KEY=VALUE and KEY=VALUE: where hint=latency and model="my model".',
            )
        key, quoted, word = condition.groups()
        if key not in FIELDS:
            near = difflib.get_close_matches(key, FIELDS, n=1)
            remedy = f"Did you mean {near[0]}?" if near else f"Known: {', '.join(FIELDS)}."
            raise UserError(f"{location}: {key!r} is not a field of a cell", remedy)
        conditions.append((key, quoted or word))
        at = condition.end()
    return tuple(conditions)


def _sign(text: str) -> Sign:
    return "<" if text == "<" else ">"


def _expected(name: str, kind: Kind) -> str:
    units = " or ".join(_UNITS[kind])
    return f"{name} takes a change in % (-5%) or a figure in {units}."
