"""Encodes long series of integers, such as latencies of all requests, exactly and compactly."""

from __future__ import annotations

import base64
import binascii
import zlib
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, PlainSerializer, ValidationInfo

Int64Array = NDArray[np.int64]


@dataclass
class Budget:
    """Bytes that the series of an untrusted file may still take; the context of its validation."""

    left: int


def encode(samples: Int64Array) -> str:
    """Encode samples, shape ``[n]``, as base64 of their zlib-compressed differences.

    The bytes of the differences (little-endian) are stored plane by plane: neighbouring latencies
    differ little, so that their high bytes are equal and compress well.
    """
    deltas = np.diff(samples, prepend=np.int64(0)).astype("<i8")
    planes = deltas.view(np.uint8).reshape(-1, 8).T.copy()
    return base64.b64encode(zlib.compress(planes.tobytes(), 6)).decode("ascii")


def decode(text: str, budget: Budget | None = None) -> Int64Array:
    """Decode samples that :func:`encode` encoded.

    Raises:
        ValueError: :func:`encode` does not write such a text, or it holds more than the budget.
    """
    try:
        unpacker = zlib.decompressobj()
        # One byte more than allowed: 0 would mean no limit.
        most = budget.left + 1 if budget else 0
        raw = unpacker.decompress(base64.b64decode(text, validate=True), most)
    except (binascii.Error, zlib.error) as error:
        raise ValueError(f"not compressed samples: {error}") from error
    if budget:
        budget.left -= len(raw)
        if budget.left < 0:
            raise ValueError("there are far too many compressed samples for a file of this size")
    if not unpacker.eof or len(raw) % 8:
        raise ValueError("compressed samples are cut short")
    deltas = np.frombuffer(raw, np.uint8).reshape(8, -1).T.copy().view("<i8").reshape(-1)
    del raw
    return np.cumsum(deltas, dtype=np.int64, out=deltas)


def _validate(value: Any, info: ValidationInfo) -> Int64Array:
    if isinstance(value, str):
        array = decode(value, info.context if isinstance(info.context, Budget) else None)
    else:
        try:
            array = np.array(value, dtype=np.int64)
        except (TypeError, OverflowError) as error:
            raise ValueError("samples must be 64-bit integers") from error
    if array.ndim != 1:
        raise ValueError("samples must be a single series of integers")
    array.setflags(write=False)
    return array


# A short series, such as a layer's times, is not compressed: in a run that is compressed as a whole
# a list of numbers takes half as many bytes, and people can read it.
_SHORT = 64


def _stored(samples: Int64Array) -> str | list[int]:
    return samples.tolist() if len(samples) <= _SHORT else encode(samples)


Samples = Annotated[
    NDArray[np.int64],
    BeforeValidator(_validate),
    PlainSerializer(_stored, return_type=str | list[int]),
]
"""A pydantic field type: an immutable ``[n]`` int64 array, stored by :func:`encode`, or as a
list of numbers if it is short."""
