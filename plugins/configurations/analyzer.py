"""Latency and throughput of all configurations, and the sweet spot among them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from pydantic import Field

from ovreport.computed.anchors import anchor
from ovreport.computed.figures import figures
from ovreport.computed.ranking import judge, rivals, times
from ovreport.computed.ratio import Figure
from ovreport.computed.speed import latency_threshold_s
from ovreport.computed.sweet_spot import (
    fps,
    is_device_choice,
    not_in_force,
    over,
    over_one_stream,
    pareto,
    streams_shown,
    sweet_spot,
    sweet_spots,
)
from ovreport.computed.workbench import file_name, inference_report
from ovreport.config.analyzer_options import Options
from ovreport.plugin import Analyzer
from ovreport.run import Cell, CellResult, Run, Streams
from ovreport.section import (
    Axis,
    Block,
    Chart,
    Column,
    Download,
    Finding,
    Group,
    HeatMap,
    Points,
    Row,
    Rule,
    Section,
    Table,
)
from ovreport.stats.estimate import Estimate
from ovreport.text.labels import ENDED_BY, count, ended_by, label, version_heading, version_name
from ovreport.text.numbers import show
from ovreport.text.values import Kind, Link, Role, Tag

from .search import search_tables

# Up to this many configurations that may be as good as the best are listed by name.
_MOST_RIVALS_NAMED = 3
# Up to this many cells whose settings the device changed are listed by name.
_MOST_CHANGED_NAMED = 3


@dataclass(frozen=True, slots=True)
class Spot:
    """The sweet spot for latency thresholds from ``latency_s`` up to that of the next spot."""

    latency_s: float
    anchor: str
    """The anchor of its row in the table."""
    chosen: str
    """The row's mark while this configuration is the sweet spot."""
    otherwise: str
    """The row's mark while another configuration is the sweet spot."""
    sentence: str


@dataclass(frozen=True, slots=True)
class VersionGroup(Group):
    """One version's blocks, and the sweet spots for other thresholds that a reader may set."""

    threshold: float | None = None
    """The configured latency threshold in seconds."""
    spots: Sequence[Spot] = ()
    """The sweet spots in ascending order of latency."""


class ConfigurationOptions(Options):
    """Options of the section."""

    percentile: Literal["mean", "median", "p90", "p95", "p99"] = Field(
        default="median", description="the latency that is drawn and compared with the threshold"
    )


class Configurations(Analyzer[ConfigurationOptions]):
    """Show every configuration's latency and throughput, and the best within a threshold."""

    id = "configurations"
    title = "Configurations"
    reading = (
        "Points further up have more throughput, points further left less latency. The sweet spot "
        "is the highest throughput whose latency is within the threshold. For a configuration on "
        "the line, no other one has both more throughput and less latency, by the figures without "
        "their intervals."
    )
    needs = frozenset({"full_rate"})
    order = 200

    def analyze(self, run: Run) -> Section:
        groups, findings = [], []
        for model in dict.fromkeys(model for model, _ in run.versions):
            versions = [
                version
                for name, version in run.versions
                if name == model and run.of_version(name, version)
            ]
            if len(versions) > 1:
                groups.append(Group(f"{model}: all versions", [self._overlay(run, model)]))
            for version in versions:
                measured = self._measured(run, model, version)
                group = measured.group()
                tables = search_tables(run, measured.results)
                groups.append(replace(group, blocks=[*group.blocks, *tables]))
                findings += _not_in_force(measured.results, measured.cells)
                if measured.had_choice:
                    findings.append(measured.finding())
        return Section(groups, findings)

    def _measured(self, run: Run, model: str, version: str) -> _MeasuredVersion:
        results = run.of_version(model, version)
        latencies = tuple(self._latency(result) for result in results)
        points = [
            (latency.point, fps(result)) for latency, result in zip(latencies, results, strict=True)
        ]
        threshold = latency_threshold_s(run)
        return _MeasuredVersion(
            results,
            latencies,
            self.options.percentile,
            threshold,
            sweet_spot(points, threshold),
            pareto(points),
            [result.cell for result in run.results],
        )

    def _latency(self, result: CellResult) -> Estimate:
        latency = figures(result).latency
        return getattr(latency, self.options.percentile) or latency.mean

    def _overlay(self, run: Run, model: str) -> Chart:
        """Return the chart of all versions, each in its colour."""
        marks: list[Points | Rule] = []
        throughputs = []
        for version in (version for name, version in run.versions if name == model):
            results = run.of_version(model, version)
            if not results:
                continue
            marks.append(
                Points(
                    [self._latency(result) for result in results],
                    [figures(result).throughput_fps for result in results],
                    Role("version", version),
                    version,
                    links=[anchor("cell", result) for result in results],
                )
            )
            best = max(results, key=fps)
            throughputs.append(f"{version} reaches {show(fps(best), 'rate')}")
        threshold = latency_threshold_s(run)
        if threshold is not None:
            marks.append(Rule(threshold, "threshold", vertical=True))
        first = next(result for result in run.done if result.cell.model == model)
        return Chart(
            f"versions-over-{first.cell.id}",
            ", ".join(throughputs),
            Axis(f"{self.options.percentile} latency", "duration"),
            Axis("throughput", "rate"),
            marks,
            f"Throughput over {self.options.percentile} latency: {'; '.join(throughputs)}.",
        )


def _not_in_force(results: Sequence[CellResult], cells: Sequence[Cell]) -> list[Finding]:
    """Report settings (streams, threads) that the device changed."""
    changes = []
    for result in results:
        for requested, actual in not_in_force(result):
            changes.append(
                f"{label(result.cell, cells)}: {requested}, but the device uses {actual}"
            )
    if not changes:
        return []
    cell = results[0].cell
    rest = (
        f" and {len(changes) - _MOST_CHANGED_NAMED} more"
        if len(changes) > _MOST_CHANGED_NAMED
        else ""
    )
    return [
        Finding(
            "configurations.not-in-force",
            "warning",
            f"{version_name(cell, cells)}: the device changed some settings "
            f"({'; '.join(changes[:_MOST_CHANGED_NAMED])}{rest}).",
            "The figures are those of the settings that the device uses. Leave such cells out, or "
            "ask for settings that are possible: each stream needs a thread.",
        )
    ]


@dataclass(frozen=True)
class _MeasuredVersion:
    """One version's cells with one figure of latency; ``best`` and ``front`` are indices."""

    results: Sequence[CellResult]
    latencies: Sequence[Estimate]
    percentile: Literal["mean", "median", "p90", "p95", "p99"]
    threshold: float | None
    best: int | None
    front: frozenset[int]
    cells: Sequence[Cell]
    """All cells of the run: labels name the settings in which they differ."""

    @property
    def id(self) -> str:
        return self.results[0].cell.id

    @property
    def had_choice(self) -> bool:
        """Whether several configurations compete for the sweet spot.

        One latency cell and one throughput cell do not compete.
        """
        if self.best is None or len(self.results) == 1:
            return False
        throughput_cells = [
            index for index, result in enumerate(self.results) if result.cell.hint != "latency"
        ]
        return self.threshold is not None or throughput_cells != [self.best]

    def finding(self) -> Finding:
        assert self.best is not None
        spot = self.results[self.best]
        limit = f" within {show(self.threshold, 'duration')}" if self.threshold else ""
        return Finding(
            "configurations.sweet-spot",
            "info" if rivals(spot, self.results) else "good",
            f"{version_name(spot.cell, self.cells)}: the best throughput{limit} is "
            f"{show(fps(spot), 'rate')} with {self._named(spot.cell)}{self._crossing()}"
            f"{self._against_device_choice(spot)}{self._rivals(spot)}.",
            evidence=[Link("its row", anchor("cell", spot))],
        )

    def _against_device_choice(self, spot: CellResult) -> str:
        if self._device_choice is None:
            return ""
        if self._device_choice == self.best:
            return ", which is the device's own choice"
        gain = over(self.results[self._device_choice], spot)
        if gain is None or judge(gain) != "more":
            return ", not shown to differ from the device's own choice"
        return ", " + times(gain, "that of the device's own choice")

    def _rivals(self, spot: CellResult) -> str:
        """Say how many configurations may be as good, and name them if they are few."""
        others = rivals(spot, self.results)
        if not others:
            return ""
        names = ", ".join(label(rival.cell, self.cells) for rival in others[:_MOST_RIVALS_NAMED])
        listed = f" ({names})" if len(others) <= _MOST_RIVALS_NAMED else ""
        return f"; {count(len(others), 'other')} may reach as much: the intervals overlap{listed}"

    def _crossing(self) -> str:
        """Say if the true latency of the sweet spot may be above the threshold."""
        if self.best is None or self.threshold is None:
            return ""
        crosses = self.latencies[self.best].high > self.threshold
        return " (the interval of its latency crosses the threshold)" if crosses else ""

    def group(self) -> Group:
        cell = self.results[0].cell
        name = file_name("inference", cell.model, cell.version, cell.id)
        text = "Save the inference report (CSV, columns separated by ;, FPS and ms)"
        report = Download(f"csv-of-{cell.id}", text, name, inference_report(self.results))
        blocks: list[Block] = [self._chart(), self._table(), report]
        maps: dict[str, list[int]] = defaultdict(list)
        for index, result in enumerate(self.results):
            maps[_other_settings(result.cell, self.cells)].append(index)
        for setting, indices in maps.items():
            blocks += self._heat_maps(setting, indices)
        heading = version_heading(cell, self.cells)
        return VersionGroup(heading, blocks, threshold=self.threshold, spots=self._spots())

    def _spots(self) -> list[Spot]:
        points = [
            (latency.point, fps(result))
            for latency, result in zip(self.latencies, self.results, strict=True)
        ]
        return [
            Spot(
                self.latencies[index].point,
                anchor("cell", self.results[index]),
                self._mark(index, index),
                self._mark(index, None),
                f"Sweet spot: {label(self.results[index].cell, self.cells)}, "
                f"{show(fps(self.results[index]), 'rate')}",
            )
            for index in sweet_spots(points)
        ]

    def _chart(self) -> Chart:
        marks: list[Points | Rule] = []
        for hint in dict.fromkeys(result.cell.hint for result in self.results):
            of_hint = [
                index for index, result in enumerate(self.results) if result.cell.hint == hint
            ]
            marks.append(self._points(of_hint, Role("hint", hint), f"{hint} hint"))
        line = sorted(self.front, key=lambda index: self.latencies[index].point)
        if len(line) > 1:
            marks.append(
                Points(
                    [self.latencies[index].point for index in line],
                    [fps(self.results[index]) for index in line],
                    Role("series", "other"),
                    "Pareto front",
                    joined=True,
                )
            )
        if self.best is not None:
            spot = self.results[self.best]
            marks.append(
                Points(
                    [self.latencies[self.best].point], [fps(spot)], Role("hint", spot.cell.hint),
                    names=["sweet spot"], emphasis=True, id="spot",
                )
            )  # fmt: skip
        if self.threshold is not None:
            marks.append(Rule(self.threshold, "threshold", vertical=True, id="threshold"))
        description = "; ".join(
            f"{label(result.cell, self.cells)}: {show(fps(result), 'rate')}, "
            f"{show(latency.point, 'duration')}"
            for result, latency in zip(self.results, self.latencies, strict=True)
        )
        return Chart(
            f"configurations-{self.id}",
            self._title(),
            Axis(f"{self.percentile} latency", "duration"),
            Axis("throughput", "rate"),
            marks,
            f"Throughput over {self.percentile} latency: {description}.",
        )

    def _title(self) -> str:
        """Return in words what the chart shows."""
        if self.best is None:
            assert self.threshold is not None
            return f"No configuration is within {show(self.threshold, 'duration')}"
        spot = self.results[self.best]
        latency = show(self.latencies[self.best].point, "duration")
        figures_reached = f"{show(fps(spot), 'rate')} at {latency} {self.percentile} latency"
        figures_reached += " (its interval crosses the threshold)" if self._crossing() else ""
        if len(self.results) == 1:
            return figures_reached
        limit = f" within {show(self.threshold, 'duration')}" if self.threshold else ""
        others = len(rivals(spot, self.results))
        rivals_note = f"; {count(others, 'other')} may reach as much" if others else ""
        return (
            f"Most throughput{limit}: {figures_reached}, with {self._named(spot.cell)}{rivals_note}"
        )

    def _named(self, cell: Cell) -> str:
        """Return a cell's label for a sentence: ``throughput hint``, not ``throughput`` alone."""
        text = label(cell, self.cells)
        hint = f"{cell.hint} hint"
        return text if hint in text else text.replace(cell.hint, hint, 1)

    def _points(self, indices: Sequence[int], role: Role, name: str) -> Points:
        return Points(
            [self.latencies[index] for index in indices],
            [figures(self.results[index]).throughput_fps for index in indices],
            role,
            name,
            [
                streams_shown(self.results[index])
                if index == self._device_choice != self.best
                else ""
                for index in indices
            ],
            links=[anchor("cell", self.results[index]) for index in indices],
        )

    @property
    def _device_choice(self) -> int | None:
        """The index of the device's own choice, with which the others are compared, if measured."""
        return next(
            (index for index, result in enumerate(self.results) if is_device_choice(result)), None
        )

    def _heat_maps(self, settings: str, indices: Sequence[int]) -> list[Block]:
        """Return heat maps of throughput and latency over streams and batch, if both vary."""
        fields = self._fields(indices)
        streams = sorted({number for number, _ in fields}, key=_streams_order)
        batches = sorted({batch for _, batch in fields})
        if len(streams) < 2 or len(batches) < 2:
            return []
        names = {
            number: streams_shown(self.results[index]) if number == "auto" else str(number)
            for (number, _), index in fields.items()
        }
        kinds: list[tuple[str, Kind, list[float]]] = [
            ("Throughput", "rate", [fps(result) for result in self.results]),
            (f"{self.percentile.capitalize()} latency", "duration",
             [latency.point for latency in self.latencies]),
        ]  # fmt: skip
        return [
            Chart(
                f"heat-{kind}-{self.results[indices[0]].cell.id}",
                self._extreme(title, kind, values, [*fields.values()], settings),
                Axis("batch", categories=[str(batch) for batch in batches]),
                Axis("streams", categories=[names[number] for number in streams]),
                [
                    HeatMap(
                        [
                            [
                                values[fields[number, batch]] if (number, batch) in fields else None
                                for batch in batches
                            ]
                            for number in streams
                        ],
                        kind,
                    )
                ],
                "The figures are those of the table of all configurations.",
                height=0.7 + 0.5 * len(streams),
            )
            for title, kind, values in kinds
        ]

    def _fields(self, indices: Sequence[int]) -> dict[tuple[Streams, int], int]:
        """Return the indices of cells by streams and batch.

        A cell whose streams or batch the device or the model chose has the field of those values,
        unless a cell with these values set has it: then automatic streams have a separate row.
        """
        fields: dict[tuple[Streams, int], int] = {}
        some_set = any(self.results[index].cell.streams != "auto" for index in indices)
        set_values_first = sorted(
            indices,
            key=lambda index: (
                self.results[index].cell.streams == "auto",
                not self._has_batch(index),
            ),
        )
        for index in set_values_first:
            resolved, streams = self.results[index].resolved, self.results[index].cell.streams
            assert resolved is not None
            batch = resolved.batch
            if streams == "auto" and some_set and (resolved.streams, batch) not in fields:
                streams = resolved.streams or "auto"
            fields.setdefault((streams, batch), index)
        automatic = [field for field in fields if field[0] == "auto"]
        if len(automatic) == 1 and len({batch for _, batch in fields}) > 1:
            del fields[automatic[0]]  # it would be the only field of its row
        return fields

    def _has_batch(self, index: int) -> bool:
        return self.results[index].cell.batch is not None

    def _extreme(
        self,
        title: str,
        kind: Kind,
        values: Sequence[float],
        indices: Sequence[int],
        other_settings: str,
    ) -> str:
        """Return the title of a heat map: where throughput is highest, or latency lowest."""
        pick, extreme = (max, "highest") if kind == "rate" else (min, "lowest")
        index = pick(indices, key=lambda index: values[index])
        result = self.results[index]
        assert result.resolved is not None
        settings = f"streams {streams_shown(result)}, batch {result.resolved.batch}"
        figure: Figure = "throughput" if kind == "rate" else self.percentile
        others = rivals(result, [self.results[index] for index in indices], figure)
        rivals_note = f"; {count(len(others), 'other')} may be as good" if others else ""
        return (
            f"{title} is {extreme} with {settings}: {show(values[index], kind)} "
            f"({other_settings}){rivals_note}"
        )

    def _table(self) -> Table:
        choice_index = self._device_choice
        device_choice = None if choice_index is None else self.results[choice_index]
        gains = over_one_stream(self.results)
        if all(value.point == 1 for value in gains.values()):
            gains = {}
        rows = []
        for index, result in enumerate(self.results):
            assert result.resolved is not None
            estimates = figures(result)
            gain, streams = gains.get(result.cell.id), result.resolved.streams
            rows.append(
                Row(
                    {
                        "cell": Tag(label(result.cell, self.cells), Role("hint", result.cell.hint)),
                        "streams": streams_shown(result),
                        "requests": result.resolved.requests,
                        "batch": result.resolved.batch,
                        "precision": result.resolved.precision or "",
                        "fps": estimates.throughput_fps,
                        "latency": self.latencies[index],
                        "p95": estimates.latency.p95,
                        "ratio": over(device_choice, result) if device_choice else None,
                        "gain": gain,
                        "efficiency": gain.scaled(1 / streams) if gain and streams else None,
                        "stopped": ended_by(result.stopped),
                        "mark": self._mark(index, self.best),
                    },
                    anchor=anchor("cell", result),
                    emphasis=index == self.best,
                )
            )
        columns = [
            Column("cell", "Configuration"),
            Column("mark", "Mark", help="device's choice: the settings that the device chose "
                                        "with the throughput hint.", kept=True),
            Column("streams", "Streams", help="The number in force; auto: the device chose it."),
            Column("requests", "Requests", "count", help="Infer requests in flight.",
                   optional=True),
            Column("batch", "Batch", "count"),
            Column("precision", "Precision", help="Inference precision of the compiled model.",
                   optional=True),
            Column("fps", "Throughput", "rate", kept=True),
            Column("latency", f"Latency, {self.percentile}", "duration", kept=True),
            Column("p95", "Latency, p95", "duration"),
            Column("ratio", "Over device's choice", "ratio", help="Throughput over that of the "
                   "device's own choice."),
            Column("gain", "Over one stream", "ratio",
                   help="Throughput over that of one stream, all else equal.", optional=True),
            Column("efficiency", "Scaling efficiency", "share", help="Over one stream, divided by "
                   "the number of streams: 100 % if every stream adds as much as the first.",
                   optional=True),
            Column("stopped", "Ended by", help=ENDED_BY, optional=True),
        ]  # fmt: skip
        return Table(f"cells-{self.id}", "All configurations", columns, rows)

    def _mark(self, index: int, sweet_spot: int | None) -> str:
        marks = []
        if index == sweet_spot:
            marks.append("sweet spot")
        if index in self.front and len(self.results) > 1:
            marks.append("Pareto front")
        if index == self._device_choice and len(self.results) > 1:
            marks.append("device's choice")
        return ", ".join(marks)


def _other_settings(cell: Cell, cells: Sequence[Cell]) -> str:
    """Return the other settings that vary, in words; a heat map holds cells that agree in them."""
    normalised = [
        other.model_copy(update={"streams": "auto", "batch": None}) for other in (cell, *cells)
    ]
    return label(normalised[0], normalised)


def _streams_order(streams: Streams) -> int:
    return 0 if streams == "auto" else streams
