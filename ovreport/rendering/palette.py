"""One colour for one thing, in every chart, table and diagram.

Colours are from Paul Tol's colour-blind safe schemes (*Colour Schemes*, SRON technical note
SRON/EPS/TN/09-002, 2021): ``muted`` and ``bright`` for names, ``iridescent`` for scales. All are
of middle lightness, legible on light and on dark ground.
"""

from __future__ import annotations

import hashlib

from ovreport.section import Role

_MUTED = (
    "#4477aa", "#cc6677", "#228833", "#ddaa33", "#66aadd", "#aa4499", "#44aa99", "#999933",
    "#882255", "#7a7ac8", "#b8860b", "#5a9e6f",
)  # fmt: skip
OTHER = "#8c8c8c"

_FIXED: dict[tuple[str, str], str] = {
    **{
        ("type", name): colour
        for name, colour in {
            "Convolution": "#4477aa",
            "GroupConvolution": "#66aadd",
            "Deconvolution": "#7a7ac8",
            "FullyConnected": "#228833",
            "MatMul": "#5a9e6f",
            "ScaledDotProductAttention": "#44aa99",
            "Pooling": "#ddaa33",
            "Reduce": "#b8860b",
            "Eltwise": "#aa4499",
            "Subgraph": "#882255",
            "Reorder": "#cc6677",
            "Convert": "#d9694a",
            "Transpose": "#e08a6d",
            "FakeQuantize": "#999933",
            "Concatenation": "#8da34a",
        }.items()
    },
    ("precision", "f32"): "#4477aa",
    ("precision", "f16"): "#66aadd",
    ("precision", "bf16"): "#44aa99",
    ("precision", "f64"): "#334e7a",
    ("precision", "i8"): "#cc6677",
    ("precision", "u8"): "#ddaa33",
    ("precision", "i32"): "#aa4499",
    ("precision", "i64"): "#882255",
    ("precision", "u4"): "#999933",
    ("precision", "i4"): "#b8860b",
    ("version", "parent"): "#4477aa",
    ("version", "optimized"): "#ddaa33",
    ("hint", "latency"): "#4477aa",
    ("hint", "throughput"): "#cc6677",
    ("hint", "cumulative_throughput"): "#228833",
    ("hint", "none"): "#999933",
    ("series", "main"): "#4477aa",
    ("series", "second"): "#cc6677",
    ("series", "better"): "#228833",
    ("series", "worse"): "#cc6677",
    ("series", "other"): OTHER,
    ("series", "kept"): "#4477aa",
    ("series", "fused"): "#ddaa33",
    ("series", "folded"): OTHER,
    ("series", "removed"): "#cc6677",
}

# Tol's "YlOrBr" from its middle on, over a neutral start: low values recede, high ones stand out,
# and lightness falls steadily, so that it reads without colour.
_SCALE = ("#f2f0ec", "#fee391", "#fec44f", "#fb9a29", "#ec7014", "#cc4c02", "#8f2f04")


def colour(role: Role) -> str:
    """``#rrggbb`` of a role: fixed for well-known ones, else steady by its key."""
    key = role.key.lower() if role.kind == "precision" else role.key
    fixed = _FIXED.get((role.kind, key))
    if fixed:
        return fixed
    place = int.from_bytes(hashlib.sha256(f"{role.kind}:{key}".encode()).digest()[:4], "big")
    return _MUTED[place % len(_MUTED)]


def scale(share: float) -> str:
    """``#rrggbb`` of a value from 0 to 1 on the sequential scale."""
    return _SCALE[scale_step(share)]


def scale_step(share: float) -> int:
    """Which of the scale's steps a value from 0 to 1 falls on."""
    return min(len(_SCALE) - 1, max(0, int(share * len(_SCALE))))


def scale_steps() -> tuple[str, ...]:
    """The scale's colours, from 0 to 1."""
    return _SCALE


def ink_on(background: str) -> str:
    """Black or white, whichever contrasts more (WCAG 2.1 relative luminance)."""
    channels = [int(background[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    # White has 1.05 / (L + 0.05), black (L + 0.05) / 0.05; they are equal at L = 0.179.
    return "#000000" if luminance > 0.179 else "#ffffff"
