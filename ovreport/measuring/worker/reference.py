"""A short computation that is always the same: what it takes shows the speed of the machine.

It is the interpreter's own arithmetic, as that needs no import and no memory to speak of, and so
leaves the caches to the model.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

_clock = time.perf_counter_ns
# A round takes some 0.2 ms: long against the clock's steps, short against a slice.
_STEPS = 2500
ROUNDS = 3


def rounds_ns() -> list[int]:
    """How long each of some rounds took."""
    return [_round_ns() for _ in range(ROUNDS)]


def median(values_ns: Sequence[int]) -> float:
    """A round that was interrupted is no sign of the speed; ``statistics`` is slow to import."""
    ordered, half = sorted(values_ns), len(values_ns) // 2
    return (ordered[half] + ordered[-half - 1]) / 2


def _round_ns() -> int:
    started, value = _clock(), 1
    for _ in range(_STEPS):
        value = (value * 1_103_515_245 + 12_345) & 0x7FFF_FFFF
    return _clock() - started
