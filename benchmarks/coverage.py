"""Do intervals cover the truth as often as they say, and how long does it take to reach ±1 %?

    python benchmarks/coverage.py [--worlds 1000] [--quick]

No model is run: launches and slices are drawn at random about a known speed, with a part of the
scatter that a launch keeps and one that each slice has for itself. Printed are, for each number of
launches, how often the intervals of figures and of paired ratios cover the truth over all other
conditions (least and most), and how wide they are compared with those of somebody who knows the
scatter. Then, of cells that are measured by the program's own rules, the time until their figures
are known, and what became of comparisons.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from dataclasses import dataclass
from math import exp, sqrt
from typing import Any

import numpy as np

from ovreport.config.schema import Measure
from ovreport.measuring.cell_state import Member
from ovreport.measuring.stopping import Standing, launch_is_done, reason_to_stop
from ovreport.run import Slice
from ovreport.stats.precision import log_ratios
from ovreport.stats.uncertainty import Error, between_launches, mean_of_medians

LAUNCHES = (2, 3, 5, 10, 20)
SLICES = (3, 7, 20)
EFFECTS = (0.0, 0.004, 0.008, 0.02)
NOISES = (0.005, 0.01, 0.03)
LEAST, MOST = 0.92, 0.99
FOUND, FALSE_ALARMS = 0.90, 0.05
# Four standard deviations of a coverage over one world; of n worlds it is √n times less.
_NORMAL, _CHANCE = 1.96, 4 * sqrt(0.05 * 0.95)
_SLICE_S, _REQUEST_S = 0.1, 0.001


def coverage(launches: int, worlds: int, random: np.random.Generator) -> bool:
    """Prints the coverage of so many launches over all conditions."""
    figures, ratios, widths = [], [], []
    for slices, effect, noise in itertools.product(SLICES, EFFECTS, NOISES):
        series = random.normal(0, effect, (worlds, launches, 1))
        series = series + random.normal(0, noise, (worlds, launches, slices))
        errors = [between_launches(one.mean(axis=1), [slices] * launches) for one in series]
        half = np.array([error.half_width for error in errors])
        figures.append(np.mean(np.abs(series.mean(axis=(1, 2))) <= half))
        paired = [mean_of_medians(list(one)) for one in series]
        ratios.append(np.mean([abs(at) <= _half_width(error) for at, error in paired]))
        widths.append(half.mean() / _NORMAL / sqrt((effect**2 + noise**2 / slices) / launches))
    print(
        f"{launches:2} launches: figures {min(figures):.1%} to {max(figures):.1%}, ratios "
        f"{min(ratios):.1%} to {max(ratios):.1%}, {np.mean(widths):.2f} times as wide",
        flush=True,
    )
    chance = _CHANCE / sqrt(worlds)
    return all(LEAST - chance <= x <= MOST + chance for x in (*figures, *ratios))


def _half_width(error: Error | None) -> float:
    assert error is not None, "there are several launches"
    return error.half_width


# ---------------------------------------------------------------------------- measuring


@dataclass(frozen=True)
class World:
    """Speeds are those of versions that take turns; ``launch_s`` is what one start costs."""

    effect: float
    noise: float
    launch_s: float
    speeds: tuple[float, ...]


def measured(world: World, settings: Measure, random: np.random.Generator) -> tuple[Any, ...]:
    """Members, launches and seconds of a group that is measured by the program's rules."""
    nothing: Any = None
    members = [Member(nothing) for _ in world.speeds]
    elapsed, stopped, launches = 0.0, None, 0
    while stopped is None:
        launches += 1
        elapsed += (launch_s := world.launch_s * len(members))
        effects = random.normal(0, world.effect, len(members))
        for member in members:
            member.begin_launch({"memory": {"inference_bytes": 0}})
        for turn in itertools.count(1):
            for member, speed, effect in zip(members, world.speeds, effects, strict=True):
                request_s = _REQUEST_S / speed * (1 + effect + random.normal(0, world.noise))
                member.take(_slice(request_s))
                member.count([False] * turn)
                elapsed += _SLICE_S
            standing = Standing(launches, launch_s, turn)
            stopped = reason_to_stop(members, settings, standing)
            if stopped or launch_is_done(members, settings, standing):
                break
    return members, launches, elapsed


def _slice(request_s: float) -> Slice:
    times = np.full(round(_SLICE_S / request_s), round(request_s * 1e9), np.int64)
    return Slice.model_construct(wall_ns=int(times.sum()), latencies_ns=times)


def reaching(world: World, rounds: int, random: np.random.Generator) -> bool:
    """Prints the time until the figures, and of two versions their ratio, are known to ±1 %."""
    settings = Measure()
    taken, started, told, covered, reached = [], [], 0, 0, 0
    for _ in range(rounds):
        members, launches, elapsed = measured(world, settings, random)
        taken.append(elapsed)
        started.append(launches)
        truth = world.speeds[-1] / world.speeds[0]
        if len(members) > 1:
            series, _ = log_ratios(*(member.summaries for member in members))
            point, error = mean_of_medians(series)
        else:
            rates = [sum(s.requests for s in one) / sum(s.wall_s for s in one)
                     for one in members[0].summaries]  # fmt: skip
            sizes = [len(one) for one in members[0].summaries]
            point = float(np.log(np.average(rates, weights=sizes) * _REQUEST_S))
            error = between_launches(np.log(rates), sizes)
        low, high = (exp(point + side * _half_width(error)) for side in (-1, 1))
        covered += low <= truth <= high
        told += low > 1.01 or high < 0.99
        reached += (high - low) / 2 <= settings.target * 1.02
    what = "one cell" if len(world.speeds) == 1 else "the same" if truth == 1 else "3 % apart"
    says = f", told apart {told / rounds:.0%}" if len(world.speeds) > 1 else ""
    print(
        f"{what}, launches {world.effect:.1%}, slices {world.noise:.0%}, {world.launch_s} s a "
        f"launch: {np.median(taken):.1f} s (nine of ten within {np.quantile(taken, 0.9):.1f}), "
        f"{np.median(started):.0f} launches, ±1 % reached {reached / rounds:.0%}, covered "
        f"{covered / rounds:.0%}{says}",
        flush=True,
    )
    chance = _CHANCE / sqrt(rounds)
    if len(world.speeds) == 1:
        return True
    return told / rounds <= FALSE_ALARMS if truth == 1 else told / rounds >= FOUND - chance


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--worlds", type=int, default=1000)
    parser.add_argument("--quick", action="store_true", help="200 worlds")
    options = parser.parse_args()
    worlds = 200 if options.quick else options.worlds
    random = np.random.default_rng(0)
    good = [coverage(launches, worlds, random) for launches in LAUNCHES]
    for speeds in ((1.0,), (1.0, 1.0), (1.0, 0.97)):
        for noise, launch_s in itertools.product((0.01, 0.02), (0.15, 0.5)):
            world = World(0.008, noise, launch_s, speeds)
            good.append(reaching(world, worlds // 10, random))
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
