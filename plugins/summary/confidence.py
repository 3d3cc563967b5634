"""How sure the figures are, and whether other programs made them less so."""

from __future__ import annotations

from collections.abc import Sequence

from ovreport.anchors import anchor
from ovreport.computed.figures import figures
from ovreport.run import CellResult, Run, is_busy
from ovreport.section import Finding
from ovreport.stats.estimate import Estimate
from ovreport.text.labels import count, label, rough_duration
from ovreport.text.numbers import half_width
from ovreport.text.values import Link

# Wider than this, a figure cannot tell apart what usually differs between two versions.
_WIDE = 0.03


def text(run: Run) -> str:
    """How long was measured, and how well the throughput is known."""
    launches = sorted({len(result.launches) for result in run.done})
    slices = sorted(len(result.slices) for result in run.done)
    cut = sum(result.stopped == "max_time" for result in run.done)
    said = f"Each cell was measured in {_range(launches, 'launch')} and {_range(slices, 'slice')}"
    rates = [_throughput(result) for result in _at_full_rate(run)]
    if widths := sorted(rate.relative_half_width for rate in rates if rate.confidence):
        said += f"; its throughput is known to {_from_to(widths)}, at 95 % confidence"
        said += _within(run)
    if unknown := len(rates) - len(widths):
        where = f" for {unknown} of {count(len(rates), 'cell')}" if widths else ""
        said += f"; too little was measured for an interval{where}"
    said += "."
    if cut:
        said += (
            f" Time was up for {cut} of {count(len(run.done), 'cell')} before the target was "
            "reached."
        )
    if partly := sum(result.stopped == "interrupted" for result in run.done):
        said += (
            f" {count(partly, 'cell')} of {len(run.done)} {'is' if partly == 1 else 'are'} not "
            "finished, as the run was interrupted."
        )
    return said


def findings(run: Run) -> list[Finding]:
    """The one on the first screen that stands for all about disturbances."""
    cells = _at_full_rate(run)
    unknown = [r for r in cells if not _throughput(r).confidence]
    wide = [r for r in cells if _throughput(r).relative_half_width > _WIDE]
    if not wide and not unknown:
        return []
    share = f"of {len(wide or unknown)} of {count(len(cells), 'cell')}"
    said = f"the throughput {share} is known without any interval, as too little was measured"
    if wide:
        widths = sorted(_throughput(r).relative_half_width for r in wide)
        said = f"the throughput {share} is known only to {_from_to(widths)}"
        said += f", and of {len(unknown)} without any interval" if unknown else ""
    busy = _other_load(run)
    if is_busy(busy):
        said = f"The machine was busy (other programs used {busy:.1f} cores on average): {said}"
    widest = sorted(wide, key=lambda r: -_throughput(r).relative_half_width)
    among = [r.cell for r in run.results]
    return [
        Finding(
            "summary.uncertain",
            "warning",
            f"{said[0].upper()}{said[1:]}.",
            f"Close other programs, or measure longer: {_longer(run)}.",
            [
                Link(label(r.cell, among, version=True), anchor("latency", r))
                for r in [*unknown, *widest][:3]
            ],
            topic="disturbance",
        )
    ]


def _longer(run: Run) -> str:
    """What limited the time of a cell, as it is set on the command line and in a config."""
    measure = run.header.config.get("measure")
    given = measure if isinstance(measure, dict) else {}
    key = next((key for key in ("duration", "iterations") if given.get(key)), "max_time")
    return f"--{key.replace('_', '-')} (in a config: {key} under [measure])"


def _at_full_rate(run: Run) -> list[CellResult]:
    """Of the others the throughput was given."""
    return [result for result in run.done if result.cell.rate is None]


def _throughput(result: CellResult) -> Estimate:
    return figures(result).throughput_fps


def _other_load(run: Run) -> float:
    """Cores that everything else on the machine used while slices were measured, on average."""
    known = [(s.other_load, s.wall_ns) for r in run.done for s in r.slices]
    timed = [(load, wall) for load, wall in known if load is not None]
    total = sum(wall for _, wall in timed)
    return sum(load * wall for load, wall in timed) / total if total else 0.0


def _within(run: Run) -> str:
    """What no interval can hold: what the machine does at times when it was not seen."""
    span = max(figures(result).span_s for result in run.done)
    return (
        f" within this run of {rough_duration(span)}; how fast this machine is at other times is "
        "not known"
    )


def _from_to(widths: Sequence[float]) -> str:
    ends = dict.fromkeys(half_width(width) for width in (widths[0], widths[-1]))
    return " to ".join(ends)


def _range(numbers: Sequence[int], noun: str) -> str:
    low, high = numbers[0], numbers[-1]
    return f"{low} to {count(high, noun)}" if low != high else count(low, noun)
