"""The roofline chart: layers as points under the roofs of the device."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ovreport.computed.anchors import layer_anchor
from ovreport.computed.focus import by_type, longest, total_s
from ovreport.computed.layers import ExecutedLayer
from ovreport.computed.roofline import Efficiency, roof_precision
from ovreport.run import CellResult, Roof
from ovreport.section import Axis, Chart, Line, Mark, Points
from ovreport.text.labels import count
from ovreport.text.numbers import digits, show
from ovreport.text.values import Role

# Types with a separate colour; all others, which take little of the time, share one.
_COLOURED_TYPES = 5
# The name of a level fits between two intensities if one is this many times the other.
_NAME_WIDTH = 20


def roofline_chart(
    result: CellResult,
    layers: Sequence[ExecutedLayer],
    efficiencies: Mapping[int, Efficiency],
    roof: Roof,
) -> Chart:
    """Return the chart of achieved rate over intensity, both logarithmic.

    The area of a point is the layer's time.
    """
    shown = [
        layer
        for layer in layers
        if efficiencies[layer.index].intensity and efficiencies[layer.index].achieved
    ]
    share = total_s(shown) / (total_s(layers) or 1.0)
    longest_layer = max(shown, key=lambda layer: layer.median_s, default=None)
    computing = f"{count(len(shown), 'layer')} that {'computes' if len(shown) == 1 else 'compute'}"
    title = f"{computing}, {show(share, 'share')} of the time"
    alt = "; ".join(
        f"{layer.label} {digits((efficiencies[layer.index].achieved or 0) / 1e9)} GFLOP/s at "
        f"{digits(efficiencies[layer.index].intensity or 0)} FLOP/B"
        for layer in longest(shown)[:5]
    )
    return Chart(
        f"roofline-chart-{result.cell.id}",
        title,
        Axis("operations for each byte moved", unit="FLOP/B", log=True),
        Axis("achieved", unit="GFLOP/s", log=True),
        [
            *_lines(roof, shown, efficiencies),
            *_points(result, shown, efficiencies, longest_layer.median_s if longest_layer else 1.0),
        ],
        alt or "No layer computes.",
        height=4.6,
    )


def _lines(
    roof: Roof, shown: Sequence[ExecutedLayer], efficiencies: Mapping[int, Efficiency]
) -> Iterator[Mark]:
    """Return a slope for each bandwidth up to its ridge, and a level for each precision in use."""
    precisions = dict.fromkeys(roof_precision(layer) for layer in shown)
    levels = {name: roof.operations[name] for name in precisions if name in roof.operations}
    if not levels:
        return
    highest = max(levels.values())
    highest_bandwidth = max(roof.memory_bandwidth, roof.cache_bandwidth or 0.0)
    leftmost, rightmost = _span(roof, shown, efficiencies, highest)
    # The lowest level leaves room for its name on its left, where no layer can be.
    leftmost = min(leftmost, min(levels.values()) / highest_bandwidth / _NAME_WIDTH)
    for label, bandwidth, dashed in (
        ("from memory", roof.memory_bandwidth, False),
        ("from cache", roof.cache_bandwidth, True),
    ):
        if bandwidth:
            ends = [leftmost, highest / bandwidth]
            yield Line(
                ends,
                [end * bandwidth / 1e9 for end in ends],
                Role("series", "other"),
                f"{label}, {digits(bandwidth / 1e9)} GB/s",
                dashed=dashed,
            )
    for name, level in levels.items():
        yield Line(
            [level / highest_bandwidth, rightmost],
            [level / 1e9] * 2,
            Role("precision", name),
            name=f"{name}: {digits(level / 1e9)} {'GOP/s' if name == 'i8' else 'GFLOP/s'}",
        )


def _span(
    roof: Roof,
    shown: Sequence[ExecutedLayer],
    efficiencies: Mapping[int, Efficiency],
    highest: float,
) -> tuple[float, float]:
    """Return the range of intensities that the chart shows: all layers and both ridges."""
    intensities = [efficiencies[layer.index].intensity or 1.0 for layer in shown]
    ridges = [
        highest / bandwidth
        for bandwidth in (roof.memory_bandwidth, roof.cache_bandwidth)
        if bandwidth
    ]
    return min(*intensities, *ridges) / 1.5, max(*intensities, *ridges) * 3


def _points(
    result: CellResult,
    shown: Sequence[ExecutedLayer],
    efficiencies: Mapping[int, Efficiency],
    longest_s: float,
) -> Iterator[Points]:
    groups = list(by_type(shown).items())
    others = [layer for _, members in groups[_COLOURED_TYPES:] for layer in members]
    series = [(name, members, Role("type", name)) for name, members in groups[:_COLOURED_TYPES]]
    if others:
        series.append(("other types", others, Role("series", "other")))
    for name, members, role in series:
        yield Points(
            [efficiencies[layer.index].intensity or 0.0 for layer in members],
            [(efficiencies[layer.index].achieved or 0.0) / 1e9 for layer in members],
            role,
            name,
            links=[layer_anchor(result, layer) for layer in members],
            sizes=[layer.median_s / longest_s for layer in members],
        )
