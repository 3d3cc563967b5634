"""The scheduler: which worker runs when, and for how long.

Cells that differ in nothing but version or runtime form a group, or all cells of a model do. The
workers of a group are alive at once, with compiled models, and take turns in short slices, since
the same model drifts by 5 to 10 % within minutes and neighbours in time share the drift. A group is
launched several times, since memory layout alone makes two processes of the same model differ by
near 1 %.
"""

from __future__ import annotations

import itertools
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
from ovreport.stats.stopping import Precision, SliceSummary, relative_precision

# Profiled inferences of a slow model stop after this; the worker makes at least three.
_PROFILE_S = 10.0


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
    slices: list[list[Slice]] = field(default_factory=list)
    """Of each launch; the last list grows."""
    summaries: list[list[SliceSummary]] = field(default_factory=list)
    """Of the counted ones among them."""
    loaded: dict[str, Any] = field(default_factory=dict)
    """The worker's answer to the last ``load``."""
    peak_bytes: int = 0
    cost_ns: int = 0
    profiled: dict[str, Any] = field(default_factory=dict)
    """The worker's answer to ``profile``; empty if it failed."""
    profile_failure: Failure | None = None
    failure: Failure | None = None

    @property
    def seconds(self) -> float:
        return sum(s.wall_s for launch in self.summaries for s in launch)

    @property
    def requests(self) -> int:
        return sum(s.requests for launch in self.summaries for s in launch)


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

    @property
    def alive(self) -> list[_Member]:
        return [member for member in self.members if member.failure is None]

    def run(self) -> Iterator[Measured]:
        for number in range(self.settings.launches):
            self._launch(number)
        # All at once: a run killed between two of them would part what took turns.
        yield from [self._finished(member) for member in self.members]

    # ------------------------------------------------------------------------ launches

    def _launch(self, number: int) -> None:
        with ExitStack() as stack:
            workers = {}
            for member in self.alive:
                with _failing(member):
                    workers[id(member)] = stack.enter_context(self._worker(member))
                    self._load(member, workers[id(member)])
            self._take_turns(workers, number)
            for member in self.alive:
                with _failing(member):
                    self._close_launch(member, workers[id(member)])
                if number == self.settings.launches - 1 and member.failure is None:
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
        member.slices.append([])
        member.summaries.append([])

    def _take_turns(self, workers: Mapping[int, WorkerSession], number: int) -> None:
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
                        self._slice(member, workers[id(member)], warmup=turn == 0)
            if not self.alive:
                return
            if turn > 0 and (reason := self._reason_to_stop(number)):
                self.stopped = reason
                return

    def _slice(self, member: _Member, worker: WorkerSession, *, warmup: bool) -> None:
        seconds, iterations = self.settings.slice, None
        if self.settings.iterations and not warmup:
            launches_left = self.settings.launches - len(member.slices) + 1
            iterations = -(-(self.settings.iterations - member.requests) // launches_left)
        first_s = member.loaded["first_inference_ns"] / 1e9
        before, started = _busy_s(worker.pid), time.perf_counter_ns()
        answer = worker.ask(
            "inference",
            # Filling, the two rounds at least and draining each last one latency or two.
            seconds + max(self.settings.inference_limit, 8 * first_s * (iterations or 1)),
            "slice",
            seconds=seconds,
            iterations=iterations,
        )
        elapsed_s = (time.perf_counter_ns() - started) / 1e9
        member.peak_bytes = max(member.peak_bytes, answer["peak_bytes"])
        measured = Slice(
            start_ns=started - self.clock,
            wall_ns=answer["wall_ns"],
            cpu_ns=answer["cpu_ns"],
            latencies_ns=answer["latencies_ns"],
            warmup=warmup,
            other_load=max(0.0, (_busy_s(worker.pid) - before) / elapsed_s),
        )
        member.slices[-1].append(measured)
        if not warmup:
            member.summaries[-1].append(SliceSummary.of(measured))
            self.on_event(SliceDone(member.planned.cell, self._precision(member)))

    def _precision(self, member: _Member) -> Precision:
        return relative_precision(member.summaries, self.settings.seed)

    def _reason_to_stop(self, number: int) -> StopReason | None:
        """Why the launch ends, if it does; launches have equal shares of the time."""
        settings, share = self.settings, (number + 1) / self.settings.launches
        least_known = min(self.alive, key=lambda member: member.seconds)
        if settings.iterations is not None:
            return "iterations"  # one slice holds the launch's whole share
        if settings.duration is not None:
            return "duration" if least_known.seconds >= settings.duration * share else None
        if least_known.seconds < settings.min_time * share:
            return None
        if all(self._precision(m).worst <= settings.target for m in self.alive):
            return "target"
        return "max_time" if least_known.seconds >= settings.max_time * share else None

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
                slices=tuple(member.slices[-1]),
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


def _busy_s(worker: int) -> float:
    """CPU seconds since boot of everything but the worker and this process."""
    times = psutil.cpu_times()
    idle = times.idle + getattr(times, "iowait", 0.0)
    try:
        own = sum(psutil.Process(worker).cpu_times()[:2]) + sum(psutil.Process().cpu_times()[:2])
    except psutil.NoSuchProcess:  # the pipe tells more about its end
        own = 0.0
    return float(sum(times) - idle - own)
