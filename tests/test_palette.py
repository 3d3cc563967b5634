"""Colours that names are given."""

from __future__ import annotations

from collections import Counter

from ovreport.rendering.palette import _FIXED, OTHER


def test_no_two_well_known_layer_types_share_a_colour() -> None:
    used = Counter(name for (kind, _), name in _FIXED.items() if kind == "type" and name != OTHER)
    assert [name for name, number in used.items() if number > 1] == []
