"""Derives the precision in which a device computes a layer; no single attribute states it.

OpenVINO's ``runtimePrecision`` is that of a tensor: the first input, or, for convolutions and
matrix products, the data or the weights, whichever comes last in a list of types. So it is ``i8``
for a product with compressed weights that computes in ``f32`` (``Node::getRuntimePrecision`` and
``FullyConnected::getRuntimePrecision`` of the CPU plugin). The kernel's name ends in the precision
of the data, in which such a layer computes.

Dynamic quantisation is an exception. Where the processor has integer dot products and
``DYNAMIC_QUANTIZATION_GROUP_SIZE`` is not 0, the CPU plugin turns the floating-point data of a
product with integer weights into 8-bit integers while it runs, under the same kernel name
(``useDynamicQuantizationImpl`` in ``dnnl_fullyconnected_primitive.cpp`` and ``kleidiai_mm.cpp``).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ovreport.computed.kernels import parse_kernel
from ovreport.computed.layer_kinds import MOVERS, NESTED, PRODUCTS
from ovreport.computed.memo import by_identity
from ovreport.computed.precision import INT8, UNKNOWN, is_floating, precision_name
from ovreport.run import CellResult, Environment, Node, Run

_DYNAMICALLY_QUANTISED = frozenset({"u8", "i8", "u4", "i4"})
_DOT_PRODUCTS = frozenset({"avx_vnni", "avx512_vnni", "amx_int8", "asimddp", "i8mm"})
# oneDNN's name for VNNI, in the CPU plugin's property RUNTIME_REQUIREMENTS.
_VNNI = "DL Boost"
_CAPABILITIES = "OPTIMIZATION_CAPABILITIES"
# The CPU plugin quantises in groups of whole vectors of this many elements.
_VECTOR = 16
# Inputs of a product in the CPU plugin's runtime graph: data, weights, bias, scales, zero points.
_WEIGHTS, _ZERO_POINTS = 1, 4
_CONNECTED = "FullyConnected"
# Precisions of the placeholder for zero points that a product does not have.
_ABSENT = frozenset({"", "dynamic", "undefined", UNKNOWN})


@dataclass(frozen=True)
class Abilities:
    """Abilities of a device that decide in which precision it computes."""

    precisions: frozenset[str] = frozenset()
    """Floating-point precisions that it supports; empty if it does not report them."""
    dot_products: bool = False
    """Whether it multiplies and adds 8-bit integers in one instruction."""
    group_size: int = 0
    """Elements that share a scale in dynamic quantisation; 0 if it is off."""


@by_identity
def abilities(run: Run, result: CellResult) -> Abilities:
    """Return the common abilities of the devices that executed a cell."""
    environment = run.environment_of(result)
    properties = result.resolved.properties if result.resolved else {}
    capabilities = _capabilities(environment, result)
    size = properties.get("DYNAMIC_QUANTIZATION_GROUP_SIZE", "")
    return Abilities(
        frozenset(filter(is_floating, map(precision_name, capabilities))),
        _cpu_dot_products(environment.isa, properties)
        if on_cpu(result)
        else "INT8" in capabilities,
        int(size) if re.fullmatch(r"\d{1,20}", size) else 0,
    )


def execution_devices(result: CellResult) -> tuple[str, ...]:
    """Return the devices that executed a cell; the requested one if none are reported."""
    resolved = result.resolved
    devices = tuple(device.strip("()") for device in resolved.execution_devices) if resolved else ()
    return devices or (result.cell.device,)


def on_cpu(result: CellResult) -> bool:
    """Return whether only CPUs executed a cell."""
    return all(device.startswith("CPU") for device in execution_devices(result))


def _capabilities(environment: Environment, result: CellResult) -> frozenset[str]:
    """Return the ``OPTIMIZATION_CAPABILITIES`` of all devices of a cell: ``FP32``, ``INT8``."""
    runtimes = {runtime.name: runtime.devices for runtime in environment.runtimes}
    by_device = {
        device.name: frozenset(re.findall(r"\w+", device.properties.get(_CAPABILITIES, "")))
        for device in runtimes.get(result.cell.runtime, environment.devices)
    }
    nothing = frozenset[str]()
    capabilities = [
        by_device.get(device, by_device.get(device.split(".")[0], nothing))
        for device in execution_devices(result)
    ]
    return nothing.union(*capabilities[:1]).intersection(*capabilities)


def _cpu_dot_products(isa: Sequence[str], properties: Mapping[str, str]) -> bool:
    """Return whether the CPU plugin uses dot products of 8-bit integers.

    The plugin reports the instruction set it uses, which ``ONEDNN_MAX_CPU_ISA`` limits; otherwise
    the processor's instruction sets decide.
    """
    used = re.search(r"isa=(Intel .*)", properties.get("RUNTIME_REQUIREMENTS", ""))
    return _VNNI in used[1] if used else not _DOT_PRODUCTS.isdisjoint(isa)


# ---------------------------------------------------------------------------- layers


def executed_precision(nodes: Sequence[Node], index: int, kernel: str, able: Abilities) -> str:
    """Return the precision in which a layer computes.

    It is ``unknown`` if the device reports none, and for layers with a body.

    Args:
        nodes: nodes of the runtime graph.
        index: the layer's node.
        kernel: the layer's kernel, as the profile or ``primitiveType`` names it.
        able: the device's abilities.
    """
    node = nodes[index]
    if node.type in NESTED:
        return UNKNOWN
    data = _data_precision(node, kernel, able)
    if node.type in PRODUCTS:
        return "i8" if _quantises_data(nodes, node, kernel, data, able) else data
    if node.type in MOVERS or is_floating(data):
        return data
    # The first input may be a mask, an index or an 8-bit tensor although the layer computes in
    # floating point.
    computed = [precision_name(port.precision) for port in node.outputs]
    return next(filter(is_floating, computed), data)


def _data_precision(node: Node, kernel: str, able: Abilities) -> str:
    """Return the precision of a layer's first input: by the kernel's name, else by the graph."""
    of_graph = precision_name(str(node.attributes.get("runtimePrecision") or ""))
    of_kernel = parse_kernel(kernel).precision
    if of_kernel:
        # Kernels have one name for both 8-bit integers.
        return of_graph if {of_kernel, of_graph} <= INT8 else of_kernel
    unsupported = (
        of_graph in ("f16", "bf16") and able.precisions and of_graph not in able.precisions
    )
    return "f32" if unsupported else of_graph


def _quantises_data(
    nodes: Sequence[Node], node: Node, kernel: str, data: str, able: Abilities
) -> bool:
    """Return whether a product uses dynamic quantisation.

    The plugin's conditions on the sizes of groups of weights are not checked.
    """
    weights = input_precision(nodes, node, _WEIGHTS)
    if not able.dot_products or weights not in _DYNAMICALLY_QUANTISED or node.type != _CONNECTED:
        return False
    if parse_kernel(kernel).implementation == "kleidiai":
        return able.group_size > 0
    zero_points = input_precision(nodes, node, _ZERO_POINTS)
    fitting = zero_points in _ABSENT or {zero_points, weights} <= {"u8", "u4"}
    groups = able.group_size > 0 and able.group_size % _VECTOR == 0
    return data == "f32" and fitting and groups


def input_precision(nodes: Sequence[Node], node: Node, place: int) -> str:
    """Return the precision of a node's input by its place; empty if there is no such input."""
    if place >= len(node.inputs):
        return ""
    source, port = node.inputs[place]
    return precision_name(nodes[source].outputs[port].precision)


def weights_precision(nodes: Sequence[Node], index: int, constant: Collection[int]) -> str:
    """Return the precision of a product's constant weights; empty if it has none.

    Args:
        nodes: nodes of the runtime graph.
        index: the product's node.
        constant: nodes of the runtime graph that depend only on constants.
    """
    node = nodes[index]
    if node.type not in PRODUCTS or len(node.inputs) <= _WEIGHTS:
        return ""
    return input_precision(nodes, node, _WEIGHTS) if node.inputs[_WEIGHTS][0] in constant else ""
