"""What the sentences call a version, and what ran in the end."""

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

# What shapes and indices are computed in, whatever the model's precision.
_OF_SHAPES = frozenset({"i32", "i64", "u32", "u64", "boolean", "string"})


def mode(result: CellResult) -> str:
    """What the performance hint is called in a sentence."""
    hint = result.cell.hint
    return f"{hint} mode" if hint != "none" else "the mode without a hint"


def name(run: Run, model: str, version: str) -> str:
    """With the version where the model has several."""
    several = sum(other == model for other, _ in run.versions) > 1
    return f"{model} ({version})" if several else model


def executed_in(run: Run, result: CellResult) -> list[str]:
    """The model's precision and that of its layers: ``f32 model``, ``runs mostly in bf16``."""
    found = []
    if result.model_graph is not None:
        weights = [p for p in totals(run, result).weight_bytes if p not in _OF_SHAPES]
        found += [_stored_as(weights[0], quantisation(run, result).scheme)] if weights else []
    shares = precision_shares(executed_layers(run, result))
    untold = shares.pop(UNKNOWN, 0.0)
    if untold > 0.5:
        found.append(f"the device tells no precision of {show(untold, 'share')} of the time")
    elif shares:
        most, *others = shares
        if not others:
            found.append(f"runs in {most}")
        elif shares[most] > 0.5:
            found.append(f"runs mostly in {most}")
        else:
            found.append(f"runs in {most} and {others[0]}")
    elif result.resolved is not None and result.resolved.precision:
        found.append(f"inference precision {result.resolved.precision}")
    return found


def _stored_as(weights: str, scheme: Scheme | None) -> str:
    """What is said of a file by the precision of most of its weights."""
    if scheme == "static":
        return "INT8 file"
    if scheme == "dynamic":
        return "INT8 file (dynamic quantisation)"
    return f"{weights} weights" if scheme == "weights" else f"{weights} model"


def resolved_to(result: CellResult) -> list[str]:
    """What the hint came to: ``2 threads``, ``1 stream``, ``1 request``."""
    resolved = result.resolved
    assert resolved is not None
    known = ((resolved.threads, "thread"), (resolved.streams, "stream"))
    found = [count(number, noun) for number, noun in known if number is not None]
    return [*found, count(resolved.requests, "request")]
