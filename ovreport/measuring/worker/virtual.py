"""Reads the properties that virtual devices (AUTO, MULTI, HETERO) report of their devices.

Standard library only, and imported by the parent process too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

_OPEN, _CLOSE = "{[(", "}])"
_KEY = re.compile(r"\s*([A-Z][A-Z0-9_.]*)\s*:(.*)", re.DOTALL)


def behind(properties: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Return the properties of each device behind a virtual one; empty for any other device.

    Args:
        properties: properties of a compiled model, as text.
    """
    text = properties.get("DEVICE_PROPERTIES", "")
    return {device: nested(values) for device, values in nested(text).items()}


def nested(text: str) -> dict[str, str]:
    """Parse OpenVINO's ``{NUM_STREAMS:2,CACHE_DIR:a,b}``, whose values may hold commas."""
    values: dict[str, str] = {}
    key = ""
    for part in _parts(text.strip().removeprefix("{").removesuffix("}")):
        if match := _KEY.fullmatch(part):
            key = match[1]
            values[key] = match[2].strip()
        elif key:
            values[key] += f",{part}"
    return values


def _parts(text: str) -> Iterator[str]:
    """Split a text at the commas outside all brackets."""
    begin = depth = 0
    for place, letter in enumerate(text):
        depth += (letter in _OPEN) - (letter in _CLOSE)
        if letter == "," and depth == 0:
            yield text[begin:place]
            begin = place + 1
    yield text[begin:]


def executing(properties: Mapping[str, str]) -> list[str]:
    """Return the devices that run the model; AUTO shows ``(CPU)`` until another one is ready."""
    names = re.findall(r"[^ ,]+", properties.get("EXECUTION_DEVICES", ""))
    return [re.sub(r"\(\d*\)$", "", name).strip("()") for name in names]


def of_executing(properties: Mapping[str, str], name: str) -> str | None:
    """Return a property of the device that runs the model.

    It is None if it is unknown, or if the devices that run the model differ in it.
    """
    if name in properties:
        return properties[name]
    devices = behind(properties)
    values = {devices.get(device, {}).get(name) for device in executing(properties)}
    return values.pop() if len(values) == 1 else None
