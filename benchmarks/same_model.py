"""Measures how often comparisons find a real difference, and how often they give false alarms.

    python benchmarks/same_model.py [--comparisons 40] [--quick] [aa | ab]

A/A: SqueezeNet as two versions of the same file; every verdict but "same" and "inconclusive" is a
false alarm. A/B: a chain of 100 equal convolutions is compared with one of 103, which is 3 % more
work by construction; every verdict but "slower" is a miss. With all launches, an A/A comparison
takes 15 s at most, an A/B comparison 30 s. Each comparison starts new worker processes and measures
as ``ovreport run`` does; its verdict is that of the report.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
import openvino as ov
from openvino import opset13 as op
from pairs import LIGHT, measured, planned

from ovreport.computed.ratio import ratio, verdict
from ovreport.config.schema import Compare

LAYERS, EXTRA = 100, 3
MOST_FALSE_ALARMS, LEAST_POWER = 0.05, 0.90
# Most seconds of measuring a cell; a comparison has two cells, and starts their launches.
SAME_S, DIFFERENT_S = 4.5, 9.0
_CHANNELS, _SIZE = 64, 14


def chain(path: Path, layers: int) -> Path:
    """Save a chain of 3 × 3 convolutions of the same size, with different weights."""
    random = np.random.default_rng(0)
    x = op.parameter([1, _CHANNELS, _SIZE, _SIZE], np.float32, name="x")
    y = x
    for _ in range(layers):
        # Scaled so that values neither grow nor vanish: denormal numbers would be slow.
        weights = random.standard_normal((_CHANNELS, _CHANNELS, 3, 3), dtype=np.float32)
        weights *= np.sqrt(2 / (9 * _CHANNELS), dtype=np.float32)
        y = op.relu(op.convolution(y, op.constant(weights), [1, 1], [1, 1], [1, 1], [1, 1]))
    ov.save_model(ov.Model([y], [x], "chain"), path, compress_to_fp16=False)
    return path


def compare(name: str, paths: tuple[str, str], comparisons: int, seconds: float) -> Counter[str]:
    """Repeat a comparison, and print the verdicts and the spread of the ratios."""
    values = {
        "model": [
            {"name": name, "version": version, "path": path}
            for version, path in zip(("a", "b"), paths, strict=True)
        ],
        "matrix": {"hint": "latency"},
        "measure": {
            "min_time": seconds / 2, "max_time": seconds, "profile_iterations": 0,
        },
    }  # fmt: skip
    verdicts: Counter[str] = Counter()
    ratios, durations_s = [], []
    with planned(values) as (source, cells):
        for number in range(comparisons):
            started = time.perf_counter()
            a, b = measured(source, cells, seed=number)
            durations_s.append(time.perf_counter() - started)
            change = ratio(a, b, "throughput")
            assert change is not None
            ratios.append(change.point)
            verdicts[verdict(change, Compare().noise, higher_is_better=True)] += 1
    print(
        f"{name}: {dict(verdicts)}; ratio {np.mean(ratios):.4f}, standard deviation "
        f"{np.std(ratios):.4f}, {min(ratios):.4f} to {max(ratios):.4f}; "
        f"{np.median(durations_s):.1f} s a comparison, {max(durations_s):.1f} s at most",
        flush=True,
    )
    return verdicts


def same(comparisons: int) -> bool:
    """Compare equal versions, and return whether false alarms are rare enough."""
    path = LIGHT.format("squeezenet")
    verdicts = compare("A/A, SqueezeNet", (path, path), comparisons, SAME_S)
    alarms = (verdicts["faster"] + verdicts["slower"]) / comparisons
    print(f"A/A: {alarms:.1%} false alarms (≤ {MOST_FALSE_ALARMS:.0%})")
    return alarms <= MOST_FALSE_ALARMS


def different(comparisons: int) -> bool:
    """Compare versions that differ by 3 %, and return whether this is found often enough."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [str(chain(Path(folder) / f"{n}.xml", n)) for n in (LAYERS, LAYERS + EXTRA)]
        verdicts = compare("A/B, 3 % more work", (paths[0], paths[1]), comparisons, DIFFERENT_S)
    power = verdicts["slower"] / comparisons
    print(f"A/B: {power:.1%} found (≥ {LEAST_POWER:.0%})")
    return power >= LEAST_POWER


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("which", nargs="?", choices=["aa", "ab"])
    parser.add_argument("--comparisons", type=int, default=40)
    parser.add_argument("--quick", action="store_true", help="4 comparisons of each")
    options = parser.parse_args()
    comparisons = 4 if options.quick else options.comparisons
    good = True
    if options.which != "ab":
        good &= same(comparisons)
    if options.which != "aa":
        good &= different(comparisons)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
