"""What versions answer when they are fed the same."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from ovreport.run.cell import Cell
from ovreport.run.record import Many, Positive, Record, Whole
from ovreport.run.result import Failure
from ovreport.samples_codec import Samples

# Labels may have one below zero for what is of no class.
Class = Annotated[int, Field(ge=-(1 << 63), lt=1 << 63)]


class OutputDrift(Record):
    """One output of two versions that were fed the same; figures are None where shapes differ."""

    name: str
    shapes: tuple[str, str]
    """Of A and of B."""
    cosine: float | None = None
    """Cosine similarity, the lowest of all input sets."""
    max_abs: float | None = None
    mean_abs: float | None = None
    relative: float | None = None
    """‖B − A‖ / ‖A‖ over all elements."""
    not_finite: Whole = 0
    """Elements that are infinite or no number in either; they are left out of the figures."""
    probabilities: bool = False
    """The output holds scores that sum to one."""
    top1: float | None = None
    """Share of samples with the same best class; None where it does not look like class scores."""
    top5: float | None = None
    """Share of the five best classes that both have, in any order."""
    accuracy: tuple[float, float] | None = None
    """Of A and of B against given labels: the best class is the right one."""
    accuracy5: tuple[float, float] | None = None
    """The right class is among the five best."""
    compared: tuple[Positive, Positive] | None = None
    """Elements of one input set that were compared, and that there are; None: all were."""
    differs_elsewhere: bool = False
    """Elements that were not compared are not all the same, as their digests tell."""

    @property
    def same(self) -> bool:
        """To the bit, as far as it was compared."""
        return self.max_abs == 0 and not self.differs_elsewhere


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
    labels: str = ""
    """The file with the right classes, if one was given."""
    outputs: Many[OutputDrift] = ()
    layers: Many[LayerDrift] = ()
    """In execution order of the base; only on request."""
    asked_layers: bool = False
    failure: Failure | None = None
    """Why there is no comparison."""
    layers_failure: Failure | None = None


class RecordedOutput(Record):
    """One output of a version for all input sets, as much of it as a run file keeps."""

    names: Many[str]
    shape: str
    elements: Positive
    """Of one set."""
    kept: Positive
    """Of these, at the places that :func:`ovreport.stats.recorded.kept_places` tells."""
    digests: Many[str]
    """Of all elements of each set: which answers are equal to the bit is told from these."""
    bits: Samples
    """The kept elements as f32, bit by bit as integers, shape [sets × kept]."""
    classes: Whole = 0
    """Columns of an output that looks like class scores; 0 for any other."""
    best: Many[Many[Whole]] = ()
    """The classes with the highest scores of each sample, the best first."""
    probabilities: bool = False

    @model_validator(mode="after")
    def _whole(self) -> RecordedOutput:
        if self.kept > self.elements or len(self.bits) != len(self.digests) * self.kept:
            raise ValueError("elements are missing")
        if len({len(row) for row in self.best}) > 1:
            raise ValueError("samples have different numbers of best classes")
        return self


class Recording(Record):
    """What one version answered, so that versions of different runs can be compared."""

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
