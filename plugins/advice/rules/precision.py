"""INT8 and floating point: what the device could do, and what this run shows that it does."""

from __future__ import annotations

from collections.abc import Sequence

from ovreport.graphs.flow import islands, quantisers
from ovreport.graphs.kinds import CONVOLUTIONS, PRODUCTS
from ovreport.graphs.layers import ExecutedLayer, executed_layers
from ovreport.graphs.precision import INT8
from ovreport.graphs.roofline import roof_precision
from ovreport.labels import count
from ovreport.rendering.format import digits, show
from ovreport.run import CellResult
from ovreport.section import Link
from ovreport.stats.ratio import ratio, verdict

from ...common import by_type, grouped, is_quantised, median_latency_s, total_s
from ..case import NOTABLE, Case, Found, Rule, share, types

# The Workbench advised FP16 on a GPU from this share of FP32 layers on.
_GPU_FLOAT32 = 0.15
_MOST_CHANGED = 3


def _int8_unused(case: Case) -> Found | str:
    if is_quantised(case.run, case.result):
        return "this version is quantised"
    tried = [other for other in case.siblings if is_quantised(case.run, other)]
    if tried:
        best = min(tried, key=median_latency_s)
        ours, theirs = median_latency_s(case.result), median_latency_s(best)
        return (
            f"measured in this run: {best.cell.version} takes {show(theirs, 'duration')}, this "
            f"version {show(ours, 'duration')}"
        )
    if not case.has_integer_units:
        return "this device has no integer dot products, without which INT8 need not be faster"
    products = [layer for layer in case.layers if layer.type in PRODUCTS]
    if share(products) < NOTABLE:
        return "hardly any time is in convolutions and matrix products"
    most, basis = _int8_gain(case, products)
    if most < NOTABLE:
        return f"convolutions and matrix products would hardly gain: {basis}"
    return Found(
        "info",
        "no layer runs in INT8, for which this device has instructions; "
        f"{show(share(products), 'share')} of the layers' time is in convolutions and matrix "
        f"products, which it can speed up. The most to gain: {basis}.",
        "Quantise the model with nncf.quantize and a few hundred samples of real data.",
        "Measure the result as a second version beside this one, and its accuracy on your data: "
        "INT8 is not faster everywhere.",
        case.evidence(products),
        most,
    )


def _int8_gain(case: Case, products: Sequence[ExecutedLayer]) -> tuple[float, str]:
    """What INT8 could save of the latency at most, and what that rests on.

    A layer that is bound by arithmetic and moves to INT8 takes the quotient of the two rates of its
    time; one that is not gains less.
    """
    roof = case.run.roof(case.result)
    rates = roof.operations if roof else {}
    executed = grouped(products, roof_precision)
    if not rates.keys() >= {"i8", *executed}:
        return case.gain(products), "these layers in no time, as no rates were measured here"
    most = sum(
        case.gain(layers) * max(0.0, 1 - rates[name] / rates["i8"])
        for name, layers in executed.items()
    )
    others = " and ".join(f"{digits(rates[name] / 1e9)} in {name}" for name in executed)
    return most, (
        f"these layers at the rates measured here, {digits(rates['i8'] / 1e9)} billion operations "
        f"a second in i8 against {others}"
    )


def _int8_slower(case: Case) -> Found | str:
    """Where a version in floating point is faster, and which layers make the difference."""
    if not is_quantised(case.run, case.result):
        return "this version is not quantised"
    floating = [other for other in case.siblings if not is_quantised(case.run, other)]
    if not floating:
        return "no version in floating point was measured in the same configuration"
    other = min(floating, key=median_latency_s)
    factor = ratio(other, case.result, "median")
    ours, theirs = median_latency_s(case.result), median_latency_s(other)
    said = f"{show(ours, 'duration')} against {show(theirs, 'duration')} of {other.cell.version}"
    if factor is None or verdict(factor, NOTABLE, higher_is_better=False) != "slower":
        return f"not shown to be slower: {said}"
    return Found(
        "warning",
        f"INT8 does not pay here: {said}. {_where_it_went(case, other)}",
        f"Use {other.cell.version} on this machine"
        + ("." if case.has_integer_units else ", which has no integer dot products."),
        "The comparison of versions lists the change for each type of layer.",
        (Link("the comparison of versions", "versions"),),
        1 - theirs / ours,
    )


def _where_it_went(case: Case, other: CellResult) -> str:
    """``Convolution 31.9 ms → 29.2 ms, …; 55 layers that quantise or dequantise take 8.7 ms.``"""
    before, after = (
        {name: total_s(members) for name, members in by_type(layers).items()}
        for layers in (executed_layers(case.run, other), case.layers)
    )
    if not before or not after:
        return "Layer times are missing."
    change = {name: after.get(name, 0.0) - before.get(name, 0.0) for name in {*before, *after}}
    most = sorted(change, key=lambda name: (-abs(change[name]), name))[:_MOST_CHANGED]
    words = ", ".join(
        f"{name} {show(before.get(name, 0.0), 'duration')} → "
        f"{show(after.get(name, 0.0), 'duration')}"
        for name in most
    )
    found = [layer for layer, _ in quantisers(case.nodes, case.layers, case.model)]
    return (
        f"Where the time went: {words}; {count(len(found), 'layer')} that quantise or dequantise "
        f"take {show(total_s(found), 'duration')}."
    )


def _float_in_int8(case: Case) -> Found | str:
    if not is_quantised(case.run, case.result):
        return "this version is not quantised"
    convolutions = [layer for layer in case.layers if layer.type in CONVOLUTIONS]
    wide = [layer for layer in convolutions if layer.precision not in INT8]
    if share(wide) < NOTABLE:
        return f"{show(share(wide), 'share')} of the time is in convolutions in floating point"
    return Found(
        "warning" if case.has_integer_units else "info",
        f"{len(wide)} of {count(len(convolutions), 'convolution')} of this quantised model run in "
        f"floating point and take {show(share(wide), 'share')} of the layers' time.",
        _quantise_further(case),
        "The precision section lists the layers of each precision; after a change fewer "
        "convolutions are outside INT8, and the version is measured as faster.",
        case.evidence(wide),
        case.gain(wide),
    )


def _quantise_further(case: Case) -> str:
    """What to do about floating point in a quantised model, given what the processor can."""
    if not case.has_integer_units:
        return (
            "This device has no integer dot products: quantising them too need not be faster, "
            "nor need the layers around them; measure either as a version of its own."
        )
    return (
        "See whether their weights and inputs are quantised (nncf's ignored scope, constant or "
        "shared weights), and quantise them too."
    )


def _quantisers(case: Case) -> Found | str:
    if not is_quantised(case.run, case.result):
        return "this version is not quantised"
    found = quantisers(case.nodes, case.layers, case.model)
    layers = [layer for layer, _ in found]
    if share(layers) < NOTABLE:
        return (
            f"{count(len(layers), 'layer')} that quantise or dequantise take "
            f"{show(share(layers), 'share')} of the time"
        )
    inside = [layer for layer, between in found if between]
    return Found(
        "warning" if share(layers) >= 0.1 else "info",
        f"{count(len(layers), 'layer')} ({types(layers)}) quantise or dequantise and take "
        f"{show(share(layers), 'share')} of the layers' time; {len(inside) or 'none'} of them "
        f"{'stands' if len(inside) == 1 else 'stand'} between layers that run in INT8.",
        "Keep neighbouring layers in one precision: quantise what lies between them, or leave "
        "the whole stretch in floating point.",
        "The table of conversions names what stands before and after each; measure the change as "
        "a version of its own.",
        case.evidence(layers),
        case.gain(layers),
    )


def _islands(case: Case) -> Found | str:
    if not is_quantised(case.run, case.result):
        return "this version is not quantised"
    convolutions = [layer for layer in case.layers if layer.type in CONVOLUTIONS]
    if convolutions and not any(layer.precision in INT8 for layer in convolutions):
        return "all convolutions run in floating point, which is looked at by itself"
    found = islands(case.nodes, case.layers)
    members = [layer for island in found for layer in island]
    if share(members) < NOTABLE:
        return f"{show(share(members), 'share')} of the time is in such islands"
    places = f"{len(found)} places" if len(found) > 1 else "one place"
    return Found(
        "info",
        f"in {places} between INT8 layers {count(len(members), 'layer')} ({types(members, 9)}), "
        f"conversions included, run in floating point and take {show(share(members), 'share')} "
        "of the layers' time.",
        _quantise_further(case),
        "The table of islands in the bottlenecks section names the layers around each.",
        case.evidence(members),
        case.gain(members),
    )


def _gpu_float32(case: Case) -> Found | str:
    if not case.on_gpu:
        return "not on a GPU"
    wide = [layer for layer in case.layers if layer.precision == "f32"]
    part = len(wide) / (len(case.layers) or 1)
    if part <= _GPU_FLOAT32:
        return f"{show(part, 'share')} of the layers run in f32"
    return Found(
        "warning",
        f"{show(part, 'share')} of the layers run in f32 and take {show(share(wide), 'share')} "
        "of the time; this GPU computes f16 faster.",
        'Ask for f16: [matrix] precision = ["f16"], or a model saved in FP16.',
        'Measure [matrix] precision = ["f32", "f16"]: both are cells of one run then.',
        case.evidence(wide),
        case.gain(wide),
    )


RULES = (
    Rule("int8-unused", "Could INT8 be faster?", _int8_unused, needs_layers=True),
    Rule("int8-slower", "Does INT8 pay?", _int8_slower),
    Rule("float-in-int8", "Do convolutions of an INT8 model stay in floating point?",
         _float_in_int8, needs_layers=True),
    Rule("quantisers", "What do quantising and dequantising cost?", _quantisers,
         needs_layers=True),
    Rule("float-islands", "Is there floating point between INT8 layers?", _islands,
         needs_layers=True),
    Rule("gpu-float32", "Does a GPU compute in f32?", _gpu_float32, needs_layers=True),
)  # fmt: skip
