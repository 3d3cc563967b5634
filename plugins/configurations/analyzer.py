"""Latency against throughput over all configurations, and the sweet spot among them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from pydantic import Field

from ovreport.anchors import anchor
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
from ovreport.config.options import Options
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
from ovreport.text.labels import count, label, version_heading, version_name
from ovreport.text.numbers import show
from ovreport.text.values import Kind, Link, Role, Tag

from .search import search_tables

# More configurations that may be as good as the best are not named one by one.
_RIVALS = 3
# Nor are cells of which the device made something else.
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Spot:
    """The sweet spot of all latency thresholds from ``latency_s`` to that of the next spot."""

    latency_s: float
    anchor: str
    """Of its row in the table."""
    chosen: str
    """The row's mark while it is the sweet spot."""
    otherwise: str
    """The row's mark while another is."""
    sentence: str


@dataclass(frozen=True, slots=True)
class VersionGroup(Group):
    """One version's blocks, and what the page needs where a reader sets another threshold."""

    threshold: float | None = None
    """Seconds, as configured."""
    spots: Sequence[Spot] = ()
    """Least latency first."""


class ConfigurationOptions(Options):
    """Options of the section."""

    percentile: Literal["mean", "median", "p90", "p95", "p99"] = Field(
        default="median", description="the latency that is drawn and compared with the threshold"
    )


class Configurations(Analyzer[ConfigurationOptions]):
    """Every configuration's latency and throughput, and the best within a latency threshold."""

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
            versions = [v for m, v in run.versions if m == model and run.of_version(m, v)]
            if len(versions) > 1:
                groups.append(Group(f"{model}: all versions", [self._overlay(run, model)]))
            for version in versions:
                seen = self._seen(run, model, version)
                group = seen.group()
                tables = search_tables(run, seen.results)
                groups.append(replace(group, blocks=[*group.blocks, *tables]))
                findings += _not_in_force(seen.results, seen.cells)
                if seen.is_news:
                    findings.append(seen.finding())
        return Section(groups, findings)

    def _seen(self, run: Run, model: str, version: str) -> _Seen:
        results = run.of_version(model, version)
        latencies = tuple(self._latency(r) for r in results)
        points = [(x.point, fps(r)) for x, r in zip(latencies, results, strict=True)]
        threshold = latency_threshold_s(run)
        return _Seen(
            results,
            latencies,
            self.options.percentile,
            threshold,
            sweet_spot(points, threshold),
            pareto(points),
            [r.cell for r in run.results],
        )

    def _latency(self, result: CellResult) -> Estimate:
        known = figures(result).latency
        return getattr(known, self.options.percentile) or known.mean

    def _overlay(self, run: Run, model: str) -> Chart:
        """All versions in one picture, each in its colour."""
        marks: list[Points | Rule] = []
        said = []
        for version in (v for m, v in run.versions if m == model):
            results = run.of_version(model, version)
            if not results:
                continue
            marks.append(
                Points(
                    [self._latency(r) for r in results],
                    [figures(r).throughput_fps for r in results],
                    Role("version", version),
                    version,
                    links=[anchor("cell", r) for r in results],
                )
            )
            best = max(results, key=fps)
            said.append(f"{version} reaches {show(fps(best), 'rate')}")
        threshold = latency_threshold_s(run)
        if threshold is not None:
            marks.append(Rule(threshold, "threshold", vertical=True))
        first = next(r for r in run.done if r.cell.model == model)
        return Chart(
            f"versions-over-{first.cell.id}",
            ", ".join(said),
            Axis(f"{self.options.percentile} latency", "duration"),
            Axis("throughput", "rate"),
            marks,
            f"Throughput over {self.options.percentile} latency: {'; '.join(said)}.",
        )


def _not_in_force(results: Sequence[CellResult], cells: Sequence[Cell]) -> list[Finding]:
    """Streams and threads that were asked for, where the device made others of them."""
    found = []
    for result in results:
        for asked, got in not_in_force(result):
            found.append(f"{label(result.cell, cells)}: {asked}, the device made {got}")
    if not found:
        return []
    cell = results[0].cell
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return [
        Finding(
            "configurations.not-in-force",
            "warning",
            f"{version_name(cell, cells)}: the device did not make all settings as asked "
            f"({'; '.join(found[:_NAMED])}{more}).",
            "The figures are those of the settings that the device made. Leave such cells out, or "
            "ask for possible settings: each stream needs a thread.",
        )
    ]


@dataclass(frozen=True)
class _Seen:
    """One version's cells under one way to look at latency; ``best`` and ``front`` are places."""

    results: Sequence[CellResult]
    latencies: Sequence[Estimate]
    percentile: Literal["mean", "median", "p90", "p95", "p99"]
    threshold: float | None
    best: int | None
    front: frozenset[int]
    cells: Sequence[Cell]
    """Of the whole run: labels say what differs among them."""

    @property
    def id(self) -> str:
        return self.results[0].cell.id

    @property
    def is_news(self) -> bool:
        """Whether there was a choice.

        Between one latency cell and one throughput cell there is none.
        """
        if self.best is None or len(self.results) == 1:
            return False
        several = [place for place, r in enumerate(self.results) if r.cell.hint != "latency"]
        return self.threshold is not None or several != [self.best]

    def finding(self) -> Finding:
        assert self.best is not None
        chosen = self.results[self.best]
        limit = f" within {show(self.threshold, 'duration')}" if self.threshold else ""
        return Finding(
            "configurations.sweet-spot",
            "info" if rivals(chosen, self.results) else "good",
            f"{version_name(chosen.cell, self.cells)}: the best throughput{limit} is "
            f"{show(fps(chosen), 'rate')} with {self._named(chosen.cell)}{self._crossing()}"
            f"{self._beside_the_device_choice(chosen)}{self._beside_rivals(chosen)}.",
            evidence=[Link("its row", anchor("cell", chosen))],
        )

    def _beside_the_device_choice(self, chosen: CellResult) -> str:
        if self._device_choice is None:
            return ""
        if self._device_choice == self.best:
            return ", which is the device's own choice"
        gain = over(self.results[self._device_choice], chosen)
        if gain is None or judge(gain) != "more":
            return ", not known to differ from the device's own choice"
        return ", " + times(gain, "that of the device's own choice")

    def _beside_rivals(self, chosen: CellResult) -> str:
        """Others that may be as good, by name where they are few."""
        others = rivals(chosen, self.results)
        if not others:
            return ""
        names = ", ".join(label(r.cell, self.cells) for r in others[:_RIVALS])
        which = f" ({names})" if len(others) <= _RIVALS else ""
        return f"; {count(len(others), 'other')} may reach as much: the intervals overlap{which}"

    def _crossing(self) -> str:
        """Of a sweet spot that may as well lie beyond the threshold."""
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
        alike: dict[str, list[int]] = defaultdict(list)
        for place, result in enumerate(self.results):
            alike[_but_streams_and_batch(result.cell, self.cells)].append(place)
        for words, places in alike.items():
            blocks += self._heat_maps(words, places)
        heading = version_heading(cell, self.cells)
        return VersionGroup(heading, blocks, threshold=self.threshold, spots=self._spots())

    def _spots(self) -> list[Spot]:
        points = [(x.point, fps(r)) for x, r in zip(self.latencies, self.results, strict=True)]
        return [
            Spot(
                self.latencies[place].point,
                anchor("cell", self.results[place]),
                self._mark(place, place),
                self._mark(place, None),
                f"Sweet spot: {label(self.results[place].cell, self.cells)}, "
                f"{show(fps(self.results[place]), 'rate')}",
            )
            for place in sweet_spots(points)
        ]

    def _chart(self) -> Chart:
        marks: list[Points | Rule] = []
        for hint in dict.fromkeys(result.cell.hint for result in self.results):
            of_hint = [place for place, r in enumerate(self.results) if r.cell.hint == hint]
            marks.append(self._points(of_hint, Role("hint", hint), f"{hint} hint"))
        line = sorted(self.front, key=lambda place: self.latencies[place].point)
        if len(line) > 1:
            marks.append(
                Points(
                    [self.latencies[place].point for place in line],
                    [fps(self.results[place]) for place in line],
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
        said = "; ".join(
            f"{label(r.cell, self.cells)}: {show(fps(r), 'rate')}, {show(x.point, 'duration')}"
            for r, x in zip(self.results, self.latencies, strict=True)
        )
        return Chart(
            f"configurations-{self.id}",
            self._seen(),
            Axis(f"{self.percentile} latency", "duration"),
            Axis("throughput", "rate"),
            marks,
            f"Throughput over {self.percentile} latency: {said}.",
        )

    def _seen(self) -> str:
        """What the chart shows, in words."""
        if self.best is None:
            assert self.threshold is not None
            return f"No configuration is within {show(self.threshold, 'duration')}"
        spot = self.results[self.best]
        latency = show(self.latencies[self.best].point, "duration")
        reached = f"{show(fps(spot), 'rate')} at {latency} {self.percentile} latency"
        reached += " (its interval crosses the threshold)" if self._crossing() else ""
        if len(self.results) == 1:
            return reached
        limit = f" within {show(self.threshold, 'duration')}" if self.threshold else ""
        others = len(rivals(spot, self.results))
        apart = f"; {count(others, 'other')} may reach as much" if others else ""
        return f"Most throughput{limit}: {reached}, with {self._named(spot.cell)}{apart}"

    def _named(self, cell: Cell) -> str:
        """In a sentence, where a bare hint would read as what it is called after."""
        text = label(cell, self.cells)
        return text if cell.hint == "none" else text.replace(cell.hint, f"{cell.hint} hint", 1)

    def _points(self, places: Sequence[int], role: Role, name: str) -> Points:
        return Points(
            [self.latencies[place] for place in places],
            [figures(self.results[place]).throughput_fps for place in places],
            role,
            name,
            [
                streams_shown(self.results[p]) if p == self._device_choice != self.best else ""
                for p in places
            ],
            links=[anchor("cell", self.results[place]) for place in places],
        )

    @property
    def _device_choice(self) -> int | None:
        """Place of the device's own choice, which the others are held against, if it is there."""
        return next((p for p, r in enumerate(self.results) if is_device_choice(r)), None)

    def _heat_maps(self, words: str, places: Sequence[int]) -> list[Block]:
        """Throughput and latency over streams and batch, where both vary."""
        at = self._fields(places)
        streams = sorted({s for s, _ in at}, key=_streams_order)
        batches = sorted({b for _, b in at})
        if len(streams) < 2 or len(batches) < 2:
            return []
        names = {
            s: streams_shown(self.results[p]) if s == "auto" else str(s) for (s, _), p in at.items()
        }
        kinds: list[tuple[str, Kind, list[float]]] = [
            ("Throughput", "rate", [fps(r) for r in self.results]),
            (f"{self.percentile.capitalize()} latency", "duration",
             [x.point for x in self.latencies]),
        ]  # fmt: skip
        return [
            Chart(
                f"heat-{kind}-{self.results[places[0]].cell.id}",
                self._extreme(title, kind, values, [*at.values()], words),
                Axis("batch", categories=[str(b) for b in batches]),
                Axis("streams", categories=[names[s] for s in streams]),
                [
                    HeatMap(
                        [
                            [values[at[s, b]] if (s, b) in at else None for b in batches]
                            for s in streams
                        ],
                        kind,
                    )
                ],
                "The figures are those of the table of all configurations.",
                height=0.7 + 0.5 * len(streams),
            )
            for title, kind, values in kinds
        ]

    def _fields(self, places: Sequence[int]) -> dict[tuple[Streams, int], int]:
        """Places by streams and batch.

        What the device or the model chose stands where it would if it had been asked for, unless
        it was: then streams have a row of their own.
        """
        at: dict[tuple[Streams, int], int] = {}
        some_asked = any(self.results[p].cell.streams != "auto" for p in places)
        own_choice_last = sorted(
            places, key=lambda p: (self.results[p].cell.streams == "auto", not self._batch_asked(p))
        )
        for place in own_choice_last:
            resolved, streams = self.results[place].resolved, self.results[place].cell.streams
            assert resolved is not None
            batch = resolved.batch
            if streams == "auto" and some_asked and (resolved.streams, batch) not in at:
                streams = resolved.streams or "auto"
            at.setdefault((streams, batch), place)
        alone = [field for field in at if field[0] == "auto"]
        if len(alone) == 1 and len({batch for _, batch in at}) > 1:
            del at[alone[0]]  # a row with a single field, whose figure stands in another row, too
        return at

    def _batch_asked(self, place: int) -> bool:
        return self.results[place].cell.batch is not None

    def _extreme(
        self, title: str, kind: Kind, values: Sequence[float], places: Sequence[int], words: str
    ) -> str:
        """What a heat map shows: where throughput is highest, or latency lowest."""
        pick, word = (max, "highest") if kind == "rate" else (min, "lowest")
        place = pick(places, key=lambda p: values[p])
        result = self.results[place]
        assert result.resolved is not None
        at = f"streams {streams_shown(result)}, batch {result.resolved.batch}"
        figure: Figure = "throughput" if kind == "rate" else self.percentile
        others = rivals(result, [self.results[p] for p in places], figure)
        apart = f"; {count(len(others), 'other')} may be as good" if others else ""
        return f"{title} is {word} with {at}: {show(values[place], kind)} ({words}){apart}"

    def _table(self) -> Table:
        own = self._device_choice
        base = None if own is None else self.results[own]
        scaled = over_one_stream(self.results)
        if all(value.point == 1 for value in scaled.values()):
            scaled = {}
        rows = []
        for place, result in enumerate(self.results):
            assert result.resolved is not None
            known = figures(result)
            gain, streams = scaled.get(result.cell.id), result.resolved.streams
            rows.append(
                Row(
                    {
                        "cell": Tag(label(result.cell, self.cells), Role("hint", result.cell.hint)),
                        "streams": streams_shown(result),
                        "requests": result.resolved.requests,
                        "batch": result.resolved.batch,
                        "precision": result.resolved.precision or "",
                        "fps": known.throughput_fps,
                        "latency": self.latencies[place],
                        "p95": known.latency.p95,
                        "ratio": over(base, result) if base else None,
                        "gain": gain,
                        "efficiency": gain.scaled(1 / streams) if gain and streams else None,
                        "stopped": result.stopped or "",
                        "mark": self._mark(place, self.best),
                    },
                    anchor=anchor("cell", result),
                    emphasis=place == self.best,
                )
            )
        columns = [
            Column("cell", "Configuration"),
            Column("mark", "Mark", help="device's choice: what the device chose itself with the "
                                        "throughput hint.", kept=True),
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
            Column("efficiency", "Scaling efficiency", "share", help="This ratio divided by the "
        "number of streams: 100 % where every stream adds as much as the first.",
                   optional=True),
            Column("stopped", "Ended by", help="target: launches agree; max time: time is up.",
                   optional=True),
        ]  # fmt: skip
        return Table(f"cells-{self.id}", "All configurations", columns, rows)

    def _mark(self, place: int, sweet_spot: int | None) -> str:
        marks = []
        if place == sweet_spot:
            marks.append("sweet spot")
        if place in self.front and len(self.results) > 1:
            marks.append("Pareto front")
        if place == self._device_choice and len(self.results) > 1:
            marks.append("device's choice")
        return ", ".join(marks)


def _but_streams_and_batch(cell: Cell, cells: Sequence[Cell]) -> str:
    """All else that varies, in words: a heat map has one such cell in each field."""
    alike = [c.model_copy(update={"streams": "auto", "batch": None}) for c in (cell, *cells)]
    text = label(alike[0], alike)
    return f"{text} hint" if text == cell.hint else text


def _streams_order(streams: Streams) -> int:
    return 0 if streams == "auto" else streams
