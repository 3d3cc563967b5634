"""The cells whose layers a report shows, and groups of their layers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

from ovreport.computed.layers import ExecutedLayer, executed_layers
from ovreport.run import CellResult, Run


def focus_cells(run: Run) -> Iterator[tuple[CellResult, tuple[ExecutedLayer, ...]]]:
    """Yield, for each version, the cell whose layers are shown, and its layers."""
    for model, version in run.versions:
        result = run.focus(model, version)
        if result is not None and (layers := executed_layers(run, result)):
            yield result, layers


def grouped(
    layers: Sequence[ExecutedLayer], key: Callable[[ExecutedLayer], str]
) -> dict[str, list[ExecutedLayer]]:
    """Group layers by a key, groups with most time first."""
    groups: dict[str, list[ExecutedLayer]] = defaultdict(list)
    for layer in layers:
        groups[key(layer)].append(layer)
    return dict(sorted(groups.items(), key=lambda item: -total_s(item[1])))


def by_type(layers: Sequence[ExecutedLayer]) -> dict[str, list[ExecutedLayer]]:
    """Group layers by type, most time first."""
    return grouped(layers, lambda layer: layer.type)


def precision_shares(layers: Sequence[ExecutedLayer]) -> dict[str, float]:
    """Return shares of the layers' time by executed precision, largest first."""
    shares: dict[str, float] = defaultdict(float)
    for layer in layers:
        shares[layer.precision] += layer.share
    return dict(sorted(shares.items(), key=lambda item: -item[1]))


def total_s(layers: Sequence[ExecutedLayer]) -> float:
    """Return the sum of layer times in seconds."""
    return sum(layer.median_s for layer in layers)


def holds_means(result: CellResult) -> bool:
    """Return whether layer times are means over many inferences, not times of single ones."""
    if result.profile is not None and result.profile.means is not None:
        return result.profile.means
    # Older runs did not record it. The CPU plugin reports means; times of single inferences were
    # recovered from them if there was one stream.
    resolved = result.resolved
    devices = resolved.execution_devices if resolved else ()
    on_cpu = bool(devices) and all(device.strip("()") == "CPU" for device in devices)
    return on_cpu and (result.cell.device != "CPU" or resolved.streams != 1)  # type: ignore[union-attr]


def longest(layers: Sequence[ExecutedLayer]) -> list[ExecutedLayer]:
    """Sort layers by time, longest first; equal times in execution order."""
    return sorted(layers, key=lambda layer: (-layer.median_s, layer.order))
