"""Raw properties of the config that would decide what the matrix decides.

A cell says how it was run: its hint, its streams, its precision. A raw property that decides the
same would win over it, and the cell would say what is not so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ovreport.config.schema import Config, Scalar
from ovreport.errors import UserError
from ovreport.run import Cell
from ovreport.text.labels import toml_key

_NESTED = "DEVICE_PROPERTIES"
# Of ``{CPU:{NUM_STREAMS:2},GPU:{NUM_STREAMS:4}}`` and of the same in JSON: names with values.
_SETTING = re.compile(r"""(\w+)["'\s]*:["'\s]*([^,:{}"']+)""")


@dataclass(frozen=True)
class _Owner:
    """The key of the config that decides what a property would."""

    key: str
    is_set: Callable[[Cell], bool] = lambda _: True
    """Whether a cell decides it, and does not leave it to the device."""

    @property
    def why(self) -> str:
        """What is wrong with the property, as the end of a sentence."""
        if self is _COUNTERS:
            return "would count in the inferences whose latency is taken, which slows small models"
        return f"would override `matrix.{self.key}`: the report would name what was not run"


_COUNTERS = _Owner("profile_iterations")
_OWNERS = {
    "PERFORMANCE_HINT": _Owner("hint", is_set=lambda cell: cell.hint != "none"),
    "NUM_STREAMS": _Owner("streams", is_set=lambda cell: cell.streams != "auto"),
    "INFERENCE_NUM_THREADS": _Owner("threads", is_set=lambda cell: cell.threads is not None),
    "INFERENCE_PRECISION_HINT": _Owner("precision", is_set=lambda cell: cell.precision is not None),
    # The device derives its streams from it, and the number in flight is the same.
    "PERFORMANCE_HINT_NUM_REQUESTS": _Owner(
        "requests", is_set=lambda cell: cell.requests is not None
    ),
    "MULTI_DEVICE_PRIORITIES": _Owner("device"),
    "DEVICE_ID": _Owner("device"),
    "PERF_COUNT": _COUNTERS,
    "ENABLE_PROFILING": _COUNTERS,
}


def check_properties(config: Config, cells: Sequence[Cell], name: str) -> None:
    """Refuses raw properties that would contradict what cells say of themselves.

    For each of several devices behind AUTO, MULTI or HETERO a property may be given by
    ``DEVICE_PROPERTIES``, as the matrix has one value for all of them, where no cell sets it.

    Args:
        cells: of the plan.
        name: the config's, for messages.

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


def _flat(device: str, properties: Mapping[str, Scalar]) -> Iterator[tuple[str, str, Scalar, bool]]:
    """Path, name and value of each property, and whether it is of a device behind another."""
    for key, value in properties.items():
        path = f"properties.{toml_key(device)}.{key}"
        yield path, key, value, False
        # OpenVINO reads DEVICE_PROPERTIES_CPU, too: the same, of one device.
        if key.strip().upper().startswith(_NESTED) and isinstance(value, str):
            for inner, setting in _SETTING.findall(value):
                yield f"{path}: {inner}", inner, setting, True


def _has_several(device: str) -> bool:
    """Whether a virtual device may run on more than one."""
    kind, _, rest = device.partition(":")
    if kind in ("AUTO", "MULTI") and not rest:
        return True
    return len([part for part in rest.split(",") if not part.startswith("-")]) != 1


def _remedy(owner: _Owner, value: Scalar) -> str:
    if owner is _COUNTERS:
        return "Layers are timed in a pass of their own: see `profile_iterations` under [measure]."
    if owner.key == "device":
        return 'Write device = ["GPU.1"] or, as it may be, ["AUTO:GPU,CPU"] under [matrix] instead.'
    text = str(value).strip().lower()
    shown = text if re.fullmatch(r"[1-9]\d{0,5}", text) else json.dumps(text)
    return f"Write {owner.key} = [{shown}] under [matrix] instead."
