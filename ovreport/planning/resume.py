"""Resumes a run: decides for each cell whether its result in the run file still holds.

A result holds if the model's files, the inputs, the properties and the OpenVINO release are the
same as when it was measured; otherwise its cell is measured again. The settings of measuring and
the state of the machine may differ: such results are kept and marked. Launches of unfinished cells
are kept only if nothing differs. Results of another processor are refused, because figures of two
machines cannot be compared within one matrix.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ovreport.errors import UserError
from ovreport.planning.planned_cell import PlannedCell
from ovreport.run import CellResult, Environment, PartialLaunches, Provenance, Run
from ovreport.text.labels import count


@dataclass(frozen=True)
class Resumption:
    """How a new plan uses the results of a run file; empty for a new run."""

    kept: Mapping[str, CellResult] = field(default_factory=dict)
    """Results that hold, by cell id."""
    again: Mapping[str, str] = field(default_factory=dict)
    """Why cells with a result are measured again, by cell id."""
    marks: tuple[str, ...] = ()
    """How kept results were measured differently from the results to come."""
    partial_launches: Sequence[PartialLaunches] = ()
    """Launches of unfinished cells."""
    left_out: int = 0
    """Results of cells that the plan no longer holds."""

    @property
    def superseded(self) -> tuple[str, ...]:
        """Cells whose earlier result no longer counts, even if measuring them again fails."""
        return tuple(id for id, reason in self.again.items() if reason != _FAILED)

    @property
    def failed(self) -> tuple[str, ...]:
        """Cells that failed and are tried again."""
        return tuple(id for id, reason in self.again.items() if reason == _FAILED)


_FAILED = "failed before"


def resumption(
    path: Path, before: Run, planned: Sequence[PlannedCell], now: Environment
) -> Resumption:
    """Decide how a plan uses the results of a run file.

    Args:
        path: the run file, for messages.
        before: the run in that file.
        planned: cells of the new plan.
        now: the environment that will measure the other cells.

    Raises:
        UserError: the run file was measured on another processor.
    """
    _check_machine(path, before.header.environment, now)
    earlier_results = {result.cell.id: result for result in before.results}
    kept, again = {}, {}
    for item in planned:
        result = earlier_results.pop(item.cell.id, None)
        if result is None:
            continue
        if reason := _outdated(result, item.provenance):
            again[item.cell.id] = reason
        else:
            kept[item.cell.id] = result
    cells_by_mark = Counter(
        mark
        for item in planned
        if item.cell.id in kept
        for mark in _differences(before, kept[item.cell.id], item.provenance, now)
    )
    marks = tuple(f"{count(number, 'kept cell')}: {what}" for what, number in cells_by_mark.items())
    return Resumption(kept, again, marks, before.partial_launches, len(earlier_results))


def _check_machine(path: Path, then: Environment, now: Environment) -> None:
    if then.cpu != now.cpu:
        raise UserError(
            f"{path}: was measured on {then.cpu}, and this machine is {now.cpu}",
            "Start a new run with --run-file.",
        )


def _outdated(result: CellResult, now: Provenance) -> str:
    """Return why a result no longer holds; empty if it does."""
    then = result.provenance
    if then is None:
        return "the run file does not say what it was measured with"
    if then.model != now.model:
        return "the model file changed"
    if then.inputs != now.inputs:
        return "the input or its shape changed"
    if then.properties != now.properties:
        return "its properties changed"
    if then.openvino != now.openvino:
        return f"OpenVINO was {then.openvino}, now {now.openvino}"
    return _FAILED if result.failure or result.profile_failure else ""


def _differences(
    before: Run, result: CellResult, planned: Provenance, now: Environment
) -> Iterator[str]:
    """Yield how a kept result was measured differently from the results to come."""
    assert result.provenance is not None, "results without a provenance are not kept"
    then = result.provenance.measure
    for key, value in planned.measure.items():
        if key in then and then[key] != value:
            yield f"measure.{key} was {then[key]}, now {value}"
    yield from before.environment_of(result).changes(now)
