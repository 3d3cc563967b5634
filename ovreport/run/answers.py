"""The outputs of versions that got the same inputs."""

from __future__ import annotations

import re
from math import prod
from typing import Annotated, Literal

from pydantic import Field, model_validator

from ovreport.run.cell import Cell
from ovreport.run.record import Many, Positive, Record, Share, Whole
from ovreport.run.result import Failure
from ovreport.run.samples import Samples

_SHAPE = re.compile(r"\[(\d{1,18}(,\d{1,18})*)?\]")
# Labels may have one below zero for what is of no class.
Class = Annotated[int, Field(ge=-(1 << 63), lt=1 << 63)]


Reason = Literal[
    "missing",  # B has no such output
    "additional",  # A has none
    "shape",  # of A and of B differ
    "type",  # text in one, numbers in the other
    "not_kept",  # a run file holds too little of it
    "unreadable",  # its element type has no form here
]
"""Why an output was not compared."""


class WorstPart(Record):
    """The part of an output, along one of its axes, in which versions differ most."""

    where: str
    """Such as ``[:,4,:]``."""
    relative: float
    """Root mean square of B − A, relative to the size of A there or of all of A."""
    typical: float
    """The same of the other parts, their median."""
    error: float
    """Root mean square of B − A there."""
    typical_error: float
    """The same of the other parts, their median."""
    size: float
    """Root mean square of A there."""
    whole_size: float
    """Root mean square of all of A."""


class OutputDrift(Record):
    """One output of two versions that were fed the same; figures are None where they are not known.

    What later releases added has defaults that mean "not known".
    """

    name: str
    other_name: str = ""
    """In B, where it has another name there."""
    shapes: tuple[str, str]
    """Of A and of B; empty where there is no such output. ``?`` stands for what varies."""
    types: tuple[str, str] = ("", "")
    """Element types of A and of B, as OpenVINO names them."""
    reason: Reason | None = None
    """Why all input sets, or some of them, were not compared."""
    sets: tuple[Whole, Whole] | None = None
    """Input sets that were compared, and all."""
    empty_sets: Whole = 0
    """Of those compared: without any element in either."""
    elements: Whole | None = None
    """Elements that were compared, of all sets."""
    differing: Whole | None = None
    """Of these: with another value."""
    identical: bool | None = None
    """All bytes of all sets are equal, and the element types are."""
    cosine: float | None = None
    """Cosine similarity, the lowest of all input sets."""
    max_abs: float | None = None
    mean_abs: float | None = None
    relative: float | None = None
    """‖B − A‖ / ‖A‖ over all elements."""
    not_finite: Whole = 0
    """Elements that are infinite or no number in either; they are left out of the figures."""
    unequal_not_finite: Whole | None = None
    """Of these: not the same in both."""
    worst_set: tuple[Whole, float] | None = None
    """The place of the input set with the largest relative error, from 0, and that error. It is
    relative to the size of A in that set, or in all sets if that is larger."""
    worst_part: WorstPart | None = None
    factor: float | None = None
    """B is A times this, up to a tenth of the error."""
    offset: float | None = None
    """B is A plus this, up to a tenth of the error."""
    reordered: bool = False
    """B holds the values of A in another order."""
    itself: float | None = None
    """How far A is from itself, as :attr:`distance`, where it was fed the same once more."""
    probabilities: bool = False
    """The output holds scores that sum to one."""
    top1: Share | None = None
    """Share of samples with the same best class; None where it does not look like class scores."""
    top5: Share | None = None
    """Share of the five best classes that both have, in any order."""
    accuracy: tuple[Share, Share] | None = None
    """Of A and of B against given labels: the best class is the right one."""
    accuracy5: tuple[Share, Share] | None = None
    """The right class is among the five best."""
    compared: tuple[Positive, Positive] | None = None
    """Elements of one input set that were compared, and that there are; None: all were."""
    differs_elsewhere: bool = False
    """Elements that were not compared are not all the same, as their digests tell."""

    @property
    def same(self) -> bool:
        """All of it was compared, and is equal bit for bit."""
        if self.identical is not None:
            return self.identical and self.reason is None
        return self.max_abs == 0 and not self.differs_elsewhere and not self.not_finite

    @property
    def distance(self) -> float:
        """How far both are apart: 0 is equal, from 1 on nothing is alike.

        The relative error of numbers, and the share of elements that differ of what are none.
        """
        if self.reason is not None or self.unequal_not_finite:
            return 1.0
        if self.relative is None:
            return (self.differing or 0) / max(1, self.elements or 0)
        return max(self.relative, self.worst_set[1] if self.worst_set else 0.0)


class LayerDrift(Record):
    """What a layer of both versions puts out, compared as an output is."""

    name: str
    """The operator's, in both models."""
    type: str
    cosine: float
    relative: float
    max_abs: float


class Answers(Record):
    """Two versions that were fed the same inputs, and how far their answers are apart."""

    base: Cell
    other: Cell
    models: tuple[str, str]
    """SHA-256 of both models' files."""
    inputs: str
    """SHA-256 of what both were fed."""
    input_data: str
    """The same in words."""
    samples: Whole
    """Input sets × batch."""
    left_out: Whole = 0
    """Samples that only one of them was fed."""
    labels: str = ""
    """The file with the right classes, if one was given."""
    outputs: Many[OutputDrift] = ()
    layers: Many[LayerDrift] = ()
    """In execution order of the base; only on request."""
    asked_layers: bool = False
    failure: Failure | None = None
    """Why there is no comparison."""
    layers_failure: Failure | None = None
    repeat_failure: Failure | None = None
    """Why a version could not be fed the same once more, to see whether it repeats itself."""


class RecordedOutput(Record):
    """One output of a version for all input sets, as much of it as a run file keeps."""

    names: Many[str]
    type: str = ""
    """Element type, as OpenVINO names it; empty: of an earlier release, which kept all as f32."""
    shape: str
    """``?`` stands for an extent that varies from set to set."""
    shapes: Many[str] = ()
    """Of each set, where they vary."""
    elements: Whole
    """Of one set; where they vary, of the largest."""
    kept: Whole
    """Of each set at most: :func:`ovreport.outputs.recording.kept_places` gives the places."""
    digests: Many[str]
    """Of all elements of each set: which answers are equal to the bit is told from these."""
    bits: Samples
    """The kept elements, bit by bit as integers, shape [sets × kept]: f32, which holds all types of
    fewer bits, f64 or integers of 64 bits. Of texts the first 64 bits of their SHA-256."""
    not_finite: Many[Whole] = ()
    """Of each set: elements that are infinite or no number, also among those not kept."""
    itself: float | None = None
    """How far it is from itself where the version was fed the same once more, as
    :attr:`OutputDrift.distance`."""
    classes: Whole = 0
    """Columns of an output that looks like class scores; 0 for any other."""
    best: Many[Many[Whole]] = ()
    """The classes with the highest scores of each sample, the best first."""
    probabilities: bool = False

    @property
    def extents(self) -> tuple[tuple[int, ...], ...]:
        """The shape of each set."""
        shapes = self.shapes or (self.shape,) * len(self.digests)
        return tuple(tuple(map(int, re.findall(r"\d+", shape))) for shape in shapes)

    @model_validator(mode="after")
    def _whole(self) -> RecordedOutput:
        if not all(_SHAPE.fullmatch(shape) for shape in self.shapes or (self.shape,)):
            raise ValueError("a shape is none")
        sizes = [prod(extents) for extents in self.extents]
        kept = sum(min(size, self.kept) for size in sizes)
        if self.kept > self.elements or len(self.bits) != kept:
            raise ValueError("elements are missing")
        if max(sizes, default=0) != self.elements or len(sizes) != len(self.digests):
            raise ValueError("elements and shapes do not agree")
        if self.not_finite and len(self.not_finite) != len(self.digests):
            raise ValueError("counts of elements are missing")
        if len({len(row) for row in self.best}) > 1:
            raise ValueError("samples have different numbers of best classes")
        return self


class Recording(Record):
    """The outputs of one version, kept so that versions of different runs can be compared."""

    cell: Cell
    """The first of its version, runtime, device and precision."""
    model: str
    """SHA-256 of the model's files."""
    inputs: Many[str]
    """Digest of each input set, as it was fed."""
    input_data: str
    """The same in words."""
    batch: Positive
    """Samples in a set."""
    labels: Many[Class] = ()
    """The right class of each sample, if they were given."""
    labels_file: str = ""
    outputs: Many[RecordedOutput] = ()
    failure: Failure | None = None
