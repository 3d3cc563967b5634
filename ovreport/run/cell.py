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
    """None: as the model is."""
    precision: str | None = None
    """Inference precision hint; None: the device's own choice."""
    threads: Parallel | None = None
    requests: Parallel | None = None
    """Infer requests kept in flight; None: one for latency, the device's optimum otherwise."""
    rate: Rate | None = None
    """Requests a second, which arrive at a fixed pace; None: as many as are done."""

    @property
    def id(self) -> str:
        """Short, stable and safe in a file name or an anchor; equal for equal cells."""
        return _cell_id(self)

    @property
    def point(self) -> tuple[Any, ...]:
        """All that its answers depend on: cells that agree in it give the same."""
        return self.model, self.version, self.runtime, self.device, self.precision

    @property
    def configuration(self) -> tuple[Any, ...]:
        """Everything but the model's version: cells that agree in it are compared."""
        values = self.model_dump(mode="json")
        del values["version"]
        return tuple(values.values())


@lru_cache(maxsize=10_000)
def _cell_id(cell: Cell) -> str:
    # Remembered beside the cell and not in it, where a changed copy would take it along.
    values = cell.model_dump(mode="json")
    if cell.rate is None:  # as it was before there were rates
        del values["rate"]
    return digest(values)[:10]
