"""How far a change of a layer's time can be trusted.

Its interval covers the spread between inferences of one process, and neither what two processes of
the same model differ by nor drift from one pass to the other. Layers that both versions execute
alike tell these: nothing but noise changes them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np

from ovreport.computed.layers import ExecutedLayer
from ovreport.computed.matching import LayerGroup
from ovreport.computed.pairs import Comparison, Pair
from ovreport.computed.settings import settings
from ovreport.run import CellResult, Run
from ovreport.stats.estimate import Estimate
from ovreport.stats.medians import add, difference

# Performance counters count whole microseconds.
_RESOLUTION_S = 1e-6
# Fewer layers that are executed alike do not tell how far such layers stray.
_LEAST_ALIKE = 5
# Of a normal distribution: the standard deviation over the median absolute deviation.
_SIGMA = 1.4826


@dataclass(frozen=True)
class Certainty:
    """Which changes between a pair's layers are more than noise."""

    pair: Pair
    limit: float
    """Layers whose times differ by a smaller factor are alike."""
    apart: float | None
    """The factor that layers executed alike differ by as a whole, where it is beyond noise."""

    def beyond_noise(self, group: LayerGroup) -> bool:
        """Whether a group's change exceeds its interval and what layers differ by anyway."""
        change = change_of(group, *self.pair)
        shorter, longer = sorted((group.a_s, group.b_s))
        return not change.low <= 0 <= change.high and longer > shorter * self.limit


def certainty(
    run: Run, comparison: Comparison, pair: Pair, groups: Sequence[LayerGroup]
) -> Certainty:
    """What the layers of the pair that are executed alike tell.

    Of the logarithms of their ratios the median is the shift of all, which a layer that really
    changed has no hold on; the median absolute deviation tells how far single layers stray.
    """
    alike = [group for group in groups if _executed_alike(group) and group.a_s and group.b_s]
    floor = math.log1p(settings(run).compare.launch_noise)
    # Another runtime or device may well run the same kernel in another time.
    if comparison.axis != "version" or len(alike) < _LEAST_ALIKE:
        return Certainty(pair, math.exp(floor), None)
    ratios = np.log([group.b_s / group.a_s for group in alike])
    shift = float(np.median(ratios))
    stray = 1.96 * _SIGMA * float(np.median(np.abs(ratios - shift)))
    changes = [change_of(group, *pair) for group in alike]
    half = math.hypot(*(change.high - change.point for change in changes))
    together = abs(shift) > floor and abs(sum(change.point for change in changes)) > half
    limit = math.exp(abs(shift) + max(stray, floor))
    return Certainty(pair, limit, math.exp(shift) if together else None)


def change_of(group: LayerGroup, a: CellResult, b: CellResult) -> Estimate:
    """Seconds that B takes more for a group's work, with the interval of that difference.

    It covers the spread between inferences of one process, not between processes.
    """
    counts = [len(result.profile.latencies_ns) if result.profile else 0 for result in (a, b)]
    took, takes = (
        reduce(add, (_time(layer) for layer in layers), Estimate(0.0, 0.0, 0.0, 0.95, ""))
        for layers in (group.a, group.b)
    )
    change = difference(takes, took)
    method = f"medians of {counts[0]} and {counts[1]} profiled inferences"
    return replace(change, point=group.change_s, method=method)


def _time(layer: ExecutedLayer) -> Estimate:
    """A layer's time; counters tell it no better than their resolution."""
    least = 1.96 * _RESOLUTION_S / math.sqrt(12)
    median = layer.median_s
    low, high = min(layer.least_s, median - least), max(layer.most_s, median + least)
    return Estimate(median, low, high, 0.95, "")


def _executed_alike(group: LayerGroup) -> bool:
    """One layer of either side, by the same kernel in the same shapes and precision."""
    if len(group.a) != 1 or len(group.b) != 1:
        return False

    def executed(layer: ExecutedLayer) -> tuple[object, ...]:
        return layer.type, layer.kernel, layer.precision, layer.shapes, layer.layouts

    return executed(group.a[0]) == executed(group.b[0])
