"""Roofs: the speed and the bandwidth that a device can reach."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ovreport.run.record import Amount, Cores, Parallel, Record, Whole


class Conditions(Record):
    """The conditions that roofs depend on: cells with equal conditions have the same roofs."""

    environment: str
    """:attr:`Environment.id`."""
    runtime: str
    device: str
    """The device that executed."""
    threads: Parallel | Literal[0] | None
    """Threads that work on one request; None: the device does not report it."""


class Roof(Record):
    """Speed and bandwidth of a device under some conditions, measured on small OpenVINO models.

    Each figure is that of the fastest of several inferences, which layers can approach.
    """

    conditions: Conditions
    operations: dict[str, Amount] = Field(default_factory=dict)
    """Operations per second by precision (``f32``, ``bf16``, ``f16``, ``i8``)."""
    memory_bandwidth: Amount = 0.0
    """Bytes per second, with tensors far larger than the caches."""
    cache_bandwidth: Amount | None = None
    """Bytes per second, with tensors that fit into the last-level cache."""
    cache_bytes: Whole | None = None
    """Size of the last-level cache, as the system reports it."""
    other_load: Cores | None = None
    """CPU time of everything else on the machine during the measurement, in cores."""
    failure: str = ""
    """Why it could not be measured."""
