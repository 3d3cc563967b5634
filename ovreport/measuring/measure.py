"""The scheduler: which worker runs when, and for how long.

Cells that differ in nothing but version or runtime form a group, or all cells of a model do. The
workers of a group are alive at once, with compiled models, and take turns in short slices, since
the same model drifts by 5 to 10 % within minutes and neighbours in time share the drift. A group is
launched several times, since memory layout alone makes two processes of the same model differ by
near 1 %.
"""

from __future__ import annotations

import itertools
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import psutil

from ovreport.config.schema import Measure
from ovreport.measuring.planned import PlannedCell
from ovreport.measuring.session import WorkerError, WorkerSession
from ovreport.plan import turns_key
from ovreport.run import (
    Cell,
    CellResult,
    Failure,
    Graph,
    Harness,
    Launch,
    Memory,
    Profile,
    Resolved,
    Slice,
    StopReason,
)
from ovreport.stats.steady import warm_up
from ovreport.stats.stopping import (
    Precision,
    SliceSummary,
    relative_precision,
    slices_per_launch,
)

# Profiled inferences of a slow model stop after this; the worker makes at least three.
_PROFILE_S = 10.0
# Warm-up goes on by such stretches until the latencies are steady, and no longer than the limit.
_WARM_UP_S = 0.05
_WARM_UP_LIMIT_S = 1.0
# Least time and arrivals of a slice at a fixed rate.
_PACED_S = 1.0
_PACED_ARRIVALS = 10
# Others' load, in cores, that is more than a system's own bookkeeping; and the part of all cores in
# use from which on it takes something away.
_LOAD = 0.1
_FULL = 0.85
# More launches than this are not started to reach the target.
_MOST_LAUNCHES = 20


@dataclass(frozen=True)
class CellStarted:
    """A worker begins to load the cell's model."""

    cell: Cell


@dataclass(frozen=True)
class SliceDone:
    """A slice ended; ``precision`` is how well the cell is known by now."""

    cell: Cell
    precision: Precision


Event: TypeAlias = "CellStarted | SliceDone"


@dataclass(frozen=True)
class Measured:
    """A finished cell and the graphs that its result names."""

    result: CellResult
    graphs: tuple[Graph, ...]


def measure(
    cells: Sequence[PlannedCell], settings: Measure, *, on_event: Callable[[Event], None]
) -> Iterator[Measured]:
    """Runs the cells and yields each as soon as its group has finished.

    A cell that fails costs only itself. Closing the iterator, or an exception such as
    KeyboardInterrupt, ends all workers.
    """
    clock = time.perf_counter_ns()
    for _, group in itertools.groupby(
        cells, key=lambda planned: turns_key(planned.cell, settings.interleave)
    ):
        yield from _Group(list(group), settings, on_event, clock).run()


@dataclass
class _Member:
    """A cell of a group while it is measured."""

    planned: PlannedCell
    launches: list[Launch] = field(default_factory=list)
    warm_up: list[Slice] = field(default_factory=list)
    """Of the current launch, as is ``turns``."""
    turns: list[Slice] = field(default_factory=list)
    summaries: list[list[SliceSummary]] = field(default_factory=list)
    """Of each launch's slices that count; the last list grows."""
    seconds: float = 0.0
    """Measured in all launches, warm-up aside."""
    requests: int = 0
    loaded: dict[str, Any] = field(default_factory=dict)
    """The worker's answer to the last ``load``."""
    peak_bytes: int = 0
    cost_ns: int = 0
    profiled: dict[str, Any] = field(default_factory=dict)
    """The worker's answer to ``profile``; empty if it failed."""
    profile_failure: Failure | None = None
    failure: Failure | None = None

    def count(self, crowded: Sequence[bool]) -> None:
        """Leaves the turns that were disturbed out of the current launch's summaries."""
        self.summaries[-1] = [
            SliceSummary.of(one) for one, out in zip(self.turns, crowded, strict=True) if not out
        ]


class _Group:
    """Cells that are measured interleaved."""

    def __init__(
        self,
        cells: Sequence[PlannedCell],
        settings: Measure,
        on_event: Callable[[Event], None],
        clock: int,
    ) -> None:
        self.members = [_Member(planned) for planned in cells]
        self.settings = settings
        self.on_event = on_event
        self.clock = clock
        # The order of slices has to differ between groups and yet be repeatable.
        self.random = np.random.default_rng([settings.seed, *(int(c.cell.id, 16) for c in cells)])
        self.stopped: StopReason | None = None
        self.launch_cost_s = 0.0
        """Of the current launch: all before its first turn."""
        self.launches = 0
        self.crowded: list[bool] = []
        """Whether other programs disturbed a turn of the current launch."""

    @property
    def alive(self) -> list[_Member]:
        return [member for member in self.members if member.failure is None]

    def run(self) -> Iterator[Measured]:
        while self.alive and self.stopped is None:
            self._launch()
        # All at once: a run killed between two of them would part what took turns.
        yield from [self._finished(member) for member in self.members]

    # ------------------------------------------------------------------------ launches

    def _launch(self) -> None:
        self.launches += 1
        self.crowded = []
        with ExitStack() as stack:
            workers = {}
            started = time.monotonic()
            for member in self.alive:
                with _failing(member):
                    workers[id(member)] = stack.enter_context(self._worker(member))
                    self._load(member, workers[id(member)])
                    self._warm_up(member, workers[id(member)])
            self.launch_cost_s = time.monotonic() - started
            self._take_turns(workers)
            for member in self.alive:
                with _failing(member):
                    self._close_launch(member, workers[id(member)])
                if self.stopped and member.failure is None:
                    self._profile(member, workers[id(member)])

    def _worker(self, member: _Member) -> WorkerSession:
        limit = self.settings.memory_limit_mib
        return WorkerSession(
            member.planned.python, memory_limit_bytes=limit << 20 if limit else None
        )

    def _load(self, member: _Member, worker: WorkerSession) -> None:
        planned = member.planned
        self.on_event(CellStarted(planned.cell))
        member.loaded = worker.ask(
            "compile",
            self.settings.compile_limit + self.settings.inference_limit,
            "load",
            **_model(planned),
            requests=planned.cell.requests,
            synchronous=planned.cell.hint == "latency",
        )
        member.peak_bytes = member.loaded["memory"]["inference_bytes"]
        member.warm_up, member.turns = [], []
        member.summaries.append([])

    def _warm_up(self, member: _Member, worker: WorkerSession) -> None:
        """Short stretches until the latencies are steady; they are kept and do not count."""
        started = time.monotonic()
        while time.monotonic() - started < _WARM_UP_LIMIT_S:
            member.warm_up.append(self._slice(member, worker, _WARM_UP_S, warmup=True))
            if warm_up(np.concatenate([s.latencies_ns for s in member.warm_up])) is not None:
                return

    def _take_turns(self, workers: Mapping[int, WorkerSession]) -> None:
        """Rounds of slices, one of each member, until the launch has had its share."""
        order: list[int] = []
        for turn in itertools.count():
            # A random order and then its reverse: every pair is seen both ways round.
            order = (
                list(self.random.permutation(len(self.members))) if turn % 2 == 0 else order[::-1]
            )
            for index in order:
                member = self.members[index]
                if member.failure is None:
                    with _failing(member):
                        self._counted_slice(member, workers[id(member)])
            if not self.alive:
                return
            self._count_turn()
            self.stopped = self._reason_to_stop()
            if self.stopped or self._launch_is_done():
                return

    def _counted_slice(self, member: _Member, worker: WorkerSession) -> None:
        seconds, iterations, rate = self.settings.slice, None, member.planned.cell.rate
        if self.settings.iterations:
            launches_left = max(1, self.settings.launches - self.launches + 1)
            iterations = max(1, -(-(self.settings.iterations - member.requests) // launches_left))
        if rate is not None:
            # The queue starts empty: what builds up needs time and some arrivals to show.
            arrivals = iterations or max(_PACED_S * rate, _PACED_ARRIVALS)
            seconds = max(seconds, arrivals / rate)
        measured = self._slice(member, worker, seconds, iterations, rate)
        member.turns.append(measured)
        member.seconds += measured.wall_ns / 1e9
        member.requests += measured.requests

    def _count_turn(self) -> None:
        """Disturbed turns do not count, unless most of a launch was disturbed or time is fixed."""
        self.crowded.append(any(_crowded(member.turns[-1]) for member in self.alive))
        for member in self.alive:
            member.count(self._left_out)
            self.on_event(SliceDone(member.planned.cell, self._precision(member)))

    @property
    def _left_out(self) -> list[bool]:
        fixed = self.settings.duration is not None or self.settings.iterations is not None
        if fixed or sum(self.crowded) > len(self.crowded) / 2:
            return [False] * len(self.crowded)
        return self.crowded

    def _slice(
        self,
        member: _Member,
        worker: WorkerSession,
        seconds: float,
        iterations: int | None = None,
        rate: float | None = None,
        *,
        warmup: bool = False,
    ) -> Slice:
        first_s = member.loaded["first_inference_ns"] / 1e9
        before, started = busy_s(worker.pid), time.perf_counter_ns()
        answer = worker.ask(
            "inference",
            # Filling, the two rounds at least and draining each last one latency or two.
            seconds + max(self.settings.inference_limit, 8 * first_s * (iterations or 1)),
            "slice",
            seconds=seconds,
            iterations=iterations,
            rate=rate,
        )
        elapsed_s = (time.perf_counter_ns() - started) / 1e9
        member.peak_bytes = max(member.peak_bytes, answer["peak_bytes"])
        return Slice(
            start_ns=started - self.clock,
            wall_ns=answer["wall_ns"],
            cpu_ns=answer["cpu_ns"],
            latencies_ns=answer["latencies_ns"],
            warmup=warmup,
            arrived=answer.get("arrived"),
            other_load=max(0.0, (busy_s(worker.pid) - before) / elapsed_s),
        )

    # ------------------------------------------------------------------------ how long

    def _precision(self, member: _Member) -> Precision:
        return relative_precision(member.summaries, self.settings.seed)

    def _reason_to_stop(self) -> StopReason | None:
        """Why measuring ends after this turn, if it does."""
        settings = self.settings
        if settings.iterations is not None:
            done = all(member.requests >= settings.iterations for member in self.alive)
            return "iterations" if done else None
        if self.launches < settings.launches:
            return None
        if settings.duration is not None:
            return "duration" if self._seconds >= settings.duration else None
        if self._seconds < settings.min_time:
            return None
        if all(self._precision(m).worst <= settings.target for m in self.alive):
            return "target"
        return "max_time" if self._seconds >= settings.max_time else None

    @property
    def _seconds(self) -> float:
        """Counted time of the member that has least of it."""
        return min(member.seconds for member in self.alive)

    def _launch_is_done(self) -> bool:
        """Whether the next slice is better taken in a further launch.

        The launches that a cell has at least share the least time; any that follow are as long as
        pays.
        """
        settings, launches = self.settings, self.launches
        if settings.iterations is not None:
            return True
        if launches < settings.launches or settings.duration is not None:
            whole = settings.duration or settings.min_time
            return self._seconds >= whole * launches / settings.launches
        if launches >= _MOST_LAUNCHES or launches * self.launch_cost_s > settings.max_time:
            return False
        slice_s = sum(one.wall_ns for m in self.alive for one in m.turns) / 1e9 / len(self.crowded)
        cost = self.launch_cost_s / slice_s
        longest = max(slices_per_launch(member.summaries, cost) for member in self.alive)
        return len(self.alive[0].summaries[-1]) >= longest

    def _close_launch(self, member: _Member, worker: WorkerSession) -> None:
        limit = self.settings.inference_limit * 8
        member.cost_ns = worker.ask("inference", limit, "calibrate")["cost_ns"]
        loaded = member.loaded
        memory = {**loaded["memory"], "inference_bytes": member.peak_bytes}
        member.launches.append(
            Launch(
                read_ns=loaded["read_ns"],
                compile_ns=loaded["compile_ns"],
                first_inference_ns=loaded["first_inference_ns"],
                memory=Memory.model_validate(memory),
                slices=(
                    *member.warm_up,
                    *(
                        one.model_copy(update={"disturbed": out})
                        for one, out in zip(member.turns, self._left_out, strict=True)
                    ),
                ),
            )
        )

    def _profile(self, member: _Member, worker: WorkerSession) -> None:
        """Layer times and graphs, after all slices: counters distort small models."""
        settings = self.settings
        try:
            member.profiled = worker.ask(
                "profile",
                2 * settings.compile_limit + _PROFILE_S + 4 * settings.inference_limit,
                "profile",
                **_model(member.planned),
                iterations=settings.profile_iterations,
                seconds=_PROFILE_S,
            )
        except WorkerError as error:
            member.profile_failure = error.failure

    # ------------------------------------------------------------------------ results

    def _finished(self, member: _Member) -> Measured:
        planned = member.planned
        if member.failure is not None:
            failed = CellResult(cell=planned.cell, failure=member.failure, basis=planned.basis)
            return Measured(failed, ())
        graphs = tuple(
            Graph.model_validate(member.profiled[kind])
            for kind in ("runtime_graph", "model_graph")
            if member.profiled
        )
        layers = self.settings.profile_iterations and member.profiled
        result = CellResult(
            cell=planned.cell,
            launches=tuple(member.launches),
            resolved=_resolved(member),
            harness=Harness(api=member.loaded["api"], cost_ns=member.cost_ns),
            profile=Profile.model_validate(member.profiled["profile"]) if layers else None,
            runtime_graph=graphs[0].id if graphs else None,
            model_graph=graphs[1].id if graphs else None,
            interleaved_with=tuple(m.planned.cell.id for m in self.alive if m is not member),
            stopped=self.stopped,
            profile_failure=member.profile_failure,
            basis=planned.basis,
        )
        return Measured(result, graphs)


class _failing:  # noqa: N801 - reads as a statement: with _failing(member)
    """A worker's error becomes the failure of its cell."""

    def __init__(self, member: _Member) -> None:
        self.member = member

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if isinstance(error, WorkerError):
            self.member.failure = _explained(self.member.planned, error.failure)
            return True
        return False


def _explained(planned: PlannedCell, failure: Failure) -> Failure:
    """Says what was asked of a model that OpenVINO's own words do not tell it cannot do."""
    if failure.stage != "reshape":
        return failure
    asked = f"batch {planned.cell.batch}" if planned.cell.batch else "the given shape"
    return failure.model_copy(
        update={"reason": f"the model cannot be reshaped to {asked}: {failure.reason}"}
    )


def _model(planned: PlannedCell) -> dict[str, Any]:
    return {
        "path": str(planned.model),
        "device": planned.cell.device,
        "shapes": planned.shapes,
        "inputs": str(planned.inputs),
        "properties": dict(planned.properties),
    }


def _resolved(member: _Member) -> Resolved:
    planned, properties = member.planned, member.loaded["properties"]
    return Resolved(
        batch=planned.batch,
        streams=_number(properties.get("NUM_STREAMS")),
        requests=member.loaded["requests"],
        threads=_number(properties.get("INFERENCE_NUM_THREADS")),
        precision=properties.get("INFERENCE_PRECISION_HINT"),
        execution_devices=tuple(re.findall(r"[^ ,]+", properties.get("EXECUTION_DEVICES", ""))),
        inputs=member.profiled.get("inputs", ()),
        outputs=member.profiled.get("outputs", ()),
        properties=properties,
        input_data=planned.input_data,
    )


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdigit() else None


def _crowded(measured: Slice) -> bool:
    """Whether others took processor time that the worker could have used."""
    load = measured.other_load or 0.0
    used = measured.cpu_ns / measured.wall_ns
    return load > _LOAD and load + used > _FULL * (os.cpu_count() or 1)


def busy_s(worker: int) -> float:
    """CPU seconds since boot of everything but the worker and this process."""
    times = psutil.cpu_times()
    idle = times.idle + getattr(times, "iowait", 0.0)
    try:
        own = sum(psutil.Process(worker).cpu_times()[:2]) + sum(psutil.Process().cpu_times()[:2])
    except psutil.NoSuchProcess:  # the pipe tells more about its end
        own = 0.0
    return float(sum(times) - idle - own)
