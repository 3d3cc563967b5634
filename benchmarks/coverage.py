"""Measures how often intervals contain the true value, and how often verdicts are right.

    python benchmarks/coverage.py [--cells 96] [--pairs 30] [--quick] [TABLE]

No model is run. Launches, slices and requests are drawn at random around a known speed, on
simulated machines whose speed changes as that of real ones does (``worlds.py``), and measured by
ovreport's rules. The tables are:

- *figures*: how often the interval of a cell contains the machine's long-run figure, for the cells
  of a matrix of twelve, which are measured in passes, and for a single cell, whose launches follow
  each other within seconds;
- *held-out*: the same for single cells, in further worlds;
- *pairs*: the verdicts of comparisons of two equal versions, and of one that is 3 % slower;
- *gates*: how many gates of 50 cells and 4 limits break although the versions are equal;
- *launches*: how often the interval of a few launches contains the mean, by scatter.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from collections import Counter
from collections.abc import Callable
from math import sqrt

import numpy as np
from worlds import HELD_OUT, WORLDS, World, measured, truth

from ovreport.computed.figures import figures
from ovreport.computed.ratio import Figure, ratio, verdict
from ovreport.gate.checks import may_be_chance
from ovreport.run import CellResult
from ovreport.stats.estimate import Estimate
from ovreport.stats.uncertainty import between_launches, mean_of_medians, student

MATRIX = 12
JUDGED: tuple[Figure, ...] = ("throughput", "median", "p95", "p99")
NOISE = 0.01
GATE = 50 * len(JUDGED)
SLOWER = 0.03
LEAST_FIGURE, LEAST_RATIO = 0.90, 0.94
# A run of two minutes cannot show changes once a minute, and ten seconds do not show every drift.
_SLOW = "two speeds, 7 % apart, 60 s each"
UNKNOWABLE = {MATRIX: {_SLOW}, 1: {_SLOW, "drift of 5 % in 30 s"}}
# Standard deviations by which a share may differ from its expected value by chance.
_CHANCE = 2.0


def _random(*key: int) -> np.random.Generator:
    return np.random.default_rng([1, *key])


# ---------------------------------------------------------------------------- figures


def figure_table(cells: int) -> bool:
    """Print how often the intervals of figures contain the true value, in each world."""
    print("world | cells | throughput | median | p95 | p99 | ± | seconds a cell")
    good = True
    for number, world in enumerate(WORLDS):
        for groups in (MATRIX, 1):
            enough = _figures(number, world, groups, max(1, cells // groups))
            good &= enough or world.name in UNKNOWABLE[groups]
    return good


def held_out_table(cells: int) -> bool:
    """Print the same for single cells, in further worlds.

    Some of these change too slowly for a run of seconds, so no coverage is required.
    """
    print("world | cells | throughput | median | p95 | p99 | ± | seconds a cell")
    for number, world in enumerate(HELD_OUT, start=len(WORLDS)):
        _figures(number, world, 1, cells)
    return True


def _figures(number: int, world: World, groups: int, rounds: int) -> bool:
    random = _random(number, groups)
    runs = [measured(world, random, groups=groups) for _ in range(rounds)]
    elapsed = float(np.median([run.elapsed_s for run in runs]))
    right = truth(world, random, max(elapsed, world.machine.drift_s))
    cell_figures = [figures(result) for run in runs for (result,) in run.results]
    covered: dict[str, list[bool]] = {name: [] for name in JUDGED}
    for cell in cell_figures:
        latency = cell.latency
        for name, estimate in (
            ("throughput", cell.throughput_fps), ("median", latency.median),
            ("p95", latency.p95), ("p99", latency.p99),
        ):  # fmt: skip
            if estimate is not None:
                covered[name].append(estimate.low <= right[name] <= estimate.high)
    width = np.median([cell.throughput_fps.relative_half_width for cell in cell_figures])
    shares = [_share(outcomes) for outcomes in covered.values()]
    print(
        f"{world.name} | {groups} | {' | '.join(shares)} | ±{width:.1%} | {elapsed / groups:.0f}",
        flush=True,
    )
    return all(
        np.mean(outcomes) >= LEAST_FIGURE - _CHANCE * sqrt(0.09 / len(outcomes))
        for name, outcomes in covered.items()
        if name in ("throughput", "median")
    )


def _share(covered: list[bool]) -> str:
    return f"{np.mean(covered):.0%}" if covered else "–"


# ---------------------------------------------------------------------------- pairs


def pair_table(pairs: int) -> bool:
    """Print the verdicts of comparisons, in each world."""
    print(
        "world | same | slower or faster | p95 same | ratios covered | limits broken | found | "
        "seconds"
    )
    good = [_pairs(number, world, pairs) for number, world in enumerate(WORLDS)]
    return all(good)


def _pairs(number: int, world: World, pairs: int) -> bool:
    verdicts: dict[Figure, Counter[str]] = {figure: Counter() for figure in JUDGED}
    covered: list[bool] = []
    broken, seconds = 0, []
    for a, b, elapsed in _compared(number, world, pairs, 0.0):
        seconds.append(elapsed)
        for figure in JUDGED:
            change = ratio(a, b, figure)
            if change is None:
                continue
            covered.append(change.low <= 1 <= change.high)
            verdicts[figure][verdict(change, NOISE, higher_is_better=False)] += 1
            broken += _breaks(change, higher_is_better=figure == "throughput")
    slower = Counter[str]()
    for a, b, _ in _compared(number, world, pairs // 2, SLOWER):
        change = ratio(a, b, "throughput")
        assert change is not None
        slower[verdict(change, NOISE, higher_is_better=True)] += 1
    throughput = verdicts["throughput"]
    different = sum(v["faster"] + v["slower"] for v in verdicts.values())
    power = slower["slower"] / slower.total()
    print(
        f"{world.name} | {throughput['same'] / throughput.total():.0%} | "
        f"{different} of {len(covered)} | "
        f"{verdicts['p95']['same'] / max(1, verdicts['p95'].total()):.0%} | {_share(covered)} | "
        f"{broken} of {len(covered)} | {power:.0%} | {np.median(seconds):.0f}",
        flush=True,
    )
    return not broken and float(np.mean(covered)) >= LEAST_RATIO - _CHANCE * sqrt(
        0.06 / len(covered)
    )


def _compared(
    number: int, world: World, pairs: int, slower: float
) -> list[tuple[CellResult, CellResult, float]]:
    random = _random(number, 2, int(slower > 0))
    comparisons = []
    for _ in range(pairs):
        run = measured(world, random, groups=1, speeds=(1.0, 1 - slower))
        ((a, b),) = run.results
        comparisons.append((a, b, run.elapsed_s))
    return comparisons


def _breaks(change: Estimate, *, higher_is_better: bool) -> bool:
    """Return whether a limit that equals the noise breaks, as one limit of a whole gate."""
    sign, limit = ("<", 1 - NOISE) if higher_is_better else (">", 1 + NOISE)
    beyond = change.high < limit if higher_is_better else change.low > limit
    return beyond and not may_be_chance(change, sign, limit, GATE)


# ---------------------------------------------------------------------------- gates


def gate_table(gates: int) -> bool:
    """Print how many gates of equal versions break.

    Only launches are simulated: whole runs take too long to simulate enough of them.
    """
    good = True
    for world in WORLDS[:3]:
        for launches in (6, 12, 24):
            random = _random(launches)
            effects = np.array([
                [world.launch_effect(random) for _ in range(2 * launches)] for _ in range(20_000)
            ])  # fmt: skip
            ratios = effects[:, :launches] - effects[:, launches:]
            ratios += random.normal(0, world.slice_scatter, ratios.shape)
            means, errors = ratios.mean(axis=1), ratios.std(axis=1, ddof=1) / sqrt(launches)
            is_beyond_noise = np.abs(means) - student(launches - 1) * errors > NOISE
            is_certain = np.abs(means) > student(launches - 1, 1 - 0.05 / GATE) * errors
            drawn = random.integers(0, len(means), (gates, GATE))
            separately, corrected = (
                float(breaks[drawn].any(axis=1).mean())
                for breaks in (is_beyond_noise, is_beyond_noise & is_certain)
            )
            print(
                f"{world.name}, {launches} launches: {separately:.1%} of the gates break if each "
                f"limit is judged separately, {corrected:.1%} as ovreport judges them",
                flush=True,
            )
            good &= corrected <= 0.05
    return good


# ---------------------------------------------------------------------------- launches

LAUNCHES = (2, 3, 5, 10, 20)
SLICES = (3, 7, 20)
EFFECTS = (0.0, 0.004, 0.008, 0.02)
NOISES = (0.005, 0.01, 0.03)
LEAST, MOST = 0.92, 0.99
_NORMAL = 1.96
# Four standard deviations of a coverage of 95 % in one trial; for n trials, divide by √n.
_FOUR = 4 * sqrt(0.05 * 0.95)


def launch_table(worlds: int) -> bool:
    """Print the coverage for each number of launches, over all conditions."""
    good = [_launches(launches, worlds, _random(launches)) for launches in LAUNCHES]
    return all(good)


def _launches(launches: int, worlds: int, random: np.random.Generator) -> bool:
    coverages, ratios, widths = [], [], []
    for slices, effect, noise in itertools.product(SLICES, EFFECTS, NOISES):
        series = random.normal(0, effect, (worlds, launches, 1))
        series = series + random.normal(0, noise, (worlds, launches, slices))
        errors = [between_launches(trial.mean(axis=1), [slices] * launches) for trial in series]
        half = np.array([error.half_width for error in errors])
        coverages.append(np.mean(np.abs(series.mean(axis=(1, 2))) <= half))
        paired = [mean_of_medians(list(trial)) for trial in series]
        ratios.append(np.mean([abs(mean) <= error.half_width for mean, error in paired if error]))
        widths.append(half.mean() / _NORMAL / sqrt((effect**2 + noise**2 / slices) / launches))
    print(
        f"{launches:2} launches: figures {min(coverages):.1%} to {max(coverages):.1%}, ratios "
        f"{min(ratios):.1%} to {max(ratios):.1%}, {np.mean(widths):.2f} times as wide",
        flush=True,
    )
    chance = _FOUR / sqrt(worlds)
    return all(LEAST - chance <= x <= MOST + chance for x in (*coverages, *ratios))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "which", nargs="?", choices=["figures", "held-out", "pairs", "gates", "launches"]
    )
    parser.add_argument("--cells", type=int, default=96)
    parser.add_argument("--pairs", type=int, default=30)
    parser.add_argument("--quick", action="store_true", help="12 cells, 8 pairs, 200 worlds")
    options = parser.parse_args()
    cells, pairs = (12, 8) if options.quick else (options.cells, options.pairs)
    tables: dict[str, Callable[[], bool]] = {
        "figures": lambda: figure_table(cells),
        "held-out": lambda: held_out_table(cells),
        "pairs": lambda: pair_table(pairs),
        "gates": lambda: gate_table(400 if options.quick else 2000),
        "launches": lambda: launch_table(200 if options.quick else 1000),
    }
    started = time.perf_counter()
    good = [table() for name, table in tables.items() if options.which in (None, name)]
    print(f"{time.perf_counter() - started:.0f} s")
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
