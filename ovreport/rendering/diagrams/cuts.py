"""Cut a large graph into pieces that are laid out one by one and stacked.

A graph may be cut below a node that every path goes through: only that node connects the parts
above and below. Tensors that many distant layers read, such as an attention mask, would keep a
network in one piece. If such an edge leaves its piece, it becomes a *reference*: the piece names
the source instead of drawing an arrow past everything between.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

Edge = tuple[int, int]

# A source is a hub if its readers lie in this many pieces, and the last one is further away than a
# block is long. Its arrows would run past everything and show little.
_HUB_READERS, _HUB_REACH = 4, 24
# Unconnected parts of up to this many nodes stand side by side.
_SIDE_BY_SIDE = 24


@dataclass(frozen=True)
class Piece:
    """Nodes that are laid out together, by index, in the direction of flow."""

    entry: int | None
    """The node that the piece continues: the last node of the previous piece."""
    nodes: tuple[int, ...]
    edges: tuple[int, ...]
    """Indices of the edges between ``entry`` and ``nodes``."""
    references: tuple[int, ...]
    """Indices of the edges that come into the piece from further away."""


def cut(count: int, edges: Sequence[Edge], limit: int) -> list[Piece]:
    """Return the pieces from top to bottom, each of at most ``limit`` nodes.

    Args:
        count: number of nodes.
        edges: (source, target), node indices below ``count``.
    """
    order = flow_order(count, edges)
    place = {node: at for at, node in enumerate(order)}
    spans = [(place[source], place[target]) for source, target in edges]
    ends = _ends(_Flow(count, spans), limit)
    piece_of = [number for number, (a, b) in enumerate(pairwise([0, *ends])) for _ in range(b - a)]
    drawn: list[list[int]] = [[] for _ in ends]
    far: list[list[int]] = [[] for _ in ends]
    entered = set()
    for index, (source, target) in enumerate(spans):
        number = piece_of[target]
        if piece_of[source] == number:
            drawn[number].append(index)
        elif number and source == ends[number - 1] - 1:
            drawn[number].append(index)
            entered.add(number)
        else:
            far[number].append(index)
    return [
        Piece(
            order[first - 1] if number in entered else None,
            tuple(order[first:last]),
            tuple(drawn[number]),
            tuple(far[number]),
        )
        for number, (first, last) in enumerate(pairwise([0, *ends]))
    ]


# ---------------------------------------------------------------------------- places to cut


class _Flow:
    """The tensors that pass each gap of the order; gap ``i`` lies below the node at ``i``."""

    def __init__(self, count: int, spans: Iterable[Edge]) -> None:
        self.count = count
        readers: list[set[int]] = [set() for _ in range(count)]
        for source, target in spans:
            readers[min(source, target)].add(max(source, target))
        self.reach = [max(targets, default=at) for at, targets in enumerate(readers)]
        hubs = {
            at
            for at, targets in enumerate(readers)
            if len(targets) >= _HUB_READERS and self.reach[at] - at > _HUB_REACH
        }
        ends = [end for _, end in _stretches(self, 0, count, hubs)] if hubs else []
        self.hubs = {
            at
            for at in hubs
            if len({bisect_right(ends, reader) for reader in readers[at]}) >= _HUB_READERS
        }

    def passing(self, first: int, last: int, without: Collection[int]) -> list[int]:
        """Return how many tensors of a stretch pass each gap, except the node above the gap."""
        change = [0] * (last - first + 1)
        for at in range(first, last):
            if at not in without and self.reach[at] > at + 1:
                change[at + 1 - first] += 1
                change[min(self.reach[at], last) - first] -= 1
        return list(accumulate(change[:-1]))


def _ends(flow: _Flow, limit: int) -> list[int]:
    """Return where pieces end, ascending; the last end is the number of nodes."""
    ends: list[int] = []
    for first, last in _stretches(flow, 0, flow.count, flow.hubs):
        if last - first <= limit:
            ends.append(last)
            continue
        # No piece can hold an edge longer than the limit, so these edges are cut in any case.
        far = flow.hubs | {at for at in range(first, last) if flow.reach[at] - at > limit}
        for start, end in _stretches(flow, first, last, far):
            passing = flow.passing(start, end, far)
            at = start
            while end - at > limit:
                gaps = range(at + limit // 4, at + limit)
                at = min(gaps, key=lambda gap: (passing[gap - start], -gap)) + 1
                ends.append(at)
            ends.append(end)
    return ends


def _stretches(flow: _Flow, first: int, last: int, without: Collection[int]) -> list[Edge]:
    """Return parts of a stretch between gaps that only the tensor of the node above passes."""
    parts = []
    start = first
    for gap, passing in enumerate(flow.passing(first, last, without), first):
        is_read_below = flow.reach[gap] > gap
        if gap + 1 == last or (not passing and (is_read_below or gap - start >= _SIDE_BY_SIDE)):
            parts.append((start, gap + 1))
            start = gap + 1
    return parts


# ---------------------------------------------------------------------------- order


def flow_order(count: int, edges: Sequence[Edge]) -> list[int]:
    """Return a topological order in which few tensors are alive at any time.

    The way to the deepest node comes depth first, so that one branch follows the other and inputs
    stand just before their readers. Nodes that lead elsewhere directly follow their source. Edges
    that close a cycle are ignored.
    """
    sources: list[list[int]] = [[] for _ in range(count)]
    readers: list[list[int]] = [[] for _ in range(count)]
    for source, target in dict.fromkeys(edges):
        sources[target].append(source)
        readers[source].append(target)
    depth = [0] * count
    for node in _after_sources(range(count), sources, set()):
        depth[node] = 1 + max((depth[source] for source in sources[node]), default=0)
    order: list[int] = []
    done: set[int] = set()
    for sink in sorted(range(count), key=lambda node: (-depth[node], node)):
        if sink not in done:
            _add_flow_to(sink, sources, readers, order, done)
    return order


def _add_flow_to(
    sink: int,
    sources: Sequence[Sequence[int]],
    readers: Sequence[Sequence[int]],
    order: list[int],
    done: set[int],
) -> None:
    """Add all nodes that the sink depends on, and all nodes that depend on any of these."""
    spine = _after_sources([sink], sources, set(done))
    waited_for = set(spine)
    frontier = list(spine)
    while frontier:
        fresh = [r for r in readers[frontier.pop()] if r not in waited_for and r not in done]
        waited_for.update(fresh)
        frontier += fresh
    waiting = {
        node: sum(source in waited_for for source in sources[node])
        for node in waited_for.difference(spine)
    }
    for node in spine:
        ready = [node]
        while ready:
            for added in _after_sources([ready.pop()], sources, done):
                order.append(added)
                for reader in readers[added] if added in waited_for else ():
                    if reader in waiting:
                        waiting[reader] -= 1
                        if not waiting[reader]:
                            ready.append(reader)


def _after_sources(
    nodes: Iterable[int], sources: Sequence[Sequence[int]], done: set[int]
) -> list[int]:
    """Return nodes and all their sources, each after its sources; add them to ``done``."""
    order = []
    for node in nodes:
        if node in done:
            continue
        done.add(node)
        path = [(node, iter(sources[node]))]
        while path:
            at, remaining = path[-1]
            source = next((s for s in remaining if s not in done), None)
            if source is None:
                order.append(at)
                path.pop()
            else:
                done.add(source)
                path.append((source, iter(sources[source])))
    return order
