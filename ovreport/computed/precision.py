"""Names and properties of precisions."""

from __future__ import annotations

import re

UNKNOWN = "unknown"
INT8 = frozenset({"i8", "u8"})
NARROW = INT8 | {"i4", "u4", "u2", "u3", "u6", "i2", "nf4"}
"""Precisions in which weights are stored for integer arithmetic or to save memory."""

_FLOATING = ("f", "bf")
# Runtime graphs of earlier OpenVINO releases have the Inference Engine's names.
_FORMER_NAMES = {"fp64": "f64", "fp32": "f32", "fp16": "f16", "bool": "boolean", "bin": "u1"}


def precision_name(text: str) -> str:
    """Return a precision's present name, ``f32``, also for earlier names (``FP32``)."""
    name = text.strip().lower()
    return _FORMER_NAMES.get(name, name) or UNKNOWN


def bits(precision: str) -> int:
    """Return the bits of one element; 0 if the name does not have them."""
    name = precision_name(precision)
    return 8 if name == "boolean" else int(re.sub(r"\D*(\d*).*", r"\1", name)[:3] or 0)


def is_floating(precision: str) -> bool:
    """Return whether a precision is floating point, of 8 bits or more."""
    return precision_name(precision).startswith(_FLOATING)
