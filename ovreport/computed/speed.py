"""Latency of a cell's requests, and how much of it shorter layers would save."""

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

# If the machine keeps up, one or two requests are in the queue when a slice ends.
_SERVED = 0.99
# A latency that includes a wait is as long as it, up to the rounding of the system's timer.
_OF_WAIT = 0.95


def median_s(result: CellResult) -> Estimate:
    """Return the median latency in seconds, without counters; the mean if samples are too few."""
    latency = figures(result).latency
    return latency.median or latency.mean


def median_latency_s(result: CellResult) -> float:
    """Return :func:`median_s` without its interval."""
    return median_s(result).point


def latency_threshold_s(run: Run) -> float | None:
    """Return ``[report] latency_threshold_ms`` in seconds."""
    threshold_ms = settings(run).report.latency_threshold_ms
    return None if threshold_ms is None else threshold_ms / 1e3


def kept_up(result: CellResult) -> bool:
    """Return whether the machine keeps up with a fixed rate; true without a fixed rate.

    If it does not, the latency grows as long as the measurement lasts, and is meaningless.
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
        parts, part = [[turn] for turn in turns], "slice"
    if len(parts) < 2:
        return Estimate(point, point, point, 0.0, "no interval: a single slice")
    shares = [sum(s.requests for s in p) / sum(s.arrived or 0 for s in p) for p in parts]
    error = between_launches(np.array(shares), [sum(s.arrived or 0 for s in p) for p in parts])
    method = f"scatter of {count(len(parts), part)}"
    low, high = max(0.0, point - error.half_width), min(1.0, point + error.half_width)
    return Estimate(point, min(point, low), max(point, high), CONFIDENCE, method)


def falls_behind(result: CellResult) -> bool:
    """Return whether the machine serves less than the fixed rate by the whole interval.

    A cell that neither keeps up nor falls behind is undecided, as its interval is too wide.
    """
    if kept_up(result) or result.cell.rate is None or result.resolved is None:
        return False
    most = figures(result).throughput_fps.high / result.resolved.batch
    return most < _SERVED * result.cell.rate


def batch_wait_s(result: CellResult) -> float:
    """Return the seconds that most requests waited for others to fill a batch; 0: they did not.

    BATCH, and a GPU with automatic batching, runs a batch when it is full or after this time.
    """
    wait_s = batch_timeout_s(result)
    return wait_s if median_latency_s(result) >= _OF_WAIT * wait_s else 0.0


def batch_timeout_s(result: CellResult) -> float:
    """Return the most seconds that a request waits for others to fill a batch; 0: no batching."""
    timeout = result.resolved.properties.get("AUTO_BATCH_TIMEOUT", "") if result.resolved else ""
    return int(timeout) / 1e3 if re.fullmatch(r"\d{1,9}", timeout) else 0.0


def gain(run: Run, result: CellResult, layers: Sequence[ExecutedLayer]) -> float:
    """Return the share of the latency that is saved if some layers take no time (Amdahl's law)."""
    return saved(run, result, total_s(layers))


def saved(run: Run, result: CellResult, seconds: float) -> float:
    """Return the share of the latency that is saved if the layers take fewer seconds.

    Layer times are those of the pass with counters. If their sum exceeds the latency, the counters'
    cost is assumed to be spread evenly over the layers. If other programs prolong requests, they
    prolong the layers, too, so the time outside layers is at most that of the profiling pass.
    """
    total = total_s(executed_layers(run, result))
    remaining = max(0.0, gap(run, result).outside)
    whole = max(total, min(median_latency_s(result), total + remaining))
    return seconds / (whole or 1.0)
