"""The speed of the machine itself, by the fixed computation around each slice."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ovreport.computed.figures import figures
from ovreport.run import CellResult, Run, Slice
from ovreport.section import Finding
from ovreport.stats.steady import drift, modes
from ovreport.text.labels import count
from ovreport.text.numbers import show

# Smaller changes are usual on a steady machine; the limit is that of the model's latencies.
_MATTERS = 0.02
# The middle half of the speeds of a steady machine differs by less.
_SCATTERED = 0.03
# Fewer samples do not show how much the speed scatters.
_FEWEST = 20
# The machine explains a change of the latency if its own change is at least this part of it.
_EXPLAINS = 0.5


def finding(run: Run) -> Finding | None:
    """Report that the machine's speed changed, if it did."""
    change = _course(_speeds(run))
    if not change:
        return None
    widened = sum("meanwhile" in figures(result).throughput_fps.method for result in run.done)
    effect = f" The ± of {count(widened, 'cell')} includes it." if widened else ""
    return Finding(
        "latency.machine",
        "warning",
        f"This machine {change}: a fixed computation without any model, which ran around each "
        f"slice, shows it.{effect}",
        "Set the processor's governor to performance, let it cool down, and close other programs; "
        "the speed of a shared machine changes: measure everything that you compare in one run.",
        topic="disturbance",
    )


def explains(result: CellResult, change: float) -> bool | None:
    """Return whether the machine changed as the cell's latency did; None if that is unknown."""
    references = [slice_.reference_ns for slice_ in result.slices if slice_.reference_ns]
    if len(references) < len(result.slices):
        return None
    machine_change = drift(references)
    return machine_change * change > 0 and abs(machine_change) >= _EXPLAINS * abs(change)


def explained(result: CellResult, change: float) -> str:
    """Say whether the machine changed as the latency did; empty if that is unknown."""
    by_machine = explains(result, change)
    if by_machine is None:
        return ""
    if by_machine:
        return (
            " A fixed computation in the same slices changed in the same way: the cause is the "
            "machine, not the model."
        )
    return (
        " A fixed computation in the same slices did not change: the cause is not the processor's "
        "clock."
    )


def _speeds(run: Run) -> NDArray[np.float64]:
    """Return the computation's durations over their median by runtime, in the order of time."""
    by_runtime: dict[str, list[tuple[int, int]]] = {}
    for result in run.done:
        samples = by_runtime.setdefault(result.cell.runtime, [])
        samples += [
            (slice_.start_ns, slice_.reference_ns)
            for slice_ in _measured_slices(result)
            if slice_.reference_ns
        ]
    relative = [
        (start, reference / median)
        for samples in by_runtime.values()
        for median in [
            float(np.median([reference for _, reference in samples])) if samples else 1.0
        ]
        for start, reference in samples
    ]
    return np.array([value for _, value in sorted(relative)])


def _measured_slices(result: CellResult) -> Sequence[Slice]:
    return [slice_ for launch in result.launches for slice_ in launch.slices if not slice_.warmup]


def _course(speeds: NDArray[np.float64]) -> str:
    """Return how the speed changed, as the end of a sentence; empty for a steady machine."""
    if len(speeds) < _FEWEST:
        return ""
    if (groups := modes(speeds)) is not None:
        distance = show(groups.high / groups.low - 1, "share")
        share = show(groups.high_share, "share")
        return f"ran at two speeds that differ by {distance}, {share} of the time at the slower one"
    if abs(change := drift(list(speeds))) >= _MATTERS:
        return f"became {show(abs(change), 'share')} {'slower' if change > 0 else 'faster'}"
    low, high = np.quantile(speeds, [0.25, 0.75])
    if high / low - 1 > _SCATTERED:
        return f"changed its speed: half of the time it was within {show(high / low - 1, 'share')}"
    return ""
