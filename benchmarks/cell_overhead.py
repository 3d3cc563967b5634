"""What a cell costs beside its timed slices, over what a benchmark_app process costs.

    python benchmarks/cell_overhead.py [--rounds 5] [--launches 3] [--quick] [MODEL…]

The cost is wall time less the time in which inferences are timed: for a cell, all that its workers
do beside slices (start, read, compile, first inference, calibration, profile, graphs); for
benchmark_app, with counters and a dump of the runtime graph, all beside its measured duration.
Printed are the median ratio of the rounds and their range; the two take turns.
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


def of_a_cell(source: Source, cells: list[PlannedCell]) -> float:
    """Seconds of a cell outside its slices, those of the warm-up being slices too."""
    started = time.perf_counter()
    results = measured(source, cells)
    wall = time.perf_counter() - started
    slices = (s for r in results for launch in r.launches for s in launch.slices)
    return wall - sum(s.wall_ns for s in slices) / 1e9


def of_benchmark_app(model: Path) -> float:
    """Seconds of a process outside the duration that it tells."""
    with tempfile.TemporaryDirectory() as folder:
        words = [
            "-m", model, "-d", "CPU", "-hint", "latency", "-t", SECONDS, "-pc",
            "-report_type", "detailed_counters", "-report_folder", folder,
            "-exec_graph_path", f"{folder}/graph.xml",
        ]  # fmt: skip
        started = time.perf_counter()
        printed = subprocess.run(
            [*BENCHMARK_APP, *map(str, words)], capture_output=True, text=True, check=True
        ).stdout
        wall = time.perf_counter() - started
    told = re.search(r"Duration:\s+([\d.]+) ms", printed)
    assert told is not None, "benchmark_app tells its duration"
    return wall - float(told[1]) / 1e3


def check(name: str, rounds: int, launches: int) -> bool:
    values = {
        "model": [{"name": name, "path": LIGHT.format(name)}],
        "matrix": {"hint": "latency"},
        "measure": {"duration": SECONDS, "launches": launches},
    }
    ours, theirs = [], []
    with planned(values) as (source, cells):
        for _ in range(rounds):
            ours.append(of_a_cell(source, cells))
            theirs.append(of_benchmark_app(cells[0].model))
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
    ratio = statistics.median(ratios)
    print(
        f"{name}, {launches} launches: {ratio:.2f} (≤ {RATIO:.0f}; {min(ratios):.2f} to "
        f"{max(ratios):.2f}); {statistics.median(ours):.2f} s beside slices, benchmark_app "
        f"{statistics.median(theirs):.2f} s",
        flush=True,
    )
    return ratio <= RATIO


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", default=MODELS, help="of the onnx package")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--launches", type=int, default=Measure().launches, help="as `measure.launches`"
    )
    parser.add_argument("--quick", action="store_true", help="one model, two rounds")
    options = parser.parse_args()
    models, rounds = (options.models[:1], 2) if options.quick else (options.models, options.rounds)
    found = [check(name, rounds, options.launches) for name in models]
    return 0 if all(found) else 1


if __name__ == "__main__":
    sys.exit(main())
