"""Whether what a model's states hold decides how long an inference takes."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ovreport.run import CellResult, Node, Run
from ovreport.stats.steady import drift

# Cold caches after a reset change less than this.
_MATTERS = 0.1


def change_within_slices(run: Run, result: CellResult) -> float:
    """By how much latencies change from the beginning of a slice, with reset states, to its end.

    Of the median over the slices at each place that half of them reach, as single requests scatter;
    0 for a model without states, and where it may be chance.
    """
    nodes = run.graphs[result.model_graph].nodes if result.model_graph else ()
    if not (result.slices and _has_states(nodes)):
        return 0.0
    slices = [one.latencies_ns for one in result.slices]
    reached = int(np.median([len(one) for one in slices]))
    at_place = [
        float(np.median([one[place] for one in slices if place < len(one)]))
        for place in range(reached)
    ]
    change = drift(at_place)
    return change if abs(change) >= _MATTERS else 0.0


def _has_states(nodes: Iterable[Node]) -> bool:
    return any(
        node.type == "ReadValue" or any(_has_states(body.nodes) for body in node.bodies)
        for node in nodes
    )
