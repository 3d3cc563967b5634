"""Finds pairs of transposes of which the second undoes the first."""

from __future__ import annotations

from collections.abc import Sequence

from ovreport.computed.flow import readers_of
from ovreport.computed.layers import constant_nodes, is_static
from ovreport.run import Node

# Most nodes between two transposes; nobody would remove longer chains by hand.
_MAX_BETWEEN = 8


def there_and_back(nodes: Sequence[Node]) -> list[tuple[int, int]]:
    """Return the indices of both transposes of each pair.

    Between them is only a chain of nodes that keep the shape, and so could work on the original
    data. A transpose is recognised by its order of dimensions, or, if the graph does not have it,
    by its shapes.
    """
    constant = constant_nodes(nodes)
    readers = readers_of(nodes)
    pairs = []
    for first, node in enumerate(nodes):
        if node.type != "Transpose" or not node.inputs or not node.outputs:
            continue
        at, shape = first, node.outputs[0].shape
        for _ in range(_MAX_BETWEEN):
            if len(readers[at]) != 1:
                break
            following = readers[at][0]
            data = [source for source, _ in nodes[following].inputs if source not in constant]
            if data != [at] or not nodes[following].outputs:
                break
            if nodes[following].type == "Transpose":
                if _undoes(nodes, first, following):
                    pairs.append((first, following))
                break
            if nodes[following].outputs[0].shape != shape:
                break
            at = following
    return pairs


def _undoes(nodes: Sequence[Node], first: int, second: int) -> bool:
    forward, backward = _order(nodes, first), _order(nodes, second)
    if forward is not None and backward is not None and len(forward) == len(backward):
        identity = list(range(len(forward)))
        return forward != identity and [forward[place] for place in backward] == identity
    source, port = nodes[first].inputs[0]
    before, between = nodes[source].outputs[port].shape, nodes[first].outputs[0].shape
    return nodes[second].outputs[0].shape == before != between and is_static(between)


def _order(nodes: Sequence[Node], index: int) -> list[int] | None:
    """Return the order of dimensions; None if the graph does not have it."""
    if len(nodes[index].inputs) < 2:
        return None
    value = nodes[nodes[index].inputs[1][0]].attributes.get("value")
    if not isinstance(value, list):
        return None
    order = [number for number in value if isinstance(number, int)]
    return order if sorted(order) == list(range(len(value))) else None
