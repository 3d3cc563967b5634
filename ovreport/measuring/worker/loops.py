"""The timed loops: one request after another, or several in flight.

No Python callback runs in them, because a callback halves the rate of small models. Each of several
requests has its thread, which runs the inference itself and leaves the interpreter free meanwhile.
An asynchronous start would hand the request over to a thread of OpenVINO: for an inference of some
µs, the hand-over and the wait take longer than the inference and say nothing about the model. The
queueing and all other times are the same in both ways.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain, count
from math import ceil
from typing import Any, Protocol

_clock = time.perf_counter_ns

# The least number of counted inferences of each of several requests in a slice.
_MIN_ROUNDS = 2
_CALIBRATION_NS = 100_000_000
# Time for the threads of a paced slice to start before its first arrival.
_LEAD_NS = 2_000_000


class Request(Protocol):
    """An infer request of either API. A call that returns a true value has failed."""

    @property
    def infer(self) -> Callable[[], object]:
        """Run one inference and wait for its end."""

    @property
    def nothing(self) -> Callable[[], object]:
        """Do nothing; called like ``infer``, it shows the cost of the call."""

    @property
    def check(self) -> Callable[[Any], None]:
        """Raise the error that a call's result stands for."""

    @property
    def latency_ns(self) -> Callable[[], int] | None:
        """The last inference's time by OpenVINO; None: the loop times the call."""

    def feed(self, turn: int) -> None:
        """Set the inputs to the set of this turn."""

    def reset(self) -> None:
        """Reset the model's states to their initial values."""


@dataclass
class _Lane:
    """The completions of one of several requests, after a first one that does not count."""

    begin_ns: int
    ends_ns: list[int]
    latencies_ns: list[int]

    @property
    def per_ns(self) -> float:
        return len(self.latencies_ns) / (self.ends_ns[-1] - self.begin_ns)


class Runner:
    """Runs the requests of one model.

    Args:
        requests: all requests, at least one.
        sets: how many sets of inputs the requests take in turn.
    """

    def __init__(self, requests: Sequence[Request], sets: int) -> None:
        self.requests = requests
        self.several_sets = sets > 1
        self.turns = count()
        self.threads = ThreadPoolExecutor(len(requests))
        for request in requests:
            request.feed(next(self.turns))

    def _reset(self) -> None:
        """Reset the states of every request to those that the model starts with."""
        for request in self.requests:
            request.reset()

    def once(self) -> int:
        """Run one request; return its time in ns."""
        request = self.requests[0]
        started = _clock()
        request.check(request.infer())
        return _clock() - started

    def run(self, seconds: float, iterations: int | None) -> dict[str, Any]:
        """Run a slice, by time or by requests; return its latencies, wall and CPU time in ns."""
        self._reset()
        limit_ns = sys.maxsize if iterations else int(seconds * 1e9)
        loop = self._one_by_one if len(self.requests) == 1 else self._in_flight
        return loop(limit_ns, iterations or sys.maxsize)

    def _one_by_one(self, limit_ns: int, most: int) -> dict[str, Any]:
        request, several_sets = self.requests[0], self.several_sets
        infer, latency_ns = request.infer, request.latency_ns
        latencies: list[int] = []
        append = latencies.append
        cpu = time.process_time_ns()
        started = _clock()
        end = started + limit_ns
        for _ in range(most):
            if several_sets:
                request.feed(next(self.turns))
            before = _clock()
            if status := infer():
                request.check(status)
            now = _clock()
            append(latency_ns() if latency_ns else now - before)
            if now >= end:
                break
        return _slice(latencies, _clock() - started, time.process_time_ns() - cpu)

    def _in_flight(self, limit_ns: int, most: int) -> dict[str, Any]:
        """Run a slice with all requests in flight.

        Each lane counts from its first completion to its last, while all others are in flight. So
        neither the filling nor the draining is counted, and short slices do not understate
        throughput, which is the sum of the lanes' rates.
        """
        share = -(-most // len(self.requests))
        counting = [None] * len(self.requests)
        cpu, started = time.process_time_ns(), _clock()
        end = started + limit_ns

        def lane(request: Request) -> _Lane:
            try:
                return self._lane(request, end, share)
            finally:
                counting.pop()
                while counting:
                    request.infer()

        lanes = list(self.threads.map(lane, self.requests))
        whole, cpu = _clock() - started, time.process_time_ns() - cpu
        latencies = _in_order(lanes)
        wall = len(latencies) / sum(lane.per_ns for lane in lanes)
        return _slice(latencies, round(wall), round(cpu * wall / whole))

    def _lane(self, request: Request, end: int, most: int) -> _Lane:
        # Local names are faster, and other threads wait while this one holds the interpreter.
        infer, latency_ns = request.infer, request.latency_ns
        several_sets = self.several_sets
        ends_ns: list[int] = []
        latencies_ns: list[int] = []
        ended, took = ends_ns.append, latencies_ns.append
        for _ in range(most + 1):
            if several_sets:
                request.feed(next(self.turns))
            before = _clock()
            if status := infer():
                request.check(status)
            now = _clock()
            took(latency_ns() if latency_ns else now - before)
            ended(now)
            if now >= end and len(ends_ns) > _MIN_ROUNDS:
                break
        return _Lane(ends_ns[0], ends_ns[1:], latencies_ns[1:])

    def paced(self, seconds: float, rate: float) -> dict[str, Any]:
        """Run a slice of requests that arrive at a fixed rate; latencies count from arrival.

        An idle request takes the next arrival: a queue with as many servers as requests. It starts
        empty. Arrivals that have not been started when the slice ends are counted, but not served.

        Args:
            seconds: length of the slice.
            rate: arrivals per second.
        """
        self._reset()
        arrivals = count()
        cpu, origin = time.process_time_ns(), _clock() + _LEAD_NS
        end = origin + int(seconds * 1e9)

        def lane(request: Request) -> _Lane:
            served = _Lane(origin, [], [])
            while True:
                due = origin + int(next(arrivals) * 1e9 / rate)
                now = _clock()
                if due >= end or now >= end:
                    return served
                if due > now:
                    time.sleep((due - now) / 1e9)
                if self.several_sets:
                    request.feed(next(self.turns))
                if status := request.infer():
                    request.check(status)
                now = _clock()
                served.ends_ns.append(now)
                served.latencies_ns.append(now - due)

        lanes = list(self.threads.map(lane, self.requests))
        cpu = time.process_time_ns() - cpu
        latencies = _in_order(lanes)
        arrived = ceil(seconds * rate - 1e-6)
        # If all were served, the last may end after the slice, but none was late to start.
        last = end if len(latencies) >= arrived else max(t for lane in lanes for t in lane.ends_ns)
        return {**_slice(latencies, last - origin, cpu), "arrived": arrived}

    def cost_ns(self) -> int:
        """Return the ns that the loop adds to one request: the calls without the inference."""
        request = self.requests[0]
        if request.latency_ns is not None:
            return _cost_around_latency(request.infer, request.latency_ns)
        spent: list[int] = []
        started = _clock()
        for _ in range(1000):
            before = _clock()
            request.nothing()
            now = _clock()
            spent.append(now - before)
        return (_clock() - started) // 1000


def _cost_around_latency(infer: Callable[[], object], latency_ns: Callable[[], int]) -> int:
    """Return the median of wall time less latency over synchronous requests."""
    extra: list[int] = []
    end = _clock() + _CALIBRATION_NS
    while len(extra) < 5 or (len(extra) < 1000 and _clock() < end):
        before = _clock()
        infer()
        extra.append(_clock() - before - latency_ns())
    return max(0, sorted(extra)[len(extra) // 2])


def _in_order(lanes: Sequence[_Lane]) -> list[int]:
    """Return the latencies of all lanes in the order of completion."""
    completions = (zip(lane.ends_ns, lane.latencies_ns, strict=True) for lane in lanes)
    return [latency for _, latency in sorted(chain.from_iterable(completions))]


def _slice(latencies_ns: list[int], wall_ns: int, cpu_ns: int) -> dict[str, Any]:
    return {"latencies_ns": latencies_ns, "wall_ns": wall_ns, "cpu_ns": cpu_ns}
