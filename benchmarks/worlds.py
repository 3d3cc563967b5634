"""Simulates machines and models of known speed, and measures them by ovreport's rules.

No model is run: the latencies of each slice are drawn at random. The speed of a machine changes
over time; each launch, each slice and each request adds its scatter. Cells are measured in passes,
as in ``ovreport run``, with the same rules for the end of launches and cells.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from ovreport.config.schema import Measure
from ovreport.measuring.cell_state import Member
from ovreport.measuring.stopping import LaunchProgress, launch_is_done, reason_to_stop
from ovreport.run import Cell, CellResult, Launch, Resolved, Slice, StopReason
from ovreport.stats.half_widths import deviation
from ovreport.stats.uncertainty import typical_deviation

Random: TypeAlias = np.random.Generator

REQUEST_S, SLICE_S = 0.004, 0.1
QUANTILES = {"median": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}
TAIL = 1.5
"""Index of the Pareto distribution of slow requests: their mean exists, their variance does not."""
_STEP_S = 0.05
# Longer than any simulated run.
SPAN_S = 900.0
# Relative standard deviation of a reference that takes some ms.
_REFERENCE_NOISE = 0.003


@dataclass(frozen=True)
class Machine:
    """A machine whose speed changes over time; each change is relative to its best speed.

    ``levels`` is the difference of two speeds, which alternate every ``dwell_s`` on average;
    ``scatter`` is autocorrelated over ``memory_s`` (an Ornstein-Uhlenbeck process); ``drift`` is
    reached after ``drift_s``.
    """

    levels: float = 0.0
    dwell_s: float = 60.0
    scatter: float = 0.0
    memory_s: float = 2.0
    drift: float = 0.0
    drift_s: float = 30.0

    def draw_factors(self, random: Random, span_s: float = SPAN_S) -> np.ndarray:
        """Draw how much longer everything takes, in steps of :data:`_STEP_S`."""
        steps = int(span_s / _STEP_S) + 1
        factor: npt.NDArray[np.float64] = np.ones(steps)
        if self.levels:
            dwells = np.maximum(1, random.exponential(self.dwell_s / _STEP_S, steps)).astype(int)
            slow = np.arange(steps) % 2 == random.integers(2)
            factor *= 1 + self.levels * np.repeat(slow, dwells)[:steps]
        if self.scatter:
            keeps = np.exp(-_STEP_S / self.memory_s)
            shocks = random.normal(0, self.scatter * np.sqrt(1 - keeps**2), steps)
            shocks[0] = random.normal(0, self.scatter)
            value, values = 0.0, []
            for shock in shocks:
                value = keeps * value + shock
                values.append(value)
            factor *= np.exp(values)
        drifted: npt.NDArray[np.float64] = np.minimum(1, np.arange(steps) * _STEP_S / self.drift_s)
        return factor * (1 + self.drift * drifted)


@dataclass(frozen=True)
class World:
    """A machine and a model on it."""

    name: str
    machine: Machine = Machine()
    launches: Literal["normal", "skewed", "two kinds"] = "normal"
    launch_scatter: float = 0.008
    slice_scatter: float = 0.01
    slow_requests: float = 0.0
    """Share of requests that take longer, by a Pareto distribution."""

    def launch_effect(self, random: Random) -> float:
        if self.launches == "normal":
            return float(random.normal(0, self.launch_scatter))
        if self.launches == "skewed":
            return float(self.launch_scatter * (random.exponential() - 1))
        return 0.05 * (random.random() < 0.25) + float(random.normal(0, 0.002))

    def latencies_s(self, random: Random, factor: float) -> np.ndarray:
        """Draw the latencies of the requests of a slice."""
        count = max(2, round(SLICE_S / (REQUEST_S * factor)))
        latencies = REQUEST_S * factor * np.exp(random.normal(0, 0.02, count))
        slow = random.random(count) < self.slow_requests
        return np.where(slow, latencies * (1 + random.pareto(TAIL, count)), latencies)

    def slice_factor(self, random: Random, machine: float, launch: float) -> float:
        return float(machine * (1 + launch) * np.exp(random.normal(0, self.slice_scatter)))


WORLDS = (
    World("launches and slices scatter independently"),
    World("launches scatter with a skew", launches="skewed"),
    World("a quarter of the launches 5 % slower", launches="two kinds"),
    World("one request in a hundred very slow (Pareto 1.5)", slow_requests=0.01),
    World("slices autocorrelated, 2 %, 2 s", Machine(scatter=0.02, memory_s=2.0)),
    World("slices autocorrelated, 3 %, 10 s", Machine(scatter=0.03, memory_s=10.0)),
    World("two speeds, 7 % apart, 3 s each", Machine(levels=0.07, dwell_s=3.0)),
    World("two speeds, 7 % apart, 60 s each", Machine(levels=0.07, dwell_s=60.0)),
    World("drift of 5 % in 30 s", Machine(drift=0.05)),
)


HELD_OUT = (
    World("slices autocorrelated, 1.5 %, 1 s", Machine(scatter=0.015, memory_s=1.0)),
    World("slices autocorrelated, 5 %, 4 s", Machine(scatter=0.05, memory_s=4.0)),
    World("slices autocorrelated, 3 %, 20 s", Machine(scatter=0.03, memory_s=20.0)),
    World("two speeds, 15 % apart, 2 s each", Machine(levels=0.15, dwell_s=2.0)),
    World("two speeds, 4 % apart, 4 s each", Machine(levels=0.04, dwell_s=4.0)),
    World("two speeds, 7 % apart, 8 s each", Machine(levels=0.07, dwell_s=8.0)),
    World("drift of 8 % in 60 s", Machine(drift=0.08, drift_s=60.0)),
    World("launches scatter by 0.3 %, slices by 2 %", launch_scatter=0.003, slice_scatter=0.02),
)
"""Further worlds. Of all constants, only the longest memory was chosen on these worlds, too."""


@dataclass
class _Group:
    """Versions that take turns, and their speeds; ``launches`` counts the launches so far."""

    members: list[Member]
    speeds: Sequence[float]
    launches: int = 0
    stopped: StopReason | None = None


@dataclass(frozen=True)
class Measured:
    """Results of each group, and the simulated duration."""

    results: list[list[CellResult]]
    elapsed_s: float


def measured(
    world: World,
    random: Random,
    *,
    groups: int,
    speeds: Sequence[float] = (1.0,),
    launch_s: float = 0.3,
) -> Measured:
    """Measure groups of versions as ``ovreport run`` does.

    Args:
        world: the machine and the model.
        random: the source of all random numbers.
        groups: number of groups.
        speeds: speeds of the versions of each group.
        launch_s: time to start one version.
    """
    simulation = _Simulation(world, random, launch_s)
    nothing: Any = None
    all_groups = [_Group([Member(nothing) for _ in speeds], speeds) for _ in range(groups)]
    waiting = list(all_groups)
    while waiting:
        group = min(waiting, key=lambda waiting_group: waiting_group.launches)
        deviations = [deviation(m.summaries) for g in all_groups for m in g.members]
        for member in group.members:
            member.launch_deviation = typical_deviation([x for x in deviations if x is not None])
        simulation.launch(group)
        if group.stopped is not None:
            waiting.remove(group)
    results = [_results(group, str(number)) for number, group in enumerate(all_groups)]
    return Measured(results, simulation.now_s)


class _Simulation:
    """The machine over time, and the launches on it."""

    def __init__(self, world: World, random: Random, launch_s: float) -> None:
        self.world, self.random, self.launch_s = world, random, launch_s
        self.settings = Measure()
        self.machine = world.machine.draw_factors(random)
        self.now_s = 0.0

    def launch(self, group: _Group) -> None:
        """Simulate one launch of a group until ovreport's rules end it."""
        members, starting_s = group.members, self.launch_s * len(group.members)
        group.launches += 1
        self.now_s += starting_s
        effects = [self.world.launch_effect(self.random) for _ in members]
        for member in members:
            member.begin_launch({"memory": {"inference_bytes": 0}})
        order: list[int] = []
        for turn in itertools.count(1):
            order = list(self.random.permutation(len(members))) if turn % 2 else order[::-1]
            for index in order:
                members[index].take(self._slice(group.speeds[index], effects[index]))
            for member in members:
                member.count([False] * turn)
            progress = LaunchProgress(group.launches, starting_s, turn)
            group.stopped = reason_to_stop(members, self.settings, progress)
            if group.stopped or launch_is_done(members, self.settings, progress):
                break
        for member in members:
            slices = tuple(member.turns)
            member.launches.append(
                Launch.model_construct(  # type: ignore[call-arg]  # only the fields that a figure needs
                    read_ns=1, compile_ns=1, first_inference_ns=1, slices=slices
                )
            )  # fmt: skip

    def _slice(self, speed: float, effect: float) -> Slice:
        machine = float(self.machine[int(self.now_s / _STEP_S)])
        factor = self.world.slice_factor(self.random, machine / speed, effect)
        latencies_ns = np.round(self.world.latencies_s(self.random, factor) * 1e9).astype(np.int64)
        wall_ns = int(latencies_ns.sum())
        reference = machine * 1e6 * np.exp(self.random.normal(0, _REFERENCE_NOISE))
        new_slice = Slice.model_construct(
            start_ns=int(self.now_s * 1e9), wall_ns=wall_ns, cpu_ns=wall_ns,
            latencies_ns=latencies_ns, reference_ns=int(reference),
        )  # fmt: skip
        self.now_s += wall_ns / 1e9
        return new_slice


def _results(group: _Group, name: str) -> list[CellResult]:
    """Return the results of a group; each names the others as cells that it took turns with."""
    cells = [Cell(model=name, version=str(number)) for number in range(len(group.members))]
    return [
        CellResult.model_construct(
            cell=cell,
            launches=tuple(member.launches),
            resolved=Resolved.model_construct(batch=1),  # type: ignore[call-arg]
            interleaved_with=tuple(other.id for other in cells if other is not cell),
            stopped=group.stopped,
            launch_deviation=member.launch_deviation or None,
        )
        for cell, member in zip(cells, group.members, strict=True)
    ]


def truth(world: World, random: Random, until_s: float) -> dict[str, float]:
    """Return the long-run figures; for a machine that drifts, those of the time ``until_s``."""
    latencies = []
    for _ in range(300):
        factors = world.machine.draw_factors(random, until_s if world.machine.drift else 60.0)
        for factor in random.choice(factors, 20):
            effect = world.launch_effect(random)
            latencies.append(world.latencies_s(random, world.slice_factor(random, factor, effect)))
    all_latencies = np.concatenate(latencies)
    quantiles = {name: float(np.quantile(all_latencies, q)) for name, q in QUANTILES.items()}
    mean = float(all_latencies.mean())
    if world.slow_requests:  # draws estimate the mean of so heavy a tail badly; it is known exactly
        mean = truth(replace(world, slow_requests=0.0), random, until_s)["mean"]
        mean *= 1 + world.slow_requests / (TAIL - 1)
    return {"throughput": 1 / mean, "mean": mean, **quantiles}
