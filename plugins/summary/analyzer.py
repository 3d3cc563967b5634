"""The first screen: how fast, how sure, and where the time goes."""

from __future__ import annotations

from ovreport.graphs.layers import executed_layers
from ovreport.labels import count, label
from ovreport.plugin import Analyzer
from ovreport.rendering.format import interval, show
from ovreport.run import CellResult, Run
from ovreport.section import Finding, Group, KeyFigure, KeyFigures, Link, Section
from ovreport.stats.figures import figures

from ..common import by_type


class Summary(Analyzer):
    """The answer in a few figures, for each model version."""

    id = "summary"
    title = "Summary"
    needs = frozenset({"measurements"})
    order = 100

    def analyze(self, run: Run) -> Section:
        groups = [
            _group(run, model, version)
            for model, version in run.versions
            if run.of_version(model, version)
        ]
        verdicts = [_verdict(run, *pair) for pair in run.versions if run.of_version(*pair)]
        return Section(groups, _findings(run), " ".join(verdicts[:4]))


def _fastest(results: tuple[CellResult, ...]) -> CellResult:
    return max(results, key=lambda result: figures(result).throughput_fps.point)


def _quickest(results: tuple[CellResult, ...]) -> CellResult:
    def latency(result: CellResult) -> float:
        return figures(result).latency.mean.point

    return min(results, key=latency)


def _group(run: Run, model: str, version: str) -> Group:
    results = run.of_version(model, version)
    best, quick = _fastest(results), _quickest(results)
    cells = [result.cell for result in run.results]
    latency = figures(quick).latency
    first = figures(quick)
    shown = [
        KeyFigure("Lowest latency", latency.median or latency.mean, "duration",
                  f"median, {label(quick.cell, cells)}"),
        KeyFigure("Highest throughput", figures(best).throughput_fps, "rate",
                  label(best.cell, cells)),
        KeyFigure("Compile", first.compile_s, "duration", "once, when a program starts"),
        KeyFigure("Peak memory", max(x.memory.inference_bytes for x in quick.launches), "bytes",
                  "resident, of the process"),
    ]  # fmt: skip
    return Group(f"{model} · {version}", [KeyFigures(f"key-{quick.cell.id}", shown)])


def _verdict(run: Run, model: str, version: str) -> str:
    results = run.of_version(model, version)
    best, quick = _fastest(results), _quickest(results)
    cells = [result.cell for result in run.results]
    median = figures(quick).latency.median or figures(quick).latency.mean
    text = (
        f"{model} ({version}) answers in {show(median, 'duration')} "
        f"({interval(median, 'duration')}) at best and reaches "
        f"{show(figures(best).throughput_fps, 'rate')} with {label(best.cell, cells)}"
    )
    focus = run.focus(model, version)
    if focus is None:
        return text + "."
    types = by_type(executed_layers(run, focus))
    if not types:
        return text + "."
    top, layers = next(iter(types.items()))
    part = show(sum(layer.share for layer in layers), "share")
    return f"{text}; {part} of the time is in {count(len(layers), 'layer')} of type {top}."


def _findings(run: Run) -> list[Finding]:
    wide = [r for r in run.done if figures(r).throughput_fps.relative_half_width > 0.03]
    if not wide:
        return []
    return [
        Finding(
            "summary.uncertain",
            "warning",
            f"{count(len(wide), 'cell')} of {len(run.done)} are known only to ±3 % or worse.",
            "Close other programs, or raise [measure] max_time.",
            [Link("latency of each cell", "latency")],
        )
    ]
