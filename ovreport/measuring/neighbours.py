"""What other programs did while something was measured."""

from __future__ import annotations

import os

import psutil

from ovreport.run import Slice

# Others' load, in cores, that is more than a system's own bookkeeping; and the part of all cores in
# use from which on it takes something away.
_LOAD = 0.1
_FULL = 0.85


def crowded(measured: Slice) -> bool:
    """Whether others took processor time that the worker could have used."""
    load = measured.other_load or 0.0
    used = measured.cpu_ns / measured.wall_ns
    return load > _LOAD and load + used > _FULL * (os.cpu_count() or 1)


def busy_s(worker: int) -> float:
    """CPU seconds since boot of everything but the worker and this process."""
    times = psutil.cpu_times()
    idle = times.idle + getattr(times, "iowait", 0.0)
    try:
        own = sum(psutil.Process(worker).cpu_times()[:2]) + sum(psutil.Process().cpu_times()[:2])
    except psutil.NoSuchProcess:  # the pipe tells more about its end
        own = 0.0
    # Linux counts the time of virtual machines, guest, in user as well.
    guest = getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)
    return float(sum(times) - guest - idle - own)
