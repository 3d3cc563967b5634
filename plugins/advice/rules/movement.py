"""Layers that compute nothing, and layers that would not run if they were fused."""

from __future__ import annotations

from dataclasses import dataclass

from ovreport.graphs.flow import conversions
from ovreport.graphs.fusion import unfused
from ovreport.graphs.kinds import CONVERTERS
from ovreport.graphs.layers import ExecutedLayer, fates, layer_names
from ovreport.graphs.transposes import there_and_back
from ovreport.labels import count
from ovreport.rendering.format import show

from ...common import is_quantised
from ..case import NOTABLE, Case, Found, Rule, share

# The Workbench spoke of reorders from a tenth of the time on.
_REORDERS = 0.1
# A part that would read 0.0 % is left out.
_SEEN = 0.0005


def _reorders(case: Case) -> Found | str:
    found = [c for c in conversions(case.nodes, case.layers) if c.layer.type in CONVERTERS]
    layers = [c.layer for c in found]
    precision = share([c.layer for c in found if c.changes_precision])
    order = share([layer for layer in layers if layer.type == "Transpose"])
    layout = share(layers) - precision - order
    parts = ", ".join(
        f"{show(part, 'share')} {where}"
        for part, where in (
            (precision, "where the precision changes"),
            (layout, "where the layout does" if precision else "where the layout changes"),
            (order, "in transposes"),
        )
        if part >= _SEEN
    )
    if share(layers) < _REORDERS:
        return f"such layers take {show(share(layers), 'share')} of the time"
    if precision > max(layout, order) and is_quantised(case.run, case.result):
        remedy = (
            "Most change the precision of this quantised model: quantise the layers between its "
            "INT8 parts, or leave the stretch in floating point."
        )
    elif precision > max(layout, order):
        remedy = (
            "Most change the precision: feed and read tensors in the one that is executed, or ask "
            "for the model's own ([matrix] precision)."
        )
    elif order > layout:
        remedy = "Most are transposes: keep one order of dimensions along the path."
    else:
        remedy = (
            "Most change the layout: numbers of channels that are multiples of the vector length, "
            "and inputs in the layout that the device wants, avoid them."
        )
    return Found(
        "warning",
        f"{count(len(found), 'layer')} only {'changes' if len(found) == 1 else 'change'} layout, "
        f"order or precision, {show(share(layers), 'share')} of the layers' time: {parts}.",
        remedy,
        "The table of conversions names the edge that causes each; measure the change as a "
        "version of its own.",
        case.evidence(layers),
        case.gain(layers),
    )


@dataclass(frozen=True)
class _Pair:
    """Two transposes of which the second undoes the first."""

    names: tuple[str, str]
    left: tuple[ExecutedLayer, ...]
    """What the device still executes of them."""


def _pairs(case: Case) -> list[_Pair]:
    """Those of the model, then those that only the runtime graph has."""
    executed = {layer.index: layer for layer in case.layers if layer.type in CONVERTERS}
    known = fates(case.run, case.result)
    names = layer_names(case.run, case.result).model
    found = []
    for a, b in there_and_back(case.model):
        places = dict.fromkeys(known[index].layer for index in (a, b))
        left = tuple(executed[place] for place in places if place in executed)
        found.append(_Pair((names[a], names[b]), left))
    seen = {layer.index for pair in found for layer in pair.left}
    for a, b in there_and_back(case.nodes):
        if executed.keys() >= {a, b} and not seen & {a, b}:
            labels = (executed[a].label, executed[b].label)
            found.append(_Pair(labels, (executed[a], executed[b])))
    return found


def _transposes(case: Case) -> Found | str:
    pairs = _pairs(case)
    left = list(dict.fromkeys(layer for pair in pairs for layer in pair.left))
    if not pairs:
        return "no transpose is undone by a later one"
    listed = "; ".join(" and ".join(p.names) for p in pairs[:3])
    said = (
        f"{2 * len(pairs)} transposes undo each other{' in pairs' if pairs[1:] else ''} ({listed}"
        f"{'; …' if pairs[3:] else ''}), with nothing between that changes the shape"
    )
    if not left:
        return f"{said}; OpenVINO took them out while compiling"
    return Found(
        "warning" if share(left) >= NOTABLE else "info",
        f"{said}; the device executes {_how_many(len(left), 2 * len(pairs))} of them, "
        f"{show(share(left), 'share')} of the layers' time.",
        "Let the layers between work on the original order of dimensions.",
        "Both transposes are gone from the model's own layers and from the executed ones.",
        case.evidence(left),
        case.gain(left),
    )


def _how_many(number: int, of: int) -> str:
    return ("both" if of == 2 else "all") if number == of else str(number)


def _broken_fusions(case: Case) -> Found | str:
    found = unfused(case.nodes, case.layers)
    layers = [item.layer for item in found]
    if share(layers) < NOTABLE:
        return f"such layers take {show(share(layers), 'share')} of the time"
    first = max(found, key=lambda item: item.layer.median_s)
    return Found(
        "info",
        f"{count(len(layers), 'element-wise layer')} that could run inside the convolution or "
        f"product before run on their own and take {show(share(layers), 'share')} of the layers' "
        f"time; for the longest, {first.layer.label}, {first.reason}.",
        "Move what stands between, or give the element-wise layer an input that nothing else "
        "reads.",
        "The table of broken fusions has one row fewer, and the element-wise layer is listed "
        "among the fused ones.",
        case.evidence(layers),
        case.gain(layers),
    )


RULES = (
    Rule("reorders", "What do changes of layout and precision cost?", _reorders,
         needs_layers=True),
    Rule("transposes", "Are there needless transposes?", _transposes, needs_layers=True),
    Rule("broken-fusions", "Which layers could have been fused?", _broken_fusions,
         needs_layers=True),
)  # fmt: skip
