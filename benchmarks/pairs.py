"""Measures models as ``ovreport run`` does, without a run file and a report."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ovreport.config.load import Source, validate
from ovreport.measuring.cell_state import Measured
from ovreport.measuring.environment import capture
from ovreport.measuring.planner import Planner, inspect_runtimes
from ovreport.measuring.scheduler import measure
from ovreport.planning.matrix import expand
from ovreport.planning.planned_cell import PlannedCell
from ovreport.run import CellResult

LIGHT = "package:onnx/backend/test/data/light/light_{}.onnx"
"""Networks of the ``onnx`` package: real topology, constant weights."""


@contextmanager
def planned(values: Mapping[str, Any]) -> Iterator[tuple[Source, list[PlannedCell]]]:
    """Plan a config's cells; they can be measured several times."""
    source = Source(validate(values, "benchmark"), Path.cwd(), "benchmark")
    with tempfile.TemporaryDirectory() as folder:
        runtimes = inspect_runtimes(source)
        planner = Planner(source, runtimes, capture(runtimes.facts), Path(folder))
        yield source, [planner.plan(cell) for cell in expand(source.config)]


def measured(source: Source, cells: list[PlannedCell], seed: int = 0) -> list[CellResult]:
    """Measure cells, and return the results in the order of the plan.

    Args:
        source: the config of the cells.
        cells: the planned cells.
        seed: seed of the order of slices.
    """
    settings = source.config.measure.model_copy(update={"seed": seed})
    steps = measure(cells, settings, on_event=lambda _: None)
    results = [step.result for step in steps if isinstance(step, Measured)]
    for result in results:
        if result.failure is not None:
            raise SystemExit(f"{result.cell.model}: {result.failure.reason}")
    return results
