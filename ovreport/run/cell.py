"""A point of the matrix."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import Field

from ovreport.run.record import Parallel, Positive, Record, digest

Hint = Literal["latency", "throughput", "cumulative_throughput", "none"]
Streams = Parallel | Literal["auto"]
NewTokens = Annotated[int, Field(ge=2, le=1 << 24)]
"""One token would come from the prompt alone, and no time per token would be known."""
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
    prompt: Parallel | None = None
    """Tokens that a decoder reads first; None: its usual number, or the model is no decoder."""
    new_tokens: NewTokens | None = None
    """Tokens that a decoder then produces; None as in ``prompt``."""

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
    for key in ("rate", "prompt", "new_tokens"):  # keeps the ids of releases without these
        if values[key] is None:
            del values[key]
    return digest(values)[:10]
