"""Whether the values of a model's states change how long an inference takes."""

from __future__ import annotations

from collections.abc import Iterable
from math import comb

import numpy as np

from ovreport.run import CellResult, Node, Run, Slice

# Cold caches after a reset cause smaller changes.
_MATTERS = 0.1
_CHANCE = 0.01


def change_within_slices(run: Run, result: CellResult) -> float:
    """Return the relative change of the latency from the first to the second half of a slice.

    Each slice begins with reset states. The change is that of the medians of both halves, the
    median over the slices. It is 0 for a model without states, and if chance may explain it by the
    sign test over the slices at 1 % (W. J. Dixon, A. M. Mood, *The statistical sign test*, JASA 41,
    1946). The test takes slices, not requests, as the requests of one slice share the machine's
    speed.
    """
    nodes = run.graphs[result.model_graph].nodes if result.model_graph else ()
    if not _has_states(nodes):
        return 0.0
    changes = np.array([_change(measured) for measured in result.slices if measured.requests > 1])
    if not len(changes) or _by_chance(int((changes > 0).sum()), int((changes < 0).sum())):
        return 0.0
    change = float(np.median(changes))
    return change if abs(change) >= _MATTERS else 0.0


def _has_states(nodes: Iterable[Node]) -> bool:
    return any(
        node.type == "ReadValue" or any(_has_states(body.nodes) for body in node.bodies)
        for node in nodes
    )


def _change(measured: Slice) -> float:
    half = len(measured.latencies_ns) // 2
    first, second = measured.latencies_ns[:half], measured.latencies_ns[-half:]
    return float(np.median(second) / np.median(first)) - 1


def _by_chance(rises: int, falls: int) -> bool:
    count = rises + falls
    at_least_as_many = sum(comb(count, number) for number in range(max(rises, falls), count + 1))
    return 2 * at_least_as_many > _CHANCE * (1 << count)
