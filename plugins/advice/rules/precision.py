"""INT8 and floating point: what the device could do, and what it does in this run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ovreport.computed.flow import islands, readers_of
from ovreport.computed.focus import by_type, grouped, longest, total_s
from ovreport.computed.layer_kinds import CONVOLUTIONS, MOVERS, PRODUCTS
from ovreport.computed.layers import ExecutedLayer, executed_layers
from ovreport.computed.precision import INT8, NARROW
from ovreport.computed.quantisation import quantisation
from ovreport.computed.quantised_nodes import Scheme
from ovreport.computed.ratio import ratio, verdict
from ovreport.computed.roofline import roof_precision
from ovreport.computed.speed import median_latency_s
from ovreport.run import CellResult, Node
from ovreport.text.labels import count, setting
from ovreport.text.numbers import digits, show
from ovreport.text.values import Link

from ..case import NOTABLE, AdviceRule, Case, Suggestion, share, types

# OpenVINO Workbench advised FP16 on a GPU from this share of FP32 layers on.
_GPU_FLOAT32 = 0.15
_MOST_CHANGED = 3
_MUCH = 0.1
# A smaller share of the time reads "<0.1 %" and is not worth a sentence.
_LEAST_SHOWN = 0.001
_SCHEME_NAMES: dict[Scheme, str] = {
    "static": "this version is quantised with calibrated ranges",
    "dynamic": "this version is quantised dynamically",
    "weights": "only the weights of this version are quantised",
}


def _int8_unused(case: Case) -> Suggestion | str:
    if case.quantisation.scheme:
        return _SCHEME_NAMES[case.quantisation.scheme]
    quantised_versions = [other for other in case.siblings if quantisation(case.run, other).scheme]
    if quantised_versions:
        fastest = min(quantised_versions, key=median_latency_s)
        own_latency, quantised_latency = median_latency_s(case.result), median_latency_s(fastest)
        return (
            f"measured in this run: {fastest.cell.version} takes "
            f"{show(quantised_latency, 'duration')}, this version {show(own_latency, 'duration')}"
        )
    products = [layer for layer in case.layers if layer.type in PRODUCTS]
    if share(products) < NOTABLE:
        return "hardly any time is in convolutions and matrix products"
    rates_known = case.rates.keys() >= {"i8", *map(roof_precision, products)}
    if not rates_known and not case.has_integer_units:
        return (
            "this device has no integer dot products, and its rates were not measured on a quiet "
            "machine: only a quantised version would show whether INT8 is faster"
        )
    largest_gain, gain_source = (
        _int8_gain(case, products) if rates_known else (case.gain(products), _NO_RATES)
    )
    if largest_gain < NOTABLE:
        return f"convolutions and matrix products would hardly gain. {gain_source}"
    return Suggestion(
        "info",
        f"no layer runs in INT8; {show(share(products), 'share')} of the layers' time is in "
        f"convolutions and matrix products, which INT8 can speed up. {gain_source}",
        "Quantise the model with nncf.quantize and a few hundred samples of real data.",
        "Measure the result as a second version together with this one, and its accuracy on your "
        "data: INT8 is not faster everywhere.",
        case.evidence(products),
        largest_gain,
        {"int8": "more"},
    )


_NO_RATES = (
    "The gain is at most all of these layers' time: no rates were measured on a quiet machine."
)


def _int8_gain(case: Case, products: Sequence[ExecutedLayer]) -> tuple[float, str]:
    """Return the largest share of the latency that INT8 could save, and the rates behind it.

    In INT8 the time of a layer that arithmetic limits is multiplied by the quotient of the two
    rates; other layers gain less.
    """
    products_by_precision = grouped(products, roof_precision)
    largest_gain = sum(
        case.gain(layers) * max(0.0, 1 - case.rates[name] / case.rates["i8"])
        for name, layers in products_by_precision.items()
    )
    floating_rates = " and ".join(
        f"{digits(case.rates[name] / 1e9)} in {name}" for name in products_by_precision
    )
    return largest_gain, (
        f"The gain is at most that of the rates measured here: {digits(case.rates['i8'] / 1e9)} "
        f"billion operations a second in i8 against {floating_rates}."
    )


# ---------------------------------------------------------------------------- is it executed


def _int8_not_executed(case: Case) -> Suggestion | str:
    """Find a file in INT8 whose products the device computes in floating point."""
    quantised = case.quantisation
    if quantised.scheme is None:
        return _NOT_QUANTISED
    if not quantised.products:
        return "no layer is known that executes the quantised operators of the file"
    if quantised.in_int8:
        return (
            f"{len(quantised.in_int8)} of {count(len(quantised.products), 'layer')} that "
            f"execute quantised operators of the file run in INT8"
        )
    if quantised.scheme == "weights":
        return _compressed(case)
    floating = quantised.in_floating_point
    cost = share(quantised.converting)
    return Suggestion(
        "warning" if cost >= _MUCH else "info",
        f"the file is INT8 ({_SCHEME_SIGNS[quantised.scheme]}), and this device executes its "
        f"products in {_precisions(floating)} ({count(len(floating), 'layer')}): it saves space on "
        f"disk, not time{_cost(cost)}{_floating_latency(case)}.",
        _NOT_EXECUTED[quantised.scheme],
        "Measure the other file as a second version: its products run in i8 or u8 in the section "
        "on precision, or the version without the conversions is faster.",
        case.evidence(quantised.converting or floating),
        case.gain(quantised.converting) if cost >= _LEAST_SHOWN else None,
    )


_NOT_QUANTISED = "this version is not quantised"
_SCHEME_SIGNS: dict[Scheme, str] = {
    "dynamic": "dynamic quantisation, such as DynamicQuantizeLinear with MatMulInteger",
    "static": "calibrated ranges, FakeQuantize",
}
_NOT_EXECUTED: dict[Scheme, str] = {
    "dynamic": "OpenVINO converts such operators to floating point when it reads the file. Use the "
    "floating-point file that it was made from; for INT8 quantise that file with nncf.quantize, or "
    "compress its weights with nncf.compress_weights.",
    "static": "Use the floating-point file that it was made from, or check whether both the data "
    "and the weights of the products are quantised, and whether the device lists INT8 among its "
    "capabilities.",
}


def _cost(converting: float) -> str:
    if converting < _LEAST_SHOWN:
        return ""
    return f". Quantising and converting back take {show(converting, 'share')} of the layers' time"


def _floating_latency(case: Case) -> str:
    """Compare with a version in floating point, if one was measured.

    For example ``; parent, in floating point, takes 3.1 ms, this version 4.2 ms``.
    """
    floating = _in_floating_point(case)
    if floating is None:
        return ""
    own_latency, floating_latency = median_latency_s(case.result), median_latency_s(floating)
    return (
        f"; {floating.cell.version}, in floating point, takes "
        f"{show(floating_latency, 'duration')}, this version {show(own_latency, 'duration')}"
    )


def _compressed(case: Case) -> Suggestion | str:
    """Judge a model in which only weights are integers.

    Dynamic quantisation needs data in f32.
    """
    floating = case.quantisation.in_floating_point
    compressed = [layer for layer in floating if layer.weights in NARROW]
    precisions = _precisions(floating)
    f32_measured = any(other.cell.precision == "f32" for other in case.cells)
    if not compressed:
        return f"the weights were converted when compiling, and the products run in {precisions}"
    in_f32 = any(layer.precision == "f32" for layer in compressed)
    if case.has_integer_units and not in_f32 and not f32_measured:
        return Suggestion(
            "info",
            f"{count(len(compressed), 'layer')} with compressed weights ({_weights(compressed)}) "
            f"run in {precisions} and take {show(share(compressed), 'share')} of the layers' time. "
            "With f32 this device would multiply them as integers (dynamic quantisation).",
            f"Ask for f32: {setting('precision', 'f32')}.",
            f"Measure {setting('precision', compressed[0].precision, 'f32')}, which compares the "
            "two in one run.",
            case.evidence(compressed),
            case.gain(compressed),
            {"precision": "f32"},
        )
    return (
        f"{count(len(compressed), 'layer')} with compressed weights ({_weights(compressed)}) run "
        f"in {precisions}: they take less space, and the arithmetic stays in floating point"
    )


def _precisions(layers: Sequence[ExecutedLayer]) -> str:
    """Return the precisions of some layers, most time first: ``bf16 and f32``."""
    return " and ".join(grouped(longest(layers), lambda layer: layer.precision))


def _weights(layers: Sequence[ExecutedLayer]) -> str:
    return ", ".join(dict.fromkeys(layer.weights for layer in layers))


# ---------------------------------------------------------------------------- does it pay


def _in_floating_point(case: Case) -> CellResult | None:
    """Return the fastest version that is not quantised, in the same configuration."""
    floating = [
        version for version in case.siblings if quantisation(case.run, version).scheme is None
    ]
    return min(floating, key=median_latency_s, default=None)


def _int8_slower(case: Case) -> Suggestion | str:
    """Find a faster version in floating point, and the layers that make the difference."""
    quantised = case.quantisation
    if quantised.scheme is None:
        return _NOT_QUANTISED
    if quantised.products and not quantised.in_int8:
        return "no product of this version runs in INT8 (see advice.int8-not-executed)"
    other = _in_floating_point(case)
    if other is None:
        return "no version in floating point was measured in the same configuration"
    own_latency, other_latency = median_latency_s(case.result), median_latency_s(other)
    latencies = (
        f"{show(own_latency, 'duration')} against {show(other_latency, 'duration')} of "
        f"{other.cell.version}"
    )
    if not _is_slower(case, other):
        return f"not shown to be slower: {latencies}"
    return Suggestion(
        "warning",
        f"INT8 does not pay here: {latencies}. {_where_it_went(case, other)}",
        f"Use {other.cell.version} on this machine{_why_slower(case)}.",
        "The comparison of versions lists the change for each type of layer.",
        (Link("the comparison of versions", "versions"),),
        1 - other_latency / own_latency,
        {"int8": "less"},
    )


def _is_slower(case: Case, other: CellResult) -> bool:
    """Return whether the run shows that the case is slower than another cell."""
    factor = ratio(other, case.result, "median")
    return factor is not None and verdict(factor, NOTABLE, higher_is_better=False) == "slower"


def _why_slower(case: Case) -> str:
    """Return what the device lacks in INT8, if that is a reason."""
    if not case.rates:
        return "" if case.has_integer_units else ", which has no integer dot products"
    return "" if _int8_is_faster(case) else f", which multiplies i8 at {_int8_speed(case)[1]}"


def _int8_speed(case: Case) -> tuple[float, str]:
    """Return the device's rate in i8 over its highest rate in floating point, and in words.

    For example ``2.2, "2.2 × the rate of f32"``; the quotient is 1 if it was not measured.
    """
    floating = {name: rate for name, rate in case.rates.items() if name != "i8"}
    if not floating or "i8" not in case.rates:
        return 1.0, "an unknown rate"
    name = max(floating, key=lambda name: floating[name])
    speed = case.rates["i8"] / floating[name]
    return speed, f"{show(speed, 'ratio')} the rate of {name}"


def _int8_is_faster(case: Case) -> bool:
    """Decide by the measured rates, or else by the processor's instructions."""
    return _int8_speed(case)[0] > 1 + NOTABLE if case.rates else case.has_integer_units


def _where_it_went(case: Case, other: CellResult) -> str:
    """Say what each type gains: ``Convolution 31.9 ms → 29.2 ms; 55 layers … take 8.7 ms.``."""
    before, after = (
        {name: total_s(members) for name, members in by_type(layers).items()}
        for layers in (executed_layers(case.run, other), case.layers)
    )
    if not before or not after:
        return "Layer times are missing."
    change = {name: after.get(name, 0.0) - before.get(name, 0.0) for name in {*before, *after}}
    most_changed = sorted(change, key=lambda name: (-abs(change[name]), name))[:_MOST_CHANGED]
    changes = ", ".join(
        f"{name} {show(before.get(name, 0.0), 'duration')} → "
        f"{show(after.get(name, 0.0), 'duration')}"
        for name in most_changed
    )
    converting = case.quantisation.converting
    return (
        f"Where the time went: {changes}; {count(len(converting), 'layer')} that quantise or "
        f"dequantise take {show(total_s(converting), 'duration')}."
    )


# ---------------------------------------------------------------------------- floating point left


def _float_in_int8(case: Case) -> Suggestion | str:
    """Find floating point inside a model that runs in INT8, and the conversions that it costs."""
    quantised = case.quantisation
    if quantised.scheme is None:
        return _NOT_QUANTISED
    if not quantised.flows_in_int8:
        return "no data flows in INT8 from layer to layer"
    wide = [layer for layer in case.layers if _has_wide_weights(layer)]
    edges = _at_edges(case.nodes)
    converting = [
        layer for layer in quantised.converting if layer not in wide and layer.index not in edges
    ]
    between = {layer for island in islands(case.nodes, case.layers) for layer in island}
    others = [
        layer for layer in case.layers if layer in between and layer not in {*wide, *converting}
    ]
    outside = [*wide, *converting, *others]
    if share(outside) < NOTABLE:
        return (
            f"{show(share(outside), 'share')} of the time is in floating point or "
            f"conversions, not counting those of the model's inputs and outputs"
        )
    other = _in_floating_point(case)
    if other is not None and _is_slower(case, other):
        return f"INT8 as a whole is slower than {other.cell.version}, which another rule covers"
    mostly_wide = share(wide) > share(outside) / 2
    slow = bool(case.rates) and not _int8_is_faster(case)
    parts = ", ".join(
        f"{count(len(layers), 'layer')} ({types(layers)}) {description}, "
        f"{show(share(layers), 'share')}"
        for layers, description in (
            (wide, "with weights in floating point"),
            (converting, "for quantising or dequantising"),
            (others, "in floating point between INT8 layers"),
        )
        if layers
    )
    return Suggestion(
        "warning" if share(outside) >= _MUCH and _int8_is_faster(case) else "info",
        f"{show(share(outside), 'share')} of the layers' time is spent outside INT8, in "
        f"{count(len(outside), 'layer')} of this INT8 model: {parts}.",
        _keep_together(case, mostly_wide=mostly_wide),
        "The section on precision lists the layers of each precision. The tables of conversions "
        "and of floating point between INT8 layers list their neighbours. Measure the change as "
        "another version.",
        case.evidence(outside),
        case.gain(outside),
        {"int8": "less" if slow else "more"} if slow or mostly_wide else {},
    )


def _at_edges(nodes: Sequence[Node]) -> frozenset[int]:
    """Return the layers at the model's inputs and outputs, where conversions cannot be avoided."""
    sources = {index: [source for source, _ in node.inputs] for index, node in enumerate(nodes)}
    return _next_to(nodes, "Input", readers_of(nodes)) | _next_to(nodes, "Output", sources)


def _next_to(
    nodes: Sequence[Node], kind: str, neighbours: Mapping[int, Sequence[int]]
) -> frozenset[int]:
    """Return nodes that are separated from nodes of a type by nothing but layers that move data."""
    border = [index for index, node in enumerate(nodes) if node.type == kind]
    reached: set[int] = set()
    while border:
        for neighbour in neighbours.get(border.pop(), ()):
            if neighbour not in reached:
                reached.add(neighbour)
                border += [neighbour] if nodes[neighbour].type in MOVERS else []
    return frozenset(reached)


def _has_wide_weights(layer: ExecutedLayer) -> bool:
    kinds = CONVOLUTIONS | {"FullyConnected"}
    return layer.type in kinds and layer.precision not in INT8 and layer.weights not in NARROW


def _keep_together(case: Case, *, mostly_wide: bool) -> str:
    """Say what to do, given how fast the device is in INT8."""
    rate = _int8_speed(case)[1]
    if case.rates and not _int8_is_faster(case):
        return (
            f"This device multiplies i8 at {rate}, as measured here: leave whole parts in "
            f"floating point, so that less is converted."
        )
    if mostly_wide:
        return (
            "Check whether their weights and inputs are quantised (nncf's ignored scope, constant "
            f"or shared weights), and quantise them too{_reason_for_int8(case)}."
        )
    return (
        f"Keep neighbouring layers in one precision: quantise the layers between INT8 "
        f"layers, or leave the whole part in floating point{_reason_for_int8(case)}."
    )


def _reason_for_int8(case: Case) -> str:
    """Give the reason for more INT8: the rates, or a slower version in floating point."""
    other = _in_floating_point(case)
    if case.rates:
        return f"; this device multiplies i8 at {_int8_speed(case)[1]}"
    factor = ratio(other, case.result, "median") if other else None
    if other and factor and verdict(factor, NOTABLE, higher_is_better=False) == "faster":
        return (
            f"; this version is {show(1 / factor.point, 'ratio')} as fast as {other.cell.version}"
        )
    if case.has_integer_units:
        return ""
    return "; whether this device is faster in INT8 was not measured"


def _gpu_float32(case: Case) -> Suggestion | str:
    if not case.on_gpu:
        return "not on a GPU"
    wide = [layer for layer in case.layers if layer.precision == "f32"]
    part = len(wide) / (len(case.layers) or 1)
    if part <= _GPU_FLOAT32:
        return f"{show(part, 'share')} of the layers run in f32"
    return Suggestion(
        "warning",
        f"{show(part, 'share')} of the layers run in f32 and take {show(share(wide), 'share')} "
        "of the time; this GPU computes f16 faster.",
        f"Ask for f16: {setting('precision', 'f16')}, or a model saved in FP16.",
        f"Measure {setting('precision', 'f32', 'f16')}, which compares the two in one run.",
        case.evidence(wide),
        case.gain(wide),
        {"precision": "f16"},
    )


RULES = (
    AdviceRule("int8-unused", "Could INT8 be faster?", _int8_unused, needs_layers=True),
    AdviceRule("int8-not-executed", "Does the device execute a file's INT8?", _int8_not_executed,
               needs_layers=True),
    AdviceRule("int8-slower", "Does INT8 pay?", _int8_slower),
    AdviceRule("float-in-int8", "Does an INT8 model stay in INT8?", _float_in_int8,
               needs_layers=True),
    AdviceRule("gpu-float32", "Does a GPU compute in f32?", _gpu_float32, needs_layers=True),
)  # fmt: skip
