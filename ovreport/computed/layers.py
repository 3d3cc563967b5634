"""Joins profile, runtime graph and model graph into executed layers."""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Literal

import numpy as np

from ovreport.computed.execution import abilities, executed_precision, weights_precision
from ovreport.computed.kernels import parse_kernel
from ovreport.computed.layer_kinds import MOVERS, PRODUCTS
from ovreport.computed.layer_names import Names, is_constant, name_nodes
from ovreport.computed.memo import by_identity
from ovreport.computed.operators import MOVES_DATA, MULTIPLIES
from ovreport.computed.precision import INT8, is_floating
from ovreport.computed.rewritten_operators import find_rewritten
from ovreport.run import CellResult, Node, ProfiledLayer, Run
from ovreport.stats.medians import median_intervals

_MAX_COMMAS = 16
# Operators whose result differs between inferences, or is not known when the model is compiled,
# even if all their inputs are constants.
_NEVER_CONSTANT = frozenset({"ReadValue", "RandomUniform", "Multinomial"})
# In profiles, HETERO puts the number of the model's part before each name.
_PART = re.compile(r"^subgraph\d+: ")


@dataclass(frozen=True)
class ExecutedLayer:
    """A layer that the device ran, with its times over the profiled inferences."""

    index: int
    """Index of its node in the runtime graph."""
    order: int
    """Place in the execution order."""
    name: str
    """Name that the device gives it; :attr:`label` is for readers."""
    type: str
    """Type in the runtime graph; the profile has ``Concat`` for ``Concatenation``."""
    kernel: str
    precision: str
    """Executed precision: :func:`~ovreport.computed.execution.executed_precision`."""
    median_s: float
    low_s: float
    """Lower quartile."""
    high_s: float
    """Upper quartile."""
    share: float
    """Share of the sum of all layers' medians."""
    shapes: tuple[str, ...]
    layouts: str
    originals: tuple[int, ...]
    """Indices of the model graph's nodes that it executes."""
    label: str = ""
    """Its short name, which is unique in the cell: see :func:`layer_names`."""
    weights: str = ""
    """Precision of its constant weights; empty if it has none."""
    least_s: float = 0.0
    """Lower end of the 95 % interval of :attr:`median_s`."""
    most_s: float = inf
    """Upper end of that interval."""

    @property
    def quantises_data(self) -> bool:
        """Whether it reads floating point and multiplies integers (dynamic quantisation)."""
        return self.precision in INT8 and is_floating(parse_kernel(self.kernel).precision)


@dataclass(frozen=True)
class SkippedLayer:
    """A layer that the profile lists as not run: another layer does its work, or it has none."""

    name: str
    type: str
    index: int | None
    """Index of its node in the runtime graph: an input, an output, or a view of other memory."""
    into: int | None
    """Index of the executed layer into which it was fused."""


@dataclass(frozen=True)
class Fate:
    """How a node of the model was compiled.

    ``layer`` is the runtime node that does the work of an *executed* or *fused* node. A *kept* node
    is still in the runtime graph and takes no time: inputs, outputs, views of other memory.
    """

    kind: Literal["executed", "fused", "kept", "folded", "removed"]
    layer: int | None


def attribute(node: Node, name: str) -> str:
    """Return a runtime attribute as text; empty if it is missing."""
    value = node.attributes.get(name)
    return "" if value is None else str(value)


def profiled_layers(result: CellResult) -> Sequence[ProfiledLayer]:
    """Return the entries of the profile, with their names in the runtime graph."""
    layers = result.profile.layers if result.profile else ()
    if not result.cell.device.startswith("HETERO"):
        return layers
    return [layer.model_copy(update={"name": _PART.sub("", layer.name)}) for layer in layers]


@by_identity
def executed_layers(run: Run, result: CellResult) -> tuple[ExecutedLayer, ...]:
    """Return the executed layers, in execution order; none without a profile or a graph.

    A layer that is faster than the counters' resolution of 1 µs has a time of 0.
    """
    if result.profile is None or result.runtime_graph is None:
        return ()
    nodes = run.graphs[result.runtime_graph].nodes
    names = layer_names(run, result)
    originals = _originals(run, result)
    matched = _executed(run, result)
    orders = [execution_order(nodes[index], index) for index, _ in matched]
    if len(set(orders)) < len(orders):  # each part of a model that HETERO splits counts from zero
        orders = list(range(len(matched)))
    medians = {index: _median_s(layer) for index, layer in matched}
    total = sum(medians.values()) or 1.0
    spreads = _spreads_s([layer for _, layer in matched])
    able, constant = abilities(run, result), constant_nodes(nodes)
    layers = [
        ExecutedLayer(
            index=index,
            order=order,
            name=layer.name,
            type=nodes[index].type,
            kernel=layer.kernel,
            precision=executed_precision(nodes, index, layer.kernel, able),
            median_s=medians[index],
            low_s=spread[0],
            high_s=spread[1],
            share=medians[index] / total,
            shapes=tuple(port.shape for port in nodes[index].outputs),
            layouts=attribute(nodes[index], "outputLayouts"),
            originals=originals[index],
            label=names.runtime[index],
            weights=weights_precision(nodes, index, constant),
            least_s=spread[2],
            most_s=spread[3],
        )
        for (index, layer), order, spread in zip(matched, orders, spreads, strict=True)
    ]
    return tuple(sorted(layers, key=lambda layer: (layer.order, layer.index)))


@by_identity
def layer_names(run: Run, result: CellResult) -> Names:
    """Return short names of all layers of a cell and of the model's operators, without constants.

    A layer's name is that of the operator it executes, without OpenVINO's additions.
    """
    runtime = run.graphs[result.runtime_graph].nodes if result.runtime_graph else ()
    return name_nodes(runtime, _model_nodes(run, result), _originals(run, result))


@by_identity
def _originals(run: Run, result: CellResult) -> Mapping[int, tuple[int, ...]]:
    """Return the model's nodes that each layer of the runtime graph executes.

    They are the nodes that the layer names, or else the node that it replaces.
    """
    model = _model_nodes(run, result)
    resolve = _resolver(node.name for node in model)
    nodes = run.graphs[result.runtime_graph].nodes if result.runtime_graph else ()
    constant = constant_nodes(nodes) - {index for index, _ in _executed(run, result)}
    named = {
        index: resolve(attribute(node, "originalLayersNames"))
        for index, node in enumerate(nodes)
        if index not in constant
    }
    return named | {layer: (node,) for layer, node in find_rewritten(nodes, model, named).items()}


def _executed(run: Run, result: CellResult) -> list[tuple[int, ProfiledLayer]]:
    """Return the executed entries of the profile, with their nodes of the runtime graph."""
    if result.profile is None or result.runtime_graph is None:
        return []
    nodes = run.graphs[result.runtime_graph].nodes
    return [
        (index, layer)
        for index, layer in _matched(nodes, profiled_layers(result))
        if index is not None and _was_executed(layer)
    ]


@by_identity
def skipped_layers(run: Run, result: CellResult) -> tuple[SkippedLayer, ...]:
    """Return layers that the profile lists without a time, in its order.

    Such a layer is fused into the executed layer that names it in ``originalLayersNames``.
    """
    if result.profile is None or result.runtime_graph is None:
        return ()
    nodes = run.graphs[result.runtime_graph].nodes
    skipped = [
        (index, layer)
        for index, layer in _matched(nodes, profiled_layers(result))
        if not _was_executed(layer)
    ]
    resolve = _resolver(layer.name for _, layer in skipped)
    into = {
        place: executed.index
        for executed in executed_layers(run, result)
        for place in resolve(attribute(nodes[executed.index], "originalLayersNames"))
    }
    return tuple(
        SkippedLayer(layer.name, layer.type, index, into.get(place))
        for place, (index, layer) in enumerate(skipped)
    )


@by_identity
def unplaced_s(run: Run, result: CellResult) -> float:
    """Return the seconds of executed layers without a node in the runtime graph.

    No table shows these layers.
    """
    if result.profile is None:
        return 0.0
    nodes = run.graphs[result.runtime_graph].nodes if result.runtime_graph else ()
    return sum(
        _median_s(layer)
        for index, layer in _matched(nodes, profiled_layers(result))
        if index is None and _was_executed(layer)
    )


@by_identity
def fates(run: Run, result: CellResult) -> Mapping[int, Fate]:
    """Return how each node of the model graph that is not a constant was compiled.

    A node that an executed layer names as an original is *executed* if it is the only one or has
    the layer's name, else *fused*. If the layer is a convolution or matrix product, the model's
    product in it is *executed* and other nodes are *fused*, whatever the layer's name is: the
    device often names it after the bias or normalisation that it absorbed.

    Of the other nodes, one whose value is known when the model is compiled is *folded*. One that
    has the name of an executed layer is *executed* (a product with compressed weights lists other
    originals). One that another node of the runtime graph names, or whose name that node has, is
    *kept*. Remaining nodes were rewritten while compiling and have lost their names. They are
    *fused* if all paths from them lead to the same executed layer first (a convolution that is
    named after its bias or normalisation), else *removed*.
    """
    nodes = _model_nodes(run, result)
    node_fates: dict[int, Fate] = {}
    for layer in executed_layers(run, result):
        for original in layer.originals:
            is_main = len(layer.originals) == 1 or nodes[original].name == layer.name
            if is_main or original not in node_fates:
                node_fates[original] = Fate("executed" if is_main else "fused", layer.index)
    folded = folded_nodes(nodes)
    named = _named_at_runtime(run, result)
    executed = {layer.name: layer.index for layer in executed_layers(run, result) if layer.name}
    for index, node in enumerate(nodes):
        if index not in node_fates and index in folded:
            node_fates[index] = Fate("folded", None)
        elif index not in node_fates and node.name in executed:
            node_fates[index] = Fate("executed", executed[node.name])
        elif index not in node_fates and index in named:
            node_fates[index] = Fate("kept", None)
    _follow(nodes, node_fates, _movers(run, result))
    _lead_by_products(nodes, node_fates, executed_layers(run, result))
    return {
        index: node_fates[index] for index in sorted(node_fates) if not is_constant(nodes[index])
    }


def _movers(run: Run, result: CellResult) -> frozenset[int]:
    """Return executed layers that move data without arithmetic."""
    return frozenset(x.index for x in executed_layers(run, result) if x.type in MOVERS)


def _follow(nodes: Sequence[Node], node_fates: dict[int, Fate], movers: Collection[int]) -> None:
    """Add the fates of nodes without one, by the layers that read their outputs.

    A layer that only moves data cannot have absorbed a node that computes. The layer that did has
    lost its name, like the two layers into which a bidirectional recurrent one is split.
    """
    takers: dict[int, set[int | None]] = defaultdict(set)
    for index in reversed(range(len(nodes))):
        if index not in node_fates:
            (layer,) = takers[index] if len(takers[index]) == 1 else (None,)
            if layer in movers and nodes[index].type not in MOVES_DATA:
                layer = None
            node_fates[index] = Fate("removed" if layer is None else "fused", layer)
        if node_fates[index].kind != "folded":
            for source, _ in nodes[index].inputs:
                takers[source].add(node_fates[index].layer)


def _lead_by_products(
    nodes: Sequence[Node], node_fates: dict[int, Fate], layers: Sequence[ExecutedLayer]
) -> None:
    """Make the first product the executed operator of each layer that is a product."""
    inside: dict[int, list[int]] = defaultdict(list)
    for index in sorted(node_fates):
        place = node_fates[index].layer
        if place is not None:
            inside[place].append(index)
    for layer in layers:
        members = inside[layer.index] if layer.type in PRODUCTS else []
        product = next((index for index in members if nodes[index].type in MULTIPLIES), None)
        if product is not None:
            for index in members:
                node_fates[index] = Fate("executed" if index == product else "fused", layer.index)


def constant_nodes(nodes: Sequence[Node]) -> frozenset[int]:
    """Return constants, and nodes that depend only on constants."""
    return _closed_over(nodes, is_constant)


def folded_nodes(nodes: Sequence[Node]) -> frozenset[int]:
    """Return the nodes whose value is known when the model is compiled.

    Such a value follows from constants and from static shapes.
    """
    return _closed_over(nodes, lambda node: is_constant(node) or _is_static_shape(node, nodes))


def _closed_over(nodes: Sequence[Node], is_known: Callable[[Node], bool]) -> frozenset[int]:
    """Return nodes whose value is known, and nodes that depend only on such nodes."""
    constant: set[int] = set()
    for index, node in enumerate(nodes):
        follows = node.inputs and all(source in constant for source, _ in node.inputs)
        if is_known(node) or (follows and node.type not in _NEVER_CONSTANT):
            constant.add(index)
    return frozenset(constant)


def _is_static_shape(node: Node, nodes: Sequence[Node]) -> bool:
    """Return whether a node is a ``ShapeOf`` of a static shape."""
    if node.type != "ShapeOf" or not node.inputs:
        return False
    source, port = node.inputs[0]
    return is_static(nodes[source].outputs[port].shape)


def is_static(shape: str) -> bool:
    """Return whether a shape has no open dimension, as ``[1,3,?,1..8]`` has."""
    return "?" not in shape and ".." not in shape


def _model_nodes(run: Run, result: CellResult) -> tuple[Node, ...]:
    return run.graphs[result.model_graph].nodes if result.model_graph else ()


def _named_at_runtime(run: Run, result: CellResult) -> frozenset[int]:
    """Return the model's nodes that a node of the runtime graph names."""
    names = [node.name for node in _model_nodes(run, result)]
    resolve = _resolver(names)
    named: set[int] = set()
    runtime_names: set[str] = set()
    for node in run.graphs[result.runtime_graph].nodes if result.runtime_graph else ():
        named.update(resolve(attribute(node, "originalLayersNames")))
        runtime_names.add(node.name)
    return frozenset(named | {index for index, name in enumerate(names) if name in runtime_names})


def _was_executed(layer: ProfiledLayer) -> bool:
    return layer.status == "executed" and len(layer.times_ns) > 0


def _spreads_s(layers: Sequence[ProfiledLayer]) -> list[list[float]]:
    """Return quartiles of each layer and the interval of its median, shape [layers, 4], in seconds.

    Most layers have the same number of times, and are computed at once.
    """
    spreads: dict[int, list[float]] = {}
    lengths = [len(layer.times_ns) for layer in layers]
    for length in set(lengths):
        places = [place for place, count in enumerate(lengths) if count == length]
        times = np.stack([layers[place].times_ns for place in places]) / 1e9
        quartiles = np.quantile(times, [0.25, 0.75], axis=1).T
        ends = np.concatenate([quartiles, median_intervals(times)], axis=1)
        spreads.update(zip(places, ends.tolist(), strict=True))
    return [spreads[place] for place in range(len(layers))]


def _median_s(layer: ProfiledLayer) -> float:
    return float(np.median(layer.times_ns)) / 1e9


def execution_order(node: Node, index: int) -> int:
    """Return a node's place in the execution order; if the device reports none, its index."""
    text = attribute(node, "execOrder")
    return int(text) if re.fullmatch(r"-?\d{1,9}", text) else index


def _matched(
    nodes: Sequence[Node], layers: Sequence[ProfiledLayer]
) -> list[tuple[int | None, ProfiledLayer]]:
    """Match each profile entry with its runtime node by name and type, else by name only.

    Equal names, and empty ones, are matched in execution order, which is that of the profile.
    """
    in_order = sorted(
        range(len(nodes)), key=lambda index: (execution_order(nodes[index], index), index)
    )
    places: dict[tuple[str, str], deque[int]] = defaultdict(deque)
    by_name: dict[str, deque[int]] = defaultdict(deque)
    for index in in_order:
        places[nodes[index].name, nodes[index].type].append(index)
        by_name[nodes[index].name].append(index)
    nodes_by_entry: dict[int, int] = {}
    for at, layer in enumerate(layers):
        if same := places.get((layer.name, layer.type)):
            nodes_by_entry[at] = same.popleft()
    matched = set(nodes_by_entry.values())
    for at, layer in enumerate(layers):
        if at in nodes_by_entry or not layer.name:
            continue
        free = by_name.get(layer.name, deque())
        while free and at not in nodes_by_entry:
            if (index := free.popleft()) not in matched:
                nodes_by_entry[at] = index
    return [(nodes_by_entry.get(at), layer) for at, layer in enumerate(layers)]


def _resolver(names: Iterable[str]) -> Callable[[str], tuple[int, ...]]:
    """Return a function that resolves ``originalLayersNames``, a comma-separated list of names.

    It returns the places of existing names, in the order of the list. Names may contain commas.
    """
    places = {name: place for place, name in enumerate(names) if name}

    def resolve(text: str) -> tuple[int, ...]:
        parts = text.split(",")
        resolved: list[int] = []
        start = 0
        while start < len(parts):
            # The longest name wins; the bound keeps hostile text from costing quadratic time.
            for end in range(min(len(parts), start + _MAX_COMMAS + 1), start, -1):
                name = ",".join(parts[start:end])
                if name in places:
                    resolved.append(places[name])
                    start = end
                    break
            else:
                start += 1
        return tuple(dict.fromkeys(resolved))

    return resolve
