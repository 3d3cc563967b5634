"""How the file of a version is quantised, and how the device executes it.

The device decides whether to multiply integers (:mod:`ovreport.computed.execution`), so all layers
of an INT8 file may be executed in floating point.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ovreport.computed import operators
from ovreport.computed.flow import conversions, quantisers, readers_of
from ovreport.computed.layer_kinds import CONVERTERS, PRODUCTS, RECURRENT
from ovreport.computed.layers import ExecutedLayer, executed_layers, fates
from ovreport.computed.memo import by_identity
from ovreport.computed.precision import INT8, NARROW, is_floating
from ovreport.computed.quantised_nodes import Scheme, quantised_products, rounding_nodes
from ovreport.run import CellResult, Node, Run

# The scheme of a file is the first of these that any of its products has.
_ORDER: tuple[Scheme, ...] = ("dynamic", "static", "weights")


@dataclass(frozen=True)
class Quantisation:
    """The quantisation of one cell."""

    scheme: Scheme | None = None
    """None: the file is not quantised."""
    products: tuple[ExecutedLayer, ...] = ()
    """Layers that execute the file's quantised products."""
    converting: tuple[ExecutedLayer, ...] = ()
    """Layers that only quantise or convert back."""

    @property
    def in_int8(self) -> tuple[ExecutedLayer, ...]:
        """The products that multiply integers."""
        return tuple(layer for layer in self.products if layer.precision in INT8)

    @property
    def in_floating_point(self) -> tuple[ExecutedLayer, ...]:
        """The products that run in floating point."""
        return tuple(layer for layer in self.products if layer.precision not in INT8)

    @property
    def flows_in_int8(self) -> bool:
        """Whether some layers pass integers to each other."""
        return self.scheme == "static" and bool(self.in_int8)


@by_identity
def quantisation(run: Run, result: CellResult) -> Quantisation:
    """Return how the file of a cell's version is quantised, and how the cell executed it."""
    layers = executed_layers(run, result)
    if result.model_graph is None:
        return _by_execution(layers)
    model = run.graphs[result.model_graph].nodes
    schemes = quantised_products(model)
    scheme = next((s for s in _ORDER if s in schemes.values()), None)
    places = {fate.layer for index, fate in fates(run, result).items() if index in schemes}
    recurrent = any(model[index].type in operators.RECURRENT for index in schemes)
    products = tuple(
        layer
        for layer in layers
        # A bidirectional one is split into two layers with new names.
        if (layer.index in places and layer.type not in CONVERTERS)
        or (scheme is not None and layer.weights in NARROW)
        or (recurrent and layer.type in RECURRENT)
    )
    nodes = run.graphs[result.runtime_graph].nodes if result.runtime_graph else ()
    return Quantisation(scheme, products, _converting(nodes, layers, model, scheme))


def _by_execution(layers: Sequence[ExecutedLayer]) -> Quantisation:
    """Derive the quantisation from layers alone, if the model's own graph was not recorded."""
    products = tuple(x for x in layers if x.type in PRODUCTS and x.weights in NARROW)
    if any(x.precision in INT8 and not x.quantises_data for x in products):
        return Quantisation("static", products)
    return Quantisation("weights" if products else None, products)


def _converting(
    nodes: Sequence[Node],
    layers: Sequence[ExecutedLayer],
    model: Sequence[Node],
    scheme: Scheme | None,
) -> tuple[ExecutedLayer, ...]:
    if scheme == "static":
        return tuple(layer for layer, _ in quantisers(nodes, layers, model))
    return _rounding(nodes, layers, model) if scheme == "dynamic" else ()


def _rounding(
    nodes: Sequence[Node], layers: Sequence[ExecutedLayer], model: Sequence[Node]
) -> tuple[ExecutedLayer, ...]:
    """Return layers that only execute rounding, and conversions that the device adds to them."""
    rounding = rounding_nodes(model)
    rounding_layers = {
        layer.index for layer in layers if layer.originals and rounding >= {*layer.originals}
    }
    readers = readers_of(nodes)
    added = set()
    for change in conversions(nodes, layers):
        if change.layer.type not in CONVERTERS or change.layer.originals:
            continue
        before, after = change.source in rounding_layers, {*readers[change.layer.index]}
        crosses = sum(map(is_floating, change.precisions)) == 1
        if (crosses and (before or rounding_layers & after)) or (
            before and after <= rounding_layers
        ):
            added.add(change.layer.index)
    return tuple(layer for layer in layers if layer.index in rounding_layers | added)
