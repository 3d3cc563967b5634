"""Names of cells, versions and settings in sentences, headings and tables."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from ovreport.run import Cell

# Explanation of a column of :func:`ended_by`.
ENDED_BY = "target: the figures reached the wanted precision; max time: the time was up before."


def label(cell: Cell, among: Sequence[Cell], *, version: bool = False) -> str:
    """Return a cell's label, such as ``latency · 1 stream · batch 4``.

    It consists of the hint and of every other field that varies among the cells.

    If no setting follows, the hint is ``latency hint``: ``latency`` alone reads as the figure.

    Args:
        version: include model and version, if they vary.
    """

    def varies(key: str) -> bool:
        return len({getattr(other, key) for other in among}) > 1

    parts = []
    if version:
        parts += [getattr(cell, key) for key in ("model", "version") if varies(key)]
    parts += [text for key, text in _fields(cell).items() if key == "hint" or varies(key)]
    if parts[-1] == cell.hint:
        parts[-1] = f"{cell.hint} hint"
    return " · ".join(parts)


def _fields(cell: Cell) -> dict[str, str]:
    """Return the fields of a cell that labels show, as text, in their order."""
    return {
        "runtime": cell.runtime,
        "device": cell.device,
        "hint": "none hint" if cell.hint == "none" else cell.hint,
        "streams": "auto streams" if cell.streams == "auto" else count(cell.streams, "stream"),
        "batch": "model's batch" if cell.batch is None else f"batch {cell.batch}",
        "precision": cell.precision or "own precision",
        "threads": "auto threads" if cell.threads is None else count(cell.threads, "thread"),
        "requests": "auto requests" if cell.requests is None else count(cell.requests, "request"),
        "prompt": "usual prompt" if cell.prompt is None else f"prompt {cell.prompt}",
        "new_tokens": "usual new tokens"
        if cell.new_tokens is None
        else count(cell.new_tokens, "new token"),
        "rate": "full rate" if cell.rate is None else f"{count(cell.rate, 'request')}/s",
    }


def version_name(cell: Cell, among: Sequence[Cell]) -> str:
    """Return a version's name for sentences: ``net (int8)``, or ``net`` if that has one version."""
    return f"{cell.model} ({cell.version})" if _has_versions(cell.model, among) else cell.model


def version_heading(cell: Cell, among: Sequence[Cell]) -> str:
    """Return a version's name for headings: ``net · int8``, or ``net`` if that has one version."""
    return f"{cell.model} · {cell.version}" if _has_versions(cell.model, among) else cell.model


def _has_versions(model: str, among: Sequence[Cell]) -> bool:
    return len({other.version for other in among if other.model == model}) > 1


def difference(first: Cell, second: Cell) -> tuple[str, str]:
    """Name two cells of a model by the fields in which they differ: ``parent`` and ``int8``."""
    keys = ("version", "runtime", "device", "precision")
    differing = [key for key in keys if getattr(first, key) != getattr(second, key)]

    def name(cell: Cell) -> str:
        return " · ".join(str(getattr(cell, key) or "own precision") for key in differing)

    return name(first), name(second)


def toml_key(name: str) -> str:
    """Return a key of a TOML table, in quotes if it needs them: ``CPU``, ``"AUTO:CPU"``."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name, ensure_ascii=False)


def rough_duration(seconds: float) -> str:
    """Return a rough duration for a sentence: ``12 s``, ``4 minutes``."""
    return f"{seconds:.0f} s" if seconds < 100 else count(round(seconds / 60), "minute")


def setting(key: str, *values: object) -> str:
    """Return how to set values of the matrix, on the command line and in a config."""
    option_value = ",".join(map(str, values))
    return f"--{key} {option_value} (in a config: {key} = {json.dumps(values)} under [matrix])"


def count(number: float, noun: str) -> str:
    """Return a number and its noun: ``1 stream``, ``3 launches``, ``29.97 requests``."""
    ending = "" if number == 1 else "es" if noun.endswith("ch") else "s"
    return f"{number:,.15g} {noun}{ending}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def ended_by(reason: str | None) -> str:
    """Return what ended the measuring of a cell, in words; empty if that was not recorded."""
    return (reason or "").replace("_", " ")


FIELDS = tuple(Cell.model_fields)


def field_text(cell: Cell, name: str) -> str:
    """Return a field of a cell as a user writes it."""
    value = getattr(cell, name)
    return "auto" if value is None else str(value)
