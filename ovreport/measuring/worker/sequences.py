"""Sequences of a decoder as requests: the prompt at once, then one token after another.

The first inference reads the prompt and gives the first new token; each further one reads a token
and gives the next. Which tokens are read does not change what an inference costs, so the tokens of
the prompt are read again: nothing is sampled, and all versions read the same.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .python_api import Array, PythonRequest

_clock = time.perf_counter_ns


def step_inputs(
    prompt: Sequence[Array], roles: Sequence[str], new_tokens: int
) -> list[list[Array]]:
    """Return the inputs of each inference of a sequence, [inference][input].

    Args:
        prompt: the inputs with which the prompt is read.
        roles: what each input means: ``tokens``, ``mask``, ``positions`` or ``beams``.
        new_tokens: number of inferences.
    """
    tokens = prompt[roles.index("tokens")]
    steps = [
        [
            _step(array, role, tokens.shape[1], step)
            for array, role in zip(prompt, roles, strict=True)
        ]
        for step in range(new_tokens - 1)
    ]
    return [list(prompt), *steps]


def _step(array: Array, role: str, length: int, step: int) -> Array:
    batch, kind = len(array), array.dtype
    if role == "tokens":
        place = step % length
        return np.ascontiguousarray(array[:, place : place + 1])
    if role == "mask":
        return np.ones((batch, length + step + 1), kind)
    if role == "positions":
        return np.full((batch, 1), length + step, kind)
    return array


class SequenceRequest:
    """A request that runs a whole sequence, in the form of ``loops.Request``.

    Args:
        request: its input sets are the inputs of the inferences, in order.
        inferences: number of inferences.
    """

    def __init__(self, request: PythonRequest, inferences: int) -> None:
        self._request, self._inferences = request, inferences
        self._ends_ns: list[int] = []
        self._kept: list[list[int]] = []

    def infer(self) -> None:
        """Reset the states, and run the inferences of a sequence."""
        request = self._request
        request.reset()
        ends_ns = [_clock()]
        for turn in range(self._inferences):
            request.feed(turn)
            request.infer()
            ends_ns.append(_clock())
        self._ends_ns = ends_ns

    def latency_ns(self) -> int:
        """Return the time of the last sequence, and keep the times of its inferences."""
        self._kept.append(self._ends_ns)
        return self._ends_ns[-1] - self._ends_ns[0]

    def first_token_ns(self) -> int:
        """Return the time to the first token of the last sequence."""
        return self._ends_ns[1] - self._ends_ns[0]

    def taken(self) -> list[list[int]]:
        """Return the time of each inference of the sequences kept, and forget them."""
        kept, self._kept = self._kept, []
        return [np.diff(ends_ns).tolist() for ends_ns in kept]

    def cost_ns(self) -> int:
        """Run a sequence; return its time without that which OpenVINO itself measures."""
        request = self._request
        request.reset()
        started, inner = _clock(), 0
        for turn in range(self._inferences):
            request.feed(turn)
            request.infer()
            inner += request.latency_ns()
        return max(0, _clock() - started - inner)

    def nothing(self) -> None:
        """Do nothing."""

    def check(self, _: object) -> None:
        """Do nothing: calls of the Python API raise their errors themselves."""

    def feed(self, _: int) -> None:
        """Do nothing: there is one sequence, whose inferences set their own inputs."""

    def reset(self) -> None:
        """Do nothing: each sequence begins with a reset."""


def sequence_requests(
    create: Callable[[int, Any], list[PythonRequest]],
    count: int,
    prompt: Sequence[Array],
    roles: Sequence[str],
    new_tokens: int,
) -> list[SequenceRequest]:
    """Create requests for sequences with this prompt.

    Args:
        create: makes infer requests of input sets.
        count: number of requests.
        prompt: the inputs with which the prompt is read.
        roles: what each input means.
        new_tokens: tokens that a sequence produces.
    """
    steps = step_inputs(prompt, roles, new_tokens)
    return [SequenceRequest(request, len(steps)) for request in create(count, steps)]


def phases(requests: Sequence[SequenceRequest]) -> dict[str, list[int]]:
    """Return the times of the prompts and of the single tokens of a slice's sequences.

    If several requests run, the first sequence of each does not count (``loops.Runner``).
    """
    uncounted = 1 if len(requests) > 1 else 0
    sequences = [times for request in requests for times in request.taken()[uncounted:]]
    return {
        "prefill_ns": [times[0] for times in sequences],
        "steps_ns": [time for times in sequences for time in times[1:]],
    }
