"""A point of the matrix."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import Field

from ovreport.run.record import Parallel, Positive, Record, digest

Hint = Literal["latency", "throughput", "cumulative_throughput", "none"]
Streams = Parallel | Literal["auto"]
Rate = Annotated[float, Field(gt=0, le=1e6)]


class Cell(Record):
    """One point of the matrix: what to run and how."""

    model: str
    version: str = "parent"
    runtime: str = "default"
    device: str = "CPU"
    hint: Hint = "latency"
    streams: Streams = "auto"
    batch: Positive | None = None
    """None: the model's own batch."""
    precision: str | None = None
    """Inference precision hint; None: the device's own choice."""
    threads: Parallel | None = None
    requests: Parallel | None = None
    """Infer requests kept in flight; None: one for latency, the device's optimum otherwise."""
    rate: Rate | None = None
    """Requests per second that arrive at a fixed pace; None: each starts when another ends."""

    @property
    def id(self) -> str:
        """A short digest of the cell, safe in file names and anchors."""
        return _cell_id(self)

    @property
    def point(self) -> tuple[Any, ...]:
        """The fields that answers depend on: cells with equal points give the same answers."""
        return self.model, self.version, self.runtime, self.device, self.precision

    @property
    def configuration(self) -> tuple[Any, ...]:
        """All fields but the version: cells with equal configurations are compared."""
        values = self.model_dump(mode="json")
        del values["version"]
        return tuple(values.values())


@lru_cache(maxsize=10_000)
def _cell_id(cell: Cell) -> str:
    # Not cached in the cell itself, as a changed copy would keep the cached id.
    values = cell.model_dump(mode="json")
    if cell.rate is None:  # keeps the ids of releases that had no rates
        del values["rate"]
    return digest(values)[:10]
