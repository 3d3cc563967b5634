"""What a device can reach."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ovreport.run.record import Amount, Cores, Parallel, Record, Whole


class Conditions(Record):
    """What a device's reach depends on: cells that agree in it have the same roofs."""

    environment: str
    """:attr:`Environment.id` of where it was."""
    runtime: str
    device: str
    """The one that executed."""
    threads: Parallel | Literal[0] | None
    """That work on one request; None: the device does not tell."""


class Roof(Record):
    """What a device reaches under some conditions, measured on small models through OpenVINO.

    Each is the fastest of several inferences, and so what layers can come near to.
    """

    conditions: Conditions
    operations: dict[str, Amount] = Field(default_factory=dict)
    """Operations a second by precision (``f32``, ``bf16``, ``f16``, ``i8``)."""
    memory_bandwidth: Amount = 0.0
    """Bytes a second, of tensors far larger than the caches."""
    cache_bandwidth: Amount | None = None
    """Bytes a second, of tensors that fit into the last-level cache."""
    cache_bytes: Whole | None = None
    """Of the last-level cache, as the system tells."""
    other_load: Cores | None = None
    """CPU time of everything else on the machine meanwhile, in cores."""
    failure: str = ""
    """Why it could not be measured."""
