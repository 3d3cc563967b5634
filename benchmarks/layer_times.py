"""Compares layer times with benchmark_app's counters on this machine.

    python benchmarks/layer_times.py                 # SqueezeNet, ResNet-50 and DenseNet-121
    python benchmarks/layer_times.py model.xml …

Both tools measure in short turns, in alternating order, and each round gives a ratio, so a change
of the machine's speed affects both. The CPU plugin's counters, which benchmark_app prints, are
means over all inferences since compiling. ovreport computes single inferences from them and shows
their median. Their means are compared, too, because a disturbance of a few inferences changes a
mean, but not a median. Layers are paired by their position in both lists, because some names get a
new number in every process.

The script prints for each model: the medians of the sums over all rounds; the ratios of the sums,
ovreport's to benchmark_app's, of medians and of means, each as the median (least to most) of the
rounds; the correlation of the layers' times (Pearson) and of their ranks (Spearman).
"""

from __future__ import annotations

import csv
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from models import BENCHMARK_APP, light

from ovreport.pipeline import run
from ovreport.run import Profile

ROUNDS = 6
SECONDS = 1
LIGHT = ("squeezenet", "resnet50", "densenet121")

Times = dict[tuple[int, str], float]
"""Milliseconds by position in the list of counters and type; 0 for a layer that did not run."""


def main() -> None:
    models = [Path(argument) for argument in sys.argv[1:]] or [light(name) for name in LIGHT]
    print(
        "model        layers  benchmark_app   ovreport  ratio of medians    ratio of means      "
        "Pearson  Spearman"
    )
    for model in models:
        with tempfile.TemporaryDirectory() as name:
            rounds = [measure_round(model, Path(name), n) for n in range(ROUNDS)]
        print(row(model.stem, rounds), flush=True)


@dataclass(frozen=True)
class Round:
    """Layer times of one turn of each tool."""

    theirs: Times
    medians: Times
    means: Times

    def ratio(self, ours: Times) -> float:
        return sum(ours.values()) / sum(self.theirs.values())


def measure_round(model: Path, folder: Path, number: int) -> Round:
    """Measure with both tools; the order alternates from round to round."""
    if number % 2:
        profile = by_ovreport(model, folder)
        theirs = by_benchmark_app(model, folder)
    else:
        theirs = by_benchmark_app(model, folder)
        profile = by_ovreport(model, folder)
    return Round(theirs, layer_times(profile, np.median), layer_times(profile, np.mean))


def by_benchmark_app(model: Path, folder: Path) -> Times:
    """Return the layer times of a benchmark_app process."""
    call(
        *BENCHMARK_APP, "-m", str(model), "-d", "CPU", "-hint", "latency",
        "-ip", "f32",  # the default for images is u8, which adds a layer
        "-t", str(SECONDS), "-report_type", "detailed_counters", "-report_folder", str(folder),
        "-exec_graph_path", str(folder / "graph.xml"),
    )  # fmt: skip
    report = folder / "benchmark_detailed_counters_report.csv"
    with report.open(newline="", encoding="utf-8") as file:
        lines = [line for line in csv.reader(file, delimiter=";") if len(line) > 4]
    layers = [line for line in lines if line[1].startswith("Status.")]
    return {(n, line[2]): float(line[4]) for n, line in enumerate(layers)}


def by_ovreport(model: Path, folder: Path) -> Profile:
    """Return the profile of a run of ovreport."""
    target = folder / "run.jsonl"
    target.unlink(missing_ok=True)
    measured = run(
        {
            "model": [{"name": "model", "path": str(model)}],
            "matrix": {"hint": "latency"},
            "measure": {"duration": SECONDS / 2, "launches": 1, "roofs": False},
            "report": {"analyzers": ["summary"]},
        },
        folder / "report.html",
        run_file=target,
    )
    (result,) = measured.run.done
    if result.profile is None:
        raise SystemExit(f"{model}: ovreport could not profile it")
    return result.profile


def layer_times(profile: Profile, statistic: Callable[[Any], Any]) -> Times:
    return {
        (n, layer.type): float(statistic(layer.times_ns)) / 1e6 if len(layer.times_ns) else 0.0
        for n, layer in enumerate(profile.layers)
    }


def call(*command: str) -> None:
    """Run a command; end this script with the command's output if it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


def median_times(rounds: list[Times]) -> Times:
    """Return the median over rounds for each layer."""
    if any(times.keys() != rounds[0].keys() for times in rounds):
        raise SystemExit("the layers differ between rounds")
    return {key: float(np.median([times[key] for times in rounds])) for key in rounds[0]}


def row(name: str, rounds: list[Round]) -> str:
    """Return a model's row of the printed table."""
    theirs = median_times([r.theirs for r in rounds])
    ours = median_times([r.medians for r in rounds])
    if theirs.keys() != ours.keys():
        raise SystemExit(f"{name}: the two tools list different layers")
    executed = [key for key in theirs if theirs[key] or ours[key]]
    a, b = (np.array([times[key] for key in executed]) for times in (theirs, ours))
    ranks = (np.argsort(np.argsort(values)) for values in (a, b))
    return (
        f"{name.removeprefix('light_'):<12} {len(executed):>6} {a.sum():>11.2f} ms "
        f"{b.sum():>7.2f} ms  {spread([r.ratio(r.medians) for r in rounds])}  "
        f"{spread([r.ratio(r.means) for r in rounds])} "
        f"{np.corrcoef(a, b)[0, 1]:>8.4f} {np.corrcoef(list(ranks))[0, 1]:>9.4f}"
    )


def spread(ratios: list[float]) -> str:
    """Return the median, the least and the most: ``1.012 (0.984-1.031)``."""
    return f"{np.median(ratios):.3f} ({min(ratios):.3f}-{max(ratios):.3f})"


if __name__ == "__main__":
    main()
