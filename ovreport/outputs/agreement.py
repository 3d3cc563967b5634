"""Judges whether two versions give the same answers; every part of a report uses this judgement.

An output has one of eight outcomes. Those of outputs that were not compared or that are empty do
not count as equal. The outcome of a model is that of its worst output.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from ovreport.config.schema import OutputSettings
from ovreport.run import Answers, Cell, CellResult, Node, OutputDrift, Run, WorstPart

Outcome: TypeAlias = Literal[
    "identical",  # bit for bit
    "equal",  # equal values, although zeros have other signs or element types differ
    "alike",  # within tolerance
    "empty",  # neither has elements
    "random",  # the model gives other answers each time
    "incomparable",  # an output is missing, has another shape or type, or was not kept
    "deviating",  # beyond tolerance
    "different",  # another answer
]
"""Results of comparing an output, from the best to the worst."""
_ORDER: tuple[Outcome, ...] = get_args(Outcome)
AGREE: frozenset[Outcome] = frozenset({"identical", "equal", "alike"})

# At a cosine similarity of c, a share of √(1 − c²) of an answer is not in the other: 14 % at 0.99,
# which rounding to INT8 may cause, and 44 % at 0.9, which is a different answer.
_DIFFERENT_COSINE = 0.9
_DIFFERENT_ERROR = 0.44
# If more than one sample in ten has another best class, the loss is larger than is accepted of a
# quantised classifier. A single sample may be a tie.
_DIFFERENT_TOP1 = 0.9
# One unit of bf16's last place. If errors are smaller, a single sample with another best class is
# one with two equally good classes.
_TIE = 2**-7
# Rounding errors have either sign. Systematic errors above this are a mistake.
_SYSTEMATIC = 0.02
# A part with an error above the first, and above the second times the median of the other parts, is
# a mistake, too: normally distributed errors of 1,000 parts reach five times their median.
_OUTLIER, _OUTLIER_TIMES = 0.1, 10
# The differences between answers of a random model vary themselves, by up to this factor.
_RANDOM_TIMES = 3.0
# Operators that give other values at each launch, unless they have a seed.
_RANDOM_TYPES = frozenset({"RandomUniform", "Multinomial"})


@dataclass(frozen=True)
class JudgedOutput:
    """One output of two versions, and the outcome of comparing it."""

    drift: OutputDrift
    outcome: Outcome
    random_types: tuple[str, ...] = ()
    """Types of operators that make the base random."""


@dataclass(frozen=True)
class Agreement:
    """The judged outputs of two versions."""

    answers: Answers
    outputs: tuple[JudgedOutput, ...]

    @property
    def outcome(self) -> Outcome:
        """Outcome of the worst output; ``incomparable`` if there are no outputs."""
        worst = self.worst
        return "incomparable" if worst is None else worst.outcome

    @property
    def worst(self) -> JudgedOutput | None:
        """The output that differs most; one without elements only where there is no other."""
        return max(
            [judged for judged in self.outputs if judged.outcome != "empty"] or self.outputs,
            key=lambda judged: (_ORDER.index(judged.outcome), judged.drift.distance),
            default=None,
        )

    @property
    def empty(self) -> tuple[JudgedOutput, ...]:
        """Outputs of the same shape without elements."""
        return tuple(judged for judged in self.outputs if judged.outcome == "empty")

    @property
    def agreeing(self) -> int:
        """Number of outputs that are equal or alike."""
        return sum(judged.outcome in AGREE for judged in self.outputs)


def agreement(run: Run, answers: Answers, tolerances: OutputSettings) -> Agreement:
    """Judge the answers of two versions that a run holds."""
    types = random_types(run, answers.base)
    return Agreement(
        answers, tuple(judged(x, answers.samples, tolerances, types) for x in answers.outputs)
    )


def agreements(
    run: Run, pairs: Sequence[tuple[CellResult, CellResult]], tolerances: OutputSettings
) -> list[Agreement]:
    """Return the agreements of the outputs of these pairs of cells.

    Pairs share one agreement unless they differ in a setting that changes outputs, such as the
    precision.
    """
    points = [{a.cell.point, b.cell.point} for a, b in pairs]
    return [
        agreement(run, answers, tolerances)
        for answers in run.answers
        if {answers.base.point, answers.other.point} in points
    ]


def judged(
    drift: OutputDrift, samples: int, tolerances: OutputSettings, random_types: Sequence[str] = ()
) -> JudgedOutput:
    """Judge one output.

    Args:
        drift: the measured differences.
        samples: the number of samples that were compared.
        tolerances: differences that are accepted.
        random_types: types of operators that make the model random.
    """
    outcome = _outcome(drift, samples, tolerances)
    if _is_random(drift, outcome, tolerances, random_types):
        outcome = "random"
    return JudgedOutput(drift, outcome, tuple(random_types) if outcome == "random" else ())


def _outcome(drift: OutputDrift, samples: int, tolerances: OutputSettings) -> Outcome:
    outcome = _outcome_of_compared(drift, samples, tolerances) or "incomparable"
    if drift.reason is None:
        return outcome
    # Some sets may differ in shape; the outcome of the others counts if it is worse.
    return max(outcome, "incomparable", key=_ORDER.index)


def _outcome_of_compared(
    drift: OutputDrift, samples: int, tolerances: OutputSettings
) -> Outcome | None:
    """Return the outcome of the sets that were compared; None if none was (old run files)."""
    if drift.elements == 0:
        return "empty"
    if drift.same:
        return "identical"
    # Earlier releases did not record which of them are the same in both.
    unequal = drift.unequal_not_finite
    if drift.not_finite if unequal is None else unequal:
        return "different"
    if _differs_only_elsewhere(drift):
        return "incomparable"
    if drift.differing == 0:
        return "equal"
    if drift.relative is None and drift.elements:
        return _outcome_of_codes(drift, tolerances)
    if drift.cosine is None:
        return None
    return _outcome_of_numbers(drift, samples, drift.cosine, tolerances)


def _differs_only_elsewhere(drift: OutputDrift) -> bool:
    """Return whether all differences are in elements that a run file does not keep."""
    return drift.differs_elsewhere and not (drift.differing or drift.max_abs)


def _outcome_of_codes(drift: OutputDrift, tolerances: OutputSettings) -> Outcome:
    """Return the outcome of values such as class numbers, whose size means nothing."""
    differing = drift.differing or 0
    equal = 1 - differing / max(1, drift.elements or 0)
    if equal >= tolerances.top1:
        return "alike"
    return "different" if equal < _DIFFERENT_TOP1 and differing > 1 else "deviating"


def _outcome_of_numbers(
    drift: OutputDrift, samples: int, cosine: float, tolerances: OutputSettings
) -> Outcome:
    top1 = 1.0 if drift.top1 is None else drift.top1
    several = round((1 - top1) * samples) > 1
    error, sine = drift.distance, math.sqrt(max(0.0, 1 - cosine**2))
    if cosine < _DIFFERENT_COSINE or error >= _DIFFERENT_ERROR or drift.reordered:
        return "different"
    if top1 < _DIFFERENT_TOP1 and several:
        return "different"
    if (
        cosine < tolerances.cosine
        or error > tolerances.relative
        or (top1 < tolerances.top1 and (several or max(error, sine) > _TIE))
        or outlying_part(drift)
        or is_systematic(drift)
    ):
        return "deviating"
    return "alike"


def outlying_part(drift: OutputDrift) -> WorstPart | None:
    """Return the part of an output, such as a channel, that is wrong even if the whole is not."""
    part = drift.worst_part
    if part is None:
        return None
    outlier = part.relative >= max(_OUTLIER, _OUTLIER_TIMES * part.typical)
    # If rounding adds the same error to all channels, the relative error of small ones is larger.
    outlier = outlier and part.error >= _OUTLIER_TIMES * part.typical_error
    # Most of the error of probabilities is in the few classes that are likely.
    if part.relative >= _DIFFERENT_ERROR or (outlier and not drift.probabilities):
        return part
    return None


def is_systematic(drift: OutputDrift) -> bool:
    """Return whether a factor or an offset explains an error too large for rounding."""
    is_explained = drift.factor is not None or drift.offset is not None
    return is_explained and (drift.relative or 0.0) > _SYSTEMATIC


# ---------------------------------------------------------------------------- random models


def _is_random(
    drift: OutputDrift, outcome: Outcome, tolerances: OutputSettings, random_types: Sequence[str]
) -> bool:
    """Return whether two versions differ no more than the base differs from itself.

    A version that is random although the base is not gives other answers. If the versions agree,
    the base must differ from itself beyond tolerance, since two random answers may be equal by
    chance.
    """
    if drift.reason not in (None, "shape") or outcome == "empty":
        return False
    if drift.itself is None:
        return bool(random_types) and outcome not in AGREE
    least = tolerances.relative if outcome in AGREE else 0.0
    return drift.itself > least and drift.distance <= _RANDOM_TIMES * drift.itself


def random_types(run: Run, cell: Cell) -> tuple[str, ...]:
    """Return the types of operators in a cell's model that draw random numbers without a seed."""
    ids = (result.model_graph for result in run.done if result.cell.point == cell.point)
    graph = next((run.graphs[id] for id in ids if id is not None), None)
    return tuple(dict.fromkeys(_random_types_in(graph.nodes))) if graph else ()


def _random_types_in(nodes: Sequence[Node]) -> Iterator[str]:
    for node in nodes:
        seeds = (node.attributes.get(key, 0) for key in ("global_seed", "op_seed"))
        if node.type in _RANDOM_TYPES and all(seed in (0, "0") for seed in seeds):
            yield node.type
        for body in node.bodies:
            yield from _random_types_in(body.nodes)
