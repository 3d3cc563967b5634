"""The load of other programs during a measurement."""

from __future__ import annotations

# In cores. The services of an idle system stay below it, and a program that uses a tenth of a core
# changes the results of a two-core machine by several percent.
BUSY_CORES = 0.1

# Cores. Before a run the load is sampled for a third of a second, and a service that wakes up once
# can fill a part of that.
BUSY_BEFORE_CORES = 0.5


def is_busy(other_load: float | None) -> bool:
    """Return whether other programs used enough of the processor to change a measurement.

    Args:
        other_load: their CPU time in cores; None (not recorded) counts as not busy.
    """
    return other_load is not None and other_load > BUSY_CORES


def was_busy_before(load: float | None) -> bool:
    """Return whether other programs used the processor just before a run.

    Args:
        load: their CPU time in cores, over a short sample; None: it was not recorded.
    """
    return load is not None and load > BUSY_BEFORE_CORES
