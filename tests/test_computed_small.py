"""Small computations: remembered results, names, anchors, load, locks, states."""

from __future__ import annotations

import ast
import gc
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from builders import cell_result, node, run_of

from ovreport.computed.anchors import anchor
from ovreport.computed.certainty import Certainty, certainty
from ovreport.computed.layer_attributes import operator_settings
from ovreport.computed.layers import ExecutedLayer
from ovreport.computed.matching import LayerGroup
from ovreport.computed.memo import by_identity
from ovreport.computed.open_shapes import openers
from ovreport.computed.pairs import Comparison
from ovreport.computed.point_names import point_name, version_name
from ovreport.file_locks import is_abandoned, lock
from ovreport.measuring import background_load
from ovreport.run import Cell, Graph, Profile, Slice, number_ranges
from ovreport.run.busy import BUSY_CORES, is_busy
from ovreport_plugins.latency.states import change_within_slices


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


def test_a_version_that_was_timed_at_several_points_is_named_with_its_point() -> None:
    profile = Profile(latencies_ns=np.array([1000]), layers=())
    cells = [Cell(model="net", version="a"), Cell(model="net", version="a", precision="f16")]
    alone = Cell(model="other")
    results = [
        cell_result(cell, 1).model_copy(update={"profile": profile}) for cell in (*cells, alone)
    ]
    run = run_of(results)
    # One version of each model: a setting alone tells the points apart.
    names = [point_name(run, result) for result in results]
    assert names[1:] == ["net (f16)", "other"]
    versions = run_of([*results, cell_result(Cell(model="net", version="b"), 1)])
    assert point_name(versions, results[1]) == "net (a, f16)"
    assert version_name(versions, results[1]) == "net (a)"


def test_settings_of_an_operator_include_its_small_constant_inputs() -> None:
    axis = node("axis", "Constant").model_copy(update={"attributes": {"value": [1]}})
    reduce = node("y", "ReduceMax", 0, 1).model_copy(update={"attributes": {"keep_dims": True}})
    nodes = [node("x", "Parameter"), axis, reduce]
    assert operator_settings(nodes, 2) == [("keep_dims", "True"), ("input 1", "[1]")]


@pytest.mark.parametrize(
    ("later", "change"), [(2.0, 1.0), (0.5, -0.5), (1.05, 0.0)], ids=["longer", "shorter", "chance"]
)
def test_states_that_change_the_time_of_an_inference_are_found(later: float, change: float) -> None:
    result = cell_result(Cell(model="m"), 1)
    (launch,) = result.launches
    halves = np.repeat([1e6, 1e6 * later], 5).astype(np.int64)
    slices = tuple(one.model_copy(update={"latencies_ns": halves}) for one in launch.slices)
    steered = result.model_copy(
        update={
            "launches": (launch.model_copy(update={"slices": slices}),),
            "model_graph": "graph",
        }
    )
    run = run_of([steered])
    states = Graph(kind="model", nodes=(node("x", "ReadValue"),))
    none = Graph(kind="model", nodes=(node("x", "Relu"),))
    with_states = replace(run, graphs={"graph": states})
    assert change_within_slices(with_states, steered) == pytest.approx(change)
    assert change_within_slices(replace(run, graphs={"graph": none}), steered) == 0
    # Three slices in one direction may be chance: 2 / 2³ is more than 1 %.
    few = launch.model_copy(update={"slices": slices[:3]})
    assert change_within_slices(with_states, steered.model_copy(update={"launches": (few,)})) == 0


def test_a_file_is_abandoned_when_no_process_locks_it(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert not is_abandoned(path)
    with path.open("wb") as file:
        locked = lock(file.fileno())
        assert is_abandoned(path) is not locked
    assert is_abandoned(path)
    link = tmp_path / "link"
    link.symlink_to(path)
    assert not is_abandoned(link)


def test_other_programs_disturb_a_slice_only_if_they_leave_too_few_cores(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(background_load, "allowed_count", lambda: 4)

    def measured(other_load: float | None, used: float) -> Slice:
        latencies = np.array([10**6])
        return Slice(
            start_ns=0, wall_ns=10**6, cpu_ns=round(used * 10**6), latencies_ns=latencies,
            other_load=other_load,
        )  # fmt: skip

    assert background_load.crowded(measured(2.0, 2.0))
    assert not background_load.crowded(measured(2.0, 1.0))
    assert not background_load.crowded(measured(0.0, 4.0))
    assert not background_load.crowded(measured(None, 4.0))


def test_numbers_of_cores_are_written_as_ranges() -> None:
    assert number_ranges(()) == ""
    assert number_ranges((8, 0, 1, 3, 2, 2)) == "0–3, 8"
    assert number_ranges((0, 1)) == "0–1"


def changed_by(ratio: float, kernel: str = "jit") -> LayerGroup:
    """Return a layer of 100 µs in A that takes ``ratio`` times as long in B, both well known."""

    def layer(seconds: float, kernel: str) -> ExecutedLayer:
        return ExecutedLayer(
            index=0, order=0, name="", type="Relu", kernel=kernel, precision="f32",
            median_s=seconds, low_s=seconds, high_s=seconds, share=0.1, shapes=(), layouts="",
            originals=(), least_s=0.999 * seconds, most_s=1.001 * seconds,
        )  # fmt: skip

    return LayerGroup((layer(1e-4, "jit"),), (layer(ratio * 1e-4, kernel),), None)


def test_a_factor_that_all_layers_share_is_noise() -> None:
    run = run_of([cell_result(Cell(model="m"), 1)])
    (result,) = run.results
    versions = Comparison("version", "m", "a", "b", ())

    def estimated(groups: Sequence[LayerGroup], comparison: Comparison = versions) -> Certainty:
        return certainty(run, comparison, (result, result), groups)

    # Nine layers are 1.3 times as long; a tenth of launch noise lies on top: 1.3 × 1.1.
    slower = [changed_by(1.3)] * 9
    found = estimated([*slower, changed_by(3, kernel="ref")])
    assert found.shift == pytest.approx(1.3)
    assert found.limit == pytest.approx(1.3 * 1.1)
    assert not found.beyond_noise(changed_by(1.42))
    assert found.beyond_noise(changed_by(1.44))
    assert found.beyond_noise(changed_by(1 / 1.44))
    # Half of the layers scatter by ±20 %: their median deviation is log 1.2, 1.96 σ = 1.4826 of it.
    scattered = [changed_by(ratio) for ratio in (1.0, 1.2, 1 / 1.2, 1.2, 1 / 1.2)]
    found = estimated(scattered)
    assert found.shift is None
    assert found.limit == pytest.approx(1.2 ** (1.96 * 1.4826))
    # Too few layers, or another device, show nothing: launch noise alone is left.
    assert estimated(slower[:4]).limit == pytest.approx(1.1)
    devices = Comparison("device", "m", "a", "b", ())
    assert estimated(slower, devices).limit == pytest.approx(1.1)
