"""Whether a cell's latencies are steady, and what to do where they are not."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ovreport.anchors import anchor
from ovreport.computed.speed import batch_wait_s, kept_up
from ovreport.run import BUSY_CORES, CellResult, Run, Slice, is_busy
from ovreport.section import Finding
from ovreport.stats.steady import Modes, drift, modes, outliers, warm_up
from ovreport.text.labels import count, label, toml_key
from ovreport.text.numbers import show
from ovreport.text.values import Link

from . import machine
from .states import change_within_slices

# Changes below this are within what machines do by themselves.
_MATTERS = 0.02
# A launch or slice is of one group of requests if so many of them are.
_PURE = 0.9
_LINKS = 5


def findings(run: Run) -> list[Finding]:
    """What disturbed the measurements, each kind once, with the cells it was seen in."""
    told = (_batching, _states, machine.finding, _disturbed, _unsteady, _drift, _groups, _outliers)
    return [finding for tell in told if (finding := tell(run)) is not None]


def cell_links(run: Run, results: Sequence[CellResult]) -> list[Link]:
    """Links to the cells' rows in the table of latencies."""
    return [
        Link(label(r.cell, run.header.plan, version=True), anchor("latency", r))
        for r in results[:_LINKS]
    ]


def taken(result: CellResult) -> list[Slice]:
    """All slices but those of the warm-up, whether or not they count."""
    return [s for launch in result.launches for s in launch.slices if not s.warmup]


def median_load(slices: Sequence[Slice]) -> float | None:
    """Cores that other programs used; None where that was not recorded."""
    known = [s.other_load for s in slices if s.other_load is not None]
    return float(np.median(known)) if known else None


def warm_up_slices(result: CellResult) -> list[list[Slice]]:
    """Of each launch."""
    return [[s for s in launch.slices if s.warmup] for launch in result.launches]


def steady_after(slices: Sequence[Slice]) -> int | None:
    """Requests of a launch's warm-up before its steady state; None if that was not reached."""
    return warm_up(_latencies(slices)) if slices else 0


def _latencies(slices: Sequence[Slice]) -> np.ndarray:
    return np.concatenate([s.latencies_ns for s in slices])


def _steady_ones(run: Run) -> list[CellResult]:
    """Cells whose latencies can be steady: not those of a rate that is not kept up with."""
    return [r for r in run.done if r.slices and kept_up(r)]


def _worst(
    results: Sequence[CellResult], measure: Callable[[CellResult], float], least: float
) -> tuple[list[CellResult], float]:
    """Cells whose figure is at least so much, the worst first, and the worst figure."""
    figures = {r.cell.id: measure(r) for r in results}
    found = [r for r in results if figures[r.cell.id] >= least]
    found.sort(key=lambda r: -figures[r.cell.id])
    return found, figures[found[0].cell.id] if found else 0.0


def _is_loaded(measured: Slice) -> bool:
    """Whether other programs used the processor meanwhile."""
    return measured.disturbed or is_busy(measured.other_load)


def _batching(run: Run) -> Finding | None:
    """Requests that wait for others, as the device collects a batch of them."""
    found, worst = _worst(_steady_ones(run), batch_wait_s, 1e-9)
    if not found:
        return None
    first = found[0]
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
        cell_links(run, found),
    )


def _states(run: Run) -> Finding | None:
    found, worst = _worst(
        _steady_ones(run), lambda result: abs(change_within_slices(run, result)), 1e-9
    )
    if not found:
        return None
    direction = "longer" if change_within_slices(run, found[0]) > 0 else "shorter"
    return Finding(
        "latency.states",
        "warning",
        f"Requests in the second half of a slice take {show(worst, 'share')} {direction} than "
        f"those in the first ({label(found[0].cell, run.header.plan, version=True)}): the model "
        f"has states, which are reset before each slice, and their values decide how long an "
        f"inference takes. So the figures depend on how long a slice is.",
        "Make a slice as long as a sequence is in use ([measure] slice), and compare only runs "
        "with the same slice.",
        cell_links(run, found),
    )


def _disturbed(run: Run) -> Finding | None:
    def share(result: CellResult) -> float:
        return sum(map(_is_loaded, taken(result))) / len(taken(result))

    found, _ = _worst([r for r in run.done if r.slices], share, 0.1)
    if not found:
        return None
    slices = taken(found[0])
    left = sum(s.disturbed for s in slices)
    others = f" {count(len(found), 'cell')} had such load in a tenth of the slices or more."
    return Finding(
        "latency.disturbed",
        "warning",
        f"Other programs used more than {BUSY_CORES} cores in {sum(map(_is_loaded, slices))} of "
        f"{count(len(slices), 'slice')} of {label(found[0].cell, run.header.plan, version=True)}; "
        f"{left or 'none'} of them {'was' if left < 2 else 'were'} left out."
        f"{others if len(found) > 1 else ''}",
        "Close other programs. A slice is left out where they took time that the model could have "
        "used, unless most of a launch was like that, or the duration or number of requests is "
        "fixed.",
        cell_links(run, found),
        topic="disturbance",
    )


def _unsteady(run: Run) -> Finding | None:
    def launches(result: CellResult) -> float:
        return float(sum(steady_after(slices) is None for slices in warm_up_slices(result)))

    found, _ = _worst(_steady_ones(run), launches, 1)
    if not found:
        return None
    return Finding(
        "latency.warm-up",
        "info",
        f"The warm-up of {count(len(found), 'cell')} ended by its time limit in some launch, "
        "before latencies were steady.",
        "Measure longer, with a higher min_time, so that the beginning weighs less.",
        cell_links(run, found),
        topic="disturbance",
    )


def _drift(run: Run) -> Finding | None:
    def change(result: CellResult) -> float:
        return drift([float(np.median(s.latencies_ns)) for s in result.slices])

    found, worst = _worst(_steady_ones(run), lambda r: abs(change(r)), _MATTERS)
    if not found:
        return None
    direction = "rose" if change(found[0]) > 0 else "fell"
    return Finding(
        "latency.drift",
        "warning",
        f"The median latency {direction} by {show(worst, 'share')} while "
        f"{label(found[0].cell, run.header.plan, version=True)} was measured; "
        f"{count(len(found), 'cell')} drifted.{machine.explained(found[0], change(found[0]))}",
        _against_drift(found[0], change(found[0])),
        cell_links(run, found),
        topic="disturbance",
    )


def _against_drift(result: CellResult, change: float) -> str:
    """What to do, by the causes that figures of the run leave."""
    load = median_load(result.slices)
    if is_busy(load):
        return (
            f"Other programs used {load:.1f} cores meanwhile, and a load that changes does this: "
            "close them and measure again."
        )
    if machine.explains(result, change) is False:
        return "Measure longer, with a higher min_time: the first slices may still be warm-up."
    return (
        "The processor's clock follows heat and power: set its governor to performance, let it "
        "cool down or run at its sustained speed first, and measure longer."
    )


def _groups(run: Run) -> Finding | None:
    split = {
        r.cell.id: (found, _parted_by(r, found))
        for r in _steady_ones(run)
        if (found := modes(_latencies(r.slices)))
    }
    results = [r for r in run.done if r.cell.id in split]
    if not results:
        return None
    first, parted = split[results[0].cell.id]
    load = median_load(results[0].slices) or 0.0
    remedy = {
        "load": f"Other programs used {load:.1f} cores meanwhile, and a neighbour alone does this: "
        "close it and measure again.",
        "launch": "Launches differ, as each has another memory layout: more launches average this.",
        "slice": "They change from slice to slice, not from request to request: the processor's "
        "clock or another program does that. Set the governor to performance, close "
        "other programs.",
        "request": "They change from request to request: inputs that differ, or cores of two kinds "
        "or on two sockets. Pin threads (ENABLE_CPU_PINNING, SCHEDULING_CORE_TYPE).",
    }[parted]
    return Finding(
        "latency.groups",
        "warning",
        f"Requests of {label(results[0].cell, run.header.plan, version=True)} fall into two "
        f"groups, near {show(first.low / 1e9, 'duration')} and {show(first.high / 1e9, 'duration')}"
        f" ({show(first.high_share, 'share')} of them); the median describes neither group. "
        f"{count(len(results), 'cell')} did so.",
        remedy,
        cell_links(run, results),
        topic="disturbance",
    )


def _parted_by(result: CellResult, found: Modes) -> str:
    """What decides about a request's group: its launch, its slice, or the request itself.

    A neighbour that is busy in most slices comes before all of these, as it can do what each does.
    """
    if 2 * sum(map(_is_loaded, result.slices)) > len(result.slices):
        return "load"

    def pure(slices: Sequence[Slice]) -> bool:
        above = float((_latencies(slices) > found.split).mean())
        return max(above, 1 - above) >= _PURE

    launches = [[s for s in launch.slices if s.counted] for launch in result.launches]
    if sum(pure(slices) for slices in launches if slices) >= _PURE * len(launches) > _PURE:
        return "launch"
    if sum(pure([s]) for s in result.slices) >= 0.75 * len(result.slices):
        return "slice"
    return "request"


def _outliers(run: Run) -> Finding | None:
    def share(result: CellResult) -> float:
        return outliers(_latencies(result.slices)).share

    found, worst = _worst(_steady_ones(run), share, _MATTERS)
    if not found:
        return None
    far = outliers(_latencies(found[0].slices))
    return Finding(
        "latency.outliers",
        "info",
        f"{count(far.count, 'request')} of {label(found[0].cell, run.header.plan, version=True)} "
        f"took more than {show(far.fence / 1e9, 'duration')} and add {show(worst, 'share')} to "
        f"the mean; {count(len(found), 'cell')} had such outliers.",
        "They are in the mean, the throughput and the tail; they hardly change the median. Close "
        "other programs, keep cores free for the model, or measure longer if the tail matters.",
        cell_links(run, found),
        topic="disturbance",
    )
