"""The readable form of a recorded run holds the same run."""

from __future__ import annotations

from pathlib import Path

import pytest
from recorded import DATA, pack, unpack


@pytest.mark.parametrize("source", sorted(DATA.glob("*.json")), ids=lambda path: path.stem)
def test_unpacking_and_packing_change_nothing(source: Path, tmp_path: Path) -> None:
    pack(source, tmp_path / "run.jsonl")
    unpack(tmp_path / "run.jsonl", tmp_path / "run.json")
    assert (tmp_path / "run.json").read_text("utf-8") == source.read_text("utf-8")


def test_series_are_plain_numbers_on_short_lines() -> None:
    for source in DATA.glob("*.json"):
        text = source.read_text("utf-8")
        assert '"series": [' in text
        assert max(map(len, text.splitlines())) < 200
