"""The work of each operator of a model: operations, parameters, and bytes moved."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass

from ovreport.computed.flow import size_bytes
from ovreport.computed.layers import folded_nodes
from ovreport.computed.memo import by_identity
from ovreport.computed.operators import (
    MOVES_DATA,
    MULTIPLIES,
    TAKES_PART,
    VIEWS,
    Operator,
    dimensions,
    operations,
)
from ovreport.computed.precision import NARROW, is_floating, precision_name
from ovreport.computed.quantised_nodes import quantised_values
from ovreport.run import Graph, Node

# Operators that change the form of stored numbers, but not their count.
_UNPACKS = frozenset({
    "Convert", "Multiply", "Reshape", "Squeeze", "Subtract", "Transpose", "Unsqueeze",
})  # fmt: skip
# Operators that cut or resize stored numbers to the shapes of the inputs, such as position
# embeddings.
_CUTS = frozenset({"Gather", "Interpolate", "Slice", "StridedSlice"})
# Inputs, by place, that control quantisation or hold statistics. They are not parameters: published
# figures are PyTorch's, to which a normalisation's mean and variance are buffers.
_NO_PARAMETERS = {"FakeQuantize": (1, 2, 3, 4), "BatchNormInference": (3, 4)}


@dataclass(frozen=True, slots=True)
class Work:
    """The work of an operator or layer in one inference; None: not known."""

    flops: int | None = 0
    """Floating-point operations; a multiply-add is two."""
    integer_ops: int | None = 0
    """Operations on integers: quantised products, and computations of indices and shapes."""
    parameters: int = 0
    """Elements of constant floating-point or quantised tensors, without single numbers. A tensor
    that several operators read, or that is stored several times, counts for the first of them."""
    weight_bytes: int | None = 0
    """Bytes of constants that are read; part of ``read_bytes``."""
    read_bytes: int | None = 0
    write_bytes: int | None = 0

    @property
    def operations(self) -> int | None:
        """Operations of both kinds."""
        return add(self.flops, self.integer_ops)

    @property
    def moved_bytes(self) -> int | None:
        """Bytes read and written."""
        return add(self.read_bytes, self.write_bytes)

    def __add__(self, other: Work) -> Work:
        return Work(
            add(self.flops, other.flops),
            add(self.integer_ops, other.integer_ops),
            self.parameters + other.parameters,
            add(self.weight_bytes, other.weight_bytes),
            add(self.read_bytes, other.read_bytes),
            add(self.write_bytes, other.write_bytes),
        )

    def split(self, parts: int) -> list[Work]:
        """Split the work into equal parts, which add up to it."""
        if parts == 1:  # nearly always
            return [self]
        return [
            Work(**{k: n and n // parts + (part < n % parts) for k, n in asdict(self).items()})
            for part in range(parts)
        ]


def add(*numbers: int | None) -> int | None:
    """Return the sum of numbers; None if one is not known."""
    addends = [number for number in numbers if number is not None]
    return sum(addends) if len(addends) == len(numbers) else None


# ---------------------------------------------------------------------------- operators


@by_identity
def graph_work(graph: Graph) -> tuple[Work, ...]:
    """Return :func:`model_work` of a graph. It is counted once, as many cells share a graph."""
    return model_work(graph.nodes)


def model_work(nodes: Sequence[Node]) -> tuple[Work, ...]:
    """Return the work of each operator of a model graph.

    An operator whose value is known when the model is compiled has no work. Bytes are those of all
    inputs and of those outputs that are read, in the precision of the model; views of other memory
    move none. The operations of a ``Loop`` or ``TensorIterator`` are those of its body times its
    iterations, of an ``If`` those of its larger branch; their bytes are those of their inputs and
    outputs only.
    """
    constant = folded_nodes(nodes)
    quantised = quantised_values(nodes)
    read = edges(nodes)
    stored_before: set[tuple[int, int]] = set()
    works = []
    for index, node in enumerate(nodes):
        if index in constant:
            works.append(Work())
            continue
        count = _operations(nodes, index)
        integer = _is_integer(nodes, index, quantised)
        weights = constant_edges(node, constant)
        parameter_edges = _parameter_edges(nodes, index, constant)
        stored = frozenset().union(*(_stored(nodes, edge) for edge in parameter_edges))
        counted = stored - stored_before
        stored_before |= stored
        inner = [_body_parameters(body.nodes) for body in node.bodies]
        works.append(
            Work(
                flops=0 if integer else count,
                integer_ops=count if integer else 0,
                parameters=sum(_elements(nodes, edge) or 0 for edge in counted) + sum(inner),
                weight_bytes=add(*(_edge_bytes(nodes, edge) for edge in weights)),
                read_bytes=read_bytes(nodes, node),
                write_bytes=write_bytes(node, index, read),
            )
        )
    return tuple(works)


def _operations(nodes: Sequence[Node], index: int) -> int | None:
    node = nodes[index]
    if node.bodies:
        return _body_operations(node)
    if node.type in MOVES_DATA:
        return 0  # whatever the shapes
    sized = operator(nodes, index)
    try:
        return None if sized is None else operations(sized)
    except (IndexError, ValueError, ZeroDivisionError):
        return None  # an untrusted graph, with shapes that its operator cannot have


def operator(nodes: Sequence[Node], index: int) -> Operator | None:
    """Return an operator with its dimensions; None if any of them is open."""
    node = nodes[index]
    inputs = [dimensions(nodes[source].outputs[port].shape) for source, port in node.inputs]
    outputs = [dimensions(port.shape) for port in node.outputs]
    if None in inputs or None in outputs:
        return None
    return Operator(
        node.type,
        [shape for shape in inputs if shape is not None],
        [shape for shape in outputs if shape is not None],
        node.attributes,
        {
            place: [n for n in value if isinstance(n, int)]
            for place, (source, _) in enumerate(node.inputs)
            if isinstance(value := nodes[source].attributes.get("value"), list)
        },
    )


def _body_operations(node: Node) -> int | None:
    """Return the operations of a node's bodies, floating-point and integer ones together."""
    bodies = [add(*(work.operations for work in model_work(body.nodes))) for body in node.bodies]
    counted = [count for count in bodies if count is not None]
    times = 1 if node.type == "If" else node.attributes.get("num_iterations")
    if len(counted) < len(bodies) or not isinstance(times, int) or times < 0:
        return None
    return max(counted) * times


def _body_parameters(nodes: Sequence[Node]) -> int:
    return sum(work.parameters for work in model_work(nodes))


def _is_integer(nodes: Sequence[Node], index: int, quantised: Collection[int]) -> bool:
    """Return whether an operator computes on integers, or is a product of quantised tensors."""
    node = nodes[index]
    if node.type in MULTIPLIES and all(source in quantised for source, _ in node.inputs[:2]):
        return True
    if node.bodies or len(node.inputs) <= (node.type == "Select"):
        return False
    source, port = node.inputs[node.type == "Select"]  # its first input is the condition
    return not is_floating(nodes[source].outputs[port].precision)


def constant_edges(node: Node, constant: frozenset[int]) -> frozenset[tuple[int, int]]:
    """Return the node's inputs that come from constants."""
    return frozenset(edge for edge in node.inputs if edge[0] in constant)


def _parameter_edges(
    nodes: Sequence[Node], index: int, constant: frozenset[int]
) -> frozenset[tuple[int, int]]:
    node = nodes[index]
    others = _NO_PARAMETERS.get(node.type, ())
    return frozenset(
        (source, port)
        for place, (source, port) in enumerate(node.inputs)
        if source in constant
        and place not in others
        # Integer products read their weights as i32, less the zero point.
        and (node.type in MULTIPLIES or _holds_parameters(nodes[source].outputs[port].precision))
        and (_elements(nodes, (source, port)) or 0) > 1
    )


def _stored(nodes: Sequence[Node], edge: tuple[int, int]) -> frozenset[tuple[int, int]]:
    """Return where the numbers of a constant input are first stored."""
    places: set[tuple[int, int]] = set()
    border = [edge]
    while border:
        index, port = border.pop()
        node = nodes[index]
        above = [s for s in node.inputs if s[0] < index]
        if above and node.type == "Concat":
            border += above
        elif above and node.type in _CUTS:
            border.append(above[0])
        elif above and node.type in _UNPACKS:
            border.append(max(above, key=lambda source: _elements(nodes, source) or 0))
        else:
            first = node.attributes.get("copy_of")
            at = first if isinstance(first, int) and 0 <= first < index else index
            places.add((at, port))
    return frozenset(places)


def _holds_parameters(precision: str) -> bool:
    return is_floating(precision) or precision_name(precision) in NARROW


def edges(nodes: Sequence[Node]) -> frozenset[tuple[int, int]]:
    """Return the outputs that are read, as (node, port)."""
    return frozenset(edge for node in nodes for edge in node.inputs)


def _elements(nodes: Sequence[Node], edge: tuple[int, int]) -> int | None:
    shape = dimensions(nodes[edge[0]].outputs[edge[1]].shape)
    return None if shape is None else math.prod(shape)


# ---------------------------------------------------------------------------- bytes


def _edge_bytes(nodes: Sequence[Node], edge: tuple[int, int]) -> int | None:
    port = nodes[edge[0]].outputs[edge[1]]
    return size_bytes(port.shape, port.precision)


def read_bytes(nodes: Sequence[Node], node: Node) -> int | None:
    """Return the bytes of all different inputs; of a partly read input, those of the output."""
    if node.type in VIEWS or node.type in ("ShapeOf", "Result"):
        return 0
    sizes = [_edge_bytes(nodes, edge) for edge in dict.fromkeys(node.inputs)]
    if node.type in TAKES_PART and sizes and node.outputs:
        part = size_bytes(node.outputs[0].shape, node.outputs[0].precision)
        sizes[0] = None if part is None or sizes[0] is None else min(part, sizes[0])
    return add(*sizes)


def write_bytes(node: Node, index: int, read: frozenset[tuple[int, int]]) -> int | None:
    """Return the bytes of the outputs that are read; a view writes none."""
    moves = node.type not in VIEWS and node.type not in ("Parameter", "Result")
    return output_bytes(node, index, read) if moves else 0


def output_bytes(node: Node, index: int, read: frozenset[tuple[int, int]]) -> int | None:
    """Return the bytes of the outputs that are read, which a pooling's indices rarely are."""
    return add(
        *(
            size_bytes(output.shape, output.precision)
            for port, output in enumerate(node.outputs)
            if (index, port) in read
        )
    )
