"""Questions about the runtime graph as a graph: precision changes, and its longest path."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise

from ovreport.graphs.layers import ExecutedLayer
from ovreport.run import Node


def transitions(layers: Sequence[ExecutedLayer]) -> Counter[tuple[str, str]]:
    """How often a layer of one precision is directly followed by one of another, or the same.

    Over layers with time above zero, in execution order, as the Workbench counted.
    """
    timed = [layer.precision for layer in layers if layer.median_s > 0]
    return Counter(pairwise(timed))


def critical_path(nodes: Sequence[Node], times: Mapping[int, float]) -> tuple[list[int], float]:
    """The path through the graph whose layers take longest, and their time in seconds.

    Args:
        nodes: in topological order.
        times: seconds by node index; nodes without one take none.
    """
    reached: list[float] = []
    before: list[int | None] = []
    for index, node in enumerate(nodes):
        source = max((s for s, _ in node.inputs), key=lambda s: reached[s], default=None)
        before.append(source)
        reached.append(times.get(index, 0.0) + (reached[source] if source is not None else 0.0))
    if not reached:
        return [], 0.0
    at: int | None = max(range(len(reached)), key=lambda index: reached[index])
    longest = reached[at] if at is not None else 0.0
    path: list[int] = []
    while at is not None:
        path.append(at)
        at = before[at]
    return path[::-1], longest
