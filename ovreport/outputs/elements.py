"""Compares elements of two arrays: integers exactly, strings as a whole."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Truths = NDArray[np.bool_]
Numbers = NDArray[np.float64]

# A 64-bit float represents every integer up to this one.
_EXACT = 1 << 53


def are_codes(array: Array) -> bool:
    """Return whether values are identifiers, such as classes or tokens, and not quantities.

    Integers of 8 and 16 bits count as quantities, as they hold images, sound or quantised values.
    """
    kind, size = array.dtype.kind, array.dtype.itemsize
    return kind in "bSU" or (kind in "iu" and size >= 4)


def comparable(a: Array, b: Array) -> bool:
    """Return whether both are texts, or neither is."""
    return (a.dtype.kind in "SU") == (b.dtype.kind in "SU")


def same_bits(a: Array, b: Array) -> bool:
    """Return whether both have the same type, shape and bytes."""
    return (a.dtype, a.shape) == (b.dtype, b.shape) and a.tobytes() == b.tobytes()


def equal_elements(a: Array, b: Array) -> Truths:
    """Return a mask of equal elements of two flat arrays. NaN equals NaN."""
    texts, whole = ([x.dtype.kind in kinds for x in (a, b)] for kinds in ("SU", "iub"))
    if any(texts):
        return np.asarray(a == b) if all(texts) else np.zeros(a.shape, np.bool_)
    if all(whole):
        return _equal_integers(a, b)
    if any(whole):
        integers, floats = (a, b) if whole[0] else (b, a)
        rounded = integers.astype(np.float64)
        return np.asarray((rounded == floats) & _is_exact(integers))
    return np.asarray((a == b) | (np.isnan(a) & np.isnan(b)))


def differences(a: Array, b: Array) -> Numbers:
    """Return ``b − a`` of flat arrays of numbers. For integers it is exact until one rounding."""
    if a.dtype.kind in "iub" and b.dtype.kind in "iub":
        (high_a, low_a), (high_b, low_b) = _halves(a), _halves(b)
        return np.asarray((high_b - high_a) * 2.0**32 + (low_b - low_a))
    return np.asarray(b.astype(np.float64) - a.astype(np.float64))


def _equal_integers(a: Array, b: Array) -> Truths:
    if (a.dtype.kind == "u") == (b.dtype.kind == "u"):
        return np.asarray(a == b)
    signed, unsigned = (b, a) if a.dtype.kind == "u" else (a, b)
    return np.asarray((signed >= 0) & (signed.astype(np.uint64) == unsigned))


def _halves(integers: Array) -> tuple[Numbers, Numbers]:
    """Return the upper and the lower 32 bits.

    Floats represent differences of either exactly, so that only their sum is rounded.
    """
    wide = integers.astype(np.uint64 if integers.dtype.kind == "u" else np.int64)
    return (wide >> 32).astype(np.float64), (wide & 0xFFFFFFFF).astype(np.float64)


def _is_exact(integers: Array) -> Truths:
    """Return a mask of the integers up to 2^53, which 64-bit floats represent exactly.

    Few larger ones are represented exactly, too; these are left out.
    """
    return np.asarray((integers <= _EXACT) & (integers >= -_EXACT))
