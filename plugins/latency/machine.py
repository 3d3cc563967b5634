"""What the fixed computation around each slice says about the machine itself."""

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

# As for the model's own latencies: changes below this are within what machines do.
_MATTERS = 0.02
# Machines whose middle half of speeds is within this are steady.
_SCATTERED = 0.03
# Fewer moments than this show no scatter.
_FEWEST = 20
# A change of the model is the machine's where that changed by this part of it.
_EXPLAINS = 0.5


def finding(run: Run) -> Finding | None:
    """What the machine's speed did, if it did anything, apart from any model."""
    told = _course(_speeds(run))
    if not told:
        return None
    wider = sum("meanwhile" in figures(result).throughput_fps.method for result in run.done)
    effect = f" The ± of {count(wider, 'cell')} is wider for it." if wider else ""
    return Finding(
        "latency.machine",
        "warning",
        f"This machine {told}: a fixed computation that ran around each slice, without any model, "
        f"shows it.{effect}",
        "Set the processor's governor to performance, let it cool down, and close other programs; "
        "the speed of a shared machine changes: measure everything that you compare in one run.",
        topic="disturbance",
    )


def explains(result: CellResult, change: float) -> bool | None:
    """Whether the machine changed as the cell's latency did; None where that is not known."""
    known = [s.reference_ns for s in result.slices if s.reference_ns]
    if len(known) < len(result.slices):
        return None
    own = drift(known)
    return own * change > 0 and abs(own) >= _EXPLAINS * abs(change)


def explained(result: CellResult, change: float) -> str:
    """The same as a sentence; empty where it is not known."""
    machine = explains(result, change)
    if machine is None:
        return ""
    if machine:
        return (
            " A fixed computation in the same slices changed alike: the cause is the "
            "machine, not the model."
        )
    return (
        " A fixed computation in the same slices did not: the cause is not the processor's clock."
    )


def _speeds(run: Run) -> NDArray[np.float64]:
    """What the computation took in the order of time, over what is usual for its runtime."""
    by_runtime: dict[str, list[tuple[int, int]]] = {}
    for result in run.done:
        timed = by_runtime.setdefault(result.cell.runtime, [])
        timed += [(s.start_ns, s.reference_ns) for s in _taken(result) if s.reference_ns]
    relative = [
        (start, reference / usual)
        for timed in by_runtime.values()
        for usual in [float(np.median([taken for _, taken in timed])) if timed else 1.0]
        for start, reference in timed
    ]
    return np.array([value for _, value in sorted(relative)])


def _taken(result: CellResult) -> Sequence[Slice]:
    return [s for launch in result.launches for s in launch.slices if not s.warmup]


def _course(speeds: NDArray[np.float64]) -> str:
    """What the machine did, as the end of a sentence; empty for a steady one."""
    if len(speeds) < _FEWEST:
        return ""
    if (groups := modes(speeds)) is not None:
        apart = show(groups.high / groups.low - 1, "share")
        share = show(groups.high_share, "share")
        return f"ran at two speeds, {apart} apart, {share} of the time at the slower one"
    if abs(change := drift(list(speeds))) >= _MATTERS:
        return f"became {show(abs(change), 'share')} {'slower' if change > 0 else 'faster'}"
    low, high = np.quantile(speeds, [0.25, 0.75])
    if high / low - 1 > _SCATTERED:
        return f"changed its speed: half of the time it was within {show(high / low - 1, 'share')}"
    return ""
