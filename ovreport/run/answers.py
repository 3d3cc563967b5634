"""Outputs of versions that were given the same inputs."""

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
# Labels may use a negative number for samples that have no class.
Class = Annotated[int, Field(ge=-(1 << 63), lt=1 << 63)]


Reason = Literal[
    "missing",  # B has no such output
    "additional",  # A has no such output
    "shape",  # A and B have different shapes
    "type",  # text in one, numbers in the other
    "not_kept",  # a run file holds too little of it
    "unreadable",  # its element type is not supported
]
"""Why an output was not compared."""


class WorstPart(Record):
    """The part of an output, along one of its axes, in which versions differ most."""

    where: str
    """The part as numpy indexes it, such as ``[:,4,:]``."""
    relative: float
    """Root mean square of B − A in the part, relative to the size of A there or of all of A."""
    typical: float
    """Median of ``relative`` over the other parts."""
    error: float
    """Root mean square of B − A in the part."""
    typical_error: float
    """Median of ``error`` over the other parts."""
    size: float
    """Root mean square of A in the part."""
    whole_size: float
    """Root mean square of all of A."""


class OutputDrift(Record):
    """Differences of one output between two versions, A and B, with the same inputs.

    Figures that are not known are None, such as those that a later release added.
    """

    name: str
    other_name: str = ""
    """The name in B, if it is another."""
    shapes: tuple[str, str]
    """Shapes in A and in B; empty if there is no such output. ``?`` is an extent that varies."""
    types: tuple[str, str] = ("", "")
    """Element types of A and of B, as OpenVINO names them."""
    reason: Reason | None = None
    """Why all input sets, or some of them, were not compared."""
    sets: tuple[Whole, Whole] | None = None
    """Number of input sets that were compared, and of all."""
    empty_sets: Whole = 0
    """Number of compared sets that have no elements in either version."""
    elements: Whole | None = None
    """Number of compared elements, over all sets."""
    differing: Whole | None = None
    """Number of compared elements whose values differ."""
    identical: bool | None = None
    """All bytes of all sets and the element types are equal."""
    cosine: float | None = None
    """Cosine similarity, the lowest of all input sets."""
    max_abs: float | None = None
    mean_abs: float | None = None
    relative: float | None = None
    """‖B − A‖ / ‖A‖ over all elements."""
    not_finite: Whole = 0
    """Number of elements that are infinite or NaN in either; the figures leave them out."""
    unequal_not_finite: Whole | None = None
    """Number of those elements that differ between A and B."""
    worst_set: tuple[Whole, float] | None = None
    """Index of the input set with the largest relative error, and that error. It is relative to the
    size of A in that set, or in all sets if that is larger."""
    worst_part: WorstPart | None = None
    factor: float | None = None
    """Factor by which A is multiplied in B, if it explains nine tenths of the error."""
    offset: float | None = None
    """Offset that is added to A in B, if it explains nine tenths of the error."""
    reordered: bool = False
    """B holds the values of A in another order."""
    itself: float | None = None
    """:attr:`distance` of A from itself when the same inputs are repeated."""
    other_itself: float | None = None
    """The same of B."""
    probabilities: bool = False
    """The output holds scores that sum to one."""
    top1: Share | None = None
    """Share of samples with the same best class; None if the output does not look like scores."""
    top5: Share | None = None
    """Share of the five best classes that both have, in any order."""
    accuracy: tuple[Share, Share] | None = None
    """Shares of samples of A and of B whose best class is the right one (``labels``)."""
    accuracy5: tuple[Share, Share] | None = None
    """Shares of samples of A and of B whose right class is among the five best."""
    compared: tuple[Positive, Positive] | None = None
    """Number of elements of one input set that were compared, and of all; None: all were."""
    differs_elsewhere: bool = False
    """Digests show that some of the elements that were not compared differ."""

    @property
    def same(self) -> bool:
        """Whether all of it was compared and is identical bit for bit."""
        if self.identical is not None:
            return self.identical and self.reason is None
        return self.max_abs == 0 and not self.differs_elsewhere and not self.not_finite

    @property
    def distance(self) -> float:
        """Size of the difference: 0 if equal, 1 or more if nothing is alike.

        It is the relative error of quantities, and the share of differing elements of identifiers.
        """
        if self.reason is not None or self.unequal_not_finite:
            return 1.0
        if self.relative is None:
            return (self.differing or 0) / max(1, self.elements or 0)
        return max(self.relative, self.worst_set[1] if self.worst_set else 0.0)


class LayerDrift(Record):
    """Differences of a layer's output between two versions."""

    name: str
    """The operator's name, in both models."""
    type: str
    cosine: float
    relative: float
    max_abs: float


class Answers(Record):
    """Two versions that were given the same inputs, and the differences of their outputs."""

    base: Cell
    other: Cell
    models: tuple[str, str]
    """SHA-256 of both models' files."""
    inputs: str
    """SHA-256 of the inputs of both."""
    input_data: str
    """The inputs in words."""
    samples: Whole
    """Input sets × batch."""
    left_out: Whole = 0
    """Samples that only one of them was given."""
    labels: str = ""
    """The file with the right classes, if one was given."""
    outputs: Many[OutputDrift] = ()
    layers: Many[LayerDrift] = ()
    """Compared layers, in the base's execution order; only on request."""
    asked_layers: bool = False
    """Whether a comparison of layers was requested."""
    failure: Failure | None = None
    """Why there is no comparison."""
    layers_failure: Failure | None = None
    """Why layers were not compared."""
    repeat_failure: Failure | None = None
    """Why inputs could not be repeated to see whether a version gives the same answers again."""


class RecordedOutput(Record):
    """One output of a version for all input sets; of a large output, a sample of its elements."""

    names: Many[str]
    type: str = ""
    """Element type, as OpenVINO names it; empty: an earlier release, which kept all as f32."""
    shape: str
    """``?`` stands for an extent that varies from set to set."""
    shapes: Many[str] = ()
    """Shapes of each set, if they vary."""
    elements: Whole
    """Number of elements of the largest set."""
    kept: Whole
    """Most elements that are kept of a set; their places are
    :func:`ovreport.outputs.recording.kept_places`."""
    digests: Many[str]
    """Digest of all elements of each set, by which identical answers are recognised."""
    bits: Samples
    """Bits of the kept elements as integers, shape [sets × kept]. They are those of f32, which
    represents all smaller types, of f64, of 64-bit integers, or 64 bits of a text's SHA-256."""
    not_finite: Many[Whole] = ()
    """The number of elements that are infinite or NaN, for each set."""
    itself: float | None = None
    """Distance from itself when the same inputs are repeated, as :attr:`OutputDrift.distance`."""
    classes: Whole = 0
    """Columns of an output that looks like class scores; 0 for any other."""
    best: Many[Many[Whole]] = ()
    """The classes with the highest scores, best first, for each sample."""
    probabilities: bool = False

    @property
    def extents(self) -> tuple[tuple[int, ...], ...]:
        """The shape of each set."""
        shapes = self.shapes or (self.shape,) * len(self.digests)
        return tuple(tuple(map(int, re.findall(r"\d+", shape))) for shape in shapes)

    @model_validator(mode="after")
    def _whole(self) -> RecordedOutput:
        if not all(_SHAPE.fullmatch(shape) for shape in self.shapes or (self.shape,)):
            raise ValueError("a shape is malformed")
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
    """The first cell with this version, runtime, device and precision."""
    model: str
    """SHA-256 of the model's files."""
    inputs: Many[str]
    """Digest of each input set."""
    input_data: str
    """The inputs in words."""
    batch: Positive
    """Samples in a set."""
    labels: Many[Class] = ()
    """The right class of each sample, if given."""
    labels_file: str = ""
    outputs: Many[RecordedOutput] = ()
    failure: Failure | None = None
