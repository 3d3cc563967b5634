"""The theoretical work of a model, by executed layer and as a whole.

:func:`~ovreport.computed.work.model_work` returns the work of each operator of a model graph,
:func:`layer_work` that of each executed layer, :func:`totals` that of the whole model. Work that is
not known, as an operator has no formula or a shape is open, is None, never zero;
:func:`unknown_operators` lists such operators. Counting conventions are those of
:mod:`ovreport.computed.operators`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

from ovreport.computed import layer_kinds
from ovreport.computed.flow import size_bytes
from ovreport.computed.layers import (
    ExecutedLayer,
    constant_nodes,
    executed_layers,
    fates,
    folded_nodes,
)
from ovreport.computed.memo import by_identity
from ovreport.computed.operators import CONVOLUTIONS, DEPENDS_ON_VALUES, MOVES_DATA, VIEWS
from ovreport.computed.precision import is_floating, precision_name
from ovreport.computed.work import (
    Work,
    add,
    constant_edges,
    edges,
    graph_work,
    operator,
    output_bytes,
    read_bytes,
    write_bytes,
)
from ovreport.run import CellResult, Node, Run

# Layers that cannot execute a convolution. If such a layer seems to have absorbed one, the
# convolution was replaced, for instance by another one with the same input and weights.
_NO_PRODUCTS = frozenset({"Subgraph", "Eltwise"})
# Types of layers without arithmetic that the compiler may add, by their names in runtime graphs.
_ADDED = MOVES_DATA | {"Reorder", "Concatenation", "MemoryInput", "MemoryOutput"}

# ---------------------------------------------------------------------------- layers


def _work_of(run: Run, result: CellResult) -> tuple[Work, ...]:
    return graph_work(run.graphs[result.model_graph]) if result.model_graph else ()


@by_identity
def layer_work(run: Run, result: CellResult) -> Mapping[int, Work]:
    """Return the work of each executed layer, by its node in the runtime graph.

    Operations and parameters are those of all operators that the layer executes
    (:func:`~ovreport.computed.layers.fates`); each operator counts in exactly one layer. Bytes are
    those of the layer's inputs and outputs in the runtime graph, in their precisions there: data
    between fused operators stays in registers and caches. Floating-point weights that are converted
    once count in the layer's precision. If a layer computes but names no operator, its operations
    are unknown.
    """
    inside, _ = _placed(run, result)
    nodes = run.graphs[result.runtime_graph].nodes if result.runtime_graph else ()
    constant = constant_nodes(nodes)
    read = edges(nodes)
    work_by_layer = {}
    for layer in executed_layers(run, result):
        node = nodes[layer.index]
        nothing = 0 if layer.index in inside or layer.type in _ADDED else None
        work = reduce(Work.__add__, inside.get(layer.index, ()), Work(nothing, nothing))
        weights = constant_edges(node, constant)
        weight_bytes = add(*(_weight_bytes(nodes, edge, layer) for edge in weights))
        data = node.model_copy(
            update={"inputs": tuple(edge for edge in node.inputs if edge not in weights)}
        )
        work_by_layer[layer.index] = Work(
            flops=work.flops,
            integer_ops=work.integer_ops,
            parameters=work.parameters,
            weight_bytes=weight_bytes,
            read_bytes=add(weight_bytes, read_bytes(nodes, data)),
            write_bytes=write_bytes(node, layer.index, read),
        )
    return work_by_layer


def _weight_bytes(nodes: Sequence[Node], edge: tuple[int, int], layer: ExecutedLayer) -> int | None:
    """Return the size of weights as the layer reads them.

    Floating-point weights that are wider than the layer's precision are converted when compiling. A
    convolution has no kernel for narrower weights, so that these are converted, too. Integers are
    not converted.
    """
    port = nodes[edge[0]].outputs[edge[1]]
    stored = size_bytes(port.shape, port.precision)
    if not (is_floating(port.precision) and is_floating(layer.precision)):
        return stored
    converted = size_bytes(port.shape, layer.precision)
    if stored is None or converted is None or layer.type in layer_kinds.CONVOLUTIONS:
        return converted
    return min(stored, converted)


@by_identity
def not_placed(run: Run, result: CellResult) -> Work:
    """Return the work of operators without a known layer, which were removed or rewritten."""
    _, rest = _placed(run, result)
    return reduce(Work.__add__, rest, Work())


@by_identity
def _placed(run: Run, result: CellResult) -> tuple[Mapping[int, Sequence[Work]], Sequence[Work]]:
    """Return the work of the model's operators by the layer that executes them, and the rest."""
    work = _work_of(run, result)
    types = [node.type for node in run.graphs[result.model_graph or ""].nodes] if work else []
    types_there = {layer.index: layer.type for layer in executed_layers(run, result)}
    named = {(i, layer.index) for layer in executed_layers(run, result) for i in layer.originals}
    inside: dict[int, list[Work]] = defaultdict(list)
    rest = []
    for original, fate in fates(run, result).items():
        layers: Sequence[int] = ()
        if fate.layer is None:
            layers = _split_over(run, result, original) if work[original].operations != 0 else ()
        elif (original, fate.layer) not in named:
            # The operator's name was lost. If exactly one layer that lost its name, too, is read by
            # the layer that follows, that layer executed the operator.
            before = _nameless_before(run, result, [fate.layer])
            if len(before) == 1:
                layers = before
            elif not (types[original] in CONVOLUTIONS and types_there[fate.layer] in _NO_PRODUCTS):
                layers = [fate.layer]
        else:
            layers = [fate.layer]
        for layer, part in zip(layers, work[original].split(len(layers)), strict=True):
            inside[layer].append(part)
        if not layers and work[original].operations != 0:
            rest.append(work[original])
    return inside, rest


def _split_over(run: Run, result: CellResult, original: int) -> Sequence[int]:
    """Return the layers into which an operator was split; they no longer name it.

    A bidirectional recurrent operator becomes one layer for each direction, with new names. Nodes
    that join their outputs are named ``NAME.0`` after the operator, and lead to these layers.
    """
    _, joints, _ = _nameless(run, result)
    model = run.graphs[result.model_graph or ""].nodes
    return _nameless_before(run, result, joints.get(model[original].name, ()))


def _nameless_before(run: Run, result: CellResult, starts: Sequence[int]) -> Sequence[int]:
    """Return layers without an operator's name that nodes read, directly or through added ones."""
    nodes, _, nameless = _nameless(run, result)
    readable: set[int] = set()
    border = list(starts)
    visited = set(border)
    while border:
        sources = {source for source, _ in nodes[border.pop()].inputs} - visited
        visited |= sources
        readable |= sources & nameless
        border += [s for s in sources - nameless if nodes[s].type in _ADDED]
    return sorted(readable)


@by_identity
def _nameless(
    run: Run, result: CellResult
) -> tuple[Sequence[Node], Mapping[str, Sequence[int]], frozenset[int]]:
    """Return the runtime graph, joining nodes (``NAME.0``) by name, and layers of no operator."""
    nodes = run.graphs[result.runtime_graph].nodes if result.runtime_graph else ()
    joints: dict[str, list[int]] = defaultdict(list)
    for index, node in enumerate(nodes):
        name, dot, port = node.name.rpartition(".")
        if dot and port.isdecimal():
            joints[name].append(index)
    layers = executed_layers(run, result)
    nameless = {x.index for x in layers if not x.originals and x.type not in _ADDED}
    return nodes, joints, frozenset(nameless)


# ---------------------------------------------------------------------------- models


@dataclass(frozen=True, slots=True)
class ModelTotals:
    """A model as a whole, for one inference at the shapes it was measured with."""

    flops: int
    """Floating-point operations of the operators whose work is known."""
    integer_ops: int
    parameters: int
    weight_bytes: Mapping[str, int]
    """Size of the model's constants by precision, largest first."""
    smallest_activations: int | None
    """Bytes; see :func:`activation_bytes`."""
    all_activations: int | None
    unknown: Mapping[str, int]
    """Operators that ``flops`` and ``integer_ops`` leave out, by type and reason, counted."""
    opsets: tuple[str, ...]


@by_identity
def totals(run: Run, result: CellResult) -> ModelTotals:
    """Return the totals of a cell's model graph.

    Raises:
        KeyError: the cell has no model graph.
    """
    nodes = run.graphs[result.model_graph or ""].nodes
    work = _work_of(run, result)
    smallest, together = activation_bytes(nodes)
    sizes = Counter[str]()
    opsets = set[str]()
    for node in _everywhere(nodes):
        if isinstance(name := node.attributes.get("opset"), str):
            opsets.add(name)
        if node.type == "Constant" and node.outputs:
            size = size_bytes(node.outputs[0].shape, node.outputs[0].precision)
            sizes[precision_name(node.outputs[0].precision)] += size or 0
    return ModelTotals(
        flops=sum(item.flops or 0 for item in work),
        integer_ops=sum(item.integer_ops or 0 for item in work),
        parameters=sum(item.parameters for item in work),
        weight_bytes=dict(sizes.most_common()),
        smallest_activations=smallest,
        all_activations=together,
        unknown=unknown_operators(nodes, work),
        opsets=tuple(sorted(opsets, key=lambda name: (len(name), name))),
    )


def _everywhere(nodes: Sequence[Node]) -> list[Node]:
    """Return the nodes, and those of all bodies."""
    all_nodes = []
    for node in nodes:
        all_nodes.append(node)
        for body in node.bodies:
            all_nodes += _everywhere(body.nodes)
    return all_nodes


def unknown_operators(nodes: Sequence[Node], work: Sequence[Work]) -> Mapping[str, int]:
    """Count operators whose operations are not known, by reason: ``{"New: no formula": 1}``.

    Args:
        nodes: nodes of the model's own graph.
        work: their work, from :func:`model_work`.
    """
    counts = Counter[str]()
    for index, node in enumerate(nodes):
        if work[index].operations is not None:
            continue
        if node.bodies:
            counts[f"{node.type}: its iterations or a part of its body are not known"] += 1
        elif node.type in DEPENDS_ON_VALUES:
            counts[f"{node.type}: its work depends on values"] += 1
        elif operator(nodes, index) is None:
            counts[f"{node.type}: dynamic shape"] += 1
        else:
            counts[f"{node.type}: no formula"] += 1
    return dict(counts.most_common())


def activation_bytes(nodes: Sequence[Node]) -> tuple[int | None, int | None]:
    """Return the memory for activations in bytes: the least possible, and that without any reuse.

    The first is the largest sum, over the nodes in order, of all tensors that are written and will
    still be read. The second is the sum of all tensors. Inputs count, outputs that no node reads do
    not, and views share memory. Savings by fused layers are not considered. None if a shape is
    open.
    """
    constant = folded_nodes(nodes)
    read = edges(nodes)
    owner: dict[int, int] = {}
    sizes: dict[int, int] = {}
    last: dict[int, int] = {}
    for index, node in enumerate(nodes):
        for source, _ in node.inputs:
            if source in owner:
                last[owner[source]] = index
        if index in constant or node.type == "Result":
            continue
        viewed = owner.get(node.inputs[0][0]) if node.type in VIEWS and node.inputs else None
        if viewed is not None:
            owner[index] = viewed
            continue
        size = output_bytes(node, index, read)
        if size is None:
            return None, None
        owner[index], sizes[index], last[index] = index, size, index
    ends: dict[int, list[int]] = defaultdict(list)
    for index, end in last.items():
        ends[end].append(index)
    alive = peak = 0
    for index in range(len(nodes)):
        alive += sizes.get(index, 0)
        peak = max(peak, alive)
        alive -= sum(sizes[ended] for ended in ends[index])
    return peak, sum(sizes.values())
