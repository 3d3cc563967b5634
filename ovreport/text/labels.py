"""What cells are called: only what differs between them."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from ovreport.run import Cell


def label(cell: Cell, among: Sequence[Cell], *, version: bool = False) -> str:
    """``latency · 1 stream · batch 4``: the hint, and whatever else varies among the cells.

    Args:
        version: also name model and version, where they vary.
    """

    def varies(key: str) -> bool:
        return len({getattr(other, key) for other in among}) > 1

    parts = []
    if version:
        parts += [getattr(cell, key) for key in ("model", "version") if varies(key)]
    if varies("runtime"):
        parts.append(cell.runtime)
    if varies("device"):
        parts.append(cell.device)
    parts.append(f"{cell.hint} hint" if cell.hint == "none" else cell.hint)
    if varies("streams"):
        parts.append("auto streams" if cell.streams == "auto" else count(cell.streams, "stream"))
    if varies("batch"):
        parts.append("model's batch" if cell.batch is None else f"batch {cell.batch}")
    if varies("precision"):
        parts.append(cell.precision or "own precision")
    if varies("threads"):
        parts.append("auto threads" if cell.threads is None else count(cell.threads, "thread"))
    if varies("requests"):
        parts.append("auto requests" if cell.requests is None else count(cell.requests, "request"))
    if varies("rate"):
        parts.append("full rate" if cell.rate is None else f"{count(cell.rate, 'request')}/s")
    return " · ".join(parts)


def version_name(cell: Cell, among: Sequence[Cell]) -> str:
    """How sentences call a cell's version: ``net (int8)``; the model alone if it has no other."""
    return f"{cell.model} ({cell.version})" if _has_versions(cell.model, among) else cell.model


def version_heading(cell: Cell, among: Sequence[Cell]) -> str:
    """The same for headings: ``net · int8``."""
    return f"{cell.model} · {cell.version}" if _has_versions(cell.model, among) else cell.model


def _has_versions(model: str, among: Sequence[Cell]) -> bool:
    return len({other.version for other in among if other.model == model}) > 1


def difference(one: Cell, other: Cell) -> tuple[str, str]:
    """What two cells of a model are called by what differs: ``parent`` and ``int8``."""
    keys = ("version", "runtime", "device", "precision")
    differing = [key for key in keys if getattr(one, key) != getattr(other, key)]
    first, second = (
        " · ".join(str(getattr(cell, key) or "own precision") for key in differing)
        for cell in (one, other)
    )
    return first, second


def toml_key(name: str) -> str:
    """A key of a TOML table: ``CPU``, and in quotes ``"AUTO:CPU"``."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name, ensure_ascii=False)


def lasting(seconds: float) -> str:
    """A time in a sentence: ``12 s``, ``4 minutes``."""
    return f"{seconds:.0f} s" if seconds < 100 else count(round(seconds / 60), "minute")


def setting(key: str, *values: object) -> str:
    """How values of the matrix are asked for, on the command line and in a config."""
    listed = ",".join(map(str, values))
    return f"--{key} {listed} (in a config: {key} = {json.dumps(values)} under [matrix])"


def count(number: float, noun: str) -> str:
    """``1 stream``, ``2 streams``, ``3 launches``, ``29.97 requests``."""
    ending = "" if number == 1 else "es" if noun.endswith("ch") else "s"
    return f"{number:,.15g} {noun}{ending}".replace(",", "\N{NARROW NO-BREAK SPACE}")


FIELDS = tuple(Cell.model_fields)


def written(cell: Cell, name: str) -> str:
    """A field of a cell as users write it."""
    value = getattr(cell, name)
    return "auto" if value is None else str(value)
