"""Colours of roles."""

from __future__ import annotations

from collections import Counter

from ovreport.rendering.diagrams.colours import Paint
from ovreport.rendering.palette import _FIXED, OTHER, colour, distinct, every_name
from ovreport.section import Colouring, Diagram, DiagramNode
from ovreport.text.values import Role

KNOWN = [Role(kind, key) for kind, key in _FIXED if kind == "type"]  # type: ignore[arg-type]
RARE = [Role("type", f"Operation{number}") for number in range(40)]


def test_no_two_well_known_layer_types_share_a_colour() -> None:
    used = Counter(name for (kind, _), name in _FIXED.items() if kind == "type" and name != OTHER)
    assert [name for name, number in used.items() if number > 1] == []


def test_no_two_names_of_a_picture_share_a_colour_but_grey() -> None:
    for roles in (RARE, [*RARE[:9], *KNOWN[:12]], [*KNOWN, *RARE]):
        used = Counter(fill for fill in distinct(roles).values() if fill != OTHER)
        assert max(used.values()) == 1
        assert len(used) == min(len(roles), len(every_name()) - 1)


def test_well_known_names_keep_their_colour_and_of_the_others_the_first_choose() -> None:
    found = distinct([*RARE, *KNOWN[:3]])
    assert [found[role] for role in KNOWN[:3]] == [colour(role) for role in KNOWN[:3]]
    assert OTHER not in [found[role] for role in RARE[:16]]
    assert {found[role] for role in RARE[16:]} == {OTHER}


def coloured(types: list[str]) -> Diagram:
    """A node of each type, the first the longest."""
    nodes = [
        DiagramNode(f"n{at}", [name], name, {"type": Role("type", name)}, duration_s=1 / (at + 1))
        for at, name in enumerate(types)
    ]
    return Diagram("d", "Types", nodes, [], [Colouring("type", "layer type")], "Types")


def test_the_legend_names_all_colours_and_counts_the_grey_rest() -> None:
    legend = Paint.of(coloured([role.key for role in RARE])).switches()
    assert legend.count("<li>") == len(every_name())
    assert "21 others" in legend
    assert "Operation39" in legend.partition("title=")[2]


def test_a_single_type_without_a_colour_is_named() -> None:
    legend = Paint.of(coloured([role.key for role in RARE[:20]])).switches()
    assert "Operation19</li>" in legend
    assert "other" not in legend


def test_legends_begin_with_the_longest_time() -> None:
    legend = Paint.of(coloured(["Reorder", "Convolution", "Pooling"])).switches()
    assert legend.index("Reorder") < legend.index("Convolution") < legend.index("Pooling")
