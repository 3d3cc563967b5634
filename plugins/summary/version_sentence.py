"""One model version in a sentence."""

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

# Layers never add up quite to the latency; from here on their shares are not those of the latency.
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
    """How fast it is, what would be faster, and where the time goes."""
    results = run.of_version(model, version)
    quick = in_latency_mode(results)
    median = median_s(quick)
    resolved = ", ".join([*executed_in(run, quick), *resolved_to(quick)])
    parts = [
        f"{name(run, model, version)} on {quick.cell.device}: "
        f"{show(figures(quick).throughput_fps, 'rate')}, {show(median, 'duration')} median "
        f"({interval(median, 'duration')}) in {mode(quick)} ({resolved})"
    ]
    parts += [text for text in (_tuning(run, results, quick),) if text]
    if paced := run.paced(model, version):
        parts.append(rates.served(paced))
    if focus := run.focus(model, version):
        parts += _where(run, focus, quick)
    return "; ".join(parts) + "."


# ---------------------------------------------------------------------------- what else


def _tuning(run: Run, results: Sequence[CellResult], quick: CellResult) -> str:
    """What another configuration gives over latency mode, as far as that can be told."""
    chosen = best(run, results)
    threshold = latency_threshold_s(run)
    limit = f" within {show(threshold, 'duration')}" if threshold else ""
    if chosen is None:
        return f"no configuration answers{limit}"
    if len(results) == 1:
        return ""
    gain = None if chosen is quick else ratio(quick, chosen, "throughput")
    if gain is not None and judge(gain) == "more":
        words, verb = _difference(quick, chosen)
        return f"{words} {verb} {times(gain, 'the throughput')}{limit}"
    others = [r for r in results if r is not quick and _may_be_within(threshold, r)]
    noise = settings(run).compare.noise
    if all(_gives_no_more(quick, other, noise) for other in others):
        return f"no other configuration gives more throughput{limit}"
    return f"not enough data to tell whether another configuration gives more throughput{limit}"


def _may_be_within(threshold: float | None, result: CellResult) -> bool:
    return threshold is None or median_s(result).low <= threshold


def _gives_no_more(quick: CellResult, other: CellResult, noise: float) -> bool:
    gain = ratio(quick, other, "throughput")
    return gain is not None and gain.confidence > 0 and gain.high <= 1 + noise


def _difference(quick: CellResult, chosen: CellResult) -> tuple[str, str]:
    """What one configuration has and another has not, with the verb that goes with it."""
    a, b = quick.resolved, chosen.resolved
    assert a is not None
    assert b is not None
    words = []
    if quick.cell.device != chosen.cell.device:
        words.append(f"the device {chosen.cell.device}")
    if a.streams != b.streams and b.streams is not None:
        words.append(count(b.streams, "stream"))
    if a.batch != b.batch:
        words.append(f"batch {b.batch}")
    if a.precision != b.precision:
        words.append(f"precision {b.precision}")
    if not words and a.requests != b.requests:
        words.append(count(b.requests, "request"))
    if not words:
        return f"the {chosen.cell.hint} hint", "gives"
    plural = len(words) > 1 or words[0].endswith("s")
    return " and ".join(words), "give" if plural else "gives"


def _where(run: Run, focus: CellResult, quick: CellResult) -> list[str]:
    """Where the time goes in the cell whose layers the page shows, named if it is not ``quick``."""
    layers = executed_layers(run, focus)
    types = by_type(layers)
    if not types:
        return []
    kind, most = next(iter(types.items()))
    number = len(most)
    if number == 1:
        what = f"one layer of type {kind}"
    else:
        what = f"{number} {_NOUNS[kind]}" if kind in _NOUNS else f"{number} layers of type {kind}"
    share = show(sum(layer.share for layer in most), "share")
    cell = label(focus.cell, [result.cell for result in run.done])
    found = [f"{share} of the layers' time is in {what}"]
    known = gap(run, focus)
    explained = known.layers.point / known.latency.point
    if focus.cell.rate is None and abs(1 - explained) > _GAP and is_beyond_zero(known.rest):
        found.append(f"the layers add up to {show(explained, 'share')} of the latency")
    return found if focus is quick else [f"{text} ({cell})" for text in found]
