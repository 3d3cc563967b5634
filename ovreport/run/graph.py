"""Graphs: a model as it is read, and what a device executes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Literal

from pydantic import Field, JsonValue, model_validator

from ovreport.run.record import Many, Record


class Port(Record):
    """An input or output of a model or layer; ``shape`` as OpenVINO prints it: ``[?,3,8]``."""

    names: Many[str] = ()
    shape: str
    precision: str


def counterparts(first: Sequence[Port], second: Sequence[Port]) -> list[int | None]:
    """For each port of the first the index of its counterpart: by a common name, else by place."""
    found: list[int | None] = []
    for index, port in enumerate(first):
        same = (i for i, other in enumerate(second) if {*port.names} & {*other.names})
        found.append(next(same, index if index < len(second) else None))
    return found


class Node(Record):
    """One operation of a graph.

    ``inputs`` holds, for each input port in order, the producer as (node index, its output port).
    ``attributes`` holds everything OpenVINO tells: in a model graph the operator's attributes, in
    a runtime graph the runtime information (``execOrder``, ``originalLayersNames``, …) as text.
    ``bodies`` are the graphs inside ``If``, ``Loop`` and ``TensorIterator``.
    """

    name: str
    type: str
    inputs: Many[tuple[int, int]] = ()
    outputs: Many[Port] = ()
    attributes: dict[str, JsonValue] = Field(default_factory=dict)
    bodies: Many[Graph] = ()


class Graph(Record):
    """Nodes in topological order. A runtime graph carries no times: those are in the profile."""

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
        """Address by content: equal graphs are stored once."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]
