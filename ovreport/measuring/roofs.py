"""Measures the peak rates of devices, once for all cells under the same conditions."""

from __future__ import annotations

from pathlib import Path

from ovreport.config.schema import Measure
from ovreport.measuring.background_load import LoadMeter
from ovreport.measuring.worker_session import WorkerError, WorkerSession
from ovreport.run import Conditions, Roof, Run, is_busy

# Some ten small models are compiled and run for 0.3 s each; a machine in heavy use takes longer.
_LIMIT_S = 180.0


def missing_roofs(run: Run) -> tuple[Conditions, ...]:
    """Return the conditions of the cells whose layers are shown, without those already measured.

    Roofs that were measured while other programs were busy are too low and are measured again.
    """
    shown = [run.focus(model, version) for model, version in run.versions]
    wanted = dict.fromkeys(run.conditions(result) for result in shown if result is not None)
    measured = {roof.conditions for roof in run.roofs if _holds(roof)}
    return tuple(c for c in wanted if c is not None and c not in measured)


def _holds(roof: Roof) -> bool:
    return not roof.failure and not is_busy(roof.other_load)


def measure_roof(conditions: Conditions, python: Path, settings: Measure) -> Roof:
    """Measure a roof in a worker; if that fails, the roof holds the reason instead."""
    threads = conditions.threads
    try:
        with WorkerSession(python, memory_limit_mib=settings.memory_limit_mib) as worker:
            load = LoadMeter(worker.pid)
            with load:
                answer = worker.ask(
                    "inference",
                    _LIMIT_S,
                    "roofs",
                    device=conditions.device,
                    properties={"INFERENCE_NUM_THREADS": threads} if threads else {},
                )
    except WorkerError as error:
        return Roof(conditions=conditions, failure=error.failure.reason)
    return Roof(conditions=conditions, **answer, other_load=load.cores)
