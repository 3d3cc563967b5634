"""The base of all that is stored."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field

T = TypeVar("T")

# What is read may be anybody's: larger integers have no form in numpy, nor as a float.
Whole = Annotated[int, Field(ge=0, lt=1 << 63)]
"""A number of things, bytes or nanoseconds."""
Positive = Annotated[int, Field(ge=1, lt=1 << 63)]
"""The same of what there is at least one of."""
Many = Annotated[tuple[T, ...], Field(fail_fast=True)]
"""A series. Its first wrong item is told and no other, as each takes 100 times its text."""


class Record(BaseModel):
    """Base of all stored types: frozen, and strict about what it does not know."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", arbitrary_types_allowed=True, allow_inf_nan=False
    )


def digest(value: Any) -> str:
    """Short, and equal for equal values of JSON."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]
