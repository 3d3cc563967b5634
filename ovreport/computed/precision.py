"""Names of precisions, and what they have in common."""

from __future__ import annotations

import re

UNKNOWN = "unknown"
INT8 = frozenset({"i8", "u8"})
NARROW = INT8 | {"i4", "u4", "u2", "u3", "u6", "i2", "nf4"}
"""Precisions that weights are stored in for integer arithmetic or to save memory."""

_FLOATING = ("f", "bf")
# Earlier releases wrote precisions in runtime graphs as the Inference Engine named them.
_FORMER_NAMES = {"fp64": "f64", "fp32": "f32", "fp16": "f16", "bool": "boolean", "bin": "u1"}


def precision_name(text: str) -> str:
    """A precision under its present name, ``f32``, whatever the release wrote (``FP32``)."""
    name = text.strip().lower()
    return _FORMER_NAMES.get(name, name) or UNKNOWN


def bits(precision: str) -> int:
    """Of one element; 0 where the name does not say."""
    name = precision_name(precision)
    return 8 if name == "boolean" else int(re.sub(r"\D*(\d*).*", r"\1", name)[:3] or 0)


def is_floating(precision: str) -> bool:
    """Whether a precision is one of floating-point numbers, of 8 bits or more."""
    return precision_name(precision).startswith(_FLOATING)
