"""Machines, models and requests whose true speed is known, measured by the program's own rules.

No model is run: the latencies of each slice are drawn at random. A machine has a speed that changes
in time, a launch has a part of the scatter that it keeps, and so have slices and requests. Cells go
round in passes, as in ``ovreport run``, with the rules that end launches and cells there.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import numpy as np

from ovreport.config.schema import Measure
from ovreport.measuring.cell_state import Member
from ovreport.measuring.stopping import Standing, launch_is_done, reason_to_stop
from ovreport.run import CellResult, Launch, Slice
from ovreport.stats.precision import deviation
from ovreport.stats.uncertainty import typical_deviation

Random: TypeAlias = np.random.Generator

REQUEST_S, SLICE_S = 0.004, 0.1
QUANTILES = {"median": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}
TAIL = 1.5
"""Index of the Pareto distribution of slow requests: their mean exists, their variance does not."""
_STEP_S = 0.05
# Longer than any of the runs here.
SPAN_S = 900.0
# A reference of some ms is known to this part of itself.
_REFERENCE_NOISE = 0.003


@dataclass(frozen=True)
class Machine:
    """How much longer than at its best everything takes, by time.

    ``levels`` are two speeds, changed after ``dwell_s`` in the mean; ``scatter`` is autocorrelated
    over ``memory_s`` (an Ornstein-Uhlenbeck process); ``drift`` is reached after ``drift_s``.
    """

    levels: float = 0.0
    dwell_s: float = 60.0
    scatter: float = 0.0
    memory_s: float = 2.0
    drift: float = 0.0
    drift_s: float = 30.0

    def drawn(self, random: Random, span_s: float = SPAN_S) -> np.ndarray:
        """Factors in steps of :data:`_STEP_S`."""
        steps = int(span_s / _STEP_S) + 1
        factor = np.ones(steps)
        if self.levels:
            stays = np.maximum(1, random.exponential(self.dwell_s / _STEP_S, steps)).astype(int)
            slow = np.arange(steps) % 2 == random.integers(2)
            factor *= 1 + self.levels * np.repeat(slow, stays)[:steps]
        if self.scatter:
            keeps = np.exp(-_STEP_S / self.memory_s)
            shocks = random.normal(0, self.scatter * np.sqrt(1 - keeps**2), steps)
            shocks[0] = random.normal(0, self.scatter)
            value, values = 0.0, []
            for shock in shocks:
                value = keeps * value + shock
                values.append(value)
            factor *= np.exp(values)
        return factor * (1 + self.drift * np.minimum(1, np.arange(steps) * _STEP_S / self.drift_s))


@dataclass(frozen=True)
class World:
    """A machine and a model on it."""

    name: str
    machine: Machine = Machine()
    launches: Literal["normal", "skewed", "two kinds"] = "normal"
    launch_scatter: float = 0.008
    slice_scatter: float = 0.01
    slow_requests: float = 0.0
    """Part of the requests that take longer, by a Pareto distribution."""

    def launch_effect(self, random: Random) -> float:
        if self.launches == "normal":
            return float(random.normal(0, self.launch_scatter))
        if self.launches == "skewed":
            return float(self.launch_scatter * (random.exponential() - 1))
        return 0.05 * (random.random() < 0.25) + float(random.normal(0, 0.002))

    def latencies_s(self, random: Random, factor: float) -> np.ndarray:
        """Of the requests of a slice."""
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


@dataclass
class _Group:
    """Versions that take turns, with the launches they had."""

    members: list[Member]
    speeds: Sequence[float]
    launches: int = 0
    stopped: str | None = None


@dataclass(frozen=True)
class Measured:
    """Results of each group, and how long all of it took."""

    results: list[list[CellResult]]
    elapsed_s: float
    launches: list[int]
    stopped: list[str]


def measured(
    world: World,
    random: Random,
    *,
    groups: int,
    speeds: Sequence[float] = (1.0,),
    launch_s: float = 0.3,
    settings: Measure = Measure(),  # noqa: B008 - frozen
    reference: bool = True,
) -> Measured:
    """Groups of versions of these speeds, measured as ``ovreport run`` does."""
    factors = world.machine.drawn(random)
    nothing: Any = None
    waiting = [_Group([Member(nothing) for _ in speeds], speeds) for _ in range(groups)]
    every, now_s = list(waiting), 0.0
    while waiting:
        group = min(waiting, key=lambda one: one.launches)
        deviations = [deviation(m.summaries) for one in every for m in one.members]
        for member in group.members:
            member.typical = typical_deviation([known for known in deviations if known])
        now_s = _launch(world, random, group, factors, now_s, launch_s, settings, reference)
        if group.stopped is not None:
            waiting.remove(group)
    results = [
        [_result(member, f"{at}-{n}", len(speeds)) for n, member in enumerate(group.members)]
        for at, group in enumerate(every)
    ]
    return Measured(results, now_s, [g.launches for g in every], [str(g.stopped) for g in every])


def _launch(
    world: World,
    random: Random,
    group: _Group,
    factors: np.ndarray,
    now_s: float,
    launch_s: float,
    settings: Measure,
    reference: bool,
) -> float:
    """One launch of a group; when it ended."""
    members, starting_s = group.members, launch_s * len(group.members)
    group.launches += 1
    now_s += starting_s
    effects = [world.launch_effect(random) for _ in members]
    for member in members:
        member.begin_launch({"memory": {"inference_bytes": 0}})
    order: list[int] = []
    for turn in itertools.count(1):
        order = list(random.permutation(len(members))) if turn % 2 else order[::-1]
        for index in order:
            machine = factors[int(now_s / _STEP_S)]
            factor = world.slice_factor(random, machine / group.speeds[index], effects[index])
            latencies = np.maximum(1, world.latencies_s(random, factor) * 1e9).astype(np.int64)
            wall_ns = int(latencies.sum())
            known = machine * 1e6 * np.exp(random.normal(0, _REFERENCE_NOISE))
            members[index].take(
                Slice.model_construct(
                    start_ns=int(now_s * 1e9), wall_ns=wall_ns, latencies_ns=latencies,
                    cpu_ns=wall_ns, warmup=False, disturbed=False,
                    reference_ns=int(known) if reference else None,
                )
            )  # fmt: skip
            now_s += wall_ns / 1e9
        for member in members:
            member.count([False] * turn)
        standing = Standing(group.launches, starting_s, turn)
        group.stopped = reason_to_stop(members, settings, standing)
        if group.stopped or launch_is_done(members, settings, standing):
            break
    for member in members:
        member.launches.append(Launch.model_construct(slices=tuple(member.turns)))
    return now_s


def _result(member: Member, id: str, members: int) -> CellResult:
    from types import SimpleNamespace

    group, number = id.split("-")
    others = tuple(f"{group}-{n}" for n in range(members) if n != int(number))
    made: Any = SimpleNamespace(
        launches=tuple(member.launches), resolved=SimpleNamespace(batch=1),
        launch_deviation=member.typical, cell=SimpleNamespace(id=id), interleaved_with=others,
    )  # fmt: skip
    return made


def truth(world: World, random: Random, until_s: float) -> dict[str, float]:
    """What the machine gives on the whole; where it drifts, on the whole until then."""
    latencies = []
    for _ in range(300):
        factors = world.machine.drawn(random, until_s if world.machine.drift else 60.0)
        for factor in random.choice(factors, 20):
            effect = world.launch_effect(random)
            latencies.append(world.latencies_s(random, world.slice_factor(random, factor, effect)))
    every = np.concatenate(latencies)
    quantiles = {name: float(np.quantile(every, q)) for name, q in QUANTILES.items()}
    # The mean of so heavy a tail cannot be drawn: it is known.
    tame = replace(world, slow_requests=0.0)
    if tame != world:
        drawn = [
            tame.latencies_s(random, world.slice_factor(random, 1.0, world.launch_effect(random)))
            for _ in range(6000)
        ]
        mean = float(np.concatenate(drawn).mean()) * (1 + world.slow_requests / (TAIL - 1))
    else:
        mean = float(every.mean())
    return {"throughput": 1 / mean, "mean": mean, **quantiles}
