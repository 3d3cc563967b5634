"""Schedules the workers: which one runs when, and for how long.

Cells that differ only in version or runtime form a group; with ``interleave = "model"``, all cells
of a model do. The workers of a group run at the same time, with compiled models, and take turns in
short slices: the speed of one model drifts by 5 to 10 % within minutes, and neighbouring slices
share the drift. A group is launched several times, because memory layout alone makes two processes
of the same model differ by about 1 %.

The launches of a group are spread over the run: each pass launches every group once, so that the
launches of a cell sample the machine over the whole run. A worker lives for one launch, so only one
group is in memory.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from ovreport.config.schema import Measure
from ovreport.measuring.background_load import LoadMeter, crowded
from ovreport.measuring.cell_state import Measured, Member
from ovreport.measuring.profiling import profile
from ovreport.measuring.stopping import LaunchProgress, launch_is_done, part_done, reason_to_stop
from ovreport.measuring.worker_session import WorkerError, WorkerRefusalError, WorkerSession
from ovreport.planning.matrix import paced_seconds
from ovreport.planning.planned_cell import PlannedCell, groups, partial_launches_of
from ovreport.planning.resume import Resumption
from ovreport.run import Cell, PartialLaunches, Slice, StopReason
from ovreport.stats.half_widths import HalfWidths, deviation
from ovreport.stats.steady import warm_up
from ovreport.stats.uncertainty import typical_deviation

# Warm-up runs in pieces of this length until the latencies are steady, or until the limit.
_WARM_UP_S = 0.05
_WARM_UP_LIMIT_S = 1.0


@dataclass(frozen=True)
class PassStarted:
    """Another pass begins: one launch of each group that is not done."""

    number: int
    cells: int
    """The number of cells in these groups."""


@dataclass(frozen=True)
class CellStarted:
    """A worker begins to load the cell's model."""

    cell: Cell


@dataclass(frozen=True)
class SliceDone:
    """A slice ended; ``precision`` is the precision of the cell's figures so far."""

    cell: Cell
    precision: HalfWidths
    done: float
    """The estimated share of the cell's measuring that is done."""


MeasuringEvent: TypeAlias = "PassStarted | CellStarted | SliceDone"


def measure(
    cells: Sequence[PlannedCell],
    settings: Measure,
    *,
    on_event: Callable[[MeasuringEvent], None],
    resumed: Resumption | None = None,
) -> Iterator[Measured | PartialLaunches]:
    """Run the cells, and yield each when the last launch of its group has ended.

    Earlier launches are yielded, too; launches in ``resumed`` are not repeated. If a cell fails,
    the others continue. Closing the iterator, or an exception, ends all workers.
    """
    resumed = resumed or Resumption()
    partial_launches, failed = resumed.partial_launches, resumed.failed
    waiting = [
        _CellGroup(group, settings, on_event, partial_launches_of(group, partial_launches))
        for group in groups(cells, settings.interleave, partial_launches, failed)
    ]
    # The clock of a resumed run continues at the end of the earlier run.
    clock = time.perf_counter_ns() - max((group.ended_ns for group in waiting), default=0)
    rounds, deviations = 0, dict[str, float]()
    while waiting:
        group = min(waiting, key=lambda group: group.launches)
        if group.launches >= rounds:
            rounds = group.launches + 1
            on_event(PassStarted(rounds, sum(len(group.alive) for group in waiting)))
        yield from group.launch(clock, typical_deviation(list(deviations.values())))
        deviations |= group.deviations
        if group.is_done:
            waiting.remove(group)


class _CellGroup:
    """Cells that are measured interleaved.

    Args:
        partial_launches: launches of an earlier run, which are not repeated.
    """

    def __init__(
        self,
        cells: Sequence[PlannedCell],
        settings: Measure,
        on_event: Callable[[MeasuringEvent], None],
        partial_launches: Sequence[PartialLaunches],
    ) -> None:
        # Compared cells use the same API, because its cost is part of short latencies.
        because = next((cell.python_because for cell in cells if cell.python_because), "")
        self.members = [Member(planned, because) for planned in cells]
        self.settings = settings
        self.on_event = on_event
        self.clock = 0
        # The order of slices must differ between groups and be reproducible.
        self.random = np.random.default_rng([settings.seed, *(int(c.cell.id, 16) for c in cells)])
        self.stopped: StopReason | None = None
        self.launch_s = 0.0
        """Time from the start of the current launch to its first turn."""
        self.launches = len(partial_launches)
        self.ended_ns = 0
        """The end of the last launch of an earlier run."""
        self.crowded: list[bool] = []
        """Whether other programs disturbed a turn of the current launch."""
        for earlier in partial_launches:
            self._take_over(earlier)

    @property
    def alive(self) -> list[Member]:
        return [member for member in self.members if member.failure is None]

    @property
    def is_done(self) -> bool:
        return self.stopped is not None or not self.alive

    @property
    def deviations(self) -> dict[str, float]:
        """Deviation between the launches of each cell with several, by the cell's id."""
        deviations = {m.planned.cell.id: deviation(m.summaries) for m in self.alive}
        return {id: value for id, value in deviations.items() if value is not None}

    def launch(self, clock: int, launch_deviation: float) -> Iterator[Measured | PartialLaunches]:
        """Run one launch; yield it, or the results of the cells that it completes.

        Args:
            clock: the start of the run.
            launch_deviation: relative standard deviation of launches of the run's cells.
        """
        self.clock = clock
        before = self.alive
        for member in before:
            member.launch_deviation = launch_deviation
        self._launch()
        yield from (self._finished(member) for member in before if member.failure is not None)
        if self.stopped is not None:
            # All together: otherwise a killed run could separate cells that took turns.
            yield from [self._finished(member) for member in self.alive]
        elif self.alive:
            yield PartialLaunches(
                provenances={m.planned.cell.id: m.planned.provenance for m in self.alive},
                launches={m.planned.cell.id: m.launches[-1] for m in self.alive},
                resolved={m.planned.cell.id: m.resolved() for m in self.alive},
            )

    def _finished(self, member: Member) -> Measured:
        return member.finished(
            interleaved_with=[m.planned.cell.id for m in self.alive if m is not member],
            stopped=self.stopped,
            layers=self.settings.profile_iterations > 0,
        )

    # ------------------------------------------------------------------------ launches

    def _take_over(self, earlier: PartialLaunches) -> None:
        for member in self.members:
            member.take_over(launch := earlier.launches[member.planned.cell.id])
            ended_ns = max(s.start_ns + s.wall_ns for s in launch.slices)
            self.ended_ns = max(self.ended_ns, ended_ns)

    def _launch(self) -> None:
        self.launches += 1
        self.crowded = []
        with ExitStack() as stack:
            workers: dict[int, WorkerSession] = {}
            started = time.monotonic()
            for member in self.alive:
                with _failing(member, workers):
                    workers[id(member)] = self._loaded(member, stack)
                    self._warm_up(member, workers[id(member)])
            self.launch_s = time.monotonic() - started
            self._take_turns(workers)
            for member in self.alive:
                with _failing(member, workers):
                    self._close_launch(member, workers[id(member)])
            if self.stopped:
                profile([(m, workers[id(m)]) for m in self.alive], self.settings)

    def _loaded(self, member: Member, stack: ExitStack) -> WorkerSession:
        """Start a worker with the member's model.

        If the C API refuses the model, try the Python API in a new process, so that memory and
        times are those of a single load.
        """
        self.on_event(CellStarted(member.planned.cell))
        try:
            return self._load(member, stack)
        except WorkerRefusalError as refusal:
            if member.python_because:
                raise
            member.python_because = f"the C API refuses the model: {refusal.failure.reason}"
            return self._load(member, stack)

    def _load(self, member: Member, stack: ExitStack) -> WorkerSession:
        planned, memory_limit = member.planned, self.settings.memory_limit_mib
        worker = stack.enter_context(WorkerSession(planned.python, memory_limit_mib=memory_limit))
        try:
            loaded = worker.ask(
                "compile",
                self.settings.compile_limit + self.settings.inference_limit,
                "load",
                **planned.setting,
                requests=planned.requests,
                sequence=planned.sequence_setting,
                api="python" if member.python_because else None,
            )
        except WorkerError:
            worker.kill()  # frees its memory now, not at the end of the launch
            raise
        member.begin_launch(loaded)
        return worker

    def _warm_up(self, member: Member, worker: WorkerSession) -> None:
        """Run short slices, which are kept but do not count, until the latencies are steady."""
        started = time.monotonic()
        while time.monotonic() - started < _WARM_UP_LIMIT_S:
            member.warm_up.append(self._slice(member, worker, _WARM_UP_S, warmup=True))
            if warm_up(np.concatenate([s.latencies_ns for s in member.warm_up])) is not None:
                return

    def _take_turns(self, workers: Mapping[int, WorkerSession]) -> None:
        """Run turns, each with one slice of every member, until the launch is done."""
        order: list[int] = []
        for turn in itertools.count():
            # Each random order is followed by its reverse: each of a pair is first equally often.
            order = (
                list(self.random.permutation(len(self.members))) if turn % 2 == 0 else order[::-1]
            )
            for index in order:
                member = self.members[index]
                if member.failure is None:
                    with _failing(member, workers):
                        self._counted_slice(member, workers[id(member)])
            if not self.alive:
                return
            self._count_turn()
            progress = LaunchProgress(self.launches, self.launch_s, len(self.crowded))
            self.stopped = reason_to_stop(self.alive, self.settings, progress)
            if self.stopped or launch_is_done(self.alive, self.settings, progress):
                return

    def _counted_slice(self, member: Member, worker: WorkerSession) -> None:
        seconds, iterations, rate = self.settings.slice, None, member.planned.cell.rate
        if self.settings.iterations:
            launches_left = max(1, self.settings.launches - self.launches + 1)
            iterations = max(1, -(-(self.settings.iterations - member.requests) // launches_left))
        if rate is not None:
            seconds = max(seconds, iterations / rate if iterations else paced_seconds(rate))
        member.take(self._slice(member, worker, seconds, iterations, rate))

    def _count_turn(self) -> None:
        """Count the turns; disturbed ones only if most are disturbed or the time is fixed."""
        self.crowded.append(any(crowded(member.turns[-1]) for member in self.alive))
        for member in self.alive:
            member.count(self._left_out)
        done = part_done(self.alive, self.settings)
        for member in self.alive:
            self.on_event(SliceDone(member.planned.cell, member.half_widths, done))

    @property
    def _left_out(self) -> list[bool]:
        fixed = self.settings.duration is not None or self.settings.iterations is not None
        if fixed or sum(self.crowded) > len(self.crowded) / 2:
            return [False] * len(self.crowded)
        return self.crowded

    def _slice(
        self,
        member: Member,
        worker: WorkerSession,
        seconds: float,
        iterations: int | None = None,
        rate: float | None = None,
        *,
        warmup: bool = False,
    ) -> Slice:
        first_s = member.loaded["first_inference_ns"] / 1e9 * member.planned.inferences
        load = LoadMeter(worker.pid)
        with load:
            started = time.perf_counter_ns()
            answer = worker.ask(
                "inference",
                # Filling, at least two rounds, and draining each take one or two latencies.
                seconds + max(self.settings.inference_limit, 8 * first_s * (iterations or 1)),
                "slice",
                seconds=seconds,
                iterations=iterations,
                rate=rate,
            )
        member.peak_bytes = max(member.peak_bytes, answer["peak_bytes"])
        return Slice(
            start_ns=started - self.clock,
            wall_ns=answer["wall_ns"],
            cpu_ns=answer["cpu_ns"],
            latencies_ns=answer["latencies_ns"],
            warmup=warmup,
            arrived=answer.get("arrived"),
            other_load=load.cores,
            reference_ns=answer["reference_ns"],
            prefill_ns=answer.get("prefill_ns"),
            steps_ns=answer.get("steps_ns"),
        )

    def _close_launch(self, member: Member, worker: WorkerSession) -> None:
        limit = self.settings.inference_limit * 8
        cost_ns = worker.ask("inference", limit, "calibrate")["cost_ns"]
        member.end_launch(self._left_out, cost_ns)


@contextmanager
def _failing(member: Member, workers: Mapping[int, WorkerSession]) -> Iterator[None]:
    """Turn a worker's error into the failure of its cell, and free its memory at once."""
    try:
        yield
    except WorkerError as error:
        member.fail(error.failure)
        if worker := workers.get(id(member)):
            worker.kill()
