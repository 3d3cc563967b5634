"""Many runs over time: when a configuration became faster or slower, and what changed then."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from ovreport.computed.anchors import levels_anchor, trend_run_anchor
from ovreport.computed.figures import figures
from ovreport.computed.ratio import ratio
from ovreport.computed.series import TrendPoint, series
from ovreport.plugin import Analyzer
from ovreport.run import Cell, CellResult, Run
from ovreport.section import (
    Axis,
    Block,
    Chart,
    Column,
    Finding,
    Group,
    Mark,
    Points,
    Row,
    Rule,
    Section,
    Table,
)
from ovreport.stats.change_points import MIN_VALUES, change_points
from ovreport.stats.estimate import Estimate
from ovreport.text.labels import count, label
from ovreport.text.numbers import show, signed
from ovreport.text.values import Kind, Link, Role

# On different days, runs of one model scatter by a percent even on a quiet machine.
_LEAST_NOISE = 0.01
# A chart with more lines cannot be read; the table has all of them.
_MOST_LINES = 6
# The space below a chart is enough for this many dates.
_MOST_DATES = 5
# Up to this many configurations without a trend are listed by name.
_MOST_NAMED = 3


@dataclass(frozen=True)
class TrendFigure:
    """A figure whose course over time is shown."""

    id: str
    label: str
    kind: Kind
    higher_is_better: bool
    estimate: Callable[[CellResult], Estimate | None]
    compared: Literal["throughput", "median"]


_FIGURES = (
    TrendFigure(
        "throughput", "throughput", "rate", True, lambda r: figures(r).throughput_fps, "throughput"
    ),
    TrendFigure(
        "latency", "median latency", "duration", False, lambda r: figures(r).latency.median,
        "median",
    ),
)  # fmt: skip


@dataclass(frozen=True)
class LevelChange:
    """A new level of one figure of a configuration, from one run on."""

    cell: Cell
    figure: TrendFigure
    run: int
    before: float
    after: float

    @property
    def ratio(self) -> float:
        """The new level over the former one."""
        return self.after / self.before

    @property
    def better(self) -> bool:
        """Whether the new level is the better one."""
        return (self.ratio > 1) == self.figure.higher_is_better


class Trend(Analyzer):
    """Show figures of many runs over time, and the runs with which their level changes."""

    id = "trend"
    title = "Trend"
    reading = (
        "Each point is a run, with its interval. A new level must exceed the noise between runs; "
        f"it needs two runs at that level and {MIN_VALUES} runs in all."
    )
    needs = frozenset({"measurements"})
    order = 120

    @classmethod
    def concerns(cls, run: Run) -> bool:
        return run.header.made == "trend"

    def analyze(self, run: Run) -> Section:
        points_by_cell = {cell: points for cell, points in series(run).items() if len(points) > 1}
        changes = [
            change
            for cell, points in points_by_cell.items()
            for figure in _FIGURES
            for change in _changes(cell, figure, points)
        ]
        groups = []
        for model, version in dict.fromkeys((cell.model, cell.version) for cell in points_by_cell):
            of_version = {
                cell: points
                for cell, points in points_by_cell.items()
                if (cell.model, cell.version) == (model, version)
            }
            blocks: list[Block] = [_chart(run, figure, of_version, changes) for figure in _FIGURES]
            blocks.append(_levels(run, of_version, changes))
            groups.append(Group(f"{model} · {version}", blocks))
        groups.append(Group("The runs", [_runs(run)]))
        findings = [*_findings(run, changes), *_single(run)]
        return Section(groups, findings, _verdict(run, points_by_cell, changes))


def _changes(cell: Cell, figure: TrendFigure, points: Sequence[TrendPoint]) -> list[LevelChange]:
    values = [
        (point.run, estimate.point)
        for point in points
        if (estimate := figure.estimate(point.result))
    ]
    if any(value <= 0 for _, value in values):
        return []
    logs = [math.log(value) for _, value in values]
    starts = change_points(logs, _LEAST_NOISE)
    bounds = [0, *starts, len(values)]
    levels = [
        math.exp(sum(logs[low:high]) / (high - low)) for low, high in pairwise(bounds) if high > low
    ]
    return [
        LevelChange(cell, figure, values[first][0], levels[number], levels[number + 1])
        for number, first in enumerate(starts)
    ]


# ---------------------------------------------------------------------------- blocks


def _chart(
    run: Run,
    figure: TrendFigure,
    points_by_cell: dict[Cell, list[TrendPoint]],
    changes: Sequence[LevelChange],
) -> Chart:
    cells = list(points_by_cell)
    marks: list[Mark] = []
    descriptions = []
    for number, (cell, points) in enumerate(list(points_by_cell.items())[:_MOST_LINES]):
        values = [
            (point.run, estimate) for point in points if (estimate := figure.estimate(point.result))
        ]
        if not values:
            continue
        name = label(cell, cells)
        role = (
            Role("hint", cell.hint)
            if name == label(cell, [cell])
            else Role("cell", f"{number} {name}")
        )
        marks.append(
            Points(
                [number for number, _ in values],
                [estimate for _, estimate in values],
                role,
                name,
                joined=True,
            )
        )
        descriptions.append(
            f"{name}: {show(values[0][1], figure.kind)} → {show(values[-1][1], figure.kind)}"
        )
    shown_changes = [
        change for change in changes if change.cell in points_by_cell and change.figure is figure
    ]
    marks += [Rule(change.run, _dated(run, change), vertical=True) for change in shown_changes]
    marks += [
        # ``OpenVINO was 2026.3, now 2026.4``: the table of runs has both values.
        Rule(number, f"{changed[0].partition(' was ')[0]} changed", vertical=True)
        for number in range(1, len(run.header.origins))
        if (changed := _environment_changes(run, number))
        and not any(change.run == number for change in shown_changes)
    ]
    if shown_changes:
        outcome = count(len(shown_changes), "change") + " of level"
    elif max(map(len, points_by_cell.values())) < MIN_VALUES:
        outcome = "too few for a new level"
    else:
        outcome = "no new level"
    return Chart(
        f"trend-{figure.id}-{cells[0].id}",
        f"{figure.label.capitalize()} over {count(len(run.header.origins), 'run')}: {outcome}",
        _time_axis(run),
        Axis(figure.label, figure.kind),
        marks,
        "; ".join(descriptions),
    )


def _time_axis(run: Run) -> Axis:
    """Return the axis of start times, as short as possible; blank where there is no space."""
    started = [origin.header.created_utc for origin in run.header.origins]
    if len({text[:10] for text in started}) == 1:
        label, names = (
            f"start of the run on {started[0][:10]}, UTC",
            [text[11:] for text in started],
        )
    elif len({text[:4] for text in started}) == 1:
        label, names = f"start of the run in {started[0][:4]}", [text[5:10] for text in started]
    else:
        label, names = "start of the run", [text[:7] for text in started]
    step = math.ceil(len(names) / _MOST_DATES)
    last = len(names) - 1
    shown = [name if (last - number) % step == 0 else "" for number, name in enumerate(names)]
    return Axis(label, categories=shown)


def _dated(run: Run, change: LevelChange) -> str:
    """Return change and date: ``+9.9 %, 2026-01-08``."""
    return f"{signed(change.ratio - 1)}, {run.header.origins[change.run].header.created_utc[:10]}"


def _levels(
    run: Run, points_by_cell: dict[Cell, list[TrendPoint]], changes: Sequence[LevelChange]
) -> Table:
    cells = list(points_by_cell)
    rows = []
    for cell, points in points_by_cell.items():
        for figure in _FIGURES:
            values = [
                (point.result, estimate)
                for point in points
                if (estimate := figure.estimate(point.result))
            ]
            if len(values) < 2:
                continue
            (first_result, first), (last_result, last) = values[0], values[-1]
            cell_changes = [
                change for change in changes if change.cell == cell and change.figure is figure
            ]
            rows.append(
                Row(
                    {
                        "cell": label(cell, cells),
                        "figure": figure.label,
                        "first": show(first, figure.kind),
                        "last": show(last, figure.kind),
                        "ratio": ratio(first_result, last_result, figure.compared),
                        "runs": len(values),
                        "changes": tuple(
                            Link(
                                f"#{change.run + 1}: {_dated(run, change)}",
                                trend_run_anchor(change.run),
                            )
                            for change in cell_changes
                        )
                        or None,
                    },
                    anchor=levels_anchor(figure.id, cell),
                )
            )
    columns = [
        Column("cell", "Configuration"),
        Column("figure", "Figure"),
        Column("first", "First run"),
        Column("last", "Last run"),
        Column(
            "ratio",
            "Ratio",
            "ratio",
            help="Last run over first run; the two were not measured side by side.",
        ),
        Column("runs", "Runs", "count"),
        Column("changes", "New levels"),
    ]
    # A column without values is left out, with its explanation.
    has_changes = any(row.values["changes"] for row in rows)
    note = "A dash under new levels means none beyond the noise, or too few runs."
    return Table(
        f"levels-{cells[0].id}", "First and last", columns, rows, note if has_changes else ""
    )


def _runs(run: Run) -> Table:
    rows = []
    for number, origin in enumerate(run.header.origins):
        environment = origin.header.environment
        changes = [*_environment_changes(run, number), *_model_changes(run, number)]
        rows.append(
            Row(
                {
                    "number": origin.name,
                    "created": origin.header.created_utc,
                    "openvino": environment.release,
                    "cpu": environment.cpu,
                    "load": environment.load,
                    "file": origin.file,
                    "changed": "; ".join(changes) or None,
                },
                anchor=trend_run_anchor(number),
                emphasis=bool(changes),
            )
        )
    columns = [
        Column("number", "Run"),
        Column("created", "Started, UTC"),
        Column("openvino", "OpenVINO"),
        Column("cpu", "Processor"),
        Column("load", "Busy before the run", "number", unit="cores"),
        Column("file", "File", "code"),
        Column("changed", "Changed since the previous run"),
    ]
    return Table("runs", "Runs by start time", columns, rows)


def _environment_changes(run: Run, number: int) -> tuple[str, ...]:
    """Return what changed in the environment since the previous run; nothing for the first."""
    if number == 0:
        return ()
    before, now = (run.header.origins[index].header.environment for index in (number - 1, number))
    return before.changes(now)


def _model_changes(run: Run, number: int) -> list[str]:
    if number == 0:
        return []
    before, now = (run.header.origins[index].header.models for index in (number - 1, number))
    previous_digests = {(file.model, file.version): file.sha256 for file in before}
    return [
        f"the model file of {file.model} ({file.version})"
        for file in now
        if previous_digests.get((file.model, file.version), file.sha256) != file.sha256
    ]


# ---------------------------------------------------------------------------- words


def _findings(run: Run, changes: Sequence[LevelChange]) -> list[Finding]:
    cells = list(series(run))
    findings = []
    for change in sorted(changes, key=lambda change: (change.better, -abs(math.log(change.ratio)))):
        origin = run.header.origins[change.run]
        other_changes = [*_environment_changes(run, change.run), *_model_changes(run, change.run)]
        cause = (
            f"changed then: {'; '.join(other_changes)}"
            if other_changes
            else "nothing else changed then"
        )
        findings.append(
            Finding(
                f"trend.{'better' if change.better else 'worse'}",
                "good" if change.better else "problem",
                f"{change.figure.label.capitalize()} of {_name(change.cell, cells)} went from "
                f"{show(change.before, change.figure.kind)} to "
                f"{show(change.after, change.figure.kind)} ({signed(change.ratio - 1)}) with run "
                f"{origin.name} of {origin.header.created_utc} UTC; {cause}.",
                evidence=[
                    Link(f"run {origin.name}", trend_run_anchor(change.run)),
                    Link("levels", levels_anchor(change.figure.id, change.cell)),
                ],
            )
        )
    return findings


def _single(run: Run) -> list[Finding]:
    """Report configurations that only one run measured: they have no line in the charts."""
    measured = series(run)
    single = [(cell, points[0].run) for cell, points in measured.items() if len(points) == 1]
    if not single:
        return []
    names = [
        f"{_name(cell, list(measured))} in run {run.header.origins[number].name}"
        for cell, number in single[:_MOST_NAMED]
    ]
    rest = f"; and {len(single) - _MOST_NAMED} more" if len(single) > _MOST_NAMED else ""
    numbers = sorted({number for _, number in single})[:_MOST_NAMED]
    return [
        Finding(
            "trend.single",
            "info",
            f"{count(len(single), 'configuration')} of {len(measured)} "
            f"{'was' if len(single) == 1 else 'were'} measured by a single run and so "
            f"{'has' if len(single) == 1 else 'have'} no trend: {'; '.join(names)}{rest}.",
            "Measure all runs with the same configurations (device, hint, streams, batch, "
            "precision and all other keys of [matrix]).",
            [
                Link(f"run {run.header.origins[number].name}", trend_run_anchor(number))
                for number in numbers
            ],
        )
    ]


def _name(cell: Cell, among: Sequence[Cell]) -> str:
    """Return the name of a version, with the configuration if the version has several.

    For example ``mobilenet (parent), latency · 2 streams``.
    """
    same_version = [
        other for other in among if (other.model, other.version) == (cell.model, cell.version)
    ]
    name = f"{cell.model} ({cell.version})"
    return name if len(same_version) == 1 else f"{name}, {label(cell, same_version)}"


def _verdict(
    run: Run, points_by_cell: dict[Cell, list[TrendPoint]], changes: Sequence[LevelChange]
) -> str:
    runs = count(len(run.header.origins), "run")
    subject = f"{count(len(points_by_cell), 'configuration')} over {runs}"
    if len(run.header.origins) < MIN_VALUES:
        return f"{subject}: too few runs; a new level needs {MIN_VALUES}."
    worse = sum(not change.better for change in changes)
    if not changes:
        return f"{subject}: no new level beyond the noise between runs."
    better = len(changes) - worse
    return f"{subject}: {count(worse, 'new level')} for the worse, {better} for the better."
