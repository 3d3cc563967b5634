"""How near each executed layer came to what the device can reach.

The roofline model (Williams, Waterman and Patterson, *Roofline: An Insightful Visual Performance
Model for Multicore Architectures*, CACM 52(4), 2009): a layer takes at least as long as its
operations take at the highest rate of its precision, and at least as long as its bytes take at the
highest bandwidth; the longer of both is its bound. As in the cache-aware form (Ilic, Pratas and
Sousa, IEEE Computer Architecture Letters 13(1), 2014), bytes that fit into the last-level cache
are taken to come from there:

- activations, where a layer's own fit;
- weights, where those of the whole model fit, since an inference reads each of them once.

What can be reached is measured (:class:`~ovreport.run.Roof`), not taken from a data sheet.

::

    for index, layer in efficiency(run, result).items():
        print(layer.operations, layer.achieved, layer.fraction, layer.bound)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ovreport.graphs.layers import ExecutedLayer, executed_layers
from ovreport.graphs.precision import INT8
from ovreport.graphs.theory import layer_work
from ovreport.graphs.work import Work
from ovreport.memo import by_identity
from ovreport.run import CellResult, Roof, Run

Bound = Literal["compute", "memory"]


@dataclass(frozen=True, slots=True)
class Efficiency:
    """A layer against its roof. What depends on something unknown is None."""

    operations: int | None
    """Of one inference, floating-point and integer; a multiply-add is two."""
    moved_bytes: int | None
    """Read and written in one inference."""
    intensity: float | None
    """Operations for each byte moved."""
    achieved: float | None
    """Operations a second; None where the layer was faster than the counters can tell."""
    bandwidth: float | None
    """Bytes moved a second, likewise."""
    least_s: float | None
    """Seconds that the roofs allow at best."""
    fraction: float | None
    """Of the roof: ``least_s`` over the time it took. Above one, it was faster than what was
    measured as reachable."""
    bound: Bound | None
    """Which roof is the lower one for this layer; caches are memory too."""


@by_identity
def efficiency(run: Run, result: CellResult) -> Mapping[int, Efficiency]:
    """Every executed layer against the device's roofs, by its node in the runtime graph.

    Keys are those of :attr:`~ovreport.graphs.layers.ExecutedLayer.index`. Where no roof was
    measured for the cell, operations, bytes, intensity and rates are given all the same.
    """
    roof = run.roof(result)
    if roof is not None and roof.failure:
        roof = None
    work = layer_work(run, result)
    all_weights = sum(item.weight_bytes or 0 for item in work.values())
    return {
        layer.index: _efficiency(layer, work[layer.index], roof, all_weights)
        for layer in executed_layers(run, result)
    }


def _efficiency(
    layer: ExecutedLayer, work: Work, roof: Roof | None, all_weights: int
) -> Efficiency:
    operations, moved = work.operations, work.moved_bytes
    least, bound = _least(layer, work, roof, all_weights) if roof else (None, None)
    taken = layer.median_s or None
    return Efficiency(
        operations=operations,
        moved_bytes=moved,
        intensity=_ratio(operations, moved),
        achieved=_ratio(operations, taken),
        bandwidth=_ratio(moved, taken),
        least_s=least,
        fraction=_ratio(least, taken),
        bound=bound,
    )


def _ratio(above: float | None, below: float | None) -> float | None:
    return above / below if above is not None and below else None


def roof_precision(layer: ExecutedLayer) -> str:
    """Under which precision a layer's rate of operations is measured."""
    if layer.precision in INT8:
        return "i8"
    return layer.precision if layer.precision in ("f16", "bf16") else "f32"


def _least(
    layer: ExecutedLayer, work: Work, roof: Roof, all_weights: int
) -> tuple[float | None, Bound | None]:
    """Seconds, and which roof they are due to; None where the work or the roof is not known."""
    moved, weights, operations = work.moved_bytes, work.weight_bytes, work.operations
    highest = roof.operations.get(roof_precision(layer))
    if moved is None or weights is None or operations is None or not roof.memory_bandwidth:
        return None, None
    if operations and not highest:
        return None, None
    computing = operations / highest if highest else 0.0
    moving = weights / bandwidth(roof, all_weights) + (moved - weights) / bandwidth(
        roof, moved - weights
    )
    return max(computing, moving), "compute" if computing > moving else "memory"


def bandwidth(roof: Roof, size: int) -> float:
    """Bytes a second at which so many bytes can be had: from cache if they fit."""
    fits = roof.cache_bytes is not None and size <= roof.cache_bytes
    return roof.cache_bandwidth if fits and roof.cache_bandwidth else roof.memory_bandwidth
