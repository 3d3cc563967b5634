"""Times of single inferences out of the running means that the CPU plugin keeps."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate


def singles(means: Sequence[int]) -> list[float]:
    """The time of each inference but the first, from the mean after each, in the unit of both.

    A mean is a whole number, rounded down, so that after n inferences their sum is known to n - 1
    only. Differences of sums that are read off the means would jump by n, and where a first
    inference was slow and the mean still falls their median is the mean, not the time of one.
    Taken is the taut string, the path of least variation through all that the sums can be: as the
    sums allow it, an inference took as long as the one before. (Davies, Kovac, *Local extremes,
    runs, strings and multiresolution*, Annals of Statistics 29(1), 2001.)
    """
    if len(means) < 2:
        return []
    least: list[float] = [mean * (n + 1) for n, mean in enumerate(means)]
    most = [total + n for n, total in enumerate(least)]
    # Sums do not fall: they are no less than any before can be, and no more than any after can.
    low = list(accumulate(least, max))
    high = list(accumulate(reversed(most), min))[::-1]
    # It ends in the middle of what can be; a layer that is never seen to take time takes none.
    low[-1] = high[-1] = (low[-1] + high[-1]) / 2 if any(means) else 0.0
    times: list[float] = []
    at, height = 0, low[0]
    while at < len(means) - 1:
        end, slope = _straight(low, high, at, height)
        times += [max(0.0, slope)] * (end - at)
        at, height = end, height + slope * (end - at)
    return times


def _straight(
    low: Sequence[float], high: Sequence[float], at: int, height: float
) -> tuple[int, float]:
    """Where the string that leaves a point bends next, and its slope until there."""
    least, most = float("-inf"), float("inf")
    least_at = most_at = at
    for place in range(at + 1, len(low)):
        steps = place - at
        down, up = (low[place] - height) / steps, (high[place] - height) / steps
        if down > most:
            return most_at, most
        if up < least:
            return least_at, least
        if down >= least:
            least_at, least = place, down
        if up <= most:
            most_at, most = place, up
    return len(low) - 1, least  # both ends of the last interval are one
