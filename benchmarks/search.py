"""Compares a search with the whole grid of streams and batches: the best cell, and the time.

    python benchmarks/search.py [--seconds 1] [--quick] [MODEL…]

The search and the grid run one after the other, as with ``ovreport run``, and are timed from plan
to report. The best cells of both are then measured again, in turns, because the best of 36 noisy
figures looks better than it is; the printed ratio is that of this comparison. A device uses no more
streams than it has cores, so on a small machine some rows of the grid are the same configuration.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from pairs import LIGHT, measured, planned

from ovreport.computed.figures import figures
from ovreport.computed.ratio import ratio
from ovreport.pipeline import run
from ovreport.run import Cell, Run

STREAMS, BATCHES = [1, 2, 3, 4, 5, 6], [1, 2, 4, 8, 16, 32]
QUICK_STREAMS, QUICK_BATCHES = [1, 2, 3], [1, 2, 4, 8]
MODELS = ["squeezenet", "inception_v2"]
MOST_LOSS, MOST_TIME = 0.02, 1 / 3


def timed(folder: Path, values: dict[str, Any], search: bool) -> tuple[Run, float]:
    """Measure a config, and return the seconds that it takes."""
    started = time.perf_counter()
    measured = run(values, folder / f"{search}.html", settings={"matrix": {"search": search}})
    return measured.run, time.perf_counter() - started


def best(run: Run) -> Cell:
    """Return the cell with the highest throughput."""
    return max(run.done, key=lambda result: figures(result).throughput_fps.point).cell


def throughput_ratio(path: str, cells: list[Cell], seconds: float) -> tuple[float, str]:
    """Measure two cells in turns; return the second's throughput over the first's, and a text."""
    if cells[0] == cells[1]:
        return 1.0, "1 (the same configuration)"
    values = {
        "model": [{"name": cells[0].model, "path": path}],
        "matrix": {
            # The matrix itself is excluded, so that only the two included cells are measured.
            "hint": "cumulative_throughput",
            "exclude": [{"hint": "cumulative_throughput"}],
            "include": [
                {"hint": cell.hint, "streams": cell.streams, "batch": cell.batch} for cell in cells
            ],
        },
        "measure": {
            "interleave": "model", "duration": 6 * seconds, "launches": 3, "profile_iterations": 0,
        },
    }  # fmt: skip
    with planned(values) as (source, plan):
        results = {r.cell: r for r in measured(source, plan)}
    change = ratio(results[cells[0]], results[cells[1]], "throughput")
    assert change is not None
    return change.point, f"{change.point:.3f} ({change.low:.3f} to {change.high:.3f})"


def cell_text(cell: Cell) -> str:
    return f"{cell.streams} streams, batch {cell.batch or 'of the model'}"


def check(name: str, seconds: float, streams: list[int], batches: list[int]) -> bool:
    """Search and measure the grid of one model, and return whether both limits are met."""
    path = LIGHT.format(name)
    values = {
        "model": [{"name": name, "path": path}],
        "matrix": {"hint": "throughput", "streams": streams, "batch": batches},
        "measure": {"duration": seconds, "launches": 1, "profile_iterations": 0},
        "report": {"analyzers": ["summary"]},
    }
    with tempfile.TemporaryDirectory() as folder:
        searched, search_s = timed(Path(folder), values, search=True)
        whole, whole_s = timed(Path(folder), values, search=False)
    search_best, grid_best = best(searched), best(whole)
    share, ratio_text = throughput_ratio(path, [grid_best, search_best], seconds)
    print(
        f"{name}: search {cell_text(search_best)}, grid {cell_text(grid_best)}; search over grid "
        f"{ratio_text} (≥ {1 - MOST_LOSS:.2f}); {len(searched.done)} of {len(whole.done)} cells, "
        f"{search_s:.0f} of {whole_s:.0f} s: {search_s / whole_s:.2f} (≤ {MOST_TIME:.2f})",
        flush=True,
    )
    return share >= 1 - MOST_LOSS and search_s / whole_s <= MOST_TIME


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", default=MODELS, help="networks of the onnx package")
    parser.add_argument("--seconds", type=float, default=1, help="measured time of each cell")
    parser.add_argument("--quick", action="store_true", help="one model, a grid of 3 × 4")
    options = parser.parse_args()
    if options.quick:
        return 0 if check(options.models[0], 0.3, QUICK_STREAMS, QUICK_BATCHES) else 1
    within_limits = [check(name, options.seconds, STREAMS, BATCHES) for name in options.models]
    return 0 if all(within_limits) else 1


if __name__ == "__main__":
    sys.exit(main())
