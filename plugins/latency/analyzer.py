"""The distribution of the latencies of single requests, and whether they are steady."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ovreport.computed.anchors import anchor
from ovreport.computed.figures import figures
from ovreport.computed.speed import kept_up
from ovreport.computed.sweet_spot import best, in_latency_mode
from ovreport.plugin import Analyzer
from ovreport.run import CellResult, Run, Slice
from ovreport.section import (
    Axis,
    Band,
    Chart,
    Column,
    Finding,
    Group,
    Histogram,
    Points,
    Row,
    Section,
    Table,
    Text,
)
from ovreport.text.labels import ENDED_BY, count, ended_by, label
from ovreport.text.numbers import show
from ovreport.text.values import Role, Value

from . import tokens
from .steadiness import cell_links, measured_slices, median_load, steady_after, warm_up_slices
from .steadiness import findings as steadiness

# A histogram leaves out the slowest half percent, which would make it all tail. Of fewer than 200
# requests all are drawn, as half a percent of them is less than one.
_SHOWN, _FEW_REQUESTS = 0.995, 200
_CHARTS = 4
# The cost of measuring itself is reported above this share of the latency.
_COST = 0.01


class Latency(Analyzer):
    """Show the latency statistics of every cell, the distributions, and the course over time."""

    id = "latency"
    title = "Latency"
    reading = (
        "The time of one request from start to completion. Half of the requests are faster than "
        "the median, one in twenty is slower than p95. A percentile is left out where fewer than "
        "ten requests lie beyond it."
    )
    needs = frozenset({"measurements"})
    order = 300

    def analyze(self, run: Run) -> Section:
        shown, drawable = _drawn(run)
        blocks = [_table(run), *tokens.blocks(run), _effort(run), *_left_out(shown, drawable)]
        groups = [Group("", blocks)]
        for result in shown:
            heading = label(result.cell, run.header.plan, version=True)
            groups.append(Group(heading, [_histogram(result), _course(result)]))
        return Section(groups, _findings(run))


def _drawn(run: Run) -> tuple[list[CellResult], int]:
    """Return the cells whose latencies are drawn, and how many cells could be drawn.

    The cells of the summary come first.
    """
    drawable = [result for result in run.done if kept_up(result)]
    versions = [cells for pair in run.versions if (cells := run.of_version(*pair))]
    latency_cells = [in_latency_mode(cells) for cells in versions]
    spots = [spot for cells in versions if (spot := best(run, cells))]
    in_order = {result.cell.id: result for result in (*latency_cells, *spots, *drawable)}
    return list(in_order.values())[:_CHARTS], len(drawable)


def _left_out(shown: Sequence[CellResult], drawable: int) -> list[Text]:
    if len(shown) == drawable:
        return []
    return [
        Text(
            "latencies-drawn",
            f"The chart shows the latencies of {len(shown)} of {count(drawable, 'cell')}: those in "
            "latency mode and the sweet spots first, then in the order of the table.",
        )
    ]


def _table(run: Run) -> Table:
    cells = [listed.cell for listed in run.results]
    names = ["mean", "median", "p90", "p95", "p99"]
    if any(figures(result).latency.p999 for result in run.done):
        names.append("p999")
    rows = []
    for result in run.done:
        latency = figures(result).latency
        values: dict[str, Value] = {
            "min": latency.low,
            **{name: getattr(latency, name) for name in names},
            "max": latency.high,
            "deviation": latency.deviation,
            "cost": _cost_s(result) if _cost_share(result) > _COST else None,
        }
        rows.append(
            Row(
                {
                    "cell": label(result.cell, cells, version=True),
                    "count": latency.count,
                    **(values if kept_up(result) else dict.fromkeys(values)),
                },
                anchor=anchor("latency", result),
            )
        )
    columns = [
        Column("cell", "Cell"),
        Column("count", "Requests", "count"),
        Column("min", "min", "duration"),
        *(Column(name, name.replace("p999", "p99.9"), "duration") for name in names),
        Column("max", "max", "duration"),
        Column("deviation", "Standard deviation", "duration", optional=True),
        Column(
            "cost", "Harness", "duration",
            help="The time that the loop adds to a request, if it is above 1 % of the latency.",
        ),
    ]  # fmt: skip
    note = "" if all(map(kept_up, run.done)) else _BEHIND
    return Table("latencies", "Latency of single requests", columns, rows, note)


_BEHIND = "Cells that do not keep up have no latency here: their wait grows as long as they run."


def _effort(run: Run) -> Table:
    """Return the table of the warm-up and the amount of data of each cell."""
    cells = [listed.cell for listed in run.results]
    rows = []
    for result in run.done:
        warm = [slice_ for slices in warm_up_slices(result) for slice_ in slices]
        steady = [steady_after(slices) for slices in warm_up_slices(result)]
        rows.append(
            Row(
                {
                    "cell": label(result.cell, cells, version=True),
                    "first": figures(result).first_inference_s,
                    "steady": None if None in steady else max(filter(None, steady), default=0),
                    "warm": sum(slice_.requests for slice_ in warm),
                    "warm_s": sum(slice_.wall_ns for slice_ in warm) / 1e9,
                    "launches": len(result.launches),
                    "slices": len(result.slices),
                    "disturbed": sum(slice_.disturbed for slice_ in measured_slices(result)),
                    "load": median_load(measured_slices(result)),
                    "measured": sum(slice_.wall_ns for slice_ in result.slices) / 1e9,
                    "stopped": ended_by(result.stopped),
                }
            )
        )
    columns = [
        Column("cell", "Cell"),
        Column("first", "First inference", "duration"),
        Column("steady", "Steady after", "count", help="Requests until the steady state (MSER), of "
               "the launch that took longest; empty if a launch did not reach it in time."),
        Column("warm", "Warm-up requests", "count", help="Measured but not counted.",
               optional=True),
        Column("warm_s", "Warm-up", "number", "s"),
        Column("launches", "Launches", "count", help="Worker processes one after another."),
        Column("slices", "Slices", "count", help="Slices that count."),
        Column("disturbed", "Disturbed", "count", help="Slices that do not count, because other "
               "programs left too little of the processor."),
        Column("load", "Other load", "number", "cores", help="Cores that other programs used: "
        "the median of the slices, including the disturbed ones."),
        Column("measured", "Measured", "number", "s", help="Time of the slices that count."),
        Column("stopped", "Ended by", help=ENDED_BY),
    ]  # fmt: skip
    return Table("effort", "Warm-up and amount of data", columns, rows)


def _histogram(result: CellResult) -> Chart:
    values = np.concatenate([slice_.latencies_ns for slice_ in result.slices]) / 1e9
    top = float(np.quantile(values, _SHOWN if len(values) >= _FEW_REQUESTS else 1))
    shown = values[values <= top]
    bins = min(60, max(8, int(np.sqrt(len(shown)))))
    counts, edges = np.histogram(shown, bins)
    omitted = len(values) - len(shown)
    low, high = float(edges[0]), float(edges[-1])
    not_drawn = f"{'is' if omitted == 1 else 'are'} not drawn"
    tail = f"; {omitted} beyond {show(high, 'duration')} {not_drawn}" if omitted else ""
    lower_quartile, upper_quartile = (
        show(float(quantile), "duration") for quantile in np.quantile(values, [0.25, 0.75])
    )
    middle_half = (
        f"took {lower_quartile} to {upper_quartile}"
        if lower_quartile != upper_quartile
        else f"took {lower_quartile}"
    )
    fullest_bin = int(counts.argmax())
    mode_latency = show(float(edges[fullest_bin : fullest_bin + 2].mean()), "duration")
    mode = f", most often near {mode_latency}" if len(shown) >= _FEW_REQUESTS else ""
    return Chart(
        f"histogram-{result.cell.id}",
        f"Half of {count(len(values), 'request')} {middle_half}{tail}",
        Axis("latency", "duration", from_zero=False),
        Axis("requests", "count"),
        [Histogram(edges.tolist(), counts.tolist(), Role("hint", result.cell.hint))],
        f"Latencies from {show(low, 'duration')} to {show(high, 'duration')}{mode}.",
        height=2.2,
    )


def _course(result: CellResult) -> Chart:
    slices = [slice_ for launch in result.launches for slice_ in launch.slices]
    start = slices[0].start_ns
    times = [(slice_.start_ns - start) / 1e9 for slice_ in slices]
    quantiles = np.array(
        [np.quantile(slice_.latencies_ns, [0.05, 0.5, 0.95]) / 1e9 for slice_ in slices]
    )
    role = Role("hint", result.cell.hint)
    counted = [
        median
        for slice_, median in zip(slices, quantiles[:, 1].tolist(), strict=True)
        if slice_.counted
    ]
    low, high = (show(end, "duration") for end in (min(counted), max(counted)))
    span = f"between {low} and {high}" if low != high else f"at {low}"
    return Chart(
        f"course-{result.cell.id}",
        f"Medians of {count(len(counted), 'slice')} that count lie {span}",
        Axis("time since the first slice", "number", "s"),
        Axis("latency", "duration"),
        [
            Band(times, quantiles[:, 0].tolist(), quantiles[:, 2].tolist(), role, "5 to 95 %"),
            *_medians(slices, times, quantiles[:, 1].tolist(), role),
        ],
        f"Latency over time, warm-up included: medians of {count(len(slices), 'slice')} between "
        f"{show(float(quantiles[:, 1].min()), 'duration')} and "
        f"{show(float(quantiles[:, 1].max()), 'duration')}.",
        height=2.2,
    )


def _medians(
    slices: Sequence[Slice], times: Sequence[float], medians: Sequence[float], role: Role
) -> Iterator[Points]:
    """Return the medians of slices that count, and separately of slices that do not."""
    for counted, name in ((True, "median"), (False, "median, not counted")):
        indices = [index for index, measured in enumerate(slices) if measured.counted is counted]
        if indices:
            yield Points(
                [times[index] for index in indices],
                [medians[index] for index in indices],
                role if counted else Role("series", "other"),
                name,
                joined=counted,
            )


def _findings(run: Run) -> list[Finding]:
    findings = steadiness(run)
    costly = [
        result
        for result in run.done
        if result.harness and kept_up(result) and _cost_share(result) > _COST
    ]
    if costly:
        costliest = max(costly, key=_cost_share)
        apis = {"c": "OpenVINO's C API", "python": "OpenVINO's Python API"}
        findings.append(
            Finding(
                "latency.harness",
                "info",
                f"Starting a request by {apis[costliest.harness.api]} costs "  # type: ignore[union-attr]
                f"{show(_cost_s(costliest), 'duration')} in the worker, "
                f"{show(_cost_share(costliest), 'share')} of the latency of "
                f"{label(costliest.cell, run.header.plan, version=True)}.",
                "It is part of the time between requests, so the throughput includes it. Latencies "
                "by the C API and those of sequences of tokens include it, too; others by the "
                "Python API are taken inside OpenVINO.",
                cell_links(run, costly),
            )
        )
    return findings


def _cost_s(result: CellResult) -> float:
    return result.harness.cost_ns / 1e9 if result.harness else 0.0


def _cost_share(result: CellResult) -> float:
    return _cost_s(result) / figures(result).latency.mean.point
