"""Going on with a run: which results of the run file still hold, cell by cell.

A result holds as long as the model's files, what it was fed, what the device was asked for and the
OpenVINO release are those it was measured with; otherwise its cell is measured again. How long and
how well it was measured, and the state of the machine, may differ: such results are kept and
marked. Launches of cells that were not finished count if nothing at all differs. Results of another
processor are refused, since figures of two machines are no matrix.
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
    """What becomes of the results of a run file under a new plan; empty for a new run."""

    kept: Mapping[str, CellResult] = field(default_factory=dict)
    """Results that hold, by cell id."""
    again: Mapping[str, str] = field(default_factory=dict)
    """Why cells with a result are measured again, by cell id."""
    marks: tuple[str, ...] = ()
    """In which way kept results differ from those to come."""
    partial_launches: Sequence[PartialLaunches] = ()
    """Launches of cells that are not finished."""
    left_out: int = 0
    """Results of cells that the plan no longer holds."""

    @property
    def superseded(self) -> tuple[str, ...]:
        """Cells whose earlier result no longer counts, whether or not the new one comes about."""
        return tuple(id for id, reason in self.again.items() if reason != _FAILED)

    @property
    def failed(self) -> tuple[str, ...]:
        """Cells that are tried again."""
        return tuple(id for id, reason in self.again.items() if reason == _FAILED)


_FAILED = "failed before"


def resumption(
    path: Path, before: Run, planned: Sequence[PlannedCell], now: Environment
) -> Resumption:
    """Holds the results of a run file against a plan.

    Args:
        path: the run file, for messages.
        now: where the rest is going to be measured.

    Raises:
        UserError: it was measured on another processor.
    """
    _check_machine(path, before.header.environment, now)
    found = {result.cell.id: result for result in before.results}
    kept, again = {}, {}
    for item in planned:
        result = found.pop(item.cell.id, None)
        if result is None:
            continue
        if reason := _outdated(result, item.provenance):
            again[item.cell.id] = reason
        else:
            kept[item.cell.id] = result
    seen = Counter(
        mark
        for item in planned
        if item.cell.id in kept
        for mark in _differences(before, kept[item.cell.id], item.provenance, now)
    )
    marks = tuple(f"{count(number, 'kept cell')}: {what}" for what, number in seen.items())
    return Resumption(kept, again, marks, before.partial_launches, len(found))


def _check_machine(path: Path, then: Environment, now: Environment) -> None:
    if then.cpu != now.cpu:
        raise UserError(
            f"{path}: was measured on {then.cpu}, and this machine is {now.cpu}",
            "Start a run of its own with --run-file.",
        )


def _outdated(result: CellResult, now: Provenance) -> str:
    """Why a result does not hold any more; empty if it does."""
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
    """How a kept result was measured otherwise than those to come."""
    assert result.provenance is not None, "results without a provenance are not kept"
    then = result.provenance.measure
    for key, value in planned.measure.items():
        if key in then and then[key] != value:
            yield f"measure.{key} was {then[key]}, now {value}"
    yield from before.environment_of(result).changes(now)
