"""The roofline: layers as points under the lines that the device sets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ovreport.computed.focus import by_type, longest, total_s
from ovreport.computed.layers import ExecutedLayer
from ovreport.computed.roofline import Efficiency, roof_precision
from ovreport.run import CellResult, Roof
from ovreport.section import Axis, Chart, Line, Mark, Points
from ovreport.text.labels import count
from ovreport.text.numbers import digits, show
from ovreport.text.values import Role

from ..common import layer_anchor

# Types with a colour of their own; the rest, little of the time, share one.
_TYPES = 5
# Intensities over so much of the logarithmic axis that a level's name fits.
_NAME = 20


def roofline_chart(
    result: CellResult,
    layers: Sequence[ExecutedLayer],
    reached: Mapping[int, Efficiency],
    roof: Roof,
) -> Chart:
    """Achieved rate over intensity, both logarithmic; the area of a point is the layer's time."""
    shown = [x for x in layers if reached[x.index].intensity and reached[x.index].achieved]
    share = total_s(shown) / (total_s(layers) or 1.0)
    best = max(shown, key=lambda x: x.median_s, default=None)
    computing = f"{count(len(shown), 'layer')} that {'computes' if len(shown) == 1 else 'compute'}"
    title = f"{computing}, {show(share, 'share')} of the time"
    alt = "; ".join(
        f"{x.label} {digits((reached[x.index].achieved or 0) / 1e9)} GFLOP/s at "
        f"{digits(reached[x.index].intensity or 0)} FLOP/B"
        for x in longest(shown)[:5]
    )
    return Chart(
        f"roofline-chart-{result.cell.id}",
        title,
        Axis("operations for each byte moved", unit="FLOP/B", log=True),
        Axis("achieved", unit="GFLOP/s", log=True),
        [
            *_lines(roof, shown, reached),
            *_points(result, shown, reached, best.median_s if best else 1.0),
        ],
        alt or "No layer computes.",
        height=4.6,
    )


def _lines(
    roof: Roof, shown: Sequence[ExecutedLayer], reached: Mapping[int, Efficiency]
) -> Iterator[Mark]:
    """A slope for each bandwidth up to its ridge, and a level for each precision in use."""
    used = dict.fromkeys(roof_precision(x) for x in shown)
    levels = {name: roof.operations[name] for name in used if name in roof.operations}
    if not levels:
        return
    highest = max(levels.values())
    nearest = max(roof.memory_bandwidth, roof.cache_bandwidth or 0.0)
    lowest, widest = _span(roof, shown, reached, highest)
    # Left of where the lowest level begins there is room for its name: no layer can be there.
    lowest = min(lowest, min(levels.values()) / nearest / _NAME)
    for label, speed, dashed in (
        ("from memory", roof.memory_bandwidth, False),
        ("from cache", roof.cache_bandwidth, True),
    ):
        if speed:
            ends = [lowest, highest / speed]
            yield Line(
                ends,
                [end * speed / 1e9 for end in ends],
                Role("series", "other"),
                f"{label}, {digits(speed / 1e9)} GB/s",
                dashed=dashed,
            )
    for name, level in levels.items():
        yield Line(
            [level / nearest, widest],
            [level / 1e9] * 2,
            Role("precision", name),
            name=f"{name}: {digits(level / 1e9)} {'GOP/s' if name == 'i8' else 'GFLOP/s'}",
        )


def _span(
    roof: Roof, shown: Sequence[ExecutedLayer], reached: Mapping[int, Efficiency], highest: float
) -> tuple[float, float]:
    """Intensities that the chart shows: those of the layers, and both ridges."""
    found = [reached[x.index].intensity or 1.0 for x in shown]
    ridges = [highest / speed for speed in (roof.memory_bandwidth, roof.cache_bandwidth) if speed]
    return min(*found, *ridges) / 1.5, max(*found, *ridges) * 3


def _points(
    result: CellResult,
    shown: Sequence[ExecutedLayer],
    reached: Mapping[int, Efficiency],
    longest_s: float,
) -> Iterator[Points]:
    groups = list(by_type(shown).items())
    others = [layer for _, members in groups[_TYPES:] for layer in members]
    named = [(name, members, Role("type", name)) for name, members in groups[:_TYPES]]
    if others:
        named.append(("other types", others, Role("series", "other")))
    for name, members, role in named:
        yield Points(
            [reached[x.index].intensity or 0.0 for x in members],
            [(reached[x.index].achieved or 0.0) / 1e9 for x in members],
            role,
            name,
            links=[layer_anchor(result, x) for x in members],
            sizes=[x.median_s / longest_s for x in members],
        )
