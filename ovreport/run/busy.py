"""What other programs did to the processor while something was measured."""

from __future__ import annotations

# Cores. A system's own bookkeeping stays below it, and a program that keeps a tenth of a core busy
# moves the results of a two-core machine by several percent.
BUSY_CORES = 0.1


def is_busy(other_load: float | None) -> bool:
    """Whether other programs used enough of the processor to change a measurement.

    Args:
        other_load: their CPU time in cores; None, where it was not recorded, is not busy.
    """
    return other_load is not None and other_load > BUSY_CORES
