"""Reconstructs the times of single inferences from the running means of the CPU plugin."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate


def singles(means: Sequence[int]) -> list[float]:
    """Return the time of each inference but the first, from the mean after each; same unit.

    A mean is a whole number, rounded down, so the sum of n inferences is known only to n - 1.
    Differences of sums computed from the means would jump by n; and while the mean still falls
    after a slow first inference, their median would be the mean and not the time of an inference.
    Instead this takes the taut string, the path of least variation through all possible sums: an
    inference takes as long as the one before if the sums allow it. (Davies, Kovac, *Local
    extremes, runs, strings and multiresolution*, Annals of Statistics 29(1), 2001.)
    """
    if len(means) < 2:
        return []
    least: list[float] = [mean * (n + 1) for n, mean in enumerate(means)]
    most = [total + n for n, total in enumerate(least)]
    # Sums never fall: each is at least every lower bound before it, at most every upper one after.
    low = list(accumulate(least, max))
    high = list(accumulate(reversed(most), min))[::-1]
    # The path ends in the middle of the last bounds; a layer whose means are all 0 takes no time.
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
    """Return where the string that starts at a point bends next, and its slope up to there."""
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
