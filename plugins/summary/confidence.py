"""How precise the figures are, and whether other programs made them less precise."""

from __future__ import annotations

from collections.abc import Sequence

from ovreport.computed.anchors import anchor
from ovreport.computed.figures import figures
from ovreport.computed.settings import settings
from ovreport.run import CellResult, Run, is_busy
from ovreport.section import Finding
from ovreport.stats.estimate import Estimate
from ovreport.text.labels import count, label, rough_duration
from ovreport.text.numbers import half_width
from ovreport.text.values import Link

# A wider interval hides the usual differences between two versions.
_WIDE = 0.03


def text(run: Run) -> str:
    """Say how much was measured, and how precisely the throughput is known."""
    launches = sorted({len(result.launches) for result in run.done})
    slices = sorted(len(result.slices) for result in run.done)
    timed_out = sum(result.stopped == "max_time" for result in run.done)
    sentences = (
        f"Each cell was measured in {_range(launches, 'launch')} and {_range(slices, 'slice')}"
    )
    rates = [_throughput(result) for result in _at_full_rate(run)]
    if widths := sorted(rate.relative_half_width for rate in rates if rate.confidence):
        sentences += f"; its throughput is known to {_from_to(widths)}, "
        sentences += "at 95\N{NARROW NO-BREAK SPACE}% confidence"
        sentences += _within(run)
    if without_interval := len(rates) - len(widths):
        part = f" for {without_interval} of {count(len(rates), 'cell')}" if widths else ""
        sentences += f"; too little was measured for an interval{part}"
    sentences += "."
    if timed_out:
        sentences += (
            f" {timed_out} of {count(len(run.done), 'cell')} reached the time limit before the "
            "target."
        )
    if partly := sum(result.stopped == "interrupted" for result in run.done):
        sentences += (
            f" {count(partly, 'cell')} of {len(run.done)} {'is' if partly == 1 else 'are'} not "
            "finished, as the run was interrupted."
        )
    return sentences


def findings(run: Run) -> list[Finding]:
    """Return the finding that the first screen shows for all disturbances."""
    cells = _at_full_rate(run)
    without_interval = [result for result in cells if not _throughput(result).confidence]
    wide = [result for result in cells if _throughput(result).relative_half_width > _WIDE]
    if not wide and not without_interval:
        return []
    part = f"of {len(wide or without_interval)} of {count(len(cells), 'cell')}"
    statement = f"the throughput {part} has no interval, as too little was measured"
    if wide:
        widths = sorted(_throughput(result).relative_half_width for result in wide)
        statement = f"the throughput {part} is known only to {_from_to(widths)}"
        statement += (
            f", and that of {len(without_interval)} has no interval" if without_interval else ""
        )
    other_load = _other_load(run)
    if is_busy(other_load):
        statement = (
            f"The machine was busy (other programs used {other_load:.1f} cores on average): "
            f"{statement}"
        )
    widest = sorted(wide, key=lambda result: -_throughput(result).relative_half_width)
    run_cells = [result.cell for result in run.results]
    return [
        Finding(
            "summary.uncertain",
            "warning",
            f"{statement[0].upper()}{statement[1:]}.",
            f"Close other programs, or measure longer: {_time_setting(run)}.",
            [
                Link(label(result.cell, run_cells, version=True), anchor("latency", result))
                for result in [*without_interval, *widest][:3]
            ],
            topic="disturbance",
        )
    ]


def _time_setting(run: Run) -> str:
    """Return the setting that limited the time of a cell, as an option and as a config key."""
    measure = settings(run).measure
    limits = {"duration": measure.duration, "iterations": measure.iterations}
    key = next((key for key, value in limits.items() if value is not None), "max_time")
    return f"--{key.replace('_', '-')} (in a config: {key} under [measure])"


def _at_full_rate(run: Run) -> list[CellResult]:
    """Return the cells without a fixed rate; a fixed rate sets the throughput."""
    return [result for result in run.done if result.cell.rate is None]


def _throughput(result: CellResult) -> Estimate:
    return figures(result).throughput_fps


def _other_load(run: Run) -> float:
    """Return the cores that other programs used while slices were measured, on average."""
    loads = [(slice_.other_load, slice_.wall_ns) for result in run.done for slice_ in result.slices]
    known_loads = [(load, wall) for load, wall in loads if load is not None]
    total = sum(wall for _, wall in known_loads)
    return sum(load * wall for load, wall in known_loads) / total if total else 0.0


def _within(run: Run) -> str:
    """Say that an interval does not include how the machine's speed changes at other times."""
    span = max(figures(result).span_s for result in run.done)
    return (
        f" within this run of {rough_duration(span)}; the speed of this machine at other times is "
        "unknown"
    )


def _from_to(widths: Sequence[float]) -> str:
    ends = dict.fromkeys(half_width(width) for width in (widths[0], widths[-1]))
    return " to ".join(ends)


def _range(numbers: Sequence[int], noun: str) -> str:
    low, high = numbers[0], numbers[-1]
    return f"{low} to {count(high, noun)}" if low != high else count(low, noun)
