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
    """Return the numbers of the logical cores that the process may use; empty if it may use all.

    ``taskset`` and ``docker run --cpuset-cpus`` restrict them. macOS has no such restriction.
    """
    process = psutil.Process()
    if not hasattr(process, "cpu_affinity"):
        return ()
    allowed = tuple(sorted(process.cpu_affinity()))
    return allowed if len(allowed) < (os.cpu_count() or 1) else ()


def allowed_count() -> int:
    """Count the logical cores that the process may use."""
    return len(allowed_cpus()) or os.cpu_count() or 1


def quota() -> float | None:
    """Return how many cores' worth of CPU time the control group allows; None without a limit."""
    try:
        limit, _, period = _QUOTA.read_text(encoding="ascii").strip().partition(" ")
    except OSError:  # no Linux, or an older control group
        return None
    return int(limit) / int(period) if limit.isdigit() and period.isdigit() else None


def usable_cores() -> float:
    """Return how many cores the process may use: its CPUs, but no more than its quota."""
    limit = quota()
    return allowed_count() if limit is None else min(allowed_count(), limit)


def busy_share(interval_s: float) -> float:
    """Measure for some time how many of the allowed cores all programs together keep busy."""
    percent = psutil.cpu_percent(interval=interval_s, percpu=True)
    return sum(_on_allowed_cpus(percent)) / 100


def cpu_seconds() -> float:
    """Return the CPU time of all programs since boot, on the allowed cores."""
    return sum(map(_busy_seconds, _on_allowed_cpus(psutil.cpu_times(percpu=True))))


def _busy_seconds(times: Any) -> float:
    """Return the seconds that one core was not idle, from psutil's named tuple."""
    idle = times.idle + getattr(times, "iowait", 0.0)
    # Linux counts the time of virtual machines, guest, in user as well.
    guest = getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)
    return float(sum(times) - idle - guest)


def _on_allowed_cpus(values: Sequence[T]) -> Sequence[T]:
    """Keep, of one value for each CPU, those of the allowed CPUs."""
    allowed = allowed_cpus()
    return [values[cpu] for cpu in allowed if cpu < len(values)] if allowed else values
