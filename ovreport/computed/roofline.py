"""Compares each executed layer with the speed that the device can reach.

The roofline model (Williams, Waterman and Patterson, *Roofline: An Insightful Visual Performance
Model for Multicore Architectures*, CACM 52(4), 2009): a layer takes at least as long as its
operations take at the highest rate of its precision, and at least as long as its bytes take at the
highest bandwidth; the longer of both is its bound. As in the cache-aware form (Ilic, Pratas and
Sousa, IEEE Computer Architecture Letters 13(1), 2014), bytes that fit into the last-level cache
are assumed to come from there:

- activations, if those of the layer fit;
- weights, if those of the whole model fit, since an inference reads each of them once.

The roofs are measured (:class:`~ovreport.run.Roof`), not taken from a data sheet.

::

    for index, layer in efficiency(run, result).items():
        print(layer.operations, layer.achieved, layer.fraction, layer.bound)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ovreport.computed.layers import ExecutedLayer, executed_layers
from ovreport.computed.memo import by_identity
from ovreport.computed.precision import INT8
from ovreport.computed.theory import layer_work
from ovreport.computed.work import Work
from ovreport.run import CellResult, Roof, Run, is_busy
from ovreport.text.labels import count

# Counters count whole microseconds, so a shorter layer may be twice as fast as measured.
RESOLUTION_S = 2e-6
# A smaller fraction of the roof is within the error of the roof itself.
_ABOVE = 1.05
# A roof is wrong if layers above it take more than this share of the time. A smaller share is
# normal: data from a nearer cache than the last, or kernels with fewer operations (Winograd).
_MOST_ABOVE = 0.1

Bound = Literal["compute", "memory"]


@dataclass(frozen=True, slots=True)
class Efficiency:
    """A layer compared with its roof. Fields that are not known are None."""

    operations: int | None
    """Operations of one inference, floating-point and integer; a multiply-add is two."""
    moved_bytes: int | None
    """Bytes read and written in one inference."""
    intensity: float | None
    """Operations per byte moved."""
    achieved: float | None
    """Operations per second; None if the layer is faster than the counters' resolution."""
    bandwidth: float | None
    """Bytes moved per second; None as for ``achieved``."""
    least_s: float | None
    """Least seconds that the roofs allow."""
    fraction: float | None
    """Fraction of the roof: ``least_s`` over the measured time. Above 1, the layer was faster than
    the roof."""
    bound: Bound | None
    """The lower roof of this layer; caches count as memory."""


def efficiency(run: Run, result: CellResult) -> Mapping[int, Efficiency]:
    """Compare every executed layer with the device's roofs.

    Keys are :attr:`~ovreport.computed.layers.ExecutedLayer.index`. If layers cannot be judged by a
    roof (:func:`why_not_judged`), only operations, bytes, intensity and rates are given.
    """
    return _judged(run, result)[0]


def why_not_judged(run: Run, result: CellResult) -> str | None:
    """Return why the layers of a cell are not judged by its roofs; None if they are."""
    return _judged(run, result)[1]


def is_above(layer: ExecutedLayer, fraction: float | None) -> bool:
    """Return whether a layer was faster than its roof allows, by more than the errors of both."""
    return (fraction or 0.0) > _ABOVE and layer.median_s > RESOLUTION_S


@by_identity
def _judged(run: Run, result: CellResult) -> tuple[Mapping[int, Efficiency], str | None]:
    roof, layers = run.roof(result), executed_layers(run, result)
    work = layer_work(run, result)
    all_weights = sum(item.weight_bytes or 0 for item in work.values())

    def under(roof: Roof | None) -> dict[int, Efficiency]:
        return {x.index: _efficiency(x, work[x.index], roof, all_weights) for x in layers}

    reason = _disturbed(roof, result)
    if reason is None:
        efficiencies = under(roof)
        reason = _disproved(layers, efficiencies)
        if reason is None:
            return efficiencies, None
    return under(None), reason


def _disturbed(roof: Roof | None, result: CellResult) -> str | None:
    """Return why the roofs or the layer times are not reliable; None if they are."""
    if roof is None or roof.failure:
        return "the roofs were not measured"
    profile_load = result.profile.other_load if result.profile else None
    if is_busy(roof.other_load):
        return f"other programs used {roof.other_load:.1f} cores while the roofs were measured"
    if is_busy(profile_load):
        return f"other programs used {profile_load:.1f} cores while the layers were timed"
    return None


def _disproved(
    layers: Sequence[ExecutedLayer], efficiencies: Mapping[int, Efficiency]
) -> str | None:
    """Return why the roof is wrong, if layers above it take much of the time; None if it is not."""
    above = [x for x in layers if is_above(x, efficiencies[x.index].fraction)]
    total = sum(x.median_s for x in layers)
    if sum(x.median_s for x in above) <= _MOST_ABOVE * total:
        return None
    fastest = max(efficiencies[x.index].fraction or 0.0 for x in above)
    return (
        f"{count(len(above), 'layer')} were faster than the roofs allow, one of them "
        f"{fastest:.1f} times, so the device can reach more than was measured"
    )


def _efficiency(
    layer: ExecutedLayer, work: Work, roof: Roof | None, all_weights: int
) -> Efficiency:
    operations, moved = work.operations, work.moved_bytes
    least, bound = _least(layer, work, roof, all_weights) if roof else (None, None)
    median_s = layer.median_s or None
    return Efficiency(
        operations=operations,
        moved_bytes=moved,
        intensity=_ratio(operations, moved),
        achieved=_ratio(operations, median_s),
        bandwidth=_ratio(moved, median_s),
        least_s=least,
        fraction=_ratio(least, median_s),
        bound=bound,
    )


def _ratio(above: float | None, below: float | None) -> float | None:
    return above / below if above is not None and below else None


def roof_precision(layer: ExecutedLayer) -> str:
    """Return the precision of the roof that limits a layer's operations."""
    if layer.precision in INT8:
        return "i8"
    return layer.precision if layer.precision in ("f16", "bf16") else "f32"


def _least(
    layer: ExecutedLayer, work: Work, roof: Roof, all_weights: int
) -> tuple[float | None, Bound | None]:
    """Return the least seconds and the limiting roof; None if work or roof is not known."""
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
    """Return the bandwidth in bytes per second for this many bytes: the cache's if they fit."""
    fits = roof.cache_bytes is not None and size <= roof.cache_bytes
    return roof.cache_bandwidth if fits and roof.cache_bandwidth else roof.memory_bandwidth
