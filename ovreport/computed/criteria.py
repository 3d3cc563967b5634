"""Criteria by which two cells are compared, each with its ratio and its verdict."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from ovreport.computed.figures import CellFigures, figures, over_launches
from ovreport.computed.phases import decode, prefill, whole
from ovreport.computed.ratio import Figure, Verdict, launch_ratio, ratio, verdict
from ovreport.config.schema import Compare
from ovreport.run import CellResult, Launch, Run
from ovreport.stats.estimate import Estimate
from ovreport.text.values import Kind

CriterionName: TypeAlias = Literal[
    "throughput",
    "mean",
    "median",
    "p90",
    "p95",
    "p99",
    "compile",
    "cached_compile",
    "first_inference",
    "memory",
    "file_size",
    "first_token",
    "token",
    "prefill",
    "decode",
    "request",
]  # fmt: skip


@dataclass(frozen=True)
class Criterion:
    """One figure of two cells, their ratio, and the verdict."""

    name: CriterionName
    label: str
    kind: Kind
    higher_is_better: bool
    a: Estimate
    b: Estimate
    ratio: Estimate
    """B over A."""
    noise: float
    """Threshold that the verdict used."""
    floor: Estimate | None
    """The ratio of a control, the same model twice; it may have raised the threshold."""
    verdict: Verdict


def criteria(
    run: Run,
    a: CellResult,
    b: CellResult,
    tolerances: Compare,
    control: tuple[CellResult, CellResult] | None = None,
) -> tuple[Criterion, ...]:
    """Return all criteria for which both cells have figures.

    Args:
        run: the run.
        a: the base.
        b: the cell that is compared with it.
        tolerances: differences that do not matter.
        control: two cells of the same model, measured together with these. Their difference is
            noise, so a smaller threshold is raised to it.
    """
    result = []
    for spec in _SPECS:
        compared = _compared(run, spec, a, b)
        if compared is None:
            continue
        was, now, change = compared
        threshold = (
            tolerances.launch_noise if spec.launch else tolerances.noise if spec.figure else 0.0
        )
        noise_seen = _compared(run, spec, *control) if control else None
        if noise_seen is not None:
            threshold = max(threshold, abs(noise_seen[2].low - 1), abs(noise_seen[2].high - 1))
        result.append(
            Criterion(
                spec.name, spec.label, spec.kind, spec.higher_is_better, was, now, change,
                threshold,
                noise_seen[2] if noise_seen is not None else None,
                verdict(change, threshold, higher_is_better=spec.higher_is_better),
            )
        )  # fmt: skip
    return tuple(result)


def figure_of(run: Run, result: CellResult, name: CriterionName) -> Estimate | None:
    """Return one cell's figure for a criterion; None if it is not known."""
    spec = next(spec for spec in _SPECS if spec.name == name)
    if spec.figure is not None:
        view = spec.view(result)
        return None if view is None else _figure(figures(view), spec.figure)
    if spec.launch is not None:
        launches = [x for x in result.launches if spec.cached in (None, bool(x.from_cache))]
        values = [spec.launch(launch) for launch in launches]
        return over_launches(values) if values and all(value > 0 for value in values) else None
    return Estimate.exact(float(run.model_file(result.cell.model, result.cell.version).size_bytes))


def word(criterion: Criterion) -> str:
    """Return the verdict as text: sizes are smaller or larger, not faster or slower."""
    if criterion.kind == "bytes" and criterion.verdict in _SIZES:
        return _SIZES[criterion.verdict]
    return _WORDS[criterion.verdict]


_WORDS: dict[Verdict, str] = {
    "faster": "faster",
    "slower": "slower",
    "same": "no difference beyond noise",
    "inconclusive": "not enough data",
}
_SIZES: dict[Verdict, str] = {"faster": "smaller", "slower": "larger"}


# ---------------------------------------------------------------------------- kinds


@dataclass(frozen=True)
class _Spec:
    """How a criterion is computed: from a cell's figure, from its launches or from its file."""

    name: CriterionName
    label: str
    kind: Kind
    figure: Figure | None = None
    view: Callable[[CellResult], CellResult | None] = lambda result: result
    """The part of the requests that the figure is of; None: the cell's requests have none."""
    launch: Callable[[Launch], float] | None = None
    cached: bool | None = None
    """True: use the launches that loaded the model from the device's cache. False: use those that
    compiled it. None: use either, but never compare one kind with the other."""
    higher_is_better: bool = False
    limits_only: bool = False
    """True: limits may be set to it, and reports show no verdict of it."""


_SPECS = (
    _Spec("throughput", "throughput", "rate", figure="throughput", higher_is_better=True),
    _Spec("mean", "mean latency", "duration", figure="mean", limits_only=True),
    _Spec("median", "median latency", "duration", figure="median"),
    _Spec("p90", "p90 latency", "duration", figure="p90", limits_only=True),
    _Spec("p95", "p95 latency", "duration", figure="p95"),
    _Spec("p99", "p99 latency", "duration", figure="p99"),
    _Spec("compile", "compile", "duration", launch=lambda x: x.compile_ns / 1e9, cached=False),
    _Spec("cached_compile", "compile from cache", "duration", launch=lambda x: x.compile_ns / 1e9,
        cached=True),
    _Spec("first_inference", "first inference", "duration",
        launch=lambda x: x.first_inference_ns / 1e9),
    _Spec("memory", "peak memory", "bytes", launch=lambda x: float(x.memory.inference_bytes)),
    _Spec("file_size", "file size", "bytes"),
    _Spec("first_token", "first token", "duration", figure="median", view=prefill),
    _Spec("token", "token", "duration", figure="median", view=decode),
    _Spec("prefill", "prefill", "tokens", figure="throughput", view=prefill,
        higher_is_better=True, limits_only=True),
    _Spec("decode", "decode", "tokens", figure="throughput", view=decode,
        higher_is_better=True, limits_only=True),
    _Spec("request", "whole request", "duration", figure="median", view=whole, limits_only=True),
)  # fmt: skip

KINDS: Mapping[CriterionName, Kind] = {spec.name: spec.kind for spec in _SPECS}
"""Kinds of all criteria's figures, in order."""
VERDICTS = frozenset(spec.name for spec in _SPECS if not spec.limits_only)
"""The criteria whose verdicts a report shows."""
OF_INFERENCE = frozenset(spec.name for spec in _SPECS if spec.figure is not None)
"""Criteria that are measured in each inference, not in each launch or from the file."""


def _compared(
    run: Run, spec: _Spec, a: CellResult, b: CellResult
) -> tuple[Estimate, Estimate, Estimate] | None:
    """Return A's figure, B's figure and their ratio; None if one is missing."""
    if spec.figure is not None:
        first, second = spec.view(a), spec.view(b)
        if first is None or second is None:
            return None
        both_figures = _figure(figures(first), spec.figure), _figure(figures(second), spec.figure)
        change = ratio(first, second, spec.figure)
        if both_figures[0] is None or both_figures[1] is None or change is None:
            return None
        return both_figures[0], both_figures[1], change
    if spec.launch is not None:
        values = [[spec.launch(launch) for launch in side] for side in _alike(a, b, spec.cached)]
        if not values or not all(value > 0 for side in values for value in side):
            return None  # also memory, if the system does not report it
        was, now = map(over_launches, values)
        return was, now, launch_ratio(*values)
    sizes = [run.model_file(r.cell.model, r.cell.version).size_bytes for r in (a, b)]
    if not all(sizes):
        return None
    was, now = map(Estimate.exact, map(float, sizes))
    return was, now, Estimate.exact(sizes[1] / sizes[0])


def _alike(a: CellResult, b: CellResult, cached: bool | None) -> list[list[Launch]]:
    """Return launches of both cells that all compiled the model, or all loaded it from a cache.

    The list is empty if there are none to compare.
    """
    for wanted in (False, True) if cached is None else (cached,):
        sides = [[x for x in cell.launches if bool(x.from_cache) is wanted] for cell in (a, b)]
        if all(sides):
            return sides
    return []


def _figure(cell_figures: CellFigures, figure: Figure) -> Estimate | None:
    if figure == "throughput":
        return cell_figures.throughput_fps
    latency = cell_figures.latency
    estimates: dict[Figure, Estimate | None] = {
        "mean": latency.mean, "median": latency.median,
        "p90": latency.p90, "p95": latency.p95, "p99": latency.p99,
    }  # fmt: skip
    return estimates[figure]
