"""One colour for each role, in every chart, table and diagram.

Names get colours of a relative luminance from 0.14 to 0.27, which contrast 3:1 or more with the
page's light and its dark ground (WCAG 2.1, criterion 1.4.11). The first four most often stand side
by side: blue, rose and green are of Paul Tol's colour-blind safe schemes (SRON technical note
SRON/EPS/TN/09-002, 2021). Not every eye can distinguish so many colours in so narrow a band;
therefore a word always accompanies a colour.

Names that are not well-known share nineteen colours. Within one picture they do not: if the colour
of a name is taken, :func:`distinct` gives it another one, and grey if none is left.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from ovreport.text.values import Role

_NAMES = (
    BLUE := "#4477aa", ROSE := "#cc6677", GREEN := "#228833", AMBER := "#b07a00",
    PURPLE := "#8e62d9", CYAN := "#2b90bd", RUST := "#c05010", TEAL := "#2a9187",
    MAGENTA := "#c44fae", OLIVE := "#8a8a1f", MAUVE := "#8d6378", SAGE := "#5f8f5f",
    SLATE := "#6f7f94", INDIGO := "#5f68d8", LIME := "#5f8c1a", COPPER := "#a86a45",
    FOREST := "#3a8a66", KHAKI := "#85805a", STEEL := "#5b82a8",
)  # fmt: skip
OTHER = "#808080"

_FIXED: dict[tuple[str, str], str] = {
    ("type", "Convolution"): BLUE,
    ("type", "GroupConvolution"): CYAN,
    ("type", "Deconvolution"): PURPLE,
    ("type", "FullyConnected"): GREEN,
    ("type", "MatMul"): SAGE,
    ("type", "ScaledDotProductAttention"): TEAL,
    ("type", "Pooling"): AMBER,
    ("type", "Reduce"): MAUVE,
    ("type", "Eltwise"): MAGENTA,
    ("type", "Subgraph"): INDIGO,
    ("type", "Reorder"): ROSE,
    ("type", "Convert"): RUST,
    ("type", "Transpose"): COPPER,
    ("type", "FakeQuantize"): OLIVE,
    ("type", "Concatenation"): KHAKI,
    ("type", "Softmax"): SLATE,
    ("type", "MVN"): LIME,
    ("type", "Gather"): FOREST,
    ("type", "Interpolate"): STEEL,
    ("precision", "f32"): BLUE,
    ("precision", "f16"): CYAN,
    ("precision", "bf16"): TEAL,
    ("precision", "f64"): SLATE,
    ("precision", "i8"): ROSE,
    ("precision", "u8"): AMBER,
    ("precision", "i32"): MAGENTA,
    ("precision", "i64"): PURPLE,
    ("precision", "u4"): OLIVE,
    ("precision", "i4"): RUST,
    ("version", "parent"): BLUE,
    ("version", "optimized"): AMBER,
    ("hint", "latency"): BLUE,
    ("hint", "throughput"): ROSE,
    ("hint", "cumulative_throughput"): GREEN,
    ("hint", "none"): OLIVE,
    ("series", "main"): BLUE,
    ("series", "second"): ROSE,
    ("series", "better"): GREEN,
    ("series", "worse"): ROSE,
    ("series", "faster"): GREEN,
    ("series", "slower"): ROSE,
    ("series", "only here"): AMBER,
    ("series", "alike"): OTHER,
    ("series", "no time"): OTHER,
    ("series", "other"): OTHER,
    ("series", "executed"): BLUE,
    ("series", "kept"): CYAN,
    ("series", "fused"): AMBER,
    ("series", "folded"): OTHER,
    ("series", "removed"): ROSE,
}

# The second half of Tol's "YlOrBr" after a neutral start: low values recede, high ones stand out.
# Lightness falls steadily, so that the scale can be read without colour.
_SCALE = ("#f2f0ec", "#fee391", "#fec44f", "#fb9a29", "#ec7014", "#cc4c02", "#8f2f04")


def colour(role: Role) -> str:
    """Return ``#rrggbb`` of a role: fixed for well-known ones, else derived from its key."""
    if fixed := _fixed(role):
        return fixed
    named = f"{role.kind}:{_key(role)}".encode(errors="replace")
    place = int.from_bytes(hashlib.sha256(named).digest()[:4], "big")
    return _NAMES[place % len(_NAMES)]


def distinct(roles: Iterable[Role]) -> dict[Role, str]:
    """Return the colours of one picture's roles, such that no two names share one but ``OTHER``.

    Well-known roles keep their colours.

    Args:
        roles: the most important first, as they choose first.
    """
    unique = dict.fromkeys(roles)
    colours = {role: fixed for role in unique if (fixed := _fixed(role))}
    used = set(colours.values())
    for role in unique:
        if role not in colours:
            choices = (colour(role), *_NAMES)
            colours[role] = next((name for name in choices if name not in used), OTHER)
            used.add(colours[role])
    return colours


def _fixed(role: Role) -> str | None:
    return _FIXED.get((role.kind, _key(role)))


def _key(role: Role) -> str:
    """Return the key; of precisions, which OpenVINO writes both ways, in lower case."""
    return role.key.lower() if role.kind == "precision" else role.key


def every_name() -> tuple[str, ...]:
    """Return all colours that a role can have."""
    return (*_NAMES, OTHER)


def scale(share: float) -> str:
    """Return ``#rrggbb`` of a value from 0 to 1 on the sequential scale."""
    return _SCALE[scale_step(share)]


def scale_step(share: float) -> int:
    """Return the step of the scale for a value from 0 to 1."""
    return min(len(_SCALE) - 1, max(0, int(share * len(_SCALE))))


def scale_steps() -> tuple[str, ...]:
    """Return the scale's colours, from 0 to 1."""
    return _SCALE


def ink_on(background: str) -> str:
    """Return black or white, whichever contrasts more (WCAG 2.1 relative luminance)."""
    channels = [int(background[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    # White has 1.05 / (L + 0.05), black (L + 0.05) / 0.05; they are equal at L = 0.179.
    return "#000000" if luminance > 0.179 else "#ffffff"
