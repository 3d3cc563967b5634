"""Is this version better than that one, and where does the difference come from?"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from ovreport.graphs.layers import executed_layers
from ovreport.labels import label
from ovreport.plugin import Analyzer, Options
from ovreport.rendering.format import interval, show
from ovreport.run import CellResult, Run
from ovreport.section import (
    Axis,
    Bars,
    Block,
    Chart,
    Column,
    Finding,
    Group,
    Kind,
    Link,
    Role,
    Row,
    Section,
    Severity,
    Table,
    Tag,
    Value,
)
from ovreport.stats.estimate import Estimate
from ovreport.stats.figures import figures
from ovreport.stats.ratio import Verdict, ratio, verdict

from ..common import by_type, total_s

_WORDS: dict[Verdict, str] = {
    "faster": "faster",
    "slower": "slower",
    "same": "no difference beyond noise",
    "inconclusive": "not enough data",
}
_SEVERITY: dict[Verdict, Severity] = {
    "faster": "good",
    "slower": "problem",
    "same": "info",
    "inconclusive": "warning",
}


class VersionOptions(Options):
    """Options of the section."""

    noise: float = Field(
        default=0.01,
        ge=0,
        le=0.5,
        description="difference that does not matter, as a fraction; two processes of the very "
        "same model differ by near 0.8 %",
    )
    baseline: str = Field(default="parent", description="version that the others are held against")


class Versions(Analyzer):
    """Each version against a baseline, configuration by configuration."""

    id = "versions"
    title = "Versions"
    reading = (
        "Ratios are version over baseline. A verdict is given only where the whole interval lies "
        "beyond the noise, or within it."
    )
    needs = frozenset({"two_versions"})
    order = 250
    options_type = VersionOptions
    options: VersionOptions

    def analyze(self, run: Run) -> Section:
        groups, findings = [], []
        for model in dict.fromkeys(model for model, _ in run.versions):
            names = [v for m, v in run.versions if m == model and run.of_version(m, v)]
            base = self.options.baseline if self.options.baseline in names else names[0]
            for other in names:
                if other != base:
                    pairs = run.pairs(model, base, other)
                    if pairs:
                        groups.append(self._group(run, pairs))
                        findings += self._findings(run, pairs)
        return Section(groups, findings)

    def _group(self, run: Run, pairs: Sequence[tuple[CellResult, CellResult]]) -> Group:
        first, second = pairs[0]
        heading = f"{first.cell.model}: {second.cell.version} against {first.cell.version}"
        return Group(heading, [self._table(run, pairs), *_by_type(run, first, second)])

    def _table(self, run: Run, pairs: Sequence[tuple[CellResult, CellResult]]) -> Table:
        rows = []
        for a, b in pairs:
            x, y = figures(a), figures(b)
            together = "in turns" if b.cell.id in a.interleaved_with else "one after another"
            criteria: list[tuple[str, Value, Value, Kind, Estimate | None, bool]] = [
                ("throughput, FPS", x.throughput_fps.point, y.throughput_fps.point, "rate",
                 ratio(a, b, "throughput"), True),
                ("median latency", _point(x.latency.median), _point(y.latency.median), "duration",
                 ratio(a, b, "median"), False),
                ("p95 latency", _point(x.latency.p95), _point(y.latency.p95), "duration",
                 ratio(a, b, "p95"), False),
            ]  # fmt: skip
            for name, was, now, kind, change, higher in criteria:
                if change is None:
                    continue
                word = verdict(change, self.options.noise, higher_is_better=higher)
                rows.append(
                    Row(
                        {
                            "cell": label(a.cell, [p.cell for p, _ in pairs]),
                            "what": name,
                            "base": show(was, kind),
                            "other": show(now, kind),
                            "ratio": change,
                            "verdict": _WORDS[word],
                            "how": together,
                        },
                        anchor=f"verdict-{b.cell.id}" if name.startswith("thr") else "",
                    )
                )
            rows += _once(run, a, b, label(a.cell, [p.cell for p, _ in pairs]), together)
        columns = [
            Column("cell", "Configuration"),
            Column("what", "Criterion"),
            Column("base", pairs[0][0].cell.version),
            Column("other", pairs[0][1].cell.version),
            Column("ratio", "Ratio", "ratio"),
            Column("verdict", "Verdict"),
            Column("how", "Measured"),
        ]
        note = f"Differences within ±{self.options.noise:.1%} count as noise."
        return Table(f"verdicts-{pairs[0][1].cell.id}", "Verdicts", columns, rows, note)

    def _findings(self, run: Run, pairs: Sequence[tuple[CellResult, CellResult]]) -> list[Finding]:
        found = []
        for a, b in pairs:
            change = ratio(a, b, "throughput")
            if change is None:
                continue
            word = verdict(change, self.options.noise, higher_is_better=True)
            found.append(
                Finding(
                    f"versions.{word}",
                    _SEVERITY[word],
                    f"{b.cell.model}, {label(a.cell, run.header.plan)}: {b.cell.version} has "
                    f"{show(change.point, 'ratio')} the throughput of {a.cell.version} "
                    f"({interval(change, 'ratio')}): {_WORDS[word]}.",
                    evidence=[Link("verdicts", f"verdict-{b.cell.id}")],
                )
            )
        return found


def _point(estimate: Estimate | None) -> float | None:
    return None if estimate is None else estimate.point


def _once(run: Run, a: CellResult, b: CellResult, cell: str, together: str) -> list[Row]:
    """What is measured once a launch, or is a property of the file: no verdict by statistics."""
    files = [run.model_file(r.cell.model, r.cell.version) for r in (a, b)]
    memory = [max(x.memory.inference_bytes for x in r.launches) for r in (a, b)]
    x, y = figures(a), figures(b)
    criteria: list[tuple[str, float, float, Kind]] = [
        ("compile", x.compile_s.point, y.compile_s.point, "duration"),
        ("first inference", x.first_inference_s.point, y.first_inference_s.point, "duration"),
        ("peak memory", memory[0], memory[1], "bytes"),
        ("file size", files[0].size_bytes, files[1].size_bytes, "bytes"),
    ]
    rows = []
    for name, was, now, kind in criteria:
        values: dict[str, Value] = {
            "cell": cell,
            "what": name,
            "base": show(was, kind),
            "other": show(now, kind),
            "ratio": Estimate.exact(now / was) if was else None,
            "verdict": "",
            "how": together,
        }
        rows.append(Row(values))
    return rows


def _by_type(run: Run, a: CellResult, b: CellResult) -> list[Block]:
    """Time by layer type, side by side, and the change."""
    times = [
        {name: total_s(layers) for name, layers in by_type(executed_layers(run, result)).items()}
        for result in (a, b)
    ]
    if not all(times):
        return []
    types = sorted(
        {*times[0], *times[1]}, key=lambda t: -abs(times[1].get(t, 0) - times[0].get(t, 0))
    )
    change = [times[1].get(t, 0.0) - times[0].get(t, 0.0) for t in types]
    rows = [
        Row(
            {
                "type": Tag(name, Role("type", name)),
                "base": times[0].get(name),
                "other": times[1].get(name),
                "change": difference,
            }
        )
        for name, difference in zip(types, change, strict=True)
    ]
    columns = [
        Column("type", "Layer type"),
        Column("base", a.cell.version, "duration"),
        Column("other", b.cell.version, "duration"),
        Column("change", "Change", "duration"),
    ]
    top = types[:10]
    total = sum(change)
    word = "more" if total > 0 else "less"
    chart = Chart(
        f"change-{b.cell.id}",
        f"Layers of {b.cell.version} take {show(abs(total), 'duration')} {word} in total",
        Axis("change of time", "duration"),
        Axis("", categories=top),
        [Bars(change[:10], [Role("series", "worse" if c > 0 else "better") for c in change[:10]])],
        "; ".join(f"{t} {show(c, 'duration')}" for t, c in zip(top, change, strict=False)),
        height=0.7 + 0.28 * len(top),
    )
    table = Table(f"types-change-{b.cell.id}", "Time by layer type", columns, rows)
    return [chart, table]
