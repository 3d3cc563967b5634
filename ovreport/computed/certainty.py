"""Decides which changes of layer times are more than noise.

The interval of a change covers the spread between inferences of one process. It covers neither the
difference between two processes of the same model nor the drift between two passes. Layers that
both versions execute in the same way show these, as their times differ only by noise.
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
# Least number of layers executed alike from which noise is estimated.
_LEAST_ALIKE = 5
# The standard deviation of a normal distribution over its median absolute deviation.
_SIGMA = 1.4826


@dataclass(frozen=True)
class Certainty:
    """Which changes between a pair's layers are more than noise."""

    pair: Pair
    limit: float
    """Layers whose times differ by a smaller factor count as equal."""
    shift: float | None
    """The common factor between layers that are executed alike; None if it is within noise."""

    def beyond_noise(self, group: LayerGroup) -> bool:
        """Return whether a group's change exceeds its interval and the noise between layers."""
        change = change_of(group, *self.pair)
        shorter, longer = sorted((group.a_s, group.b_s))
        return not change.low <= 0 <= change.high and longer > shorter * self.limit


def certainty(
    run: Run, comparison: Comparison, pair: Pair, groups: Sequence[LayerGroup]
) -> Certainty:
    """Estimate the noise of a pair from the layers that both execute alike.

    The median of the logarithms of their ratios is the common shift, which single layers that
    really changed do not affect. The median absolute deviation is the noise of single layers.
    """
    alike = [group for group in groups if _executed_alike(group) and group.a_s and group.b_s]
    floor = math.log1p(settings(run).compare.launch_noise)
    # Another runtime or device may run the same kernel in another time.
    if comparison.axis != "version" or len(alike) < _LEAST_ALIKE:
        return Certainty(pair, math.exp(floor), None)
    ratios = np.log([group.b_s / group.a_s for group in alike])
    shift = float(np.median(ratios))
    spread = 1.96 * _SIGMA * float(np.median(np.abs(ratios - shift)))
    changes = [change_of(group, *pair) for group in alike]
    half = math.hypot(*(change.high - change.point for change in changes))
    is_shifted = abs(shift) > floor and abs(sum(change.point for change in changes)) > half
    limit = math.exp(abs(shift) + max(spread, floor))
    return Certainty(pair, limit, math.exp(shift) if is_shifted else None)


def change_of(group: LayerGroup, a: CellResult, b: CellResult) -> Estimate:
    """Return the seconds that B takes more than A for a group's work, with an interval.

    The interval covers the spread between inferences of one process, not between processes.
    """
    counts = [len(result.profile.latencies_ns) if result.profile else 0 for result in (a, b)]
    before, after = (
        reduce(add, (_time(layer) for layer in layers), Estimate(0.0, 0.0, 0.0, 0.95, ""))
        for layers in (group.a, group.b)
    )
    change = difference(after, before)
    method = f"medians of {counts[0]} and {counts[1]} profiled inferences"
    return replace(change, point=group.change_s, method=method)


def _time(layer: ExecutedLayer) -> Estimate:
    """Return a layer's time, whose interval is at least as wide as the counters' resolution."""
    least = 1.96 * _RESOLUTION_S / math.sqrt(12)
    median = layer.median_s
    low, high = min(layer.least_s, median - least), max(layer.most_s, median + least)
    return Estimate(median, low, high, 0.95, "")


def _executed_alike(group: LayerGroup) -> bool:
    """Return whether either side has one layer, with equal kernels, shapes and precisions."""
    if len(group.a) != 1 or len(group.b) != 1:
        return False

    def executed(layer: ExecutedLayer) -> tuple[object, ...]:
        return layer.type, layer.kernel, layer.precision, layer.shapes, layer.layouts

    return executed(group.a[0]) == executed(group.b[0])
