"""What other programs did while something was measured."""

from __future__ import annotations

import time
from dataclasses import dataclass

import psutil

from ovreport.cores import allowed_count, cpu_seconds
from ovreport.run import Slice, is_busy

# The part of all cores in use from which on other programs take something away.
_FULL = 0.85


def crowded(measured: Slice) -> bool:
    """Whether others took processor time that the worker could have used."""
    load = measured.other_load or 0.0
    used = measured.cpu_ns / measured.wall_ns
    return is_busy(load) and load + used > _FULL * allowed_count()


def others_s(worker: int) -> float:
    """CPU seconds since boot of everything but the worker and this process."""
    try:
        own = sum(psutil.Process(worker).cpu_times()[:2]) + sum(psutil.Process().cpu_times()[:2])
    except psutil.NoSuchProcess:  # the pipe tells more about its end
        own = 0.0
    return cpu_seconds() - own


@dataclass
class LoadMeter:
    """The load of everything but a worker and this process over stretches of its work."""

    worker: int
    _others_s: float = 0.0
    _wall_s: float = 0.0

    def __enter__(self) -> None:
        """Begins a stretch."""
        self._others_s -= others_s(self.worker)
        self._wall_s -= time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self._others_s += others_s(self.worker)
        self._wall_s += time.perf_counter()

    @property
    def cores(self) -> float | None:
        """On average over all stretches; None before the first."""
        return max(0.0, self._others_s / self._wall_s) if self._wall_s else None
