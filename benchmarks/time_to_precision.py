"""Measures the time of a cell until its figures reach ±1 %, over benchmark_app's default of 60 s.

    python benchmarks/time_to_precision.py [--rounds 8] [--quick] [MODEL…]

The time is that of the whole cell, with all launches, warm-up and slices, until throughput and
median latency are both within the target. benchmark_app measures for 60 s by default and prints no
intervals. The script prints the median of the rounds and their range, and how many rounds reached
the target.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time

from pairs import LIGHT, measured, planned

from ovreport.computed.figures import figures

TARGET = 0.01
DEFAULT_S = 60
MOST_RATIO = 1 / 5
MODELS = ["squeezenet"]


def check(name: str, hint: str, rounds: int) -> bool:
    """Measure a model several times, and return whether the median time is within the limit."""
    values = {
        "model": [{"name": name, "path": LIGHT.format(name)}],
        "matrix": {"hint": hint},
        "measure": {"target": TARGET, "max_time": DEFAULT_S, "profile_iterations": 0},
    }
    durations_s, half_widths, reached = [], [], 0
    with planned(values) as (source, cells):
        for number in range(rounds):
            started = time.perf_counter()
            (result,) = measured(source, cells, seed=number)
            durations_s.append(time.perf_counter() - started)
            reached += result.stopped == "target"
            throughput = figures(result).throughput_fps
            half_widths.append((throughput.high - throughput.low) / 2 / throughput.point)
    ratios = [seconds / DEFAULT_S for seconds in durations_s]
    ratio = statistics.median(ratios)
    print(
        f"{name}, {hint} hint: {ratio:.2f} of {DEFAULT_S} s (≤ {MOST_RATIO:.2f}; "
        f"{min(ratios):.2f} to {max(ratios):.2f}); {reached} of {rounds} reached ±{TARGET:.0%}; "
        f"half-width of throughput ±{statistics.median(half_widths):.1%}",
        flush=True,
    )
    return ratio <= MOST_RATIO


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", default=MODELS, help="networks of the onnx package")
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--quick", action="store_true", help="two rounds")
    options = parser.parse_args()
    rounds = 2 if options.quick else options.rounds
    within_limit = [
        check(m, hint, rounds) for m in options.models for hint in ("latency", "throughput")
    ]
    return 0 if all(within_limit) else 1


if __name__ == "__main__":
    sys.exit(main())
