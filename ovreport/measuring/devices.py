"""Checks device strings such as ``GPU.1``, ``AUTO:-GPU``, ``MULTI:GPU,CPU(4)``, ``BATCH:AUTO``."""

from __future__ import annotations

import re
from collections.abc import Sequence

# AUTO and MULTI use those of their devices that are available; HETERO and BATCH need all of them.
_SELECTING = frozenset({"AUTO", "MULTI"})
_VIRTUAL = _SELECTING | {"HETERO", "BATCH"}
_KNOWN = re.compile(r"(CPU|GPU|NPU)(\.\w+)*")
# A device in a list, with its value in brackets: requests of MULTI and AUTO, the batch of BATCH.
_LISTED = re.compile(r"(?P<name>[^()]*?)(?P<brackets>\((?P<number>.*)\))?")
# OpenVINO makes room for a whole batch; larger ones are slips.
_MOST = 1 << 16


def problem(device: str, available: Sequence[str]) -> str:
    """Return why the device cannot be used, as the end of a sentence; empty if it can.

    Args:
        available: the devices that OpenVINO finds here.
    """
    kind, _, rest = device.partition(":")
    if kind not in _VIRTUAL:
        return _first_missing([kind], available)
    parts = [part.strip() for part in rest.split(",") if part.strip()]
    if parts and (rest != rest.strip() or " ," in rest):
        return f"it has a space around a device; write {kind}:{','.join(parts)}"
    if mistake := next(filter(None, (_wrong_brackets(kind, part) for part in parts)), ""):
        return mistake
    listed = [part.partition("(")[0] for part in parts]
    if kind == "BATCH" and len(listed) > 1:
        return f"BATCH runs on one device; write BATCH:{parts[0]}"
    if not listed and kind != "AUTO":
        return f"it names no device behind {kind}; write {kind}:{','.join(available)}"
    if kind == "BATCH" and listed[0].partition(":")[0] in _VIRTUAL - {"BATCH"}:
        return problem(listed[0], available)
    if kind not in _SELECTING:
        return _first_missing(listed, available)
    excluded = [part.removeprefix("-") for part in listed if part.startswith("-")]
    wanted = [part for part in listed if not part.startswith("-")]
    unknown = [part for part in (*wanted, *excluded) if not _KNOWN.fullmatch(part)]
    left = [device for device in available if not any(_meets(device, part) for part in excluded)]
    if not any(_meets(device, part) for device in left for part in wanted or available):
        return "it leaves none of the devices that OpenVINO finds here"
    return _first_missing(unknown, available)


def _wrong_brackets(kind: str, part: str) -> str:
    """Return what is wrong with ``(4)`` after a device; empty if nothing is."""
    match = _LISTED.fullmatch(part)
    if match is None:
        return f"the brackets of {part!r} are not those of a number, such as CPU(4)"
    if match["brackets"] is None:
        return ""
    name, number = match["name"], match["number"]
    if kind == "HETERO":
        return f"HETERO takes no number after a device; write {name}"
    # OpenVINO reads "2.5" and "4x" as numbers that nobody wrote.
    if re.fullmatch(r"[0-9]{1,9}", number) and 1 <= int(number) <= _MOST:
        return ""
    what = "batch" if kind == "BATCH" else "number of requests"
    return f"the {what} of {part!r} is not a number from 1 to {_MOST}; write {name}(4)"


def _first_missing(names: Sequence[str], available: Sequence[str]) -> str:
    for name in names:
        if not any(_meets(device, name) for device in available):
            return f"OpenVINO finds no {name!r} here"
    return ""


def _meets(available: str, name: str) -> bool:
    """Return whether an available device has the name; any ``GPU.n`` meets ``GPU``."""
    return name == available or available.startswith(f"{name}.")
