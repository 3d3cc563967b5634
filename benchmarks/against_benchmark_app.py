"""Compares throughput and median latency with benchmark_app's, for the same configurations.

    python benchmarks/against_benchmark_app.py [--rounds 8] [--seconds 2] [MODEL…]

Each round starts one process of each tool, in alternating order, and gives one ratio. The script
prints the median ratio and the quartiles of the rounds. benchmark_app runs unchanged, but its
figures are read before it rounds them. The worker is measured with the C API (``c``) and with the
Python API (``python``); both have to agree on models of 10 ms and more.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from models import light, mlp

from ovreport.measuring.worker_session import WorkerSession

PYTHON = Path(sys.executable)
WARM_UP_S = 0.3
MODELS = ["mlp", "squeezenet", "shufflenet", "resnet50"]

_UNROUNDED = """
import json, sys
from openvino.tools.benchmark import benchmark, main
loop = benchmark.Benchmark.main_loop
def print_figures(*arguments):
    figures = loop(*arguments)
    print("FIGURES", json.dumps(figures[:2]))
    return figures
benchmark.Benchmark.main_loop = print_figures
sys.argv[0] = "benchmark_app"
main.main()
"""


@dataclass(frozen=True)
class Figures:
    fps: float
    median_ms: float


def benchmark_app(model: Path, hint: str, seconds: float) -> Figures:
    """Measure a model with benchmark_app."""
    # benchmark_app takes whole seconds.
    arguments = ["-m", model, "-d", "CPU", "-hint", hint, "-t", max(1, round(seconds))]
    printed = subprocess.run(
        [PYTHON, "-c", _UNROUNDED, *map(str, arguments)], capture_output=True, text=True, check=True
    ).stdout
    line = next(line for line in printed.splitlines() if line.startswith("FIGURES"))
    return Figures(*json.loads(line.removeprefix("FIGURES")))


def by_worker(model: Path, hint: str, seconds: float, shape: list[int], api: str) -> Figures:
    """Measure a model with a worker of ovreport, by the C API or the Python API."""
    with tempfile.TemporaryDirectory() as folder, WorkerSession(PYTHON) as worker:
        inputs = Path(folder) / "inputs.npz"
        arrays: dict[str, Any] = {"0_0": np.random.default_rng(0).random(shape, dtype=np.float32)}
        np.savez(inputs, **arrays)
        worker.ask(
            "compile", 60, "load", path=str(model), device="CPU", shapes=[shape],
            inputs=str(inputs), properties={"PERFORMANCE_HINT": hint.upper()},
            requests=1 if hint == "latency" else None, api=api,
        )  # fmt: skip
        worker.ask("inference", 60, "slice", seconds=WARM_UP_S)
        answer = worker.ask("inference", 60, "slice", seconds=seconds)
    latencies = np.array(answer["latencies_ns"])
    return Figures(len(latencies) / answer["wall_ns"] * 1e9, float(np.median(latencies)) / 1e6)


def spread(values: list[float]) -> str:
    """Return the median and the quartiles: ``1.012 [0.984, 1.031]``."""
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
    return f"{middle:.3f} [{low:.3f}, {high:.3f}]"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("models", nargs="*", default=MODELS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for name in options.models:
            model = mlp(Path(folder)) if name == "mlp" else light(name)
            shape = [1, 64] if name == "mlp" else [1, 3, 224, 224]
            for hint in ("throughput", "latency"):
                compare(name, model, shape, hint, options.rounds, options.seconds)


def compare(
    name: str, model: Path, shape: list[int], hint: str, rounds: int, seconds: float
) -> None:
    """Measure one configuration with all contenders in turns, and print the ratios."""
    contenders = {
        "benchmark_app": lambda: benchmark_app(model, hint, seconds),
        "c": lambda: by_worker(model, hint, seconds, shape, "c"),
        "python": lambda: by_worker(model, hint, seconds, shape, "python"),
    }
    figures_by_contender: dict[str, list[Figures]] = {key: [] for key in contenders}
    for turn in range(rounds):
        for key in list(contenders) if turn % 2 else reversed(contenders):
            figures_by_contender[key].append(contenders[key]())
    app_figures = figures_by_contender.pop("benchmark_app")
    fps = np.median([figures.fps for figures in app_figures])
    latency = np.median([figures.median_ms for figures in app_figures])
    print(f"{name}, {hint} hint: benchmark_app {fps:,.1f} FPS, median {latency:.4f} ms")
    for key, figures in figures_by_contender.items():
        rate = spread([a.fps / b.fps for a, b in zip(figures, app_figures, strict=True)])
        time = spread(
            [a.median_ms / b.median_ms for a, b in zip(figures, app_figures, strict=True)]
        )
        print(f"  {key:7} throughput × {rate}   median latency × {time}", flush=True)
    apis = zip(figures_by_contender["python"], figures_by_contender["c"], strict=True)
    print(
        f"  python over c: median latency × {spread([p.median_ms / c.median_ms for p, c in apis])}"
    )


if __name__ == "__main__":
    main()
