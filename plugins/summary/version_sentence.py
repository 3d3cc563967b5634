"""The sentence on one model version."""

from __future__ import annotations

from collections.abc import Sequence

from ovreport.computed.figures import figures
from ovreport.computed.focus import by_type
from ovreport.computed.gap import gap
from ovreport.computed.layers import executed_layers
from ovreport.computed.ranking import judge, times
from ovreport.computed.ratio import ratio
from ovreport.computed.settings import settings
from ovreport.computed.speed import latency_threshold_s, median_s
from ovreport.computed.sweet_spot import best, in_latency_mode
from ovreport.run import CellResult, Run
from ovreport.stats.medians import is_beyond_zero
from ovreport.text.labels import count, label
from ovreport.text.numbers import interval, show

from . import rates
from .naming import executed_in, mode, name, resolved_to

# Layers never add up exactly to the latency. Beyond this difference, shares of layers are not
# shares of the latency.
_GAP = 0.2
_NOUNS = {
    "Convolution": "convolutions",
    "GroupConvolution": "group convolutions",
    "Deconvolution": "deconvolutions",
    "FullyConnected": "fully connected layers",
    "MatMul": "matrix multiplications",
    "Reorder": "reorders",
    "Eltwise": "element-wise layers",
    "RNNSeq": "recurrent layers",
    "RNNCell": "recurrent layers",
    "Subgraph": "fused subgraphs",
}


def sentence(run: Run, model: str, version: str) -> str:
    """Return the sentence: the speed, a faster configuration, and where the time goes."""
    results = run.of_version(model, version)
    latency_cell = in_latency_mode(results)
    median = median_s(latency_cell)
    resolved = ", ".join([*executed_in(run, latency_cell), *resolved_to(latency_cell)])
    parts = [
        f"{name(run, model, version)} on {latency_cell.cell.device}: "
        f"{show(figures(latency_cell).throughput_fps, 'rate')}, {show(median, 'duration')} median "
        f"({interval(median, 'duration')}) in {mode(latency_cell)} ({resolved})"
    ]
    parts += [text for text in (_tuning(run, results, latency_cell),) if text]
    if paced := run.paced(model, version):
        parts.append(rates.served(paced))
    if focus := run.focus(model, version):
        parts += _time_spent(run, focus, latency_cell)
    return "; ".join(parts) + "."


# ---------------------------------------------------------------------------- other configurations


def _tuning(run: Run, results: Sequence[CellResult], latency_cell: CellResult) -> str:
    """Compare the best configuration with latency mode, as far as the data allow."""
    fastest = best(run, results)
    threshold = latency_threshold_s(run)
    limit = f" within {show(threshold, 'duration')}" if threshold else ""
    if fastest is None:
        return f"no configuration answers{limit}"
    if len(results) == 1:
        return ""
    gain = None if fastest is latency_cell else ratio(latency_cell, fastest, "throughput")
    if gain is not None and judge(gain) == "more":
        settings_text, verb = _difference(latency_cell, fastest)
        return f"{settings_text} {verb} {times(gain, 'the throughput')}{limit}"
    others = [
        result
        for result in results
        if result is not latency_cell and _may_be_within(threshold, result)
    ]
    noise = settings(run).compare.noise
    if all(_gives_no_more(latency_cell, other, noise) for other in others):
        return f"no other configuration gives more throughput{limit}"
    return f"not enough data to decide whether another configuration gives more throughput{limit}"


def _may_be_within(threshold: float | None, result: CellResult) -> bool:
    return threshold is None or median_s(result).low <= threshold


def _gives_no_more(latency_cell: CellResult, other: CellResult, noise: float) -> bool:
    gain = ratio(latency_cell, other, "throughput")
    return gain is not None and gain.confidence > 0 and gain.high <= 1 + noise


def _difference(latency_cell: CellResult, fastest: CellResult) -> tuple[str, str]:
    """Return the settings of ``fastest`` that differ, and the verb for them."""
    before, after = latency_cell.resolved, fastest.resolved
    assert before is not None
    assert after is not None
    parts = []
    if latency_cell.cell.device != fastest.cell.device:
        parts.append(f"the device {fastest.cell.device}")
    if before.streams != after.streams and after.streams is not None:
        parts.append(count(after.streams, "stream"))
    if before.batch != after.batch:
        parts.append(f"batch {after.batch}")
    if before.precision != after.precision:
        parts.append(f"precision {after.precision}")
    if not parts and before.requests != after.requests:
        parts.append(count(after.requests, "request"))
    if not parts:
        return f"the {fastest.cell.hint} hint", "gives"
    plural = len(parts) > 1 or parts[0].endswith("s")
    return " and ".join(parts), "give" if plural else "gives"


def _time_spent(run: Run, focus: CellResult, latency_cell: CellResult) -> list[str]:
    """Say where the time goes in ``focus``, which is named if it is not ``latency_cell``."""
    layers = executed_layers(run, focus)
    types = by_type(layers)
    if not types:
        return []
    kind, members = next(iter(types.items()))
    number = len(members)
    if number == 1:
        layers_text = f"one layer of type {kind}"
    else:
        layers_text = (
            f"{number} {_NOUNS[kind]}" if kind in _NOUNS else f"{number} layers of type {kind}"
        )
    share = show(sum(layer.share for layer in members), "share")
    cell = label(focus.cell, [result.cell for result in run.done])
    sentences = [f"{share} of the layers' time is in {layers_text}"]
    difference = gap(run, focus)
    explained = difference.layers.point / difference.latency.point
    if focus.cell.rate is None and abs(1 - explained) > _GAP and is_beyond_zero(difference.rest):
        sentences.append(f"the layers add up to {show(explained, 'share')} of the latency")
    return sentences if focus is latency_cell else [f"{text} ({cell})" for text in sentences]
