"""How long a request of a cell takes, and what less time in its layers would save of that."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from ovreport.computed.figures import figures
from ovreport.computed.focus import total_s
from ovreport.computed.gap import gap
from ovreport.computed.layers import ExecutedLayer, executed_layers
from ovreport.computed.settings import settings
from ovreport.run import CellResult, Run
from ovreport.stats.estimate import Estimate
from ovreport.stats.uncertainty import CONFIDENCE, between_launches
from ovreport.text.labels import count

# A queue that is served holds a request or two when a slice ends; one that grows holds more.
_SERVED = 0.99
# A latency that holds a wait is as long, but for what the system's timer rounds.
_OF_WAIT = 0.95


def median_s(result: CellResult) -> Estimate:
    """Latency of one request in seconds, without counters; the mean where samples are too few."""
    latency = figures(result).latency
    return latency.median or latency.mean


def median_latency_s(result: CellResult) -> float:
    """:func:`median_s` without its interval."""
    return median_s(result).point


def latency_threshold_s(run: Run) -> float | None:
    """Return ``[report] latency_threshold_ms`` in seconds."""
    threshold_ms = settings(run).report.latency_threshold_ms
    return None if threshold_ms is None else threshold_ms / 1e3


def kept_up(result: CellResult) -> bool:
    """Whether the machine serves a fixed rate, however long it lasts; always without one.

    Where it does not, latency grows as long as one measures, and its figures say nothing.
    """
    share = served_share(result)
    return share is None or share.low >= _SERVED


def served_share(result: CellResult) -> Estimate | None:
    """Share of the requests arriving at a fixed rate that are served; None without a rate.

    Its interval is that of the launches, or of the slices of a single launch.
    """
    turns = [s for s in result.slices if s.arrived]
    arrived = sum(s.arrived or 0 for s in turns)
    if not arrived:
        return None
    point = sum(s.requests for s in turns) / arrived
    launches = [[s for s in launch.slices if s.counted and s.arrived] for launch in result.launches]
    parts, part = [turns for turns in launches if turns], "launch"
    if len(parts) < 2:
        parts, part = [[one] for one in turns], "slice"
    if len(parts) < 2:
        return Estimate(point, point, point, 0.0, "no interval: a single slice")
    shares = [sum(s.requests for s in p) / sum(s.arrived or 0 for s in p) for p in parts]
    error = between_launches(np.array(shares), [sum(s.arrived or 0 for s in p) for p in parts])
    method = f"scatter of {count(len(parts), part)}"
    low, high = max(0.0, point - error.half_width), min(1.0, point + error.half_width)
    return Estimate(point, min(point, low), max(point, high), CONFIDENCE, method)


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
