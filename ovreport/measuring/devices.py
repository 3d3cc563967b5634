"""Whether OpenVINO can run a device string here: ``GPU.1``, ``AUTO:-GPU``, ``MULTI:GPU,CPU(4)``."""

from __future__ import annotations

import re
from collections.abc import Sequence

# AUTO and MULTI take those of their devices that are there; HETERO and BATCH need each of theirs.
_SELECTING = frozenset({"AUTO", "MULTI"})
_VIRTUAL = _SELECTING | {"HETERO", "BATCH"}
_KNOWN = re.compile(r"(CPU|GPU|NPU)(\.\w+)*")


def problem(device: str, available: Sequence[str]) -> str:
    """Why the device cannot be used, as the end of a sentence; empty where it can.

    Args:
        available: the devices that OpenVINO finds here.
    """
    kind, _, rest = device.partition(":")
    if kind not in _VIRTUAL:
        return _first_missing([kind], available)
    listed = [re.sub(r"\(.*\)$", "", part.strip()) for part in rest.split(",") if part.strip()]
    if not listed and kind != "AUTO":
        return f"it names no device behind {kind}; write {kind}:{','.join(available)}"
    if kind not in _SELECTING:
        return _first_missing(listed, available)
    excluded = [part.removeprefix("-") for part in listed if part.startswith("-")]
    wanted = [part for part in listed if not part.startswith("-")]
    unknown = [part for part in (*wanted, *excluded) if not _KNOWN.fullmatch(part)]
    left = [one for one in available if not any(_meets(one, part) for part in excluded)]
    if not any(_meets(one, part) for one in left for part in wanted or available):
        return "it leaves none of the devices that OpenVINO finds here"
    return _first_missing(unknown, available)


def _first_missing(names: Sequence[str], available: Sequence[str]) -> str:
    for name in names:
        if not any(_meets(one, name) for one in available):
            return f"OpenVINO finds no {name!r} here"
    return ""


def _meets(available: str, name: str) -> bool:
    """``GPU`` is met by any ``GPU.n``."""
    return name == available or available.startswith(f"{name}.")
