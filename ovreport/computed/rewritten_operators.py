"""Finds operators that the device rewrote with another name, by the layers that read them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from ovreport.run import Node


def find_rewritten(
    runtime: Sequence[Node], model: Sequence[Node], named: Mapping[int, Collection[int]]
) -> Mapping[int, int]:
    """Return runtime nodes that name no operator of the model, with the operator of each.

    An ``Interpolate`` whose layout OpenVINO changes is replaced by one with a new name. Such a node
    executes an operator if both have the same type, the same named layers read both first, and no
    other node or operator fits.

    Args:
        runtime: nodes of the runtime graph.
        model: nodes of the model's own graph.
        named: the operators that each runtime node names.
    """
    executing = {operator: layer for layer, operators in named.items() for operator in operators}
    layer_readers = _readers(
        runtime, {layer: layer for layer, operators in named.items() if operators}
    )
    operator_readers = _readers(model, executing)
    nameless = _by_place(
        runtime, layer_readers, (index for index, operators in named.items() if not operators)
    )
    unnamed = _by_place(
        model, operator_readers, (index for index in range(len(model)) if index not in executing)
    )
    return {
        layers[0]: unnamed[place][0]
        for place, layers in nameless.items()
        if len(layers) == len(unnamed.get(place, ())) == 1
    }


def _by_place(
    nodes: Sequence[Node], readers: Sequence[frozenset[int]], indices: Iterable[int]
) -> Mapping[tuple[str, frozenset[int]], Sequence[int]]:
    """Return nodes by their type and readers; nodes that no known layer reads are left out."""
    nodes_by_place: dict[tuple[str, frozenset[int]], list[int]] = defaultdict(list)
    for index in indices:
        if readers[index]:
            nodes_by_place[nodes[index].type, readers[index]].append(index)
    return nodes_by_place


def _readers(nodes: Sequence[Node], known_nodes: Mapping[int, int]) -> list[frozenset[int]]:
    """Return, for each node, the first known nodes that read it, directly or through others."""
    readers_by_node: dict[int, set[int]] = defaultdict(set)
    for index in reversed(range(len(nodes))):
        readers = {known_nodes[index]} if index in known_nodes else readers_by_node[index]
        for source, _ in nodes[index].inputs:
            readers_by_node[source] |= readers
    return [frozenset(readers_by_node[index]) for index in range(len(nodes))]
