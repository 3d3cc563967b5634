"""Converts tensors to arrays with exact values, also for element types that numpy lacks."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

# Values by code. NF4: Dettmers et al., QLoRA, appendix E. E2M1: OCP Microscaling 1.0, 5.3.3.
_NF4 = (
    -1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635,
    -0.18477343022823334, -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725,
    0.24611230194568634, 0.33791524171829224, 0.44070982933044434, 0.5626170039176941,
    0.7229568362236023, 1.0,
)  # fmt: skip
_E2M1 = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, -0.0, -0.5, -1.0, -1.5, -2.0, -3.0, -4.0, -6.0)
# Elements of these are packed, those of the lowest bits first.
_PACKED_BITS = {"u2": 2, "u4": 4, "i4": 4, "nf4": 4, "f4e2m1": 4}


def values_of(tensor: Any) -> Array | None:
    """Return the values of a tensor; None if numpy cannot represent its element type.

    bf16 and types with fewer bits become f32, u8 or i8, which represent all their values. Strings
    become arrays of bytes.
    """
    kind = tensor.get_element_type().get_type_name()
    shape = tuple(tensor.shape)
    if kind == "string":
        return np.asarray(tensor.bytes_data)
    if kind == "bf16":  # the upper half of f32
        halves = tensor.data.view(np.uint16).astype(np.uint32) << 16
        return np.asarray(halves.view(np.float32).reshape(shape))
    if kind in _TABLES or kind in _PACKED_BITS:
        codes = _codes(tensor.data, kind, int(np.prod(shape)))
        return np.asarray(_decoded(codes, kind).reshape(shape))
    data = np.asarray(tensor.data)
    return data if data.dtype.kind in "fiub" and data.shape == shape else None


def _codes(data: Array, kind: str, elements: int) -> NDArray[np.uint8]:
    raw = data.view(np.uint8).reshape(-1)
    bits = _PACKED_BITS.get(kind, 8)
    if bits == 8:
        return raw
    shifts = np.arange(0, 8, bits, dtype=np.uint8)
    codes = (raw[:, None] >> shifts) & ((1 << bits) - 1)
    return codes.astype(np.uint8).reshape(-1)[:elements]


def _decoded(codes: NDArray[np.uint8], kind: str) -> Array:
    if kind in _TABLES:
        return np.asarray(_TABLES[kind][codes])
    return ((codes ^ 8).astype(np.int8) - 8).astype(np.int8) if kind == "i4" else codes


def _e4m3() -> NDArray[np.float32]:
    """Return the value of each code of f8e4m3, which has no infinity and one NaN for each sign.

    Source: Micikevicius et al., *FP8 Formats for Deep Learning*, table 1.
    """
    code = np.arange(256)
    exponent, fraction = code >> 3 & 15, code & 7
    size = np.where(
        exponent > 0, (1 + fraction / 8) * 2.0 ** (exponent - 7), fraction / 8 * 2.0**-6
    )
    size[(code & 127) == 127] = np.nan
    return np.where(code < 128, size, -size).astype(np.float32)


def _e5m2() -> NDArray[np.float32]:
    """Return the value of each code of f8e5m2, which is the upper byte of f16."""
    return (np.arange(256, dtype=np.uint16) << 8).view(np.float16).astype(np.float32)


def _e8m0() -> NDArray[np.float32]:
    """Return the value of each code of f8e8m0: powers of two; the highest code is NaN."""
    powers = 2.0 ** (np.arange(256) - 127.0)
    powers[255] = np.nan
    return powers.astype(np.float32)


_TABLES: dict[str, NDArray[np.float32]] = {
    "nf4": np.array(_NF4, np.float32),
    "f4e2m1": np.array(_E2M1, np.float32),
    "f8e4m3": _e4m3(),
    "f8e5m2": _e5m2(),
    "f8e8m0": _e8m0(),
}
