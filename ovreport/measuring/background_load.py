"""The load of other programs during a measurement."""

from __future__ import annotations

import time
from dataclasses import dataclass

import psutil

from ovreport.cores import allowed_count, cpu_seconds
from ovreport.run import Slice, is_busy

# From this share of busy cores on, other programs slow the measured one down.
_FULL = 0.85


def crowded(measured: Slice) -> bool:
    """Return whether other programs took processor time that the worker could have used."""
    load = measured.other_load or 0.0
    used = measured.cpu_ns / measured.wall_ns
    return is_busy(load) and load + used > _FULL * allowed_count()


def others_s(worker: int) -> float:
    """Return the CPU seconds since boot of all programs but the worker and this process."""
    try:
        ours_s = sum(psutil.Process(worker).cpu_times()[:2]) + sum(psutil.Process().cpu_times()[:2])
    except psutil.NoSuchProcess:  # the pipe to the worker reports its end
        ours_s = 0.0
    return cpu_seconds() - ours_s


@dataclass
class LoadMeter:
    """Measures the load of all programs but a worker and this process, while it is entered."""

    worker: int
    _others_s: float = 0.0
    _wall_s: float = 0.0

    def __enter__(self) -> None:
        """Start measuring."""
        self._others_s -= others_s(self.worker)
        self._wall_s -= time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self._others_s += others_s(self.worker)
        self._wall_s += time.perf_counter()

    @property
    def cores(self) -> float | None:
        """Busy cores on average over all times it was entered; None before the first."""
        return max(0.0, self._others_s / self._wall_s) if self._wall_s else None
