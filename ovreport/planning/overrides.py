"""Refuses raw properties of the config that would override the matrix.

A cell names its hint, its streams and its precision. A raw property for the same setting would
override it, and the report would name a setting that was not used.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from ovreport.config.schema import Config, Matrix, Scalar
from ovreport.errors import UserError
from ovreport.run import Cell
from ovreport.text.labels import toml_key

_NESTED = "DEVICE_PROPERTIES"
# Name and value in ``{CPU:{NUM_STREAMS:2},GPU:{NUM_STREAMS:4}}``, and in the same as JSON.
_SETTING = re.compile(r"""(\w+)["'\s]*:["'\s]*([^,:{}"']+)""")


@dataclass(frozen=True)
class _Owner:
    """The key of the config that sets the same as a property."""

    key: str
    example: str = ""
    """A value as TOML writes it, in place of one that the key does not take."""
    is_set: Callable[[Cell], bool] = lambda _: True
    """Return whether a cell sets it; otherwise the device chooses."""

    @property
    def why(self) -> str:
        """The reason to refuse the property, as the end of a sentence."""
        if self is _COUNTERS:
            return "would time layers while latency is measured, which slows small models"
        return f"would override `matrix.{self.key}`: the report would name what was not run"


# The values of INFERENCE_PRECISION_HINT that OpenVINO's devices accept.
_PRECISIONS = frozenset({"f32", "bf16", "f16", "dynamic"})
_COUNTERS = _Owner("profile_iterations")
_OWNERS = {
    "PERFORMANCE_HINT": _Owner("hint", '"throughput"', is_set=lambda cell: cell.hint != "none"),
    "NUM_STREAMS": _Owner("streams", "2", is_set=lambda cell: cell.streams != "auto"),
    "INFERENCE_NUM_THREADS": _Owner("threads", "4", is_set=lambda cell: cell.threads is not None),
    "INFERENCE_PRECISION_HINT": _Owner(
        "precision", '"f32"', is_set=lambda cell: cell.precision is not None
    ),
    # The device derives its streams and the number of requests in flight from it.
    "PERFORMANCE_HINT_NUM_REQUESTS": _Owner(
        "requests", "4", is_set=lambda cell: cell.requests is not None
    ),
    "MULTI_DEVICE_PRIORITIES": _Owner("device"),
    "DEVICE_ID": _Owner("device"),
    "PERF_COUNT": _COUNTERS,
    "ENABLE_PROFILING": _COUNTERS,
}


def check_properties(config: Config, cells: Sequence[Cell], name: str) -> None:
    """Refuse raw properties that would override a setting of a cell.

    ``DEVICE_PROPERTIES`` may set a property for each of several devices behind AUTO, MULTI or
    HETERO if no cell sets it, because the matrix has one value for all of them.

    Args:
        config: the config.
        cells: cells of the plan.
        name: the config's name, for messages.

    Raises:
        UserError: names the property, and the key to use instead.
    """
    for device, properties in config.properties.items():
        on_device = [cell for cell in cells if cell.device == device]
        for path, key, value, inner in _flat(device, properties):
            owner = _OWNERS.get(key.strip().upper())
            if owner is None:
                continue
            if inner and _has_several(device) and not any(map(owner.is_set, on_device)):
                continue
            raise UserError(
                f"{name}: `{path}` {owner.why}",
                _remedy(owner, value),
            )


def unused_properties(config: Config, cells: Sequence[Cell], name: str) -> list[str]:
    """Return a sentence for each table of properties whose device no cell runs on."""
    used = sorted({cell.device for cell in cells})
    return [
        f"{name}: [properties.{toml_key(device)}] is not used: cells run on {', '.join(used)}, "
        f"and properties go by the device as the matrix names it{_behind(device, used)}"
        for device in config.properties
        if device not in used
    ]


def _behind(device: str, used: Sequence[str]) -> str:
    """Return how properties reach a device behind one of these virtual devices."""
    for virtual in used:
        if re.search(rf"[:,]{re.escape(device)}\b", virtual):
            return (
                f"; write DEVICE_PROPERTIES = '{{{device}:{{KEY:VALUE}}}}' under "
                f"[properties.{toml_key(virtual)}]"
            )
    return ""


def _flat(device: str, properties: Mapping[str, Scalar]) -> Iterator[tuple[str, str, Scalar, bool]]:
    """Yield path, name and value of each property, and whether it is inside DEVICE_PROPERTIES."""
    for key, value in properties.items():
        path = f"properties.{toml_key(device)}.{key}"
        yield path, key, value, False
        # OpenVINO also reads DEVICE_PROPERTIES_CPU: the same for one device.
        if key.strip().upper().startswith(_NESTED) and isinstance(value, str):
            for inner, setting in _SETTING.findall(value):
                yield f"{path}: {inner}", inner, setting, True


def _has_several(device: str) -> bool:
    """Return whether a virtual device may run on more than one device."""
    kind, _, rest = device.partition(":")
    if kind in ("AUTO", "MULTI") and not rest:
        return True
    return len([part for part in rest.split(",") if not part.startswith("-")]) != 1


def _remedy(owner: _Owner, value: Scalar) -> str:
    if owner is _COUNTERS:
        return "Layers are timed in a pass of their own: see `profile_iterations` under [measure]."
    if owner.key == "device":
        return 'Write device = ["GPU.1"] or device = ["AUTO:GPU,CPU"] under [matrix] instead.'
    text = str(value).strip().lower()
    shown = text if text.isdecimal() else json.dumps(text)
    if _is_matrix_value(owner.key, int(text) if text.isdecimal() else text):
        return f"Write {owner.key} = [{shown}] under [matrix] instead."
    return f"Use `matrix.{owner.key}` instead, such as {owner.key} = [{owner.example}]."


def _is_matrix_value(key: str, value: str | int) -> bool:
    """Return whether a key of the matrix can have this value of a property."""
    if key == "precision":  # the matrix accepts any text; the device refuses wrong ones
        return value in _PRECISIONS
    try:
        Matrix.model_validate({key: [value]})
    except ValidationError:
        return False
    return True
