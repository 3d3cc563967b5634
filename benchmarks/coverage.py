"""Do intervals hold the truth as often as they say, and are verdicts right?

    python benchmarks/coverage.py [--cells 96] [--pairs 30] [--quick] [TABLE]

No model is run: launches, slices and requests are drawn at random about a known speed, on machines
whose speed changes in ways that real ones do (``worlds.py``), and measured by the program's own
rules. Printed are

- *figures*: how often the interval of a cell holds what the machine gives on the whole, for cells
  of a matrix of twelve, which go round in passes, and for a cell alone, whose launches lie within
  seconds of one another;
- *held-out*: the same for single cells, in further worlds;
- *pairs*: what becomes of comparisons of two equal versions, and of one that is 3 % slower;
- *gates*: how many gates of 50 cells and 4 limits break although the versions are equal;
- *launches*: the interval of few launches by itself, over how launches and slices scatter.
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
# A run of two minutes cannot show changes once a minute, and ten seconds do not show each drift.
LEAST_FIGURE, LEAST_RATIO, FOUND = 0.90, 0.94, 0.90
_SLOW = "two speeds, 7 % apart, 60 s each"
UNKNOWABLE = {MATRIX: {_SLOW}, 1: {_SLOW, "drift of 5 % in 30 s"}}
# Standard deviations by which chance may part a share from what it should be.
_CHANCE = 2.0


def _random(*key: int) -> np.random.Generator:
    return np.random.default_rng([1, *key])


# ---------------------------------------------------------------------------- figures


def figure_table(cells: int) -> bool:
    """Prints how often intervals of figures hold the truth, in each world."""
    print("world | cells | throughput | median | p95 | p99 | ± | seconds a cell")
    good = True
    for number, world in enumerate(WORLDS):
        for groups in (MATRIX, 1):
            held = _figures(number, world, groups, max(1, cells // groups))
            good &= held or world.name in UNKNOWABLE[groups]
    return good


def held_out_table(cells: int) -> bool:
    """Prints the same for single cells, in further worlds.

    Some change too slowly for a run of seconds, so that no coverage is demanded.
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
    found = [figures(result) for run in runs for (result,) in run.results]
    covered: dict[str, list[bool]] = {name: [] for name in JUDGED}
    for known in found:
        latency = known.latency
        for name, estimate in (
            ("throughput", known.throughput_fps), ("median", latency.median),
            ("p95", latency.p95), ("p99", latency.p99),
        ):  # fmt: skip
            if estimate is not None:
                covered[name].append(estimate.low <= right[name] <= estimate.high)
    width = np.median([known.throughput_fps.relative_half_width for known in found])
    shares = [_share(held) for held in covered.values()]
    print(
        f"{world.name} | {groups} | {' | '.join(shares)} | ±{width:.1%} | {elapsed / groups:.0f}",
        flush=True,
    )
    return all(
        np.mean(held) >= LEAST_FIGURE - _CHANCE * sqrt(0.09 / len(held))
        for name, held in covered.items()
        if name in ("throughput", "median")
    )


def _share(held: list[bool]) -> str:
    return f"{np.mean(held):.0%}" if held else "–"


# ---------------------------------------------------------------------------- pairs


def pair_table(pairs: int) -> bool:
    """Prints what becomes of comparisons, in each world."""
    print(
        "world | same | slower or faster | p95 same | ratios held | limits broken | found | seconds"
    )
    good = [_pairs(number, world, pairs) for number, world in enumerate(WORLDS)]
    return all(good)


def _pairs(number: int, world: World, pairs: int) -> bool:
    verdicts: dict[Figure, Counter[str]] = {figure: Counter() for figure in JUDGED}
    held: list[bool] = []
    broken, seconds = 0, []
    for a, b, elapsed in _compared(number, world, pairs, 0.0):
        seconds.append(elapsed)
        for figure in JUDGED:
            change = ratio(a, b, figure)
            if change is None:
                continue
            held.append(change.low <= 1 <= change.high)
            verdicts[figure][verdict(change, NOISE, higher_is_better=False)] += 1
            broken += _breaks(change, higher_is_better=figure == "throughput")
    slower = Counter[str]()
    for a, b, _ in _compared(number, world, pairs // 2, SLOWER):
        change = ratio(a, b, "throughput")
        assert change is not None
        slower[verdict(change, NOISE, higher_is_better=True)] += 1
    whole = verdicts["throughput"]
    different = sum(v["faster"] + v["slower"] for v in verdicts.values())
    found = slower["slower"] / slower.total()
    print(
        f"{world.name} | {whole['same'] / whole.total():.0%} | {different} of {len(held)} | "
        f"{verdicts['p95']['same'] / max(1, verdicts['p95'].total()):.0%} | {_share(held)} | "
        f"{broken} of {len(held)} | {found:.0%} | {np.median(seconds):.0f}",
        flush=True,
    )
    return not broken and float(np.mean(held)) >= LEAST_RATIO - _CHANCE * sqrt(0.06 / len(held))


def _compared(
    number: int, world: World, pairs: int, slower: float
) -> list[tuple[CellResult, CellResult, float]]:
    random = _random(number, 2, int(slower > 0))
    found = []
    for _ in range(pairs):
        run = measured(world, random, groups=1, speeds=(1.0, 1 - slower))
        ((a, b),) = run.results
        found.append((a, b, run.elapsed_s))
    return found


def _breaks(change: Estimate, *, higher_is_better: bool) -> bool:
    """Whether a limit at the noise itself, one of a whole gate's, breaks."""
    sign, limit = ("<", 1 - NOISE) if higher_is_better else (">", 1 + NOISE)
    beyond = change.high < limit if higher_is_better else change.low > limit
    return beyond and not may_be_chance(change, sign, limit, GATE)


# ---------------------------------------------------------------------------- gates


def gate_table(gates: int) -> bool:
    """Prints how many gates of equal versions break, by launches alone: too few whole runs can be
    simulated to see that."""
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
            beyond = np.abs(means) - student(launches - 1) * errors > NOISE
            sure = np.abs(means) > student(launches - 1, 1 - 0.05 / GATE) * errors
            drawn = random.integers(0, len(means), (gates, GATE))
            alone, together = (float(x[drawn].any(axis=1).mean()) for x in (beyond, beyond & sure))
            print(
                f"{world.name}, {launches} launches: {alone:.1%} of the gates break if each limit "
                f"is judged alone, {together:.1%} as they are judged",
                flush=True,
            )
            good &= together <= 0.05
    return good


# ---------------------------------------------------------------------------- launches

LAUNCHES = (2, 3, 5, 10, 20)
SLICES = (3, 7, 20)
EFFECTS = (0.0, 0.004, 0.008, 0.02)
NOISES = (0.005, 0.01, 0.03)
LEAST, MOST = 0.92, 0.99
_NORMAL = 1.96
# Four standard deviations of a coverage over one world; of n worlds it is √n times less.
_FOUR = 4 * sqrt(0.05 * 0.95)


def launch_table(worlds: int) -> bool:
    """Prints the coverage of so many launches over all conditions."""
    good = [_launches(launches, worlds, _random(launches)) for launches in LAUNCHES]
    return all(good)


def _launches(launches: int, worlds: int, random: np.random.Generator) -> bool:
    held, ratios, widths = [], [], []
    for slices, effect, noise in itertools.product(SLICES, EFFECTS, NOISES):
        series = random.normal(0, effect, (worlds, launches, 1))
        series = series + random.normal(0, noise, (worlds, launches, slices))
        errors = [between_launches(one.mean(axis=1), [slices] * launches) for one in series]
        half = np.array([error.half_width for error in errors])
        held.append(np.mean(np.abs(series.mean(axis=(1, 2))) <= half))
        paired = [mean_of_medians(list(one)) for one in series]
        ratios.append(np.mean([abs(at) <= error.half_width for at, error in paired if error]))
        widths.append(half.mean() / _NORMAL / sqrt((effect**2 + noise**2 / slices) / launches))
    print(
        f"{launches:2} launches: figures {min(held):.1%} to {max(held):.1%}, ratios "
        f"{min(ratios):.1%} to {max(ratios):.1%}, {np.mean(widths):.2f} times as wide",
        flush=True,
    )
    chance = _FOUR / sqrt(worlds)
    return all(LEAST - chance <= x <= MOST + chance for x in (*held, *ratios))


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
