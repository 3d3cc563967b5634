"""The first screen: how fast, what makes it faster, where the time goes, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence

from ovreport.graphs.layers import executed_layers
from ovreport.labels import count, label
from ovreport.plugin import Analyzer
from ovreport.rendering.format import interval, show
from ovreport.run import CellResult, Run
from ovreport.section import (
    Block,
    Column,
    Finding,
    Group,
    KeyFigure,
    KeyFigures,
    Link,
    Role,
    Row,
    Section,
    Table,
    Tag,
    Text,
    Value,
)
from ovreport.stats.estimate import Estimate
from ovreport.stats.figures import figures
from ovreport.stats.ratio import ratio, verdict

from ..common import by_type, latency_threshold_s, median_s
from ..configurations.choice import sweet_spot
from ..versions.analyzer import VersionOptions

# More sentences than this are no verdict; the table of key figures has the rest.
_SENTENCES = 3
# Wider than this, a figure cannot tell apart what usually differs between two versions.
_WIDE = 0.03
_NOUNS = {
    "Convolution": "convolutions",
    "GroupConvolution": "group convolutions",
    "Deconvolution": "deconvolutions",
    "FullyConnected": "fully connected layers",
    "MatMul": "matrix multiplications",
    "Reorder": "reorders",
    "Eltwise": "element-wise layers",
    "Subgraph": "element-wise subgraphs",
}


class Summary(Analyzer):
    """The answer in words and a few figures, for each model version."""

    id = "summary"
    title = "Summary"
    needs = frozenset({"measurements"})
    order = 100

    def analyze(self, run: Run) -> Section:
        measured = [pair for pair in run.versions if run.of_version(*pair)]
        sentences = [_sentence(run, *pair) for pair in measured]
        if len(sentences) > _SENTENCES:
            rest = count(len(sentences) - _SENTENCES, "more version")
            sentences[_SENTENCES:] = [f"The table has {rest}."]
        block = _key_figures(run, *measured[0]) if len(measured) == 1 else _table(run, measured)
        sure = Text("sure", _sureness(run))
        return Section([Group("", [block, sure])], _findings(run), "\n".join(sentences))


# ---------------------------------------------------------------------------- which cells


def _in_latency_mode(results: Sequence[CellResult]) -> CellResult:
    """The quickest cell with the latency hint; without that hint the quickest of all."""
    asked = [result for result in results if result.cell.hint == "latency"]
    return min(asked or results, key=lambda result: median_s(result).point)


def _best(run: Run, results: Sequence[CellResult]) -> CellResult | None:
    """The sweet spot: most throughput within the latency threshold, if there is one."""
    points = [(median_s(r).point, figures(r).throughput_fps.point) for r in results]
    place = sweet_spot(points, latency_threshold_s(run))
    return None if place is None else results[place]


# ---------------------------------------------------------------------------- words


def _sentence(run: Run, model: str, version: str) -> str:
    results = run.of_version(model, version)
    quick = _in_latency_mode(results)
    known, median = figures(quick), median_s(quick)
    several = sum(name == model for name, _ in run.versions) > 1
    name = f"{model} ({version})" if several else model
    mode = f"{quick.cell.hint} mode" if quick.cell.hint != "none" else "the mode without a hint"
    parts = [
        f"{name} on {quick.cell.device}: {show(known.throughput_fps, 'rate')}, "
        f"{show(median, 'duration')} median ({interval(median, 'duration')}) in {mode}"
    ]
    parts += [text for text in (_versus_base(run, quick), _tuning(run, results, quick)) if text]
    if focus := run.focus(model, version):
        parts += _where(run, focus)
    return "; ".join(parts) + "."


def _tuning(run: Run, results: Sequence[CellResult], quick: CellResult) -> str:
    """What another configuration gives over latency mode."""
    best = _best(run, results)
    threshold = latency_threshold_s(run)
    limit = f" within {show(threshold, 'duration')}" if threshold else ""
    if best is None:
        return f"no configuration answers{limit}"
    if best is quick or len(results) == 1:
        return f"no other configuration gives more throughput{limit}" if len(results) > 1 else ""
    gain = ratio(quick, best, "throughput")
    if gain is None or gain.low <= 1:
        return f"no other configuration gives clearly more throughput{limit}"
    words, verb = _difference(quick, best)
    return f"{words} {verb} {show(gain.point, 'ratio')} the throughput{limit}"


def _difference(quick: CellResult, best: CellResult) -> tuple[str, str]:
    """What one configuration has and another has not, with the verb that goes with it."""
    a, b = quick.resolved, best.resolved
    assert a is not None
    assert b is not None
    words = []
    if quick.cell.device != best.cell.device:
        words.append(f"the device {best.cell.device}")
    if a.streams != b.streams and b.streams is not None:
        words.append(count(b.streams, "stream"))
    if a.batch != b.batch:
        words.append(f"batch {b.batch}")
    if a.precision != b.precision:
        words.append(f"precision {b.precision}")
    if not words and a.requests != b.requests:
        words.append(count(b.requests, "request"))
    if not words:
        return f"the {best.cell.hint} hint", "gives"
    plural = len(words) > 1 or words[0].endswith("s")
    return " and ".join(words), "give" if plural else "gives"


def _where(run: Run, focus: CellResult) -> list[str]:
    types = by_type(executed_layers(run, focus))
    if not types:
        return []
    kind, layers = next(iter(types.items()))
    number = len(layers)
    if number == 1:
        what = f"one layer of type {kind}"
    else:
        what = f"{number} {_NOUNS[kind]}" if kind in _NOUNS else f"{number} layers of type {kind}"
    return [f"{show(sum(layer.share for layer in layers), 'share')} of the time is in {what}"]


# ---------------------------------------------------------------------------- versions


def _versus_base(run: Run, result: CellResult) -> str:
    """How a version stands against its baseline in the same configuration."""
    change = _change(run, result)
    if change is None:
        return ""
    base, gain = change
    word = verdict(gain, VersionOptions().noise, higher_is_better=True)
    times = f"{show(gain.point, 'ratio')} the throughput of {base} ({interval(gain, 'ratio')})"
    return {
        "faster": f"faster, {times}",
        "slower": f"slower, {times}",
        "same": f"no different from {base}, {times}",
        "inconclusive": f"not clearly different from {base}, {times}",
    }[word]


def _change(run: Run, result: CellResult) -> tuple[str, Estimate] | None:
    """The baseline's name, and the throughput over the baseline's in the same configuration."""
    names = [version for model, version in run.versions if model == result.cell.model]
    base = VersionOptions().baseline if VersionOptions().baseline in names else names[0]
    for other in run.of_version(result.cell.model, base):
        if other is not result and other.cell.configuration == result.cell.configuration:
            gain = ratio(other, result, "throughput")
            return None if gain is None else (base, gain)
    return None


# ---------------------------------------------------------------------------- figures


def _key_figures(run: Run, model: str, version: str) -> Block:
    results = run.of_version(model, version)
    quick, best = _in_latency_mode(results), _best(run, results)
    known = figures(quick)
    cells = [result.cell for result in run.results]
    shown = [
        KeyFigure("Median latency", median_s(quick), "duration", label(quick.cell, cells),
                  link=f"cell-{quick.cell.id}"),
    ]  # fmt: skip
    if best is not None:
        within = latency_threshold_s(run)
        title = f"Throughput within {show(within, 'duration')}" if within else "Highest throughput"
        shown.append(
            KeyFigure(title, figures(best).throughput_fps, "rate", label(best.cell, cells),
                      link=f"cell-{best.cell.id}")
        )  # fmt: skip
    shown += [
        KeyFigure("Ready after", _ready_s(quick), "duration",
                  f"reading {show(known.read_s.point, 'duration')}, compiling "
                  f"{show(known.compile_s.point, 'duration')}, first inference "
                  f"{show(known.first_inference_s.point, 'duration')}"),
        KeyFigure("Peak memory", _memory(quick), "bytes", "resident, of the whole process",
                  link="memory"),
    ]  # fmt: skip
    return KeyFigures("key-figures", shown)


def _table(run: Run, versions: Sequence[tuple[str, str]]) -> Block:
    rows = []
    several_models = len({model for model, _ in versions}) > 1
    for model, version in versions:
        results = run.of_version(model, version)
        quick, best = _in_latency_mode(results), _best(run, results)
        change = _change(run, quick)
        name = f"{model} · {version}" if several_models else version
        values: dict[str, Value] = {
            "version": Tag(name, Role("version", version)),
            "latency": median_s(quick),
            "fps": figures(quick).throughput_fps,
            "change": change[1] if change else None,
            "best": figures(best).throughput_fps if best else None,
            "with": _as_link(run, best) if best else None,
            "ready": _ready_s(quick),
            "memory": _memory(quick),
            "size": run.model_file(model, version).size_bytes,
        }
        rows.append(Row(values, anchor=f"key-{quick.cell.id}"))
    columns = [
        Column("version", "Version"),
        Column("latency", "Median latency", "duration", help="In latency mode."),
        Column("fps", "Throughput", "rate", help="In latency mode."),
        Column("change", "To baseline", "ratio",
               help="Throughput over the first version's in the same configuration."),
        Column("best", "Highest throughput", "rate", help="Within the latency threshold, if any."),
        Column("with", "Configuration"),
        Column("ready", "Ready after", "duration",
               help="Reading, compiling and the first inference."),
        Column("memory", "Peak memory", "bytes", help="Resident, of the whole process."),
        Column("size", "File", "bytes"),
    ]  # fmt: skip
    if all(row.values["change"] is None for row in rows):
        columns = [column for column in columns if column.key != "change"]
        rows = [
            Row({k: v for k, v in row.values.items() if k != "change"}, row.anchor) for row in rows
        ]
    return Table("key-figures", "Key figures", columns, rows)


def _as_link(run: Run, result: CellResult) -> Link:
    return Link(label(result.cell, [r.cell for r in run.results]), f"cell-{result.cell.id}")


def _ready_s(result: CellResult) -> float:
    """From nothing to the first answer."""
    known = figures(result)
    return known.read_s.point + known.compile_s.point + known.first_inference_s.point


def _memory(result: CellResult) -> int:
    return max(launch.memory.inference_bytes for launch in result.launches)


# ---------------------------------------------------------------------------- how sure


def _sureness(run: Run) -> str:
    launches = sorted({len(result.launches) for result in run.done})
    slices = sorted(len(result.slices) for result in run.done)
    rates = [figures(result).throughput_fps for result in run.done]
    widths = sorted(rate.relative_half_width for rate in rates if rate.confidence)
    cut = sum(result.stopped == "max_time" for result in run.done)
    text = f"Each cell was measured in {_range(launches, 'launch')} and {_range(slices, 'slice')}"
    if widths:
        known = dict.fromkeys(f"±{show(width, 'share')}" for width in (widths[0], widths[-1]))
        text += f"; its throughput is known to {' to '.join(known)}, at 95 % confidence"
    if unknown := len(rates) - len(widths):
        where = f" for {unknown} of {count(len(rates), 'cell')}" if widths else ""
        text += f"; too little was measured for an interval{where}"
    text += "."
    if cut:
        text += (
            f" Time was up for {cut} of {count(len(run.done), 'cell')} before the target was "
            "reached."
        )
    return text


def _range(numbers: Sequence[int], noun: str) -> str:
    low, high = numbers[0], numbers[-1]
    return f"{low} to {count(high, noun)}" if low != high else count(low, noun)


def _findings(run: Run) -> list[Finding]:
    wide = [r for r in run.done if figures(r).throughput_fps.relative_half_width > _WIDE]
    if not wide:
        return []
    among = [r.cell for r in run.results]
    widest = sorted(wide, key=lambda r: -figures(r).throughput_fps.relative_half_width)
    return [
        Finding(
            "summary.uncertain",
            "warning",
            f"The throughput of {len(wide)} of {count(len(run.done), 'cell')} is known only to "
            f"±{show(_WIDE, 'share')} or worse.",
            "Close other programs, or raise [measure] max_time.",
            [Link(label(r.cell, among, version=True), f"latency-{r.cell.id}") for r in widest[:3]],
        )
    ]
