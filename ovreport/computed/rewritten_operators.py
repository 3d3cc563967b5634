"""Operators that the device rewrote under another name: found again by what reads them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from ovreport.run import Node


def find_rewritten(
    runtime: Sequence[Node], model: Sequence[Node], named: Mapping[int, Collection[int]]
) -> Mapping[int, int]:
    """Runtime nodes that name no operator of the model, with the operator that each executes.

    An ``Interpolate`` whose layout OpenVINO changes is replaced by one with a new name. Such a node
    and an operator belong together if they have one type, the same named layers read them first,
    and nothing else fits either.

    Args:
        named: for each runtime node the operators that it names.
    """
    executing = {operator: layer for layer, found in named.items() for operator in found}
    layer_readers = _readers(runtime, {layer: layer for layer, found in named.items() if found})
    operator_readers = _readers(model, executing)
    nameless = _by_place(
        runtime, layer_readers, (index for index, found in named.items() if not found)
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
    """Nodes by their type and what reads them; those that nothing known reads are left out."""
    found: dict[tuple[str, frozenset[int]], list[int]] = defaultdict(list)
    for index in indices:
        if readers[index]:
            found[nodes[index].type, readers[index]].append(index)
    return found


def _readers(nodes: Sequence[Node], known: Mapping[int, int]) -> list[frozenset[int]]:
    """For each node the known ones that read it first, through nodes that are not known."""
    found: dict[int, set[int]] = defaultdict(set)
    for index in reversed(range(len(nodes))):
        own = {known[index]} if index in known else found[index]
        for source, _ in nodes[index].inputs:
            found[source] |= own
    return [frozenset(found[index]) for index in range(len(nodes))]
