"""The base of all that is stored."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue

from ovreport.run.samples import Int64Array, Samples

T = TypeVar("T")

# What is read may be anybody's. These bounds lie far beyond what exists, and low enough that sums,
# products and ratios of what is read are finite and need no test of their own.
_MOST = 1e18
_MOST_NS = 1 << 56

# Larger integers have no form in numpy.
Whole = Annotated[int, Field(ge=0, lt=1 << 63)]
"""A number of things or bytes."""
Positive = Annotated[int, Field(ge=1, lt=1 << 63)]
"""The same of what there is at least one of."""
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


def _in_time(samples: Int64Array) -> Int64Array:
    if len(samples) and not (samples.min() >= 0 and samples.max() < _MOST_NS):
        raise ValueError("durations are neither negative nor longer than two years")
    return samples


Durations = Annotated[Samples, AfterValidator(_in_time)]
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
"""A series. Only its first wrong item is reported: each report takes 100 times its text."""


class Record(BaseModel):
    """Base of all stored types: frozen, and strict about what it does not know."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", arbitrary_types_allowed=True, allow_inf_nan=False
    )


def digest(value: Any) -> str:
    """Short, and equal for equal values of JSON."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]
