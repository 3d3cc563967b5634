"""Parses names of kernels, such as ``brgconv_avx2_1x1_f32``.

OpenVINO's CPU plugin joins the implementation, the instruction set and the precision of the first
input (``Node::getPrimitiveDescriptorType``); ``I8`` stands for both 8-bit integers. On aarch64 the
Compute Library takes the instruction set's place: ``gemm_acl_f16``. The GPU plugin ends
the name in the precision of the arithmetic: ``gemm_tiled_opt__f16``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from ovreport.computed.precision import precision_name

_ISA = re.compile(
    r"(?:^|_)(avx512_core_amx|avx512_amx|avx512_core|avx512|avx10\w*?|avx2_vnni|avx2|avx|sse4\d"
    r"|sse2|uni|amx|asimd|sve\d*|neon|acl)(?=_|$)"
)
_PRECISION = re.compile(
    r"_+(fp?32|fp?16|bf16|fp?64|f8e4m3|f8e5m2|[iu](?:4|8|16|32|64)|bool|boolean|bin|undefined"
    r"|dynamic)$",
    re.IGNORECASE,
)
_RECURRENT = ("RNNCell", "RNNSeq", "LSTM", "GRU", "AUGRU")
_NAMES_NONE = frozenset({"undefined", "dynamic"})


@dataclass(frozen=True)
class Kernel:
    """The parts of a primitive's name; missing parts are empty."""

    implementation: str
    isa: str
    """Instruction set, or the library that chooses it."""
    precision: str
    """Precision of the first input (:func:`~ovreport.computed.precision.precision_name`)."""

    @property
    def is_reference(self) -> bool:
        """Whether it is a reference implementation: written for correctness, not for speed."""
        return "ref" in self.implementation.split("_")


def is_recurrent(type: str) -> bool:
    """Return whether layers of a type compute step by step; the CPU plugin has two such types."""
    return type.startswith(_RECURRENT)


@lru_cache(maxsize=10_000)
def parse_kernel(name: str) -> Kernel:
    """Parse a primitive's name."""
    ending = _PRECISION.search(name)
    rest = name[: ending.start()] if ending else name
    isa = _ISA.search(rest)
    if isa:
        rest = (rest[: isa.start()] + rest[isa.end() :]).strip("_")
    precision = ending[1].lower() if ending else ""
    return Kernel(
        rest or name,
        isa[1] if isa else "",
        precision_name(precision) if precision and precision not in _NAMES_NONE else "",
    )
