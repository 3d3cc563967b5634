"""Whether the latencies of cells are steady, and what to do if they are not."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ovreport.computed.anchors import anchor
from ovreport.computed.speed import batch_wait_s, kept_up
from ovreport.run import BUSY_CORES, CellResult, Run, Slice, is_busy
from ovreport.section import Finding
from ovreport.stats.steady import Modes, drift, modes, outliers, warm_up
from ovreport.text.labels import count, label, toml_key
from ovreport.text.numbers import show
from ovreport.text.values import Link

from . import machine
from .states import change_within_slices

# Smaller changes are usual on a steady machine.
_MATTERS = 0.02
# A launch or slice belongs to one group if this share of its requests does.
_PURE = 0.9
_LINKS = 5
# Cores. A quarter of the processor of a small machine; the noise of a load is below it.
_UNEQUAL_LOAD = 0.5


def findings(run: Run) -> list[Finding]:
    """Return findings on what disturbed the measurements, one of each kind, with its cells."""
    checks = (
        _batching,
        _states,
        machine.finding,
        _disturbed,
        _unequal_load,
        _unsteady,
        _drift,
        _groups,
        _outliers,
    )
    return [finding for check in checks if (finding := check(run)) is not None]


def cell_links(run: Run, results: Sequence[CellResult]) -> list[Link]:
    """Return links to the cells' rows in the table of latencies."""
    return [
        Link(label(result.cell, run.header.plan, version=True), anchor("latency", result))
        for result in results[:_LINKS]
    ]


def measured_slices(result: CellResult) -> list[Slice]:
    """Return all slices after the warm-up, whether or not they count."""
    return [slice_ for launch in result.launches for slice_ in launch.slices if not slice_.warmup]


def median_load(slices: Sequence[Slice]) -> float | None:
    """Return the median of the cores that other programs used; None if it was not recorded."""
    loads = [slice_.other_load for slice_ in slices if slice_.other_load is not None]
    return float(np.median(loads)) if loads else None


def warm_up_slices(result: CellResult) -> list[list[Slice]]:
    """Return the slices of the warm-up, by launch."""
    return [[slice_ for slice_ in launch.slices if slice_.warmup] for launch in result.launches]


def steady_after(slices: Sequence[Slice]) -> int | None:
    """Return the requests of a warm-up before the steady state; None if it was not reached."""
    return warm_up(_latencies(slices)) if slices else 0


def _latencies(slices: Sequence[Slice]) -> np.ndarray:
    return np.concatenate([slice_.latencies_ns for slice_ in slices])


def _keeping_up(run: Run) -> list[CellResult]:
    """Return the cells that keep up with their rate: only their latencies can be steady."""
    return [result for result in run.done if result.slices and kept_up(result)]


def _worst(
    results: Sequence[CellResult], measure: Callable[[CellResult], float], least: float
) -> tuple[list[CellResult], float]:
    """Return the cells whose figure is at least ``least``, worst first, and the worst figure."""
    figures = {result.cell.id: measure(result) for result in results}
    affected = [result for result in results if figures[result.cell.id] >= least]
    affected.sort(key=lambda result: -figures[result.cell.id])
    return affected, figures[affected[0].cell.id] if affected else 0.0


def _all_such(affected: Sequence[CellResult], had: str) -> str:
    """Return how many cells were like the one of a sentence; empty if no other was."""
    return f" {count(len(affected), 'cell')} {had}." if len(affected) > 1 else ""


def _is_loaded(measured: Slice) -> bool:
    """Return whether other programs used the processor during a slice."""
    return measured.disturbed or is_busy(measured.other_load)


def _batching(run: Run) -> Finding | None:
    """Report requests that wait because the device collects a batch."""
    affected, worst = _worst(_keeping_up(run), batch_wait_s, 1e-9)
    if not affected:
        return None
    first = affected[0]
    assert first.resolved is not None
    return Finding(
        "latency.batching",
        "warning",
        f"Requests of {label(first.cell, run.header.plan, version=True)} wait "
        f"{show(worst, 'duration')} for others: {first.cell.device} collects requests until its "
        f"batch is full or AUTO_BATCH_TIMEOUT has passed, and "
        f"{count(first.resolved.requests, 'request')} at a time did not fill it.",
        "Keep as many requests in flight as the batch holds (--requests), or set a shorter "
        f"AUTO_BATCH_TIMEOUT, in ms, under [properties.{toml_key(first.cell.device)}].",
        cell_links(run, affected),
    )


def _states(run: Run) -> Finding | None:
    affected, worst = _worst(
        _keeping_up(run), lambda result: abs(change_within_slices(run, result)), 1e-9
    )
    if not affected:
        return None
    direction = "longer" if change_within_slices(run, affected[0]) > 0 else "shorter"
    return Finding(
        "latency.states",
        "warning",
        f"Requests in the second half of a slice take {show(worst, 'share')} {direction} than "
        f"those in the first ({label(affected[0].cell, run.header.plan, version=True)}): the model "
        f"has states, which are reset before each slice, and their values change how long an "
        f"inference takes. So the figures depend on the length of a slice.",
        "Make a slice ([measure] slice) as long as your program's sequences, and compare only runs "
        "with the same slice.",
        cell_links(run, affected),
    )


def _disturbed(run: Run) -> Finding | None:
    def share(result: CellResult) -> float:
        return sum(map(_is_loaded, measured_slices(result))) / len(measured_slices(result))

    affected, _ = _worst([result for result in run.done if result.slices], share, 0.1)
    if not affected:
        return None
    slices = measured_slices(affected[0])
    left_out = sum(slice_.disturbed for slice_ in slices)
    return Finding(
        "latency.disturbed",
        "warning",
        f"Other programs used more than {BUSY_CORES} cores in {sum(map(_is_loaded, slices))} of "
        f"{count(len(slices), 'slice')} of "
        f"{label(affected[0].cell, run.header.plan, version=True)}; {left_out or 'none'} of them "
        f"{'was' if left_out < 2 else 'were'} left out."
        f"{_all_such(affected, 'had such load in a tenth of the slices or more')}",
        "Close other programs. A slice is left out if they took time that the model could have "
        "used, unless most slices of a launch are like that, or the duration or number of requests "
        "is fixed.",
        cell_links(run, affected),
        topic="disturbance",
    )


def _unequal_load(run: Run) -> Finding | None:
    """Report that cells were measured under different loads, which no interval covers."""
    loads = [
        (load, result)
        for result in run.done
        if (load := median_load(measured_slices(result))) is not None
    ]
    if not loads:
        return None
    least, quietest = min(loads, key=lambda item: item[0])
    most, busiest = max(loads, key=lambda item: item[0])
    if most - least < _UNEQUAL_LOAD:
        return None
    first, second = (
        label(result.cell, run.header.plan, version=True) for result in (busiest, quietest)
    )
    return Finding(
        "latency.unequal-load",
        "warning",
        f"Other programs used {most:.1f} cores while {first} was measured, and {least:.1f} cores "
        f"while {second} was: differences between these cells may come from this load, whatever "
        "their intervals are.",
        "Compare them in a run on a quiet machine. Cells of the plan take turns, and share a load; "
        "the steps of a search and a resumed run do not.",
        cell_links(run, [busiest, quietest]),
        topic="disturbance",
    )


def _unsteady(run: Run) -> Finding | None:
    def launches(result: CellResult) -> float:
        return float(sum(steady_after(slices) is None for slices in warm_up_slices(result)))

    affected, _ = _worst(_keeping_up(run), launches, 1)
    if not affected:
        return None
    return Finding(
        "latency.warm-up",
        "info",
        f"The warm-up of {count(len(affected), 'cell')} reached its time limit in at least one "
        "launch before latencies were steady.",
        "Measure longer, with a higher min_time, so that the first requests weigh less.",
        cell_links(run, affected),
        topic="disturbance",
    )


def _drift(run: Run) -> Finding | None:
    def change(result: CellResult) -> float:
        return drift([float(np.median(slice_.latencies_ns)) for slice_ in result.slices])

    affected, worst = _worst(_keeping_up(run), lambda result: abs(change(result)), _MATTERS)
    if not affected:
        return None
    direction = "rose" if change(affected[0]) > 0 else "fell"
    return Finding(
        "latency.drift",
        "warning",
        f"The median latency {direction} by {show(worst, 'share')} while "
        f"{label(affected[0].cell, run.header.plan, version=True)} was measured."
        f"{_all_such(affected, 'drifted')}{machine.explained(affected[0], change(affected[0]))}",
        _drift_remedy(affected[0], change(affected[0])),
        cell_links(run, affected),
        topic="disturbance",
    )


def _drift_remedy(result: CellResult, change: float) -> str:
    """Return the remedy for the causes that the figures of the run leave possible."""
    load = median_load(result.slices)
    if is_busy(load):
        return (
            f"Other programs used {load:.1f} cores meanwhile, and a changing load has this effect: "
            "close them and measure again."
        )
    if machine.explains(result, change) is False:
        return "Measure longer, with a higher min_time: the first slices may still be warm-up."
    return (
        "The processor's clock follows heat and power: set its governor to performance, let it "
        "cool down or run at its sustained speed first, and measure longer."
    )


def _groups(run: Run) -> Finding | None:
    by_cell = {
        result.cell.id: (groups, _cause_of_groups(result, groups))
        for result in _keeping_up(run)
        if (groups := modes(_latencies(result.slices)))
    }
    results = [result for result in run.done if result.cell.id in by_cell]
    if not results:
        return None
    first_groups, cause = by_cell[results[0].cell.id]
    load = median_load(results[0].slices) or 0.0
    remedy = {
        "load": f"Other programs used {load:.1f} cores meanwhile, which is enough to cause this: "
        "close them and measure again.",
        "launch": "Launches differ, as each has another memory layout: more launches average this.",
        "slice": "They change from slice to slice, not from request to request: the processor's "
        "clock or another program does that. Set the governor to performance and close other "
        "programs.",
        "request": "They change from request to request: the inputs differ, or cores are of two "
        "kinds or on two sockets. Pin threads (ENABLE_CPU_PINNING, SCHEDULING_CORE_TYPE).",
    }[cause]
    return Finding(
        "latency.groups",
        "warning",
        f"Requests of {label(results[0].cell, run.header.plan, version=True)} fall into two "
        f"groups, near {show(first_groups.low / 1e9, 'duration')} and "
        f"{show(first_groups.high / 1e9, 'duration')} ({show(first_groups.high_share, 'share')} of "
        f"them); the median describes neither group."
        f"{_all_such(results, 'had such groups')}",
        remedy,
        cell_links(run, results),
        topic="disturbance",
    )


def _cause_of_groups(result: CellResult, groups: Modes) -> str:
    """Return what decides a request's group: its launch, its slice, or the request itself.

    If other programs were busy in most slices, they are the cause: load can have each effect.
    """
    if 2 * sum(map(_is_loaded, result.slices)) > len(result.slices):
        return "load"

    def pure(slices: Sequence[Slice]) -> bool:
        above = float((_latencies(slices) > groups.split).mean())
        return max(above, 1 - above) >= _PURE

    launches = [
        [slice_ for slice_ in launch.slices if slice_.counted] for launch in result.launches
    ]
    if sum(pure(slices) for slices in launches if slices) >= _PURE * len(launches) > _PURE:
        return "launch"
    if sum(pure([slice_]) for slice_ in result.slices) >= 0.75 * len(result.slices):
        return "slice"
    return "request"


def _outliers(run: Run) -> Finding | None:
    def share(result: CellResult) -> float:
        return outliers(_latencies(result.slices)).share

    affected, worst = _worst(_keeping_up(run), share, _MATTERS)
    if not affected:
        return None
    far = outliers(_latencies(affected[0].slices))
    return Finding(
        "latency.outliers",
        "info",
        f"{count(far.count, 'request')} of "
        f"{label(affected[0].cell, run.header.plan, version=True)} took more than "
        f"{show(far.fence / 1e9, 'duration')} and add {show(worst, 'share')} to the mean."
        f"{_all_such(affected, 'had such outliers')}",
        "They are in the mean, the throughput and the tail; they hardly change the median. Close "
        "other programs, keep cores free for the model, or measure longer if the tail matters.",
        cell_links(run, affected),
        topic="disturbance",
    )
