"""Matches layers of two versions that do the same work.

Fusion depends on precision, release and device; rewritten layers get other names, and reorders are
inserted. So layers are matched in *groups*, one-to-one if possible. The most reliable evidence is
used first: operators of the model that both layers name; for layers without common names, their
order, type and size between matched layers; and for work that only one version does in a separate
layer, the layer that must do it in the other. A layer that only converts joins the group that it
serves.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property
from typing import Literal, TypeAlias

from ovreport.computed.layers import ExecutedLayer, constant_nodes, executed_layers
from ovreport.computed.memo import by_identity
from ovreport.run import CellResult, Node, Run

# Devices fuse these into the layer whose output they change.
_POST_OPERATORS = frozenset(
    ["Abs", "Add", "BatchNormInference", "Ceiling", "Clamp", "Convert", "Divide", "Elu", "Erf",
     "Exp", "FakeConvert", "FakeQuantize", "Floor", "Gelu", "HSigmoid", "HSwish", "HardSigmoid",
     "LeakyRelu", "Log", "Maximum", "Minimum", "Mish", "Multiply", "Negative", "PRelu", "Power",
     "Relu", "Round", "Selu", "Sigmoid", "SoftPlus", "SoftSign", "Sqrt", "SquaredDifference",
     "Subtract", "Swish", "Tanh"]
)  # fmt: skip
_CONVERTING_LAYERS = frozenset({"Reorder", "Convert", "FakeQuantize", "Quantize"})
_CONVERTING_OPERATORS = frozenset({"FakeQuantize", "FakeConvert", "Convert"})
# Names that OpenVINO generates, such as Multiply_9416, get new numbers whenever a model is read.
# They are trusted if this share of them name equal operators in both models.
_TRUSTED = 0.9
# With more layers, the alignment by structure, which may take quadratic time, would take too long.
_MAX_ALIGNED = 4000

Basis = Literal["name", "structure"]
# A layer: side, 0 or 1, and its place among the layers of that side.
_Layer: TypeAlias = tuple[int, int]


@dataclass(frozen=True)
class Network:
    """An executed version: its layers, and the nodes of its runtime graph and of the model."""

    layers: Sequence[ExecutedLayer]
    runtime: Sequence[Node]
    model: Sequence[Node]

    @cached_property
    def places(self) -> Mapping[str, int]:
        """Indices of the model's operators by name."""
        return {node.name: index for index, node in enumerate(self.model) if node.name}


@dataclass(frozen=True)
class LayerGroup:
    """Layers of A and B that do the same work, each in execution order; one side may be empty."""

    a: tuple[ExecutedLayer, ...]
    b: tuple[ExecutedLayer, ...]
    basis: Basis | None
    """The evidence that matched them; None for layers of one side only."""

    @property
    def a_s(self) -> float:
        """Seconds of A's layers."""
        return sum(layer.median_s for layer in self.a)

    @property
    def b_s(self) -> float:
        """Seconds of B's layers."""
        return sum(layer.median_s for layer in self.b)

    @property
    def change_s(self) -> float:
        """Seconds that B takes more than A."""
        return self.b_s - self.a_s

    @property
    def matched(self) -> bool:
        """Whether both sides have layers in the group."""
        return bool(self.a and self.b)

    @property
    def main(self) -> ExecutedLayer:
        """The longest layer, of A if it has any, which gives the group its name.

        It is a layer that only converts only if there is no other.
        """
        return max(
            self.a or self.b,
            key=lambda x: (x.type not in _CONVERTING_LAYERS, x.median_s, -x.order),
        )

    @property
    def mains(self) -> tuple[ExecutedLayer, ExecutedLayer]:
        """The main layer of a matched group, and the layer of B that corresponds to it."""
        main = self.main
        return main, max(
            self.b,
            key=lambda x: (
                x.name == main.name,
                x.type == main.type,
                x.type not in _CONVERTING_LAYERS,
                x.median_s,
            ),
        )


def match(a: Network, b: Network) -> tuple[LayerGroup, ...]:
    """Match all layers of both networks, each in exactly one group.

    Groups are in A's execution order, followed by those of B alone.
    """
    matching = _Matching(a, b)
    matching.by_operators()
    matching.by_order()
    matching.by_neighbours()
    matching.by_place_of_operators()
    matching.attach_converters()
    return matching.groups()


def coverage(groups: Iterable[LayerGroup]) -> tuple[float, float]:
    """Return the shares of A's and of B's time in matched groups."""
    times = [(group.a_s, group.b_s, group.matched) for group in groups]
    whole = [sum(time[side] for time in times) for side in (0, 1)]
    inside = [sum(time[side] for time in times if time[2]) for side in (0, 1)]
    a, b = (part / total if total else 1.0 for part, total in zip(inside, whole, strict=True))
    return a, b


@by_identity
def network(run: Run, result: CellResult) -> Network | None:
    """Return a cell's layers and graphs; None if it was not profiled."""
    if not (layers := executed_layers(run, result)) or result.runtime_graph is None:
        return None
    model = run.graphs[result.model_graph].nodes if result.model_graph else ()
    return Network(layers, run.graphs[result.runtime_graph].nodes, model)


@by_identity
def matched(run: Run, a: CellResult, b: CellResult) -> tuple[LayerGroup, ...]:
    """Return groups of the layers of two cells; empty if one was not profiled."""
    networks = network(run, a), network(run, b)
    if networks[0] is None or networks[1] is None:
        return ()
    return match(networks[0], networks[1])


class _Matching:
    """Growing groups: a union-find structure over the layers of both sides."""

    def __init__(self, a: Network, b: Network) -> None:
        self.sides = (_IndexedNetwork(a), _IndexedNetwork(b))
        self.parent: dict[_Layer, _Layer] = {
            (side, place): (side, place)
            for side in (0, 1)
            for place in range(len(self.sides[side].network.layers))
        }
        self.basis: dict[_Layer, Basis] = {}
        self.partnered: set[_Layer] = set()
        self.shared = shared_names(a.model, b.model)
        self.operators = [
            {name: places for name, places in side.operators.items() if name in self.shared}
            for side in self.sides
        ]

        self.named = [
            [any(side.network.model[i].name in self.shared for i in named) for named in side.named]
            for side in self.sides
        ]

    def root(self, layer: _Layer) -> _Layer:
        while self.parent[layer] != layer:
            self.parent[layer] = layer = self.parent[self.parent[layer]]
        return layer

    def join(self, first: _Layer, second: _Layer, basis: Basis) -> None:
        roots = self.root(first), self.root(second)
        root = min(roots)  # so that the order of joining does not change the groups
        self.parent[roots[0]] = self.parent[roots[1]] = root
        bases = [self.basis.pop(r, basis) for r in dict.fromkeys(roots)]
        self.basis[root] = "name" if "name" in bases else basis
        self.partnered |= {first, second}

    def unmatched(self, side: int, *, nameless: bool = False) -> list[int]:
        """Return the places of layers that have no partner yet and are not converters."""
        places = range(len(self.sides[side].network.layers))
        return [place for place in places if self.is_unmatched(side, place, nameless=nameless)]

    def is_unmatched(self, side: int, place: int, *, nameless: bool = False) -> bool:
        """Return whether a layer has no partner yet and is not a converter.

        Args:
            side: the layer's side.
            place: its place on that side.
            nameless: it must also name no operator that the other side has.
        """
        named = nameless and self.named[side][place]
        partnered = (side, place) in self.partnered
        return not (partnered or named or self.sides[side].converts(place))

    # ------------------------------------------------------------------------ evidence

    def by_operators(self) -> None:
        """Join layers that name the same operator.

        Layers with the same name, type and operators are joined first; other layers that name some
        of these operators do not join two such pairs.
        """
        alike = self._alike()
        for (_, x), (_, y) in alike:
            self.join((0, x), (1, y), "name")
        settled = {layer for pair in alike for layer in pair}
        for name in self.operators[0].keys() & self.operators[1].keys():
            named = [
                [place for place, sure in operators[name].items() if sure]
                for operators in self.operators
            ]
            for x in named[0]:
                for y in named[1]:
                    if not {(0, x), (1, y)} <= settled:
                        self.join((0, x), (1, y), "name")

    def _alike(self) -> list[tuple[_Layer, _Layer]]:
        """Return pairs of layers with the same name, type and operators; equal ones in order."""
        waiting: dict[object, list[int]] = defaultdict(list)
        for place in range(len(self.sides[1].network.layers)):
            waiting[self._identity(1, place)].append(place)
        pairs: list[tuple[_Layer, _Layer]] = []
        for place in range(len(self.sides[0].network.layers)):
            identity = self._identity(0, place)
            if identity is not None and waiting[identity]:
                pairs.append(((0, place), (1, waiting[identity].pop(0))))
        return pairs

    def _identity(self, side: int, place: int) -> object:
        """Return name, type and operators; None if the other side does not have the operators."""
        network = self.sides[side].network
        layer = network.layers[place]
        names = frozenset(network.model[index].name for index in layer.originals)
        return (layer.name, layer.type, names) if layer.name and names <= self.shared else None

    def by_order(self) -> None:
        """Align both lists of layers, and pair those between matched layers by type and size."""
        unmatched = [set(self.unmatched(side, nameless=True)) for side in (0, 1)]
        if not all(unmatched) or max(len(s.network.layers) for s in self.sides) > _MAX_ALIGNED:
            return
        tokens: list[list[Hashable]] = [
            [
                (layer.type, _sizes(layer))
                if place in unmatched[side]
                else self._token(side, place)
                for place, layer in enumerate(self.sides[side].network.layers)
            ]
            for side in (0, 1)
        ]
        aligned = SequenceMatcher(None, tokens[0], tokens[1], autojunk=False).get_matching_blocks()
        for block in aligned:
            for step in range(block.size):
                x, y = block.a + step, block.b + step
                if x in unmatched[0] and y in unmatched[1]:
                    self.join((0, x), (1, y), "structure")

    def _token(self, side: int, place: int) -> Hashable:
        layer: _Layer = (side, place)
        return self.root(layer) if layer in self.partnered else layer

    def by_neighbours(self) -> None:
        """Pair layers that are the only ones of their type before or after the same groups."""
        candidates = [self.unmatched(side, nameless=True) for side in (0, 1)]
        while any(candidates):
            waiting: dict[object, tuple[list[int], list[int]]] = {}
            for side in (0, 1):
                for place in candidates[side]:
                    for key in self._surroundings(side, place):
                        waiting.setdefault(key, ([], []))[side].append(place)
            paired: list[tuple[int, int]] = []
            for x, y in waiting.values():
                if len(x) == len(y) == 1 and not self.partnered & {(0, x[0]), (1, y[0])}:
                    self.join((0, x[0]), (1, y[0]), "structure")
                    paired.append((x[0], y[0]))
            # A new pair changes the surroundings of its neighbours only.
            candidates = [
                [
                    place
                    for place in sorted({n for pair in paired for n in network.near(pair[side])})
                    if self.is_unmatched(side, place, nameless=True)
                ]
                for side, network in enumerate(self.sides)
            ]

    def _surroundings(self, side: int, place: int) -> list[object]:
        """Return the keys by which layers with the same surroundings find each other.

        A key is the layer's type with the groups after it, or with the groups before it.
        """
        current, kind = self.sides[side], self.sides[side].network.layers[place].type
        keys: list[object] = []
        for way, near in (
            ("after", current.before[place]),
            ("before", current.after[place]),
        ):
            groups = {self.root((side, n)) for n in near if (side, n) in self.partnered}
            if groups:
                keys.append((kind, way, frozenset(groups)))
        return keys

    def by_place_of_operators(self) -> None:
        """Join an unmatched layer with the layer that does most of its operators' work."""
        for side in (0, 1):
            other = 1 - side
            votes: dict[int, Counter[int]] = defaultdict(Counter)
            for name, places in self.operators[side].items():
                for place in places:
                    votes[place].update(self.operators[other].get(name, {}).keys())
            for place in self.unmatched(side):
                if votes[place]:
                    (best, _), *_ = votes[place].most_common(1)
                    self.join((other, best), (side, place), "name")

    def attach_converters(self) -> None:
        """Join a converter with the only group that reads it, else with the group that it reads."""
        for side in (0, 1):
            current = self.sides[side]
            for place in reversed(range(len(current.network.layers))):
                if (side, place) in self.partnered or not current.converts(place):
                    continue
                fed, read = (
                    {self.root((side, n)) for n in near if (side, n) in self.partnered}
                    for near in (current.after[place], current.before[place])
                )
                served = fed if len(fed) == 1 else read or fed
                if served:
                    root = min(served)
                    self.join(root, (side, place), self.basis[root])

    # ------------------------------------------------------------------------ result

    def groups(self) -> tuple[LayerGroup, ...]:
        members: dict[_Layer, tuple[list[ExecutedLayer], list[ExecutedLayer]]] = {}
        for side, place in sorted(self.parent):
            sides = members.setdefault(self.root((side, place)), ([], []))
            sides[side].append(self.sides[side].network.layers[place])
        return tuple(
            LayerGroup(tuple(a), tuple(b), self.basis.get(root) if a and b else None)
            for root, (a, b) in members.items()
        )


class _IndexedNetwork:
    """A network with the operators and the neighbours of its layers."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.named = [_named(network, layer) for layer in network.layers]
        self.operators = _operators(network, self.named)
        self.before, self.after = _neighbours(network)

    def near(self, place: int) -> set[int]:
        """Return the nearest layers before and after a layer."""
        return self.before[place] | self.after[place]

    def converts(self, place: int) -> bool:
        """Return whether a layer only writes its input in another precision or layout."""
        if named := self.named[place]:
            return {self.network.model[index].type for index in named} <= _CONVERTING_OPERATORS
        return self.network.layers[place].type in _CONVERTING_LAYERS


def _named(network: Network, layer: ExecutedLayer) -> tuple[int, ...]:
    """Return the operators that a layer names, or else the operator that it is named after.

    ``logits/DequantizationMultiply`` is named after ``logits``.
    """
    if layer.originals or layer.type in _CONVERTING_LAYERS:
        return layer.originals
    name = layer.name
    while name and name not in network.places:
        name = name.rpartition("/")[0]
    return (network.places[name],) if name else ()


def _operators(network: Network, named: Sequence[tuple[int, ...]]) -> dict[str, dict[int, bool]]:
    """Return, by an operator's name, the layers that do its work, and whether they name it.

    An operator that no layer names was rewritten. If devices fuse such operators into the layer
    before, it belongs to that layer, otherwise to the layer that reads its output.
    """
    model = network.model
    owners: list[dict[int, bool]] = [{} for _ in model]
    for place, operators in enumerate(named):
        for operator in operators:
            owners[operator][place] = True
    ports = {index for index, node in enumerate(model) if node.type in ("Parameter", "Result")}
    idle = constant_nodes(model) | ports
    for index, taker in _takers(model, owners).items():
        if not owners[index] and index not in idle and model[index].type not in _POST_OPERATORS:
            owners[index] = dict.fromkeys(taker, False)
    for index, node in enumerate(model):
        read = next((source for source, _ in node.inputs if source not in idle), None)
        if owners[index] or index in idle or read is None or node.type not in _POST_OPERATORS:
            continue
        owners[index] = dict.fromkeys(owners[read], False)
    return {
        node.name: owners[index]
        for index, node in enumerate(model)
        if owners[index] and index not in idle
    }


def _takers(
    model: Sequence[Node], owners: Sequence[Mapping[int, bool]]
) -> Mapping[int, Mapping[int, bool]]:
    """Return, for each operator, the layers of the first named operators that read its output."""
    takers: dict[int, Mapping[int, bool]] = {}
    for index in reversed(range(len(model))):
        reached = owners[index] or takers.get(index, {})
        for source, _ in model[index].inputs:
            takers[source] = reached or takers.get(source, {})
    return takers


def shared_names(first: Sequence[Node], second: Sequence[Node]) -> frozenset[str]:
    """Return names that denote the same operator in both models."""
    models = [{node.name: node for node in model if node.name} for model in (first, second)]
    common = models[0].keys() & models[1].keys()
    generated = {
        name
        for name in common
        if re.fullmatch(rf"{re.escape(models[0][name].type)}_\d+", name)
        or re.fullmatch(rf"{re.escape(models[1][name].type)}_\d+", name)
    }
    alike = {name for name in generated if _alike(models[0][name], models[1][name])}
    trusted = alike if len(alike) >= _TRUSTED * len(generated) else frozenset()
    return frozenset((common - generated) | trusted)


def _alike(first: Node, second: Node) -> bool:
    shapes = [[port.shape for port in node.outputs] for node in (first, second)]
    return first.type == second.type and shapes[0] == shapes[1]


def _neighbours(network: Network) -> tuple[Mapping[int, set[int]], Mapping[int, set[int]]]:
    """Return, for each layer, the nearest layers before and after it.

    Nodes that take no time are skipped.
    """
    place_of = {layer.index: place for place, layer in enumerate(network.layers)}
    before: dict[int, set[int]] = defaultdict(set)
    after: dict[int, set[int]] = defaultdict(set)
    reached: list[frozenset[int]] = []
    for index, node in enumerate(network.runtime):
        sources = frozenset[int]().union(*(reached[source] for source, _ in node.inputs))
        place = place_of.get(index)
        if place is None:
            reached.append(sources)
            continue
        reached.append(frozenset({place}))
        before[place] |= sources
        for source in sources:
            after[source].add(place)
    return before, after


def _sizes(layer: ExecutedLayer) -> tuple[tuple[str, ...], ...]:
    """Return the sorted extents of the outputs, which are equal for NCHW and NHWC."""
    return tuple(
        tuple(sorted(part for part in shape.strip("[]").split(",") if part != "1"))
        for shape in layer.shapes
    )
