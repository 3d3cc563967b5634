"""Layers that compute nothing, and layers that would not run if they were fused."""

from __future__ import annotations

from ovreport.graphs.flow import CONVERTERS, conversions, transposes_there_and_back
from ovreport.graphs.fusion import unfused
from ovreport.labels import count
from ovreport.rendering.format import shorten, show

from ...common import is_quantised
from ..case import NOTABLE, Case, Found, Rule, share

# The Workbench spoke of reorders from a tenth of the time on.
_REORDERS = 0.1


def _reorders(case: Case) -> Found | str:
    found = [c for c in conversions(case.nodes, case.layers) if c.layer.type in CONVERTERS]
    layers = [c.layer for c in found]
    precision = share([c.layer for c in found if c.changes_precision])
    order = share([layer for layer in layers if layer.type == "Transpose"])
    layout = share(layers) - precision - order
    parts = (
        f"{show(precision, 'share')} where the precision changes, {show(layout, 'share')} where "
        f"the layout does, {show(order, 'share')} in transposes"
    )
    if share(layers) < _REORDERS:
        return f"such layers take {show(share(layers), 'share')} of the time"
    if precision > max(layout, order) and is_quantised(case.run, case.result):
        remedy = (
            "Most change the precision of this quantised model: quantise the layers between its "
            "INT8 parts, or leave the stretch in floating point."
        )
    elif precision > max(layout, order):
        remedy = "Most change the precision: feed and read tensors in the one that is executed."
    elif order > layout:
        remedy = "Most are transposes: keep one order of dimensions along the path."
    else:
        remedy = (
            "Most change the layout: layers with one output channel count a multiple of the "
            "vector length, and inputs in the layout that the device wants, avoid them."
        )
    return Found(
        "warning",
        f"{count(len(found), 'layer')} only change layout, order or precision and take "
        f"{show(share(layers), 'share')} of the layers' time: {parts}.",
        remedy,
        "The table of conversions names the edge that causes each; measure the change as a "
        "version of its own.",
        case.evidence(layers),
        case.gain(layers),
    )


def _transposes(case: Case) -> Found | str:
    pairs = transposes_there_and_back(case.nodes, case.layers)
    both = list(dict.fromkeys(layer for pair in pairs for layer in pair))
    if not pairs:
        return "no transpose is undone by a later one"
    return Found(
        "warning" if share(both) >= NOTABLE else "info",
        f"{count(len(pairs), 'transpose')} {'is' if len(pairs) == 1 else 'are'} undone by a later "
        "one, with nothing but layers that keep the shape between; together "
        f"{show(share(both), 'share')} of the layers' time.",
        "Let the layers between work on the original order of dimensions.",
        "Both transposes are gone from the table of layers.",
        case.evidence(both),
        case.gain(both),
    )


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
        f"time; for the longest, {shorten(first.layer.name, 40)}, {first.reason}.",
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
