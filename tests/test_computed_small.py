"""Small computations: remembered results, the first open shape, anchors."""

from __future__ import annotations

import ast
import gc
from pathlib import Path

from builders import node

from ovreport.computed.anchors import anchor
from ovreport.computed.memo import by_identity
from ovreport.computed.open_shapes import openers
from ovreport.run import Cell
from ovreport.run.busy import BUSY_CORES, is_busy


class Thing:
    """An object for which a remembered function can be called."""


def test_a_result_is_remembered_while_its_object_lives() -> None:
    asked: list[int] = []

    @by_identity
    def number(thing: Thing) -> int:
        asked.append(id(thing))
        return len(asked)

    first, second = Thing(), Thing()
    assert [number(first), number(second), number(first)] == [1, 2, 1]
    del first
    gc.collect()
    assert number(Thing()) == 3


def test_the_first_operator_with_an_open_output_is_found() -> None:
    nodes = [
        node("x", "Parameter"),
        node("found", "NonZero", 0, shape="[1,?]"),
        node("picked", "Gather", 0, 1, shape="[?,8]"),
        node("y", "Relu", 0),
        node("other", "Parameter", shape="[?,8]"),
    ]
    assert openers(nodes) == (1, 4)


def test_anchors_contain_no_name_and_differ_by_cell_and_position() -> None:
    cells = [Cell(model='<"a b">', version=version) for version in ("x", "y")]
    anchors = {anchor(place, cell, 3) for place in ("layer", "node") for cell in cells}
    assert len(anchors) == 4
    assert all("<" not in name and '"' not in name and " " not in name for name in anchors)


def test_a_load_that_was_not_recorded_is_not_busy() -> None:
    assert not is_busy(None)
    assert not is_busy(BUSY_CORES)
    assert is_busy(1.01 * BUSY_CORES)


def test_no_section_spells_the_anchor_of_a_link_by_itself() -> None:
    plugins = Path(__file__).parent.parent / "plugins"
    spelled = []
    for path in plugins.rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call):
                is_link = isinstance(call.func, ast.Name) and call.func.id == "Link"
                targets = [k.value for k in call.keywords if k.arg in ("anchor", "link", "links")]
                targets += call.args[1:] if is_link else []
                spelled += [
                    f"{path.relative_to(plugins)}:{part.lineno}"
                    for target in targets
                    for part in ast.walk(target)
                    if isinstance(part, ast.JoinedStr)
                ]
    assert spelled == []
