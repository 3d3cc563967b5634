"""The processor cores that this process, and every worker that it starts, may use."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import psutil

T = TypeVar("T")

_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def allowed_cpus() -> tuple[int, ...]:
    """Numbers of the logical cores that the process may use; empty where all may be used.

    ``taskset`` and ``docker run --cpuset-cpus`` restrict them. macOS has no such thing.
    """
    process = psutil.Process()
    if not hasattr(process, "cpu_affinity"):
        return ()
    allowed = tuple(sorted(process.cpu_affinity()))
    return allowed if len(allowed) < (os.cpu_count() or 1) else ()


def allowed_count() -> int:
    """How many logical cores the process may use."""
    return len(allowed_cpus()) or os.cpu_count() or 1


def quota() -> float | None:
    """Cores' worth of time that the control group may use, None where it is not limited."""
    try:
        limit, _, period = _QUOTA.read_text(encoding="ascii").strip().partition(" ")
    except OSError:  # no Linux, or an older control group
        return None
    return int(limit) / int(period) if limit.isdigit() and period.isdigit() else None


def usable_cores() -> float:
    """What the process may use: its CPUs, and no more than its quota."""
    limit = quota()
    return allowed_count() if limit is None else min(allowed_count(), limit)


def busy_share(interval_s: float) -> float:
    """Cores, of those that may be used, that all programs keep busy during some time."""
    shares = psutil.cpu_percent(interval=interval_s, percpu=True)
    return sum(_of_allowed(shares)) / 100


def cpu_seconds() -> float:
    """CPU time of all programs since boot, on the cores that may be used."""
    return sum(map(_spent, _of_allowed(psutil.cpu_times(percpu=True))))


def _spent(times: Any) -> float:
    """Seconds of one core that were not idle, from psutil's named tuple."""
    idle = times.idle + getattr(times, "iowait", 0.0)
    # Linux counts the time of virtual machines, guest, in user as well.
    guest = getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)
    return float(sum(times) - idle - guest)


def _of_allowed(of_cpus: Sequence[T]) -> Sequence[T]:
    allowed = allowed_cpus()
    return [of_cpus[cpu] for cpu in allowed if cpu < len(of_cpus)] if allowed else of_cpus
