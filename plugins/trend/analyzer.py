"""Many runs over time: where a configuration became faster or slower, and what changed then."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

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

# Runs of one model made days apart scatter by a percent even on a quiet machine.
_LEAST_NOISE = 0.01
# A chart with more lines cannot be read; the table has all.
_LINES = 6
# As many dates have room below a chart.
_DATES = 5
# Of configurations that have no trend, those that are named.
_NAMED = 3


@dataclass(frozen=True)
class TrendFigure:
    """What is followed over time."""

    id: str
    label: str
    kind: Kind
    higher_is_better: bool
    of: Callable[[CellResult], Estimate | None]
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
    """A new level of one configuration, from one run on."""

    cell: Cell
    figure: TrendFigure
    run: int
    before: float
    after: float

    @property
    def ratio(self) -> float:
        return self.after / self.before

    @property
    def better(self) -> bool:
        return (self.ratio > 1) == self.figure.higher_is_better


class Trend(Analyzer):
    """Figures of many runs over time, with the runs at which they change their level."""

    id = "trend"
    title = "Trend"
    reading = (
        "One point a run, with its interval. A new level is told from the noise between runs, and "
        f"needs two runs on it and {MIN_VALUES} in all."
    )
    needs = frozenset({"measurements"})
    order = 120

    @classmethod
    def concerns(cls, run: Run) -> bool:
        return run.header.made == "trend"

    def analyze(self, run: Run) -> Section:
        known = {cell: points for cell, points in series(run).items() if len(points) > 1}
        changes = [
            change
            for cell, points in known.items()
            for figure in _FIGURES
            for change in _changes(cell, figure, points)
        ]
        groups = []
        for model, version in dict.fromkeys((cell.model, cell.version) for cell in known):
            own = {c: p for c, p in known.items() if (c.model, c.version) == (model, version)}
            blocks: list[Block] = [_chart(run, figure, own, changes) for figure in _FIGURES]
            blocks.append(_levels(run, own, changes))
            groups.append(Group(f"{model} · {version}", blocks))
        groups.append(Group("The runs", [_runs(run)]))
        findings = [*_findings(run, changes), *_single(run)]
        return Section(groups, findings, _verdict(run, known, changes))


def _changes(cell: Cell, figure: TrendFigure, points: Sequence[TrendPoint]) -> list[LevelChange]:
    values = [
        (point.run, estimate.point) for point in points if (estimate := figure.of(point.result))
    ]
    if any(value <= 0 for _, value in values):
        return []
    logs = [math.log(value) for _, value in values]
    places = change_points(logs, _LEAST_NOISE)
    ends = [0, *places, len(values)]
    levels = [
        math.exp(sum(logs[start:end]) / (end - start))
        for start, end in pairwise(ends)
        if end > start
    ]
    return [
        LevelChange(cell, figure, values[place][0], levels[number], levels[number + 1])
        for number, place in enumerate(places)
    ]


# ---------------------------------------------------------------------------- blocks


def _chart(
    run: Run,
    figure: TrendFigure,
    known: dict[Cell, list[TrendPoint]],
    changes: Sequence[LevelChange],
) -> Chart:
    cells = list(known)
    marks: list[Mark] = []
    words = []
    for number, (cell, points) in enumerate(list(known.items())[:_LINES]):
        values = [(p.run, e) for p in points if (e := figure.of(p.result))]
        if not values:
            continue
        name = label(cell, cells)
        role = Role("hint", cell.hint) if name == cell.hint else Role("cell", f"{number} {name}")
        marks.append(
            Points([x for x, _ in values], [y for _, y in values], role, name, joined=True)
        )
        words.append(
            f"{name}: {show(values[0][1], figure.kind)} → {show(values[-1][1], figure.kind)}"
        )
    of_these = [c for c in changes if c.cell in known and c.figure is figure]
    marks += [Rule(change.run, _dated(run, change), vertical=True) for change in of_these]
    marks += [
        # ``OpenVINO was 2026.3, now 2026.4``: what it was and is, is in the table of the runs.
        Rule(number, f"{changed[0].partition(' was ')[0]} changed", vertical=True)
        for number in range(1, len(run.header.origins))
        if (changed := _environment_changes(run, number))
        and not any(change.run == number for change in of_these)
    ]
    if of_these:
        said = count(len(of_these), "change") + " of level"
    elif max(map(len, known.values())) < MIN_VALUES:
        said = "too few to tell a new level"
    else:
        said = "no new level"
    return Chart(
        f"trend-{figure.id}-{cells[0].id}",
        f"{figure.label.capitalize()} over {count(len(run.header.origins), 'run')}: {said}",
        _time_axis(run),
        Axis(figure.label, figure.kind),
        marks,
        "; ".join(words),
    )


def _time_axis(run: Run) -> Axis:
    """When each run was begun, as short as tells; blank where there is no room."""
    begun = [origin.header.created_utc for origin in run.header.origins]
    if len({text[:10] for text in begun}) == 1:
        label, names = f"begin of the run on {begun[0][:10]}, UTC", [text[11:] for text in begun]
    elif len({text[:4] for text in begun}) == 1:
        label, names = f"begin of the run in {begun[0][:4]}", [text[5:10] for text in begun]
    else:
        label, names = "begin of the run", [text[:7] for text in begun]
    step = math.ceil(len(names) / _DATES)
    last = len(names) - 1
    shown = [name if (last - n) % step == 0 else "" for n, name in enumerate(names)]
    return Axis(label, categories=shown)


def _dated(run: Run, change: LevelChange) -> str:
    """``+9.9 %, 2026-01-08``."""
    return f"{signed(change.ratio - 1)}, {run.header.origins[change.run].header.created_utc[:10]}"


def _levels(run: Run, known: dict[Cell, list[TrendPoint]], changes: Sequence[LevelChange]) -> Table:
    cells = list(known)
    rows = []
    for cell, points in known.items():
        for figure in _FIGURES:
            values = [(p.result, e) for p in points if (e := figure.of(p.result))]
            if len(values) < 2:
                continue
            (begun, first), (now, last) = values[0], values[-1]
            found = [c for c in changes if c.cell == cell and c.figure is figure]
            rows.append(
                Row(
                    {
                        "cell": label(cell, cells),
                        "figure": figure.label,
                        "first": show(first, figure.kind),
                        "last": show(last, figure.kind),
                        "ratio": ratio(begun, now, figure.compared),
                        "runs": len(values),
                        "changes": tuple(
                            Link(f"#{c.run + 1}: {_dated(run, c)}", f"run-{c.run + 1}")
                            for c in found
                        )
                        or None,
                    },
                    anchor=f"levels-{figure.id}-{cell.id}",
                )
            )
    columns = [
        Column("cell", "Configuration"),
        Column("figure", "Figure"),
        Column("first", "First run"),
        Column("last", "Last run"),
        Column("ratio", "Ratio", "ratio", help="Last run over first, not measured side by side."),
        Column("runs", "Runs", "count"),
        Column("changes", "New levels"),
    ]
    note = "A dash under new levels: none beyond the noise, or too few runs to tell."
    return Table(f"levels-{cells[0].id}", "First and last", columns, rows, note)


def _runs(run: Run) -> Table:
    rows = []
    for number, origin in enumerate(run.header.origins):
        environment = origin.header.environment
        changed = [*_environment_changes(run, number), *_model_changes(run, number)]
        rows.append(
            Row(
                {
                    "number": origin.name,
                    "created": origin.header.created_utc,
                    "openvino": environment.release,
                    "cpu": environment.cpu,
                    "load": environment.load,
                    "file": origin.file,
                    "changed": "; ".join(changed) or None,
                },
                anchor=f"run-{number + 1}",
                emphasis=bool(changed),
            )
        )
    columns = [
        Column("number", "Run"),
        Column("created", "Begun, UTC"),
        Column("openvino", "OpenVINO"),
        Column("cpu", "Processor"),
        Column("load", "Busy before", "number", unit="cores"),
        Column("file", "File", "code"),
        Column("changed", "Changed since the run before"),
    ]
    return Table("runs", "Runs in the order in which they were begun", columns, rows)


def _environment_changes(run: Run, number: int) -> tuple[str, ...]:
    """Since the run before; none at the first."""
    if number == 0:
        return ()
    before, now = (run.header.origins[n].header.environment for n in (number - 1, number))
    return before.changes(now)


def _model_changes(run: Run, number: int) -> list[str]:
    if number == 0:
        return []
    before, now = (run.header.origins[n].header.models for n in (number - 1, number))
    was = {(file.model, file.version): file.sha256 for file in before}
    return [
        f"the model file of {file.model} ({file.version})"
        for file in now
        if was.get((file.model, file.version), file.sha256) != file.sha256
    ]


# ---------------------------------------------------------------------------- words


def _findings(run: Run, changes: Sequence[LevelChange]) -> list[Finding]:
    cells = list(series(run))
    found = []
    for change in sorted(changes, key=lambda c: (c.better, -abs(math.log(c.ratio)))):
        origin = run.header.origins[change.run]
        changed = [*_environment_changes(run, change.run), *_model_changes(run, change.run)]
        cause = f"changed then: {'; '.join(changed)}" if changed else "nothing else changed then"
        found.append(
            Finding(
                f"trend.{'better' if change.better else 'worse'}",
                "good" if change.better else "problem",
                f"{change.figure.label.capitalize()} of {_name(change.cell, cells)} went from "
                f"{show(change.before, change.figure.kind)} to "
                f"{show(change.after, change.figure.kind)} ({signed(change.ratio - 1)}) with run "
                f"{origin.name} of {origin.header.created_utc} UTC; {cause}.",
                evidence=[
                    Link(f"run {origin.name}", f"run-{change.run + 1}"),
                    Link("levels", f"levels-{change.figure.id}-{change.cell.id}"),
                ],
            )
        )
    return found


def _single(run: Run) -> list[Finding]:
    """What a single run measured: its date is on the charts, but it makes no line there."""
    measured = series(run)
    single = [(cell, points[0].run) for cell, points in measured.items() if len(points) == 1]
    if not single:
        return []
    named = [
        f"{_name(cell, list(measured))} in run {run.header.origins[number].name}"
        for cell, number in single[:_NAMED]
    ]
    more = f"; and {len(single) - _NAMED} more" if len(single) > _NAMED else ""
    numbers = sorted({number for _, number in single})[:_NAMED]
    return [
        Finding(
            "trend.single",
            "info",
            f"{count(len(single), 'configuration')} of {len(measured)} "
            f"{'was' if len(single) == 1 else 'were'} measured by a single run and so "
            f"{'has' if len(single) == 1 else 'have'} no trend: {'; '.join(named)}{more}.",
            "Measure all runs with the same configurations (device, hint, streams, batch, "
            "precision and whatever else is in [matrix]).",
            [Link(f"run {run.header.origins[n].name}", f"run-{n + 1}") for n in numbers],
        )
    ]


def _name(cell: Cell, among: Sequence[Cell]) -> str:
    """``mobilenet (parent), hint latency · 2 streams``: the configuration where there are more."""
    own = [x for x in among if (x.model, x.version) == (cell.model, cell.version)]
    name = f"{cell.model} ({cell.version})"
    return (
        name if len(own) == 1 else f"{name}, hint {label(cell, own).replace('none hint', 'none')}"
    )


def _verdict(run: Run, known: dict[Cell, list[TrendPoint]], changes: Sequence[LevelChange]) -> str:
    runs = count(len(run.header.origins), "run")
    over = f"{count(len(known), 'configuration')} over {runs}"
    if len(run.header.origins) < MIN_VALUES:
        return f"{over}: too few to tell a new level from noise, {MIN_VALUES} are needed."
    worse = sum(not change.better for change in changes)
    if not changes:
        return f"{over}: no new level beyond the noise between runs."
    better = len(changes) - worse
    return f"{over}: {count(worse, 'new level')} for the worse, {better} for the better."
