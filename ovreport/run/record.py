"""The base class and the field types of all stored records."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue

from ovreport.run.samples import Int64Array, Samples

T = TypeVar("T")

# A run file may be untrusted. These bounds are far above all real values, but low enough that sums,
# products and ratios of such values are finite and need no further check.
_MOST = 1e18
_MOST_NS = 1 << 56

# numpy cannot represent larger integers.
Whole = Annotated[int, Field(ge=0, lt=1 << 63)]
"""A count, or a size in bytes."""
Positive = Annotated[int, Field(ge=1, lt=1 << 63)]
"""A count or size of at least 1."""
Nanoseconds = Annotated[int, Field(ge=0, lt=_MOST_NS)]
"""A duration; the longest is two years."""
Parallel = Annotated[int, Field(ge=1, le=1 << 16)]
"""Streams, threads or requests; the largest machines have some thousand cores."""
Cores = Annotated[float, Field(ge=0, le=1 << 16)]
"""How many cores were busy or may be used, on average."""
Amount = Annotated[float, Field(ge=0, le=_MOST)]
"""A measured figure."""
Share = Annotated[float, Field(ge=0, le=1)]
"""A fraction of one."""


def _check_durations(samples: Int64Array) -> Int64Array:
    if len(samples) and not (samples.min() >= 0 and samples.max() < _MOST_NS):
        raise ValueError("durations are neither negative nor longer than two years")
    return samples


Durations = Annotated[Samples, AfterValidator(_check_durations)]
"""A series of nanoseconds."""


def _bounded(value: JsonValue) -> JsonValue:
    for item in value.values() if isinstance(value, dict) else ():
        _bounded(item)
    for item in value if isinstance(value, list) else ():
        _bounded(item)
    if isinstance(value, (int, float)) and not abs(value) <= _MOST:
        raise ValueError("a number is infinite or too large")
    return value


ConfigPart = Annotated[dict[str, JsonValue], AfterValidator(_bounded)]
"""A part of a config."""
Many = Annotated[tuple[T, ...], Field(fail_fast=True)]
"""A series. Only the first wrong item is reported, as a report takes 100 times the item's size."""


class Record(BaseModel):
    """Base of all stored types: frozen, without unknown fields and without infinite numbers."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", arbitrary_types_allowed=True, allow_inf_nan=False
    )


def digest(value: Any) -> str:
    """Return a short digest of a JSON value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]
