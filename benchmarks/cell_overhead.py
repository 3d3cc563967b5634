"""Compares the overhead of a cell with the overhead of a benchmark_app process.

    python benchmarks/cell_overhead.py [--rounds 5] [--launches 3] [--quick] [MODEL…]

Overhead is the wall time without the time in which inferences are timed. For a cell, it is all that
its workers do outside timed slices: start, read, compile, first inference, calibration, profile and
graphs. For benchmark_app, with counters and a dump of the runtime graph, it is all but its measured
duration. The two take turns; the script prints the median ratio of the rounds and their range.
"""

from __future__ import annotations

import argparse
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from models import BENCHMARK_APP
from pairs import LIGHT, measured, planned

from ovreport.config.load import Source
from ovreport.config.schema import Measure
from ovreport.planning.planned_cell import PlannedCell

SECONDS = 2
RATIO = 1.0
MODELS = ["squeezenet", "resnet50"]


def cell_overhead_s(source: Source, cells: list[PlannedCell]) -> float:
    """Return the seconds of a cell outside its slices; the warm-up consists of slices, too."""
    started = time.perf_counter()
    results = measured(source, cells)
    wall = time.perf_counter() - started
    slices = (s for r in results for launch in r.launches for s in launch.slices)
    return wall - sum(s.wall_ns for s in slices) / 1e9


def benchmark_app_overhead_s(model: Path) -> float:
    """Return the seconds of a benchmark_app process outside the duration that it prints."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = [
            "-m", model, "-d", "CPU", "-hint", "latency", "-t", SECONDS, "-pc",
            "-report_type", "detailed_counters", "-report_folder", folder,
            "-exec_graph_path", f"{folder}/graph.xml",
        ]  # fmt: skip
        started = time.perf_counter()
        printed = subprocess.run(
            [*BENCHMARK_APP, *map(str, arguments)], capture_output=True, text=True, check=True
        ).stdout
        wall = time.perf_counter() - started
    duration = re.search(r"Duration:\s+([\d.]+) ms", printed)
    assert duration is not None, "benchmark_app prints its duration"
    return wall - float(duration[1]) / 1e3


def check(name: str, rounds: int, launches: int) -> bool:
    """Print the ratio of a model's overheads, and return whether it is within the limit."""
    values = {
        "model": [{"name": name, "path": LIGHT.format(name)}],
        "matrix": {"hint": "latency"},
        "measure": {"duration": SECONDS, "launches": launches},
    }
    ours, theirs = [], []
    with planned(values) as (source, cells):
        for _ in range(rounds):
            ours.append(cell_overhead_s(source, cells))
            theirs.append(benchmark_app_overhead_s(cells[0].model))
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
    ratio = statistics.median(ratios)
    print(
        f"{name}, {launches} launches: {ratio:.2f} (≤ {RATIO:.0f}; {min(ratios):.2f} to "
        f"{max(ratios):.2f}); {statistics.median(ours):.2f} s outside slices, benchmark_app "
        f"{statistics.median(theirs):.2f} s",
        flush=True,
    )
    return ratio <= RATIO


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", default=MODELS, help="networks of the onnx package")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--launches", type=int, default=Measure().launches, help="as `launches` of [measure]"
    )
    parser.add_argument("--quick", action="store_true", help="one model, two rounds")
    options = parser.parse_args()
    models, rounds = (options.models[:1], 2) if options.quick else (options.models, options.rounds)
    within_limit = [check(name, rounds, options.launches) for name in models]
    return 0 if all(within_limit) else 1


if __name__ == "__main__":
    sys.exit(main())
