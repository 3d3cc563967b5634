"""Kernels: the implementations that the device chose for its layers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ovreport.computed.focus import focus_cells, grouped, longest, total_s
from ovreport.computed.kernels import Kernel, is_recurrent, parse_kernel
from ovreport.computed.layer_kinds import MOVERS
from ovreport.computed.layers import ExecutedLayer
from ovreport.computed.speed import gain
from ovreport.plugin import Analyzer
from ovreport.run import CellResult, Run
from ovreport.section import (
    Axis,
    Bars,
    Block,
    Chart,
    Column,
    Finding,
    Group,
    HeatMap,
    Row,
    Section,
    Table,
)
from ovreport.text.labels import count
from ovreport.text.numbers import show
from ovreport.text.values import Role, Value

from ..layer_sections import evidence, findings_at_points, focus_group

# Reference kernels that take a smaller share of the time are not reported.
_NOTABLE = 0.01
# Of copies, which few models avoid.
_NOTABLE_COPIES = 0.05
_NOT_NAMED = "not named"


_UNKNOWN = frozenset({"", "undef", "unknown"})


def is_plain(layer: ExecutedLayer) -> bool:
    """Return whether a layer computes in plain reference code.

    A recurrent layer does not, whatever the name of its kernel: oneDNN's ``ref_any`` for it loops
    over the steps and computes each by matrix products (``src/cpu/rnn/ref_rnn.cpp``). Nor does a
    layer that only moves data: it computes nothing that another kernel would compute faster.
    """
    is_exception = is_recurrent(layer.type) or layer.type in MOVERS
    return _is_reference(layer) and not is_exception


def _is_reference(layer: ExecutedLayer) -> bool:
    return parse_kernel(layer.kernel).is_reference


def _implementation_name(kernel: Kernel) -> str:
    """Return the implementation in words; ``unknown_f32`` names none."""
    return kernel.implementation if kernel.implementation not in _UNKNOWN else _NOT_NAMED


class Kernels(Analyzer):
    """Show time by kernel implementation and instruction set."""

    id = "kernels"
    title = "Kernels"
    reading = (
        "The kernel, or primitive, that executes each layer. jit kernels are generated "
        "for this processor; brg kernels are jit kernels that multiply matrices block by block; "
        "ref kernels are plain code. Two kinds of layers with ref kernels are not slow: "
        "recurrent layers compute their steps by matrix products, and some layers only move data."
    )
    needs = frozenset({"layers"})
    order = 550

    def analyze(self, run: Run) -> Section:
        groups: list[Group] = []
        for result, layers in focus_cells(run):
            blocks: list[Block] = [
                _chart(result, layers),
                *_heat_map(result, layers),
                _by_isa(result, layers),
                _by_kernel(result, layers),
            ]
            groups.append(focus_group(run, result, blocks))
        findings = findings_at_points(run, lambda *at: _references(run, *at))
        return Section(groups, findings)


def _chart(result: CellResult, layers: Sequence[ExecutedLayer]) -> Chart:
    by_implementation = grouped(
        layers, lambda layer: _implementation_name(parse_kernel(layer.kernel))
    )
    shares = {
        name: sum(layer.share for layer in members) for name, members in by_implementation.items()
    }
    first = next(iter(shares))
    kernels = "kernels that the device does not name" if first == _NOT_NAMED else f"{first} kernels"
    return Chart(
        f"implementations-{result.cell.id}",
        f"{show(shares[first], 'share')} of the time is in {kernels}",
        Axis("share of the layers' time", "share"),
        Axis("", categories=list(shares)),
        [Bars(list(shares.values()), [Role("series", f"kernel {name}") for name in shares])],
        "; ".join(f"{name} {show(share, 'share')}" for name, share in shares.items()),
        height=0.7 + 0.28 * len(shares),
    )


def _heat_map(result: CellResult, layers: Sequence[ExecutedLayer]) -> list[Block]:
    """Return the heat map of implementation by instruction set, if there are several of each."""
    by_field = grouped(layers, lambda layer: _field_name(parse_kernel(layer.kernel)))
    shares = {key: sum(layer.share for layer in members) for key, members in by_field.items()}
    parts = {key: parse_kernel(members[0].kernel) for key, members in by_field.items()}
    implementations = list(dict.fromkeys(_implementation_name(part) for part in parts.values()))
    instruction_sets = list(dict.fromkeys(part.isa for part in parts.values()))
    if len(implementations) < 2 or len(instruction_sets) < 2:
        return []
    values = [
        [shares.get(_field_name(Kernel(kind, isa, ""))) for isa in instruction_sets]
        for kind in implementations
    ]
    first, share = next(iter(shares.items()))
    return [
        Chart(
            f"implementations-by-isa-{result.cell.id}",
            f"{show(share, 'share')} of the time is in {first}",
            Axis("instruction set", categories=[isa or _NOT_NAMED for isa in instruction_sets]),
            Axis("", categories=implementations),
            [HeatMap(values, "share", "share of the layers' time")],
            "; ".join(f"{key} {show(share, 'share')}" for key, share in shares.items()),
            height=0.8 + 0.3 * len(implementations),
        )
    ]


def _field_name(kernel: Kernel) -> str:
    """Return the name of a field of the heat map: ``brgconv with avx2``."""
    name = _implementation_name(kernel)
    name = "kernels without a name" if name == _NOT_NAMED else name
    return f"{name} with {kernel.isa}" if kernel.isa else name


def _by_isa(result: CellResult, layers: Sequence[ExecutedLayer]) -> Table:
    rows = [
        Row({"isa": name or _NOT_NAMED, **_sums(members)})
        for name, members in grouped(layers, lambda layer: parse_kernel(layer.kernel).isa).items()
    ]
    columns = [Column("isa", "Instruction set", help=_UNI), *_SUMS]
    return Table(f"isa-{result.cell.id}", "By instruction set", columns, rows)


def _by_kernel(result: CellResult, layers: Sequence[ExecutedLayer]) -> Table:
    rows = []
    for name, members in grouped(longest(layers), lambda layer: layer.kernel).items():
        kernel = parse_kernel(name)
        rows.append(
            Row(
                {
                    "kernel": name,
                    "implementation": _implementation_name(kernel),
                    "isa": kernel.isa,
                    "reference": "yes" if all(map(is_plain, members)) else "",
                    "types": ", ".join(dict.fromkeys(layer.type for layer in members)),
                    **_sums(members),
                }
            )
        )
    columns = [
        Column("kernel", "Kernel", "code"),
        Column("implementation", "Implementation"),
        Column("isa", "Instruction set", help=_UNI),
        Column("reference", "Reference", help="Written for correctness, not for speed."),
        Column("types", "Layer types"),
        *_SUMS,
    ]
    return Table(f"kernels-{result.cell.id}", "By kernel", columns, rows)


_UNI = "uni: chosen when the kernel is generated."
_SUMS = (
    Column("count", "Layers", "count"),
    Column("time", "Time", "duration"),
    Column("share", "Share", "share"),
)


def _sums(layers: Sequence[ExecutedLayer]) -> dict[str, Value]:
    return {
        "count": len(layers),
        "time": total_s(layers),
        "share": sum(layer.share for layer in layers),
    }


def _references(
    run: Run, result: CellResult, layers: Sequence[ExecutedLayer], name: str
) -> Iterator[Finding]:
    computing = [layer for layer in layers if is_plain(layer)]
    copying = [layer for layer in layers if layer.type in MOVERS and _is_reference(layer)]
    share = sum(layer.share for layer in computing)
    if share > _NOTABLE:
        yield Finding(
            "kernels.reference",
            "warning",
            f"{name}: {count(len(computing), 'layer')} "
            f"({', '.join(dict.fromkeys(layer.type for layer in longest(computing)[:9]))}) on "
            f"reference kernels: {show(share, 'share')} of the time.",
            "Look for an operator, shape or layout that the device has a fast kernel for, and "
            "measure the changed model as a second version.",
            evidence(result, computing),
            gain=gain(run, result, computing),
            check="The layer no longer runs on a reference kernel, and the version is faster.",
        )
    share = sum(layer.share for layer in copying)
    if share > _NOTABLE_COPIES:
        yield Finding(
            "kernels.copies",
            "info",
            f"{name}: {count(len(copying), 'layer')} "
            f"({', '.join(dict.fromkeys(layer.type for layer in longest(copying)[:9]))}) only "
            f"{'moves' if len(copying) == 1 else 'move'} data: {show(share, 'share')} of the time.",
            "Their cost is the copy itself, not a slow kernel.",
            evidence(result, copying),
            gain=gain(run, result, copying),
        )
