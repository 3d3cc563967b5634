"""Recorded runs in a form that a person can read and compare, and as run files.

``data/NAME.json`` is the list of a run file's records, with one node, layer or field on a line and
series of times as plain numbers: ``{"series": [5120, 5080, …]}``. The tests read
``data/NAME.jsonl``, which ``conftest.py`` packs from it before the first test. By hand::

    python tests/recorded.py            # the run files, from the readable form
    python tests/recorded.py --unpack   # the readable form, after a run was recorded anew
"""

from __future__ import annotations

import json
import os
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np

from ovreport.run.samples import decode, encode

DATA = Path(__file__).with_name("data")
_WIDTH = 100


def pack_all() -> None:
    """Write the run file of every recorded run that has none or an older one."""
    for source in DATA.glob("*.json"):
        target = source.with_suffix(".jsonl")
        if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
            pack(source, target)


def pack(source: Path, target: Path) -> None:
    """Write a run file from its readable form; a concurrent reader sees a complete file."""
    records = json.loads(source.read_text(encoding="utf-8"))
    lines = (json.dumps(_packed(record), separators=(",", ":")) for record in records)
    unfinished = target.with_name(f"{target.name}.{os.getpid()}")
    unfinished.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    unfinished.replace(target)


def unpack(source: Path, target: Path) -> None:
    """Write the readable form of a run file."""
    lines = source.read_text(encoding="utf-8").splitlines()
    records = [_unpacked(json.loads(line)) for line in lines]
    target.write_text(_text(records, 0) + "\n", encoding="utf-8")


def unpack_all() -> None:
    """Write the readable form of every recorded run file."""
    for source in DATA.glob("*.jsonl"):
        unpack(source, source.with_suffix(".json"))


def _packed(value: Any) -> Any:
    if isinstance(value, dict):
        if value.keys() == {"series"}:
            return encode(np.array(value["series"], np.int64))
        return {key: _packed(item) for key, item in value.items()}
    return [_packed(item) for item in value] if isinstance(value, list) else value


def _unpacked(value: Any, key: str = "") -> Any:
    if isinstance(value, str) and key.endswith("_ns"):
        return {"series": decode(value).tolist()}
    if isinstance(value, dict):
        return {name: _unpacked(item, name) for name, item in value.items()}
    return [_unpacked(item) for item in value] if isinstance(value, list) else value


def _text(value: Any, indent: int) -> str:
    """Return JSON in as few lines as fit the width."""
    line = json.dumps(value, ensure_ascii=False)
    if len(line) + indent <= _WIDTH or not isinstance(value, (dict, list)):
        return line
    inner, outer = " " * (indent + 1), " " * indent
    if isinstance(value, list) and all(isinstance(item, int) for item in value):
        wrapped = textwrap.wrap(line[1:-1], _WIDTH, initial_indent=inner, subsequent_indent=inner)
        return "[\n" + "\n".join(wrapped) + f"\n{outer}]"
    if isinstance(value, list):
        items = [_text(item, indent + 1) for item in value]
        return "[\n" + ",\n".join(inner + item for item in items) + f"\n{outer}]"
    pairs = [f"{json.dumps(key)}: {_text(item, indent + 1)}" for key, item in value.items()]
    return "{\n" + ",\n".join(inner + pair for pair in pairs) + f"\n{outer}}}"


if __name__ == "__main__":
    if sys.argv[1:] == ["--unpack"]:
        unpack_all()
    else:
        pack_all()
