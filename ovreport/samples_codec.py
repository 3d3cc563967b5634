"""Long integer series (latencies of every request), exact and small in JSON."""

from __future__ import annotations

import base64
import binascii
import zlib
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, PlainSerializer

Int64Array = NDArray[np.int64]

# A run of an hour at 60k requests a second holds 216 million samples; a file that claims more is
# refused before it can fill the memory.
MAX_SAMPLES = 250_000_000


def encode(samples: Int64Array) -> str:
    """Shape ``[n]`` int64 → base64 of the zlib-compressed differences, little-endian.

    Differences of neighbouring latencies are small numbers, so their high bytes are equal and the
    byte planes compress well; the bytes are therefore stored plane by plane.
    """
    deltas = np.diff(samples, prepend=np.int64(0)).astype("<i8")
    planes = deltas.view(np.uint8).reshape(-1, 8).T.copy()
    return base64.b64encode(zlib.compress(planes.tobytes(), 6)).decode("ascii")


def decode(text: str) -> Int64Array:
    """The inverse of :func:`encode`.

    Raises:
        ValueError: the text is not what :func:`encode` writes, or holds too many samples.
    """
    try:
        packed = base64.b64decode(text, validate=True)
        unpacker = zlib.decompressobj()
        raw = unpacker.decompress(packed, MAX_SAMPLES * 8)
    except (binascii.Error, zlib.error) as error:
        raise ValueError(f"not compressed samples: {error}") from error
    if unpacker.unconsumed_tail or not unpacker.eof or len(raw) % 8:
        raise ValueError("compressed samples are cut short or too long")
    planes = np.frombuffer(raw, np.uint8).reshape(8, -1)
    return np.cumsum(planes.T.copy().view("<i8").reshape(-1), dtype=np.int64)


def _validate(value: Any) -> Int64Array:
    if isinstance(value, str):
        value = decode(value)
    array = np.array(value, dtype=np.int64)
    if array.ndim != 1:
        raise ValueError("samples are one series of integers")
    array.setflags(write=False)
    return array


# A series compressed by itself pays for its own tables; a short one, such as a layer's times, takes
# half as many bytes in a run that is compressed as a whole, and can be read by people.
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
