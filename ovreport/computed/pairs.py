"""Which points of a run are compared (versions, runtimes, devices), and how each pair is judged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from ovreport.computed.criteria import VERDICTS, Criterion, CriterionName, criteria
from ovreport.computed.memo import by_identity
from ovreport.computed.settings import settings
from ovreport.run import Cell, CellResult, Run

Pair: TypeAlias = tuple[CellResult, CellResult]
ComparisonAxis: TypeAlias = Literal["version", "runtime", "device"]


@dataclass(frozen=True)
class Comparison:
    """``other`` against ``base``; the cells of a pair differ in what ``axis`` names alone.

    Two runs that were put together may differ in more: then what was chosen is compared.
    """

    axis: ComparisonAxis
    subject: str
    """What both have in common: the model, and its version where that is not what differs."""
    base: str
    other: str
    pairs: tuple[Pair, ...]

    @property
    def id(self) -> str:
        """Of the first candidate cell: safe in an anchor."""
        return f"{self.axis}-{self.pairs[0][1].cell.id}"

    @property
    def heading(self) -> str:
        """What is compared, in words: ``net: int8 against parent``."""
        return f"{self.subject}: {self.other} against {self.base}"

    @property
    def shown(self) -> Pair | None:
        """The pair whose layers are shown: profiled, and of the latency hint if there is one."""
        profiled = [pair for pair in self.pairs if all(r.profile for r in pair)]
        of_latency = [pair for pair in profiled if pair[0].cell.hint == "latency"]
        return next(iter(of_latency or profiled), None)


@by_identity
def comparisons(run: Run) -> tuple[Comparison, ...]:
    """Every version, runtime and device against the baseline, or the first if it is not there."""
    baseline = settings(run).compare.baseline
    return (*_of_versions(run, baseline), *_along(run, "runtime", baseline),
            *_along(run, "device", baseline))  # fmt: skip


def _of_versions(run: Run, baseline: str) -> Iterator[Comparison]:
    for model in dict.fromkeys(model for model, _ in run.versions):
        names = [v for m, v in run.versions if m == model and run.of_version(m, v)]
        for base, other in _against(names, baseline):
            if pairs := run.pairs(model, base, other):
                yield Comparison("version", model, base, other, pairs)


def _along(run: Run, axis: Literal["runtime", "device"], baseline: str) -> Iterator[Comparison]:
    if run.header.paired:
        return  # what to compare was chosen
    for model, version in run.versions:
        results = run.of_version(model, version)
        names = list(dict.fromkeys(getattr(r.cell, axis) for r in results))
        for base, other in _against(names, baseline):
            of_other = {_rest(r.cell, axis): r for r in results if getattr(r.cell, axis) == other}
            pairs = tuple(
                (a, of_other[_rest(a.cell, axis)])
                for a in results
                if getattr(a.cell, axis) == base and _rest(a.cell, axis) in of_other
            )
            if pairs:
                yield Comparison(axis, f"{model} ({version})", base, other, pairs)


def _against(names: Sequence[str], baseline: str) -> list[tuple[str, str]]:
    base = baseline if baseline in names else next(iter(names), "")
    return [(base, name) for name in names if name != base]


def _rest(cell: Cell, axis: ComparisonAxis) -> Cell:
    """The cell but for what differs."""
    return cell.model_copy(update={axis: ""})


def control(run: Run, pair: Pair) -> Pair | None:
    """Two cells of the very same model file beside a pair: an A/A control.

    They differ from A in nothing but the version's name; what they differ by in figures is noise.
    """
    cell = pair[0].cell
    digest = run.model_file(cell.model, cell.version).sha256
    same = [
        result
        for model, version in run.versions
        if model == cell.model and run.model_file(model, version).sha256 == digest
        for result in run.of_version(model, version)
        if result.cell.configuration == cell.configuration
    ]
    beside = [result for result in same if result is not pair[0] and result is not pair[1]]
    return (pair[0], beside[0]) if beside else None


@dataclass(frozen=True)
class Judgement:
    """What a pair's figures say, in every section, in the gate and in what is exported."""

    criteria: tuple[Criterion, ...]
    """All that both have figures for."""

    @property
    def shown(self) -> tuple[Criterion, ...]:
        """What a reader looks at first."""
        return tuple(criterion for criterion in self.criteria if criterion.name in VERDICTS)

    @property
    def throughput(self) -> Criterion:
        """Every measured cell has it."""
        return self.criteria[0]

    def get(self, name: CriterionName) -> Criterion | None:
        """One criterion; None where it is not known of both."""
        return next((found for found in self.criteria if found.name == name), None)


@by_identity
def judged(run: Run, a: CellResult, b: CellResult) -> Judgement:
    """The one judgement of a pair, where what an A/A control differs by counts as noise."""
    return Judgement(criteria(run, a, b, settings(run).compare, control(run, (a, b))))


# Runs of one model made minutes apart differ by 5 % on a machine with other work, whatever the
# intervals of each say.
NOISE_APART = 0.05
