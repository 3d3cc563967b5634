"""The speed of the machine itself, by the fixed computation around each slice."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ovreport.computed.figures import figures
from ovreport.run import CellResult, Run, Slice, is_busy
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
        f"This machine {change}. A fixed computation without any model, which ran around each "
        f"slice, shows it.{effect}",
        _remedy(run),
        topic="disturbance",
    )


def _remedy(run: Run) -> str:
    """Return the remedy for the load that was seen: other programs change the speed, too."""
    loads = [
        slice_.other_load
        for result in run.done
        for slice_ in _measured_slices(result)
        if slice_.other_load is not None
    ]
    load = float(np.median(loads)) if loads else None
    if is_busy(load):
        return (
            f"Other programs used {load:.1f} cores meanwhile, and a changing load has this effect: "
            "close them and measure again, or measure everything that you compare in one run."
        )
    return (
        "Set the processor's governor to performance, and let it cool down. The speed of a virtual "
        "machine depends on other programs on its host: measure everything that you compare in "
        "one run."
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
        return (
            "changed its speed: in the slowest quarter of the time it was at least "
            f"{show(high / low - 1, 'share')} slower than in the quickest quarter"
        )
    return ""
