"""Names of versions and modes in sentences, and the precision and settings in force."""

from __future__ import annotations

from ovreport.computed.focus import precision_shares
from ovreport.computed.layers import executed_layers
from ovreport.computed.precision import UNKNOWN
from ovreport.computed.quantisation import quantisation
from ovreport.computed.quantised_nodes import Scheme
from ovreport.computed.theory import totals
from ovreport.run import CellResult, Run
from ovreport.text.labels import count
from ovreport.text.numbers import show

# Shapes and indices are computed in these, whatever the model's precision.
_SHAPE_PRECISIONS = frozenset({"i32", "i64", "u32", "u64", "boolean", "string"})


def mode(result: CellResult) -> str:
    """Return the performance hint in words: ``latency mode``."""
    hint = result.cell.hint
    return f"{hint} mode" if hint != "none" else "the mode without a hint"


def name(run: Run, model: str, version: str) -> str:
    """Return the model's name, with the version if the model has several."""
    has_versions = sum(other == model for other, _ in run.versions) > 1
    return f"{model} ({version})" if has_versions else model


def executed_in(run: Run, result: CellResult) -> list[str]:
    """Return the precisions of model and layers: ``f32 model``, ``runs mostly in bf16``."""
    phrases = []
    if result.model_graph is not None:
        weights = [
            precision
            for precision in totals(run, result).weight_bytes
            if precision not in _SHAPE_PRECISIONS
        ]
        phrases += [_stored_as(weights[0], quantisation(run, result).scheme)] if weights else []
    shares = precision_shares(executed_layers(run, result))
    unknown = shares.pop(UNKNOWN, 0.0)
    if unknown > 0.5:
        phrases.append(f"the device reports no precision for {show(unknown, 'share')} of the time")
    elif shares:
        main, *others = shares
        if not others:
            phrases.append(f"runs in {main}")
        elif shares[main] > 0.5:
            phrases.append(f"runs mostly in {main}")
        else:
            phrases.append(f"runs in {main} and {others[0]}")
    elif result.resolved is not None and result.resolved.precision:
        phrases.append(f"inference precision {result.resolved.precision}")
    return phrases


def _stored_as(weights: str, scheme: Scheme | None) -> str:
    """Describe a file by the precision of most of its weights."""
    if scheme == "static":
        return "INT8 file"
    if scheme == "dynamic":
        return "INT8 file (dynamic quantisation)"
    return f"{weights} weights" if scheme == "weights" else f"{weights} model"


def resolved_to(result: CellResult) -> list[str]:
    """Return the settings in force: ``2 threads``, ``1 stream``, ``1 request``."""
    resolved = result.resolved
    assert resolved is not None
    optional_counts = ((resolved.threads, "thread"), (resolved.streams, "stream"))
    settings = [count(number, noun) for number, noun in optional_counts if number is not None]
    return [*settings, count(resolved.requests, "request")]
