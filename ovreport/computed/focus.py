"""The cells whose layers a report shows, and their layers in groups."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

from ovreport.computed.layers import ExecutedLayer, executed_layers
from ovreport.run import CellResult, Run


def focus_cells(run: Run) -> Iterator[tuple[CellResult, tuple[ExecutedLayer, ...]]]:
    """For each version, the cell whose layers are shown, and its layers."""
    for model, version in run.versions:
        result = run.focus(model, version)
        if result is not None and (layers := executed_layers(run, result)):
            yield result, layers


def grouped(
    layers: Sequence[ExecutedLayer], key: Callable[[ExecutedLayer], str]
) -> dict[str, list[ExecutedLayer]]:
    """Layers by something they share, groups with most time first."""
    found: dict[str, list[ExecutedLayer]] = defaultdict(list)
    for layer in layers:
        found[key(layer)].append(layer)
    return dict(sorted(found.items(), key=lambda item: -total_s(item[1])))


def by_type(layers: Sequence[ExecutedLayer]) -> dict[str, list[ExecutedLayer]]:
    """Layers by type, most time first."""
    return grouped(layers, lambda layer: layer.type)


def precision_shares(layers: Sequence[ExecutedLayer]) -> dict[str, float]:
    """Of the layers' time, by the precision they were executed in; most time first."""
    shares: dict[str, float] = defaultdict(float)
    for layer in layers:
        shares[layer.precision] += layer.share
    return dict(sorted(shares.items(), key=lambda item: -item[1]))


def total_s(layers: Sequence[ExecutedLayer]) -> float:
    """Seconds of some layers together."""
    return sum(layer.median_s for layer in layers)


def holds_means(result: CellResult) -> bool:
    """Whether layer times are means over many inferences, not times of single ones."""
    if result.profile is not None and result.profile.means is not None:
        return result.profile.means
    # Of runs that did not record it: the CPU plugin keeps means, and one stream was taken apart.
    resolved = result.resolved
    devices = resolved.execution_devices if resolved else ()
    on_cpu = bool(devices) and all(device.strip("()") == "CPU" for device in devices)
    return on_cpu and (result.cell.device != "CPU" or resolved.streams != 1)  # type: ignore[union-attr]


def longest(layers: Sequence[ExecutedLayer]) -> list[ExecutedLayer]:
    """Most time first; equal times in execution order."""
    return sorted(layers, key=lambda layer: (-layer.median_s, layer.order))
