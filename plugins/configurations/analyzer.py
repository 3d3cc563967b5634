"""Latency against throughput over all configurations, and the sweet spot among them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from ovreport.labels import label
from ovreport.plugin import Analyzer, Options
from ovreport.rendering.format import show
from ovreport.run import CellResult, Run
from ovreport.section import (
    Axis,
    Block,
    Chart,
    Column,
    Finding,
    Group,
    HeatMap,
    Link,
    Points,
    Role,
    Row,
    Rule,
    Section,
    Table,
    Tag,
)
from ovreport.stats.estimate import Estimate
from ovreport.stats.figures import figures

from ..common import latency_threshold_s


class ConfigurationOptions(Options):
    """Options of the section."""

    percentile: Literal["mean", "median", "p90", "p95", "p99"] = Field(
        default="median", description="which latency is held against the threshold"
    )


class Configurations(Analyzer):
    """Every configuration's latency and throughput, and the best within a latency threshold."""

    id = "configurations"
    title = "Configurations"
    reading = (
        "Up is more throughput, left is less latency. The sweet spot is the highest throughput "
        "whose latency is within the threshold."
    )
    needs = frozenset({"measurements"})
    order = 200
    options_type = ConfigurationOptions
    options: ConfigurationOptions

    def analyze(self, run: Run) -> Section:
        threshold = latency_threshold_s(run)
        groups, findings = [], []
        for model, version in run.versions:
            results = run.of_version(model, version)
            if not results:
                continue
            best = sweet_spot([(self._latency(r).point, _fps(r)) for r in results], threshold)
            groups.append(self._group(run, results, best, threshold))
            if best is not None and len(results) > 1:
                findings.append(self._finding(run, results, best, threshold))
        return Section(groups, findings)

    def _latency(self, result: CellResult) -> Estimate:
        known = figures(result).latency
        return getattr(known, self.options.percentile) or known.mean

    def _finding(
        self, run: Run, results: Sequence[CellResult], best: int, threshold: float | None
    ) -> Finding:
        cells = [r.cell for r in run.results]
        chosen = results[best]
        limit = f" within {show(threshold, 'duration')}" if threshold else ""
        gain = _fps(chosen) / min(map(_fps, results))
        return Finding(
            "configurations.sweet-spot",
            "good",
            f"{chosen.cell.model} ({chosen.cell.version}): the best throughput{limit} is "
            f"{show(figures(chosen).throughput_fps.point, 'rate')} with "
            f"{label(chosen.cell, cells)}, {show(gain, 'ratio')} the slowest configuration.",
            evidence=[Link("its row", f"cell-{chosen.cell.id}")],
        )

    def _group(
        self, run: Run, results: Sequence[CellResult], best: int | None, threshold: float | None
    ) -> Group:
        model, version = results[0].cell.model, results[0].cell.version
        blocks: list[Block] = [self._chart(run, results, best, threshold)]
        for hint in dict.fromkeys(result.cell.hint for result in results):
            blocks += self._heat_map([r for r in results if r.cell.hint == hint], hint)
        blocks.append(self._table(run, results, best))
        return Group(f"{model} · {version}", blocks)

    def _chart(
        self, run: Run, results: Sequence[CellResult], best: int | None, threshold: float | None
    ) -> Chart:
        cells = [r.cell for r in run.results]
        marks: list[Points | Rule] = []
        for hint in dict.fromkeys(result.cell.hint for result in results):
            of_hint = [r for r in results if r.cell.hint == hint]
            marks.append(
                Points(
                    [self._latency(r) for r in of_hint],
                    [figures(r).throughput_fps for r in of_hint],
                    Role("hint", hint),
                    f"{hint} hint",
                )
            )
        if best is not None:
            spot = results[best]
            marks.append(
                Points(
                    [self._latency(spot).point], [_fps(spot)], Role("hint", spot.cell.hint),
                    "sweet spot", [label(spot.cell, cells)], emphasis=True,
                )
            )  # fmt: skip
        if threshold is not None:
            marks.append(Rule(threshold, "threshold", vertical=True))
        said = "; ".join(
            f"{label(r.cell, cells)}: {show(_fps(r), 'rate')}, "
            f"{show(self._latency(r).point, 'duration')}"
            for r in results
        )
        return Chart(
            f"configurations-{results[0].cell.id}",
            f"Throughput over {self.options.percentile} latency",
            Axis(f"{self.options.percentile} latency", "duration"),
            Axis("throughput", "rate"),
            marks,
            said,
        )

    def _heat_map(self, results: Sequence[CellResult], hint: str) -> list[Chart]:
        streams = sorted({str(r.cell.streams) for r in results})
        batches = sorted({r.cell.batch or 0 for r in results})
        if len(streams) < 2 or len(batches) < 2:
            return []
        values = {(str(r.cell.streams), r.cell.batch or 0): _fps(r) for r in results}
        return [
            Chart(
                f"heat-{results[0].cell.id}",
                f"Throughput by streams and batch, {hint} hint (FPS)",
                Axis("batch", categories=[str(b) if b else "own" for b in batches]),
                Axis("streams", categories=streams),
                [HeatMap([[values.get((s, b)) for b in batches] for s in streams], "rate")],
                "The figures are those of the table below.",
                height=0.7 + 0.5 * len(streams),
            )
        ]

    def _table(self, run: Run, results: Sequence[CellResult], best: int | None) -> Table:
        cells = [r.cell for r in run.results]
        base = _fps(next((r for r in results if r.cell.streams == "auto"), results[0]))
        front = pareto([(self._latency(r).point, _fps(r)) for r in results])
        rows = []
        for place, result in enumerate(results):
            assert result.resolved is not None
            known = figures(result)
            mark = "sweet spot" if place == best else "on the front" if place in front else ""
            rows.append(
                Row(
                    {
                        "cell": Tag(label(result.cell, cells), Role("hint", result.cell.hint)),
                        "streams": result.resolved.streams,
                        "requests": result.resolved.requests,
                        "batch": result.resolved.batch,
                        "precision": result.resolved.precision or "",
                        "fps": known.throughput_fps,
                        "latency": self._latency(result),
                        "p95": known.latency.p95,
                        "ratio": _fps(result) / base,
                        "stopped": result.stopped or "",
                        "mark": mark,
                    },
                    anchor=f"cell-{result.cell.id}",
                    emphasis=place == best,
                )
            )
        columns = [
            Column("cell", "Configuration"),
            Column("streams", "Streams", "count", help="As the device resolved them."),
            Column("requests", "Requests", "count", help="Infer requests in flight."),
            Column("batch", "Batch", "count"),
            Column("precision", "Precision", help="Inference precision of the compiled model."),
            Column("fps", "Throughput", "rate"),
            Column("latency", f"Latency, {self.options.percentile}", "duration"),
            Column("p95", "Latency, p95", "duration"),
            Column("ratio", "To auto streams", "ratio", help="Throughput over the first "
                   "configuration that leaves the streams to the device."),
            Column("stopped", "Ended by", help="target: known well enough; max_time: time is up."),
            Column("mark", ""),
        ]  # fmt: skip
        return Table(f"cells-{results[0].cell.id}", "All configurations", columns, rows)


def _fps(result: CellResult) -> float:
    return figures(result).throughput_fps.point


def sweet_spot(points: Sequence[tuple[float, float]], threshold: float | None) -> int | None:
    """Index of the (latency, throughput) with the most throughput within the threshold."""
    within = [
        i for i, (latency, _) in enumerate(points) if threshold is None or latency <= threshold
    ]
    return max(within, key=lambda i: (points[i][1], -points[i][0]), default=None)


def pareto(points: Sequence[tuple[float, float]]) -> frozenset[int]:
    """Indices of points that no other beats in latency and throughput at once."""

    def beaten(i: int) -> bool:
        latency, fps = points[i]
        return any((x <= latency and y >= fps) and (x < latency or y > fps) for x, y in points)

    return frozenset(i for i in range(len(points)) if not beaten(i))
