"""Whether two versions give the same answers: one judgement, which every part of a report uses.

An output has one of eight outcomes. What was not compared, and what holds nothing to compare, are
outcomes of their own: neither counts as equal, and a model is as good as its worst output.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from ovreport.config.schema import OutputSettings
from ovreport.run import Answers, Cell, CellResult, Node, OutputDrift, Run, WorstPart
from ovreport.section import Severity

Outcome: TypeAlias = Literal[
    "identical",  # bit for bit
    "equal",  # in value: zeros of either sign, or other element types
    "alike",  # within tolerance
    "nothing",  # no elements in either
    "random",  # the model does not repeat itself
    "incomparable",  # an output is missing, of another shape or type, or was not kept
    "apart",
    "other",  # another answer
]
"""From the best to the worst."""
_ORDER: tuple[Outcome, ...] = get_args(Outcome)
AGREE: frozenset[Outcome] = frozenset({"identical", "equal", "alike"})

_SEVERITY: dict[Outcome, Severity] = {
    "identical": "good",
    "equal": "good",
    "alike": "good",
    "nothing": "info",
    "random": "info",
    "incomparable": "warning",
    "apart": "warning",
    "other": "problem",
}

# An answer at a cosine similarity of c to another holds √(1 − c²) that the other does not: 14 % at
# 0.99, which rounding in INT8 may cost, and 44 % at 0.9, which is another answer.
_OTHER_COSINE = 0.9
_OTHER_ERROR = 0.44
# More samples than one in ten with another best class is beyond what a quantised classifier is
# allowed; a single one may be a tie.
_OTHER_TOP1 = 0.9
# One unit of bf16's last place: where errors are smaller, a single sample with another best class
# has two best ones.
_TIE = 2**-7
# Rounding errors are of either sign: from here on, those that are all of one kind are a mistake.
_SYSTEMATIC = 0.02
# A part that is off by so much, and by so many times what the others are, is a mistake, too:
# normally distributed errors of 1,000 parts reach five times their median.
_OUTLIER, _OUTLIER_TIMES = 0.1, 10
# Two pairs of answers of a random model differ by unlike amounts themselves.
_AS_MUCH = 3.0
# Operators that give other values at each launch, unless they are given a seed.
_DRAWING = frozenset({"RandomUniform", "Multinomial"})


@dataclass(frozen=True)
class JudgedOutput:
    """One output of two versions, and what came of comparing it."""

    drift: OutputDrift
    outcome: Outcome
    draws: tuple[str, ...] = ()
    """Operators that make the model random."""

    @property
    def severity(self) -> Severity:
        """What was not kept cannot be helped by the model."""
        return "info" if self.drift.reason == "not_kept" else _SEVERITY[self.outcome]


@dataclass(frozen=True)
class Agreement:
    """All outputs of two versions."""

    answers: Answers
    outputs: tuple[JudgedOutput, ...]

    @property
    def outcome(self) -> Outcome:
        """Of the worst output. Without any output nothing is known to agree."""
        worst = self.worst
        return "incomparable" if worst is None else worst.outcome

    @property
    def worst(self) -> JudgedOutput | None:
        """The output that differs most."""
        return max(
            self.outputs,
            key=lambda judged: (_ORDER.index(judged.outcome), judged.drift.distance),
            default=None,
        )

    @property
    def agreeing(self) -> int:
        """Outputs that are equal or alike."""
        return sum(judged.outcome in AGREE for judged in self.outputs)


def agreement(run: Run, answers: Answers, limits: OutputSettings) -> Agreement:
    """Judges what a run holds of two versions' answers."""
    draws = tuple(dict.fromkeys([*drawing(run, answers.base), *drawing(run, answers.other)]))
    return Agreement(
        answers, tuple(judged(x, answers.samples, limits, draws) for x in answers.outputs)
    )


def agreements(
    run: Run, pairs: Sequence[tuple[CellResult, CellResult]], limits: OutputSettings
) -> list[Agreement]:
    """Return the agreement of compared cells' outputs, one for each two points of the matrix.

    There are several if the cells differ in what outputs depend on, such as the precision.
    """
    points = [{a.cell.point, b.cell.point} for a, b in pairs]
    return [
        agreement(run, answers, limits)
        for answers in run.answers
        if {answers.base.point, answers.other.point} in points
    ]


def judged(
    drift: OutputDrift, samples: int, limits: OutputSettings, draws: Sequence[str] = ()
) -> JudgedOutput:
    """Judges one output."""
    outcome = _outcome(drift, samples, limits)
    if _is_random(drift, outcome, limits, draws):
        outcome = "random"
    return JudgedOutput(drift, outcome, tuple(draws) if outcome == "random" else ())


def _outcome(drift: OutputDrift, samples: int, limits: OutputSettings) -> Outcome:
    seen = _of_what_was_compared(drift, samples, limits)
    if drift.reason is None:
        return seen or "incomparable"
    # Some sets may differ in shape; what the others say counts if it is worse.
    return max(seen or "incomparable", "incomparable", key=_ORDER.index)


def _of_what_was_compared(
    drift: OutputDrift, samples: int, limits: OutputSettings
) -> Outcome | None:
    """None where nothing was, as earlier releases put it."""
    if drift.elements == 0:
        return "nothing"
    if drift.same:
        return "identical"
    # Earlier releases did not tell which of them are the same in both.
    unequal = drift.unequal_not_finite
    if drift.not_finite if unequal is None else unequal:
        return "other"
    if _differs_unseen(drift):
        return "incomparable"
    if drift.differing == 0:
        return "equal"
    if drift.relative is None and drift.elements:
        return _of_codes(drift, limits)
    return None if drift.cosine is None else _of_numbers(drift, samples, drift.cosine, limits)


def _differs_unseen(drift: OutputDrift) -> bool:
    """Whether all that differs is in elements that a run file does not keep."""
    return drift.differs_elsewhere and not (drift.differing or drift.max_abs)


def _of_codes(drift: OutputDrift, limits: OutputSettings) -> Outcome:
    """Of values that name something: near is not alike."""
    differing = drift.differing or 0
    equal = 1 - differing / max(1, drift.elements or 0)
    if equal >= limits.top1:
        return "alike"
    return "other" if equal < _OTHER_TOP1 and differing > 1 else "apart"


def _of_numbers(drift: OutputDrift, samples: int, cosine: float, limits: OutputSettings) -> Outcome:
    top1 = 1.0 if drift.top1 is None else drift.top1
    several = round((1 - top1) * samples) > 1
    error, unlike = drift.distance, math.sqrt(max(0.0, 1 - cosine**2))
    if cosine < _OTHER_COSINE or error >= _OTHER_ERROR or drift.reordered:
        return "other"
    if top1 < _OTHER_TOP1 and several:
        return "other"
    if (
        cosine < limits.cosine
        or error > limits.relative
        or (top1 < limits.top1 and (several or max(error, unlike) > _TIE))
        or stands_out(drift)
        or is_systematic(drift)
    ):
        return "apart"
    return "alike"


def stands_out(drift: OutputDrift) -> WorstPart | None:
    """The part of an output, such as a channel, that is wrong even if the whole is not."""
    part = drift.worst_part
    if part is None:
        return None
    outlier = part.relative >= max(_OUTLIER, _OUTLIER_TIMES * part.typical)
    # Small channels are off by more than large ones if rounding adds the same to all.
    outlier = outlier and part.error >= _OUTLIER_TIMES * part.typical_error
    # Most of the error of probabilities is in the few classes that are likely.
    if part.relative >= _OTHER_ERROR or (outlier and not drift.probabilities):
        return part
    return None


def is_systematic(drift: OutputDrift) -> bool:
    """Whether a factor or an offset explains an error that is larger than rounding's."""
    explained = drift.factor is not None or drift.offset is not None
    return explained and (drift.relative or 0.0) > _SYSTEMATIC


# ---------------------------------------------------------------------------- random models


def _is_random(
    drift: OutputDrift, outcome: Outcome, limits: OutputSettings, draws: Sequence[str]
) -> bool:
    """Whether versions differ no more than a version differs from itself.

    Where they agree, it must differ from itself beyond tolerance: two draws can be the same.
    """
    if drift.reason not in (None, "shape") or outcome == "nothing":
        return False
    if drift.itself is None:
        return bool(draws) and outcome not in AGREE
    least = limits.relative if outcome in AGREE else 0.0
    return drift.itself > least and drift.distance <= _AS_MUCH * drift.itself


def drawing(run: Run, cell: Cell) -> tuple[str, ...]:
    """Types of operators in a cell's model that draw random numbers without a seed."""
    ids = (result.model_graph for result in run.done if result.cell.point == cell.point)
    graph = next((run.graphs[id] for id in ids if id is not None), None)
    found = _drawing_in(graph.nodes) if graph else ()
    return tuple(dict.fromkeys(found))


def _drawing_in(nodes: Sequence[Node]) -> Iterator[str]:
    for node in nodes:
        seeds = (node.attributes.get(key, 0) for key in ("global_seed", "op_seed"))
        if node.type in _DRAWING and all(seed in (0, "0") for seed in seeds):
            yield node.type
        for body in node.bodies:
            yield from _drawing_in(body.nodes)
