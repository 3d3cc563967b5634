"""Which implementations the device chose for its layers."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass

from ovreport.graphs.layers import ExecutedLayer
from ovreport.labels import count
from ovreport.plugin import Analyzer
from ovreport.rendering.format import show
from ovreport.run import Run
from ovreport.section import Column, Finding, Row, Section, Table

from ..common import focus_cells, focus_group, links

_ISA = re.compile(
    r"(?:^|_)(avx512_core_amx|avx512_core|avx512|avx10\w*?|avx2_vnni|avx2|avx|sse4\d|sse2|uni|amx"
    r"|asimd|sve\d*|neon|acl)(?=_|$)"
)
_PRECISION = re.compile(r"_(f32|f16|bf16|f64|[iu](?:4|8|16|32|64)|boolean|undefined)$")
# A reference kernel that costs less than this is not worth a sentence.
_NOTABLE = 0.01


@dataclass(frozen=True)
class Kernel:
    """The parts of a primitive's name, ``brgconv_avx2_1x1_f32``."""

    implementation: str
    isa: str
    precision: str

    @property
    def is_reference(self) -> bool:
        """Written for correctness, not for speed."""
        return "ref" in self.implementation.split("_")


def parse_kernel(name: str) -> Kernel:
    """Takes a primitive's name apart; what is not there is empty."""
    precision = _PRECISION.search(name)
    rest = name[: precision.start()] if precision else name
    isa = _ISA.search(rest)
    if isa:
        rest = (rest[: isa.start()] + rest[isa.end() :]).strip("_")
    return Kernel(rest or name, isa[1] if isa else "", precision[1] if precision else "")


class Kernels(Analyzer):
    """Time by kernel implementation and instruction set."""

    id = "kernels"
    title = "Kernels"
    reading = (
        "The primitive that executes each layer: jit kernels are generated for this processor, "
        "brg ones use its matrix kernels, ref ones are plain reference code."
    )
    needs = frozenset({"layers"})
    order = 550

    def analyze(self, run: Run) -> Section:
        groups, findings = [], []
        for result, layers in focus_cells(run):
            found: dict[str, list[ExecutedLayer]] = defaultdict(list)
            for layer in layers:
                found[layer.kernel].append(layer)
            rows = [
                Row(
                    {
                        "kernel": name,
                        "implementation": parse_kernel(name).implementation,
                        "isa": parse_kernel(name).isa,
                        "reference": "reference" if parse_kernel(name).is_reference else "",
                        "count": len(members),
                        "time": sum(layer.median_s for layer in members),
                        "share": sum(layer.share for layer in members),
                    }
                )
                for name, members in found.items()
            ]
            rows.sort(key=lambda row: -float(str(row.values["time"])))
            columns = [
                Column("kernel", "Kernel", "code"),
                Column("implementation", "Implementation"),
                Column("isa", "Instruction set", help="uni: chosen when the kernel is made."),
                Column("reference", ""),
                Column("count", "Layers", "count"),
                Column("time", "Time", "duration"),
                Column("share", "Share", "share"),
            ]
            table = Table(f"kernels-{result.cell.id}", "By kernel", columns, rows)
            groups.append(focus_group(run, result, [table]))
            slow = [layer for layer in layers if parse_kernel(layer.kernel).is_reference]
            share = sum(layer.share for layer in slow)
            if share > _NOTABLE:
                slow.sort(key=lambda layer: -layer.median_s)
                findings.append(
                    Finding(
                        "kernels.reference",
                        "warning",
                        f"{result.cell.model} ({result.cell.version}): "
                        f"{count(len(slow), 'layer')} run on reference kernels and take "
                        f"{show(share, 'share')} of the time.",
                        "Look for an operator or shape that the device has a fast kernel for.",
                        links(result, slow[:5], lambda layer: layer.name[:40]),
                        gain=share,
                    )
                )
        return Section(groups, findings)
