"""Graphs of models and of what devices execute."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Sequence
from typing import Literal

from pydantic import Field, JsonValue, field_validator, model_validator

from ovreport.run.record import Many, Record

_MADE_UP = re.compile(r"(Parameter|Result)_[0-9]+")
_STATIC = re.compile(r"\[\d+(,\d+)*\]")


class Port(Record):
    """An input or output of a model or layer; ``shape`` as OpenVINO prints it: ``[?,3,8]``."""

    names: Many[str] = ()
    shape: str
    precision: str

    @property
    def own_names(self) -> set[str]:
        """Names without those that OpenVINO generates from a counter: ``Result_12``."""
        return {name for name in self.names if not _MADE_UP.fullmatch(name)}

    @field_validator("shape")
    @classmethod
    def _fits(cls, shape: str) -> str:
        if _STATIC.fullmatch(shape):
            sizes = [int(size) for size in shape[1:-1].split(",")]
            if math.prod(max(1, size) for size in sizes) >= 1 << 63:
                raise ValueError("a tensor has more elements than any memory holds")
        return shape


def counterparts(first: Sequence[Port], second: Sequence[Port]) -> list[int | None]:
    """Return the index of each first port's counterpart among the second ports, or None.

    Counterparts share a name. Ports without such a counterpart are paired in their order if either
    side has the same number of them, else with a port at the same place that is free.
    """
    partners: list[int | None] = [None] * len(first)
    free = dict.fromkeys(range(len(second)))
    for index, port in enumerate(first):
        same = (i for i in free if port.own_names & second[i].own_names)
        if (other := next(same, None)) is not None:
            partners[index] = other
            del free[other]
    unpaired = [index for index, other in enumerate(partners) if other is None]
    if len(unpaired) == len(free):
        rest = dict(zip(unpaired, free, strict=True))
    else:
        rest = {index: index for index in unpaired if index in free}
    return [rest.get(index, other) for index, other in enumerate(partners)]


class Node(Record):
    """One operation of a graph.

    ``inputs`` holds, for each input port in order, the producer as (node index, its output port).
    ``attributes`` holds what OpenVINO reports: in a model graph the operator's attributes, in a
    runtime graph the runtime information (``execOrder``, ``originalLayersNames``, …) as text.
    ``bodies`` are the graphs inside ``If``, ``Loop`` and ``TensorIterator``.
    """

    name: str
    type: str
    inputs: Many[tuple[int, int]] = ()
    outputs: Many[Port] = ()
    attributes: dict[str, JsonValue] = Field(default_factory=dict)
    bodies: Many[Graph] = ()


class Graph(Record):
    """Nodes in topological order. A runtime graph has no times: those are in the profile."""

    kind: Literal["model", "runtime"]
    nodes: Many[Node]

    @model_validator(mode="after")
    def _ordered(self) -> Graph:
        for index, node in enumerate(self.nodes):
            for source, port in node.inputs:
                if not (0 <= source < index and 0 <= port < len(self.nodes[source].outputs)):
                    raise ValueError(f"node {index} reads from {source}:{port}, which is not there")
        return self

    @property
    def id(self) -> str:
        """Digest of the content, so that equal graphs are stored once."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]
