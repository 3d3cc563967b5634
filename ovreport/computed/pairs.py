"""Pairs of cells that are compared (versions, runtimes, devices), and their judgements."""

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
    """``other`` compared with ``base``; the cells of a pair differ only in ``axis``.

    In a comparison of two runs, the paired cells may differ in more.
    """

    axis: ComparisonAxis
    subject: str
    """What both have in common: the model, and its version unless versions are compared."""
    base: str
    other: str
    pairs: tuple[Pair, ...]

    @property
    def id(self) -> str:
        """An id that is safe in an anchor, made of the first candidate cell."""
        return f"{self.axis}-{self.pairs[0][1].cell.id}"

    @property
    def heading(self) -> str:
        """The comparison in words: ``net: int8 against parent``."""
        return f"{self.subject}: {self.other} against {self.base}"

    @property
    def shown(self) -> Pair | None:
        """The pair whose layers are shown: a profiled one, with the latency hint if possible."""
        profiled = [pair for pair in self.pairs if all(r.profile for r in pair)]
        of_latency = [pair for pair in profiled if pair[0].cell.hint == "latency"]
        return next(iter(of_latency or profiled), None)


@by_identity
def comparisons(run: Run) -> tuple[Comparison, ...]:
    """Compare every version, runtime and device with the baseline, or else with the first."""
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
        return  # the run names the pairs to compare
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
    """Return the cell without the field that differs."""
    return cell.model_copy(update={axis: ""})


def control(run: Run, pair: Pair) -> Pair | None:
    """Return an A/A control of a pair: A and another cell of the same model file; None without one.

    They differ only in the version's name, so differences of their figures are noise.
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
    others = [result for result in same if result is not pair[0] and result is not pair[1]]
    return (pair[0], others[0]) if others else None


@dataclass(frozen=True)
class Judgement:
    """The verdicts of a pair, which all sections, the gate and exports use."""

    criteria: tuple[Criterion, ...]
    """The criteria for which both have figures."""

    @property
    def shown(self) -> tuple[Criterion, ...]:
        """The criteria that reports show."""
        return tuple(criterion for criterion in self.criteria if criterion.name in VERDICTS)

    @property
    def throughput(self) -> Criterion:
        """The criterion of throughput, which every measured cell has."""
        return self.criteria[0]

    def get(self, name: CriterionName) -> Criterion | None:
        """Return a criterion; None if one of the cells has no figure for it."""
        return next((criterion for criterion in self.criteria if criterion.name == name), None)


@by_identity
def judged(run: Run, a: CellResult, b: CellResult) -> Judgement:
    """Judge a pair; the difference of an A/A control counts as noise."""
    return Judgement(criteria(run, a, b, settings(run).compare, control(run, (a, b))))


# Two runs of one model, minutes apart, differ by 5 % on a machine with other work, even if their
# intervals are narrower.
NOISE_APART = 0.05
