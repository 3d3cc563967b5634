"""Short, unique names of layers, made of the model's own names."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, count

from ovreport.run import Node
from ovreport.text.short_names import short_names

# In characters: a name fits a column of a table, and a sentence.
LENGTH = 40
# OpenVINO names a node without a name by its type and a running number, which another node may have
# after the next compilation. A "stub" is an output that nothing reads.
_NUMBERED = re.compile(r"(?:onnx::)?([A-Z]\w*?)_\d+(?:\.\d+)?|\d*|stub_\d+_.*")
# PyTorch's exporter numbers tensors. "Identity_4" is a name of TensorFlow's own.
_NUMBERED_TENSOR = re.compile(r"onnx::.*|\d*|stub_\d+_.*")
# Endings that OpenVINO adds to the name of the original layer.
_ADDED = re.compile(r"(?:/WithoutBiases|/fq_\w+|_dequantize|/sink_port_\d+)+$")
# TFLite lists the layers that it fused; the first that does not begin so does the work.
_FOLLOWERS = ("BiasAdd", "FusedBatchNorm", "Relu", "batch_norm")
# Types of the model's products, which do most of a layer's work.
_PRODUCTS = frozenset({
    "Convolution", "GroupConvolution", "ConvolutionBackpropData", "GroupConvolutionBackpropData",
    "MatMul",
})  # fmt: skip
# OpenVINO inserts these between two layers, and names them after both.
_INSERTED = frozenset({"Reorder", "Convert"})
# Most nodes between weights and their layer: conversions, scales and changes of shape.
_WEIGHTS_ABOVE = 8


@dataclass(frozen=True)
class Names:
    """Short names of a cell's nodes, by index, without constants.

    Names of the runtime graph are unique.
    """

    runtime: Mapping[int, str]
    model: Mapping[int, str]


def name_nodes(
    runtime: Sequence[Node], model: Sequence[Node], originals: Mapping[int, Sequence[int]]
) -> Names:
    """Return short names of the nodes of a cell's graphs.

    Args:
        runtime: nodes of the runtime graph.
        model: nodes of the model's own graph.
        originals: the model's nodes that each runtime node executes. Runtime nodes that are not in
            it are constants, and get no name.
    """
    operators = _ModelNames(model, {index for executed in originals.values() for index in executed})
    layers = _runtime_names(runtime, originals, operators)
    short = short_names([*layers.values(), *operators.names.values()], LENGTH)
    return Names(
        {index: short[name] for index, name in layers.items()},
        {index: short[name] for index, name in operators.names.items()},
    )


# ---------------------------------------------------------------------------- the model's nodes


class _ModelNames:
    """The names that a model gives its operators, if it gives any."""

    def __init__(self, nodes: Sequence[Node], executed: set[int]) -> None:
        self._nodes = nodes
        self._executed = executed
        self._given = [_given_name(node) for node in nodes]
        self._following = self._names_that_follow()
        self.names = {
            index: _unadded(self._given[index] or node.name)
            for index, node in enumerate(nodes)
            if not is_constant(node)
        }
        self.own = {_unadded(name) for name in self._given if name}

    def of(self, indices: Sequence[int]) -> str | None:
        """Return a name for a layer that executes some operators.

        It is the name of a product among them and those before them that no layer names; else of
        any of them; else of a product's weights; else of the operator that reads them. OpenVINO may
        read an operator as several nodes, of which the last has its name.
        """
        before = [above for index in indices for above in self._before(index)]
        inside = {*indices, *before}
        products = [at for at in (*indices, *before) if self._nodes[at].type in _PRODUCTS]
        led_to = [self._following[index] for index in products]
        names = (
            *(self._given[index] for index in led_to if index is not None and index in inside),
            *(self._given[index] for index in indices),
            *(self._weights(index) for index in products),
            *(self._given[index] for at in indices if (index := self._following[at]) is not None),
            *(self._given[index] for index in before),
        )
        return next((_unadded(name) for name in names if name), None)

    def _names_that_follow(self) -> list[int | None]:
        """Return, for each node, itself if it has a name, else the next named node that reads it.

        A tensor's name is not used for other nodes: TFLite names only tensors, so that a node
        without a name is a separate operator, whose tensor's name OpenVINO lost.
        """
        following = [index if name else None for index, name in enumerate(self._given)]
        named = [_names_operators(node) for node in self._nodes]
        for index in reversed(range(len(self._nodes))):
            for source, _ in self._nodes[index].inputs:
                if not self._given[source]:
                    passed = following[index]
                    following[source] = passed if passed is not None and named[passed] else None
        return following

    def _before(self, index: int) -> Iterator[int]:
        """Yield operators before a node that its layer executes without naming them."""
        while self._nodes[index].inputs:
            index = self._nodes[index].inputs[0][0]
            if index in self._executed or self._nodes[index].type in ("Constant", "Parameter"):
                return
            yield index

    def _weights(self, index: int) -> str | None:
        """Return the name of the constant that a product multiplies by."""
        for source, _ in self._nodes[index].inputs[1:2]:
            above = list(self._to_constant(source))
            if self._nodes[above[-1]].type == "Constant":
                return next((name for at in above if (name := self._given[at])), None)
        return None

    def _to_constant(self, index: int) -> Iterator[int]:
        for _ in range(_WEIGHTS_ABOVE):
            yield index
            if not self._nodes[index].inputs:
                return
            index = self._nodes[index].inputs[0][0]


def _given_name(node: Node) -> str | None:
    """Return the name that the model gives a node; None if OpenVINO generated it."""
    if _names_operators(node):
        return node.name
    tensors = [name for output in node.outputs for name in output.names]
    return next((_first_of(name) for name in tensors if not _NUMBERED_TENSOR.fullmatch(name)), None)


def _names_operators(node: Node) -> bool:
    """Return whether the model itself names this node, and not only its output tensor."""
    numbered = _NUMBERED.fullmatch(node.name)
    tensors = any(output.names for output in node.outputs)
    return not numbered or (tensors and numbered[1] == node.type != "Result")


def is_constant(node: Node) -> bool:
    """Return whether a node is a constant of the model or of the device."""
    return node.type in ("Constant", "Const")


def _first_of(tensor: str) -> str:
    """Return the layer that does the work, of those that TFLite fused."""
    layers = tensor.split(";")
    return next((x for x in layers if not x.rpartition("/")[2].startswith(_FOLLOWERS)), layers[0])


def _unadded(name: str) -> str:
    return _ADDED.sub("", name) or name


# ---------------------------------------------------------------------------- the device's nodes


def _runtime_names(
    nodes: Sequence[Node], originals: Mapping[int, Sequence[int]], model: _ModelNames
) -> dict[int, str]:
    """Return unique names of the runtime graph's layers."""
    own_names = {
        index: _own(node, originals.get(index, ()), model)
        for index, node in enumerate(nodes)
        if index in originals
    }
    following = _following(nodes, own_names)
    names: dict[int, str] = {}
    used: set[str] = set()
    # First those whose names are the model's own, since others may be named after them.
    for index in sorted(own_names, key=lambda at: own_names[at] != _unadded(nodes[at].name)):
        name = own_names[index] or following.get(index) or nodes[index].name
        names[index] = _free(name, f"{name} ({nodes[index].type})", used)
        used.add(names[index])
    return names


def _free(name: str, longer: str, used: Collection[str]) -> str:
    """Return the first name that is not taken: the name, the longer one, or that with a number."""
    numbered = (f"{longer} #{number}" for number in count(2))
    return next(option for option in chain((name, longer), numbered) if option not in used)


def _own(node: Node, originals: Sequence[int], model: _ModelNames) -> str | None:
    """Return the model's own name of a layer; None if it has none."""
    name = _unadded(node.name)
    if name in model.own:
        return name
    if originals:
        return model.of(originals)
    return None if node.type in _INSERTED or _NUMBERED.fullmatch(name) else name


def _following(nodes: Sequence[Node], own_names: Mapping[int, str | None]) -> dict[int, str]:
    """Return names of layers without one, after the layer that reads them: ``before conv``."""
    following: dict[int, str] = {}
    for index in sorted(own_names, reverse=True):
        name = f"before {own_names[index]}" if own_names[index] else following.get(index)
        if name:
            following |= {source: name for source, _ in nodes[index].inputs}
    return following
