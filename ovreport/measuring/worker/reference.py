"""A short fixed computation whose time shows the speed of the machine.

It is arithmetic of the interpreter, which needs no import and hardly any memory, so the model's
data stays in the caches.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

_clock = time.perf_counter_ns
# A round takes about 0.2 ms: much longer than a step of the clock, much shorter than a slice.
_STEPS = 2500
ROUNDS = 3


def rounds_ns() -> list[int]:
    """Measure the time of some rounds."""
    return [_round_ns() for _ in range(ROUNDS)]


def median(values_ns: Sequence[int]) -> float:
    """Return the median, which ignores interrupted rounds; ``statistics`` is slow to import."""
    ordered, half = sorted(values_ns), len(values_ns) // 2
    return (ordered[half] + ordered[-half - 1]) / 2


def _round_ns() -> int:
    started, value = _clock(), 1
    for _ in range(_STEPS):
        value = (value * 1_103_515_245 + 12_345) & 0x7FFF_FFFF
    return _clock() - started
