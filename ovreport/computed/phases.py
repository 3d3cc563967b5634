"""The two phases of requests that are sequences of tokens, and their figures.

A phase is a view of the result, in which a request is one inference of that phase. So all figures,
intervals and ratios of ordinary requests are those of the phase, too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ovreport.computed.figures import LatencyFigures, figures
from ovreport.computed.memo import by_identity
from ovreport.run import CellResult, Slice, TokenSequence
from ovreport.run.samples import Int64Array
from ovreport.stats.estimate import Estimate


@dataclass(frozen=True)
class SequenceFigures:
    """Figures of a decoder; rates in tokens per second, over all requests in flight."""

    sequence: TokenSequence
    first_token: LatencyFigures
    """Time from the start of a request to its first token: the prefill."""
    token: LatencyFigures
    """Time of each further token."""
    prefill: Estimate
    """Tokens of prompts that are read in a second of prefill."""
    decode: Estimate
    """Tokens that are produced in a second of decode."""
    request: LatencyFigures
    """Time of a whole sequence."""


@by_identity
def sequence_figures(result: CellResult) -> SequenceFigures | None:
    """Return the figures of a decoder; None if a request of the cell is a single inference."""
    first, further = prefill(result), decode(result)
    if first is None or further is None or (sequence := sequence_of(result)) is None:
        return None
    return SequenceFigures(
        sequence=sequence,
        first_token=figures(first).latency,
        token=figures(further).latency,
        prefill=figures(first).throughput_fps,
        decode=figures(further).throughput_fps,
        request=figures(result).latency,
    )


def sequence_of(result: CellResult) -> TokenSequence | None:
    """Return the sequence that a request was; None if it was a single inference."""
    return result.resolved.sequence if result.resolved else None


@by_identity
def prefill(result: CellResult) -> CellResult | None:
    """Return the result as if a request ended with its first token; None: no sequences."""
    sequence = sequence_of(result)
    if sequence is None:
        return None
    return _view(result, {id(s): s.prefill_ns for s in result.slices}, sequence.prompt)


@by_identity
def decode(result: CellResult) -> CellResult | None:
    """Return the result as if a request were one further token; None: no sequences."""
    if sequence_of(result) is None:
        return None
    return _view(result, {id(s): s.steps_ns for s in result.slices}, 1)


def whole(result: CellResult) -> CellResult | None:
    """Return the result if its requests are sequences; None if they are not."""
    return result if sequence_of(result) else None


def _view(
    result: CellResult, times: dict[int, Int64Array | None], tokens: int
) -> CellResult | None:
    """Return a result whose requests are those of a phase; None if a slice does not hold them.

    Args:
        result: the cell's result.
        times: the latencies of the phase in each slice that counts, by the slice's identity.
        tokens: tokens of each sample in one inference of the phase.
    """
    resolved = result.resolved
    if resolved is None or any(latencies is None for latencies in times.values()):
        return None

    def of_phase(one: Slice) -> Slice:
        latencies = times[id(one)]
        assert latencies is not None, "checked above"
        # Requests in flight run at the same time, each with its own sequence.
        wall_ns = max(1, round(int(np.sum(latencies)) / resolved.requests))
        return one.model_copy(update={"latencies_ns": latencies, "wall_ns": wall_ns})

    launches = tuple(
        launch.model_copy(update={"slices": tuple(of_phase(s) for s in launch.slices if s.counted)})
        for launch in result.launches
    )
    batch = resolved.model_copy(update={"batch": resolved.batch * tokens})
    return result.model_copy(update={"launches": launches, "resolved": batch})
