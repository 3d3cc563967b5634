"""What the sections about layers share."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from ovreport.anchors import anchor
from ovreport.computed.figures import figures
from ovreport.computed.gap import gap
from ovreport.computed.layers import ExecutedLayer, executed_layers
from ovreport.computed.openness import is_open, openers
from ovreport.run import CellResult, Node, Run
from ovreport.section import Block, Finding, Group, Text
from ovreport.stats.estimate import Estimate
from ovreport.text import labels
from ovreport.text.labels import difference, label
from ovreport.text.values import Link

# Runtime attributes that tables of layers show in columns, or that mean nothing to a reader.
COLUMNS = frozenset(
    {"execOrder", "layerType", "primitiveType", "runtimePrecision", "originalLayersNames"}
)
_MOST_NAMES = 5
# A queue that is served holds a request or two when a slice ends; one that grows holds more.
_SERVED = 0.99
# A latency that holds a wait is as long, but for what the system's timer rounds.
_OF_WAIT = 0.95


def focus_cells(run: Run) -> Iterator[tuple[CellResult, tuple[ExecutedLayer, ...]]]:
    """For each version, the cell whose layers are shown, and its layers."""
    for model, version in run.versions:
        result = run.focus(model, version)
        if result is not None and (layers := executed_layers(run, result)):
            yield result, layers


def found_at_points(
    run: Run,
    find: Callable[[CellResult, tuple[ExecutedLayer, ...], str], Iterable[Finding]],
) -> list[Finding]:
    """What is found of layers at every point (runtime, device, precision) of every version.

    A kind is found once for a version, of its layers that are shown if they have it.

    Args:
        find: is given a cell, its layers, and what to call them.
    """
    found: list[Finding] = []
    for model, version in run.versions:
        known: set[str] = set()
        for place, result in enumerate(run.leading(model, version)):
            new = find(result, executed_layers(run, result), point_name(run, result))
            chosen = [finding for finding in new if finding.id not in known]
            known.update(finding.id for finding in chosen)
            # Rows to lead to are of the layers that are shown.
            found += [replace(f, evidence=()) for f in chosen] if place else chosen
    return found


def point_name(run: Run, result: CellResult) -> str:
    """``net (parent)``; ``net (parent, f16)`` where its layers were timed at several points."""
    cell = result.cell
    points = [r.cell for r in run.leading(cell.model, cell.version)]
    other = next((point for point in points if point.point != cell.point), None)
    name = version_name(run, result)
    if other is None:
        return name
    told = difference(cell, other)[0]
    return f"{cell.model} ({told})" if name == cell.model else f"{name.removesuffix(')')}, {told})"


def focus_group(run: Run, result: CellResult, blocks: list[Block]) -> Group:
    """Blocks under the version's heading, with a sentence which cell they are of."""
    cell = result.cell
    note = Text(f"of-{cell.id}", f"Layers of the cell {label(cell, run.header.plan)}.")
    several = len({r.cell.id for r in run.done}) > 1
    return Group(
        labels.version_heading(cell, run.header.plan), [note, *blocks] if several else blocks
    )


def layer_anchor(result: CellResult, layer: ExecutedLayer) -> str:
    """The layer's row in the table of layers."""
    return row_anchor(result, layer.index)


def row_anchor(result: CellResult, index: int) -> str:
    """The row in the table of layers of a layer that was executed, by its runtime node."""
    return anchor("layer", result, index)


def node_anchor(result: CellResult, index: int) -> str:
    """A node in the diagram of the runtime graph."""
    return anchor("node", result, index)


def operator_anchor(result: CellResult, index: int) -> str:
    """A node in the diagram of the model's own graph."""
    return anchor("op", result, index)


def operator_settings(model: Sequence[Node], index: int) -> list[tuple[str, str]]:
    """An operator's parameters: its attributes, and its inputs that are few constant integers."""
    node = model[index]
    settings = [(name, str(value)) for name, value in node.attributes.items()]
    for place, (source, _) in enumerate(node.inputs):
        if (value := model[source].attributes.get("value")) is not None:
            settings.append((f"input {place}", str(value)))
    return settings


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


def has_open_inputs(model: Sequence[Node]) -> bool:
    """Whether an input of a model's own graph has a shape that was left open."""
    return any(node.type == "Parameter" and is_open(node) for node in model)


def fixing_shapes(model: Sequence[Node]) -> str:
    """What can be done about the open shapes of a model; empty where it has none."""
    opened = [model[index] for index in openers(model)]
    inputs = [node.name for node in opened if node.type == "Parameter"]
    inside = dict.fromkeys(node.type for node in opened if node.type != "Parameter")
    if inputs:
        return f"Give the model fixed shapes (`shape`): {_listed(inputs)} {_is(inputs)} open."
    if inside:
        return (
            "The inputs have fixed shapes already; sizes inside depend on values, beginning with "
            f"{_listed([*inside])} on."
        )
    return ""


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:_MOST_NAMES]) + (", …" if len(names) > _MOST_NAMES else "")


def _is(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"


def evidence(
    result: CellResult, layers: Sequence[ExecutedLayer], at_most: int = 5
) -> tuple[Link, ...]:
    """Links to the rows of the longest of some layers."""
    return tuple(
        Link(layer.label, layer_anchor(result, layer)) for layer in longest(layers)[:at_most]
    )


def gain(run: Run, result: CellResult, layers: Sequence[ExecutedLayer]) -> float:
    """The share of the latency that would be saved if some layers took no time (Amdahl's law)."""
    return saved(run, result, total_s(layers))


def saved(run: Run, result: CellResult, seconds: float) -> float:
    """The share of the latency that so much less time in the layers would save.

    Layer times are of the pass with counters on; where they add up to more than the latency, the
    counters' cost is taken as spread over all layers alike. Where other programs stretch requests,
    the layers are stretched with them: what would remain is no more than what is in no layer.
    """
    total = total_s(executed_layers(run, result))
    remaining = max(0.0, gap(run, result).outside)
    whole = max(total, min(median_latency_s(result), total + remaining))
    return seconds / (whole or 1.0)


def median_s(result: CellResult) -> Estimate:
    """Latency of one request in seconds, without counters; the mean where samples are too few."""
    latency = figures(result).latency
    return latency.median or latency.mean


def median_latency_s(result: CellResult) -> float:
    """:func:`median_s` without its interval."""
    return median_s(result).point


def kept_up(result: CellResult) -> bool:
    """Whether the machine serves a fixed rate, however long it lasts; always without one.

    Where it does not, latency grows as long as one measures, and its figures say nothing.
    """
    arrived = sum(s.arrived or 0 for s in result.slices)
    return sum(s.requests for s in result.slices) >= _SERVED * arrived


def falls_behind(result: CellResult) -> bool:
    """Return whether the machine serves less than the fixed rate by the whole interval.

    A cell that neither keeps up nor falls behind is undecided: its figures are not sure enough.
    """
    if kept_up(result) or result.cell.rate is None or result.resolved is None:
        return False
    most = figures(result).throughput_fps.high / result.resolved.batch
    return most < _SERVED * result.cell.rate


def batch_wait_s(result: CellResult) -> float:
    """Seconds that half of the requests or more waited for others to fill a batch; 0: they did not.

    BATCH, and a GPU that batches by itself, runs a batch when it is full or this time has passed.
    """
    wait_s = batch_timeout_s(result)
    return wait_s if median_latency_s(result) >= _OF_WAIT * wait_s else 0.0


def batch_timeout_s(result: CellResult) -> float:
    """Seconds that a request waits at most for others to fill a batch; 0: it is not batched."""
    told = result.resolved.properties.get("AUTO_BATCH_TIMEOUT", "") if result.resolved else ""
    return int(told) / 1e3 if re.fullmatch(r"\d{1,9}", told) else 0.0


def latency_threshold_s(run: Run) -> float | None:
    """Seconds, from ``[report] latency_threshold_ms``."""
    report = run.header.config.get("report")
    value = report.get("latency_threshold_ms") if isinstance(report, dict) else None
    return value / 1e3 if isinstance(value, int | float) else None


def version_name(run: Run, result: CellResult) -> str:
    """How findings call a version: ``squeezenet (int8)``."""
    return labels.version_name(result.cell, run.header.plan)
