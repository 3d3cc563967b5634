"""Which cells take turns, and which earlier results and launches a new plan keeps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from builders import cell_result, run_of

from ovreport.errors import UserError
from ovreport.planning.batches import Count
from ovreport.planning.planned_cell import PlannedCell, groups
from ovreport.planning.resume import resumption
from ovreport.run import (
    Cell,
    CellResult,
    Environment,
    Failure,
    PartialLaunches,
    Provenance,
    Run,
)

PROVENANCE = Provenance(
    model="m", inputs="i", properties={}, openvino="2026.1", measure={"launches": 3}, environment=""
)
HERE = Environment(
    host="here", user="", os="", cpu="CPU", physical_cores=1, logical_cores=1, memory_bytes=1,
    python="", openvino="2026.1", governor="performance",
)  # fmt: skip
FILE = Path("run.jsonl")


def planned(**fields: object) -> PlannedCell:
    """Return the planned cell of a model with these fields."""
    return PlannedCell(
        cell=Cell.model_validate({"model": "net", **fields}),
        model=Path("net.onnx"), extensions=(), python=Path("python"), ports=(), outputs=(),
        shapes=(), count=Count(1, is_assumed=False), inputs=Path("in.npz"), input_data="",
        is_random=False, stateful=False, properties={}, python_because="", provenance=PROVENANCE,
    )  # fmt: skip


def launched(*items: PlannedCell) -> PartialLaunches:
    """Return a finished launch of cells that need more launches."""
    (launch,) = cell_result(items[0].cell, 1).launches
    return PartialLaunches(
        provenances={item.cell.id: item.provenance for item in items},
        launches={item.cell.id: launch for item in items},
    )


def earlier(*results: CellResult, environment: Environment = HERE) -> Run:
    """Return a run with these results."""
    run = run_of(results)
    return replace(run, header=run.header.model_copy(update={"environment": environment}))


def result_of(item: PlannedCell, **provenance: object) -> CellResult:
    """Return an earlier result of a planned cell, measured with another provenance if given."""
    measured_with = PROVENANCE.model_copy(update=provenance)
    return cell_result(item.cell, 1).model_copy(update={"provenance": measured_with})


def test_versions_take_turns_and_on_request_all_cells_of_a_model_do() -> None:
    plan = [planned(batch=batch, version=version) for batch in (1, 2) for version in ("a", "b")]
    by_version = [[item.cell.version for item in group] for group in groups(plan, "versions")]
    assert by_version == [["a", "b"], ["a", "b"]]
    assert list(groups(plan, "model")) == [plan]


def test_a_failed_cell_leaves_its_group_only_if_the_others_have_launches() -> None:
    first, second = plan = [planned(version="a"), planned(version="b")]
    failed = {second.cell.id}
    assert list(groups(plan, "versions", [], failed)) == [plan]
    assert list(groups(plan, "versions", [launched(first)], failed)) == [[first], [second]]
    changed = replace(first, provenance=PROVENANCE.model_copy(update={"model": "new"}))
    assert list(groups(plan, "versions", [launched(changed)], failed)) == [plan]


@pytest.mark.parametrize(
    ("provenance", "reason"),
    [
        ({"model": "old"}, "the model file changed"),
        ({"inputs": "old"}, "the input or its shape changed"),
        ({"properties": {"NUM_STREAMS": 2}}, "its properties changed"),
        ({"openvino": "2025.4"}, "OpenVINO was 2025.4, now 2026.1"),
    ],
)
def test_a_result_that_no_longer_holds_is_measured_again(
    provenance: dict[str, object], reason: str
) -> None:
    item, same = planned(batch=1), planned(batch=2)
    before = earlier(result_of(item, **provenance), result_of(same))
    resumed = resumption(FILE, before, [item, same], HERE)
    assert dict(resumed.again) == {item.cell.id: reason}
    assert resumed.superseded == (item.cell.id,)
    assert [*resumed.kept] == [same.cell.id]


def test_failed_cells_are_tried_again_but_keep_their_earlier_result() -> None:
    item, old = planned(), planned(batch=4)
    failure = Failure(stage="compile", reason="no")
    failed = CellResult(cell=item.cell, failure=failure, provenance=PROVENANCE)
    resumed = resumption(FILE, earlier(failed, result_of(old)), [item], HERE)
    assert (resumed.failed, resumed.superseded) == ((item.cell.id,), ())
    assert resumed.left_out == 1  # the cell of batch 4 is no longer planned
    without = cell_result(item.cell, 1)
    (reason,) = resumption(FILE, earlier(without), [item], HERE).again.values()
    assert reason == "the run file does not say what it was measured with"


def test_kept_results_are_marked_where_measuring_or_the_machine_differed() -> None:
    plan = [planned(batch=batch) for batch in (1, 2)]
    then = HERE.model_copy(update={"governor": "powersave"})
    results = [result_of(item, measure={"launches": 1}, environment=then.id) for item in plan]
    resumed = resumption(FILE, earlier(*results, environment=then), plan, HERE)
    assert len(resumed.kept) == 2
    assert resumed.marks == (
        "2 kept cells: measure.launches was 1, now 3",
        "2 kept cells: governor was powersave, now performance",
    )


def test_results_of_another_processor_are_refused() -> None:
    elsewhere = HERE.model_copy(update={"cpu": "Other"})
    with pytest.raises(UserError, match="was measured on Other, and this machine is CPU"):
        resumption(FILE, earlier(environment=elsewhere), [], HERE)
