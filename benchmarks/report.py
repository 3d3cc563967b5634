"""Measures the size of reports, the time to render them, and the time until a page is usable.

    python benchmarks/report.py            # all three cases; needs chromium and chromedriver
    python benchmarks/report.py small      # one of small, large, matrix

The runs are synthetic, with a fixed seed: graphs of convolutional blocks with residual branches,
with as many constants and attributes as OpenVINO gives them. Rendering is the wall time of the
command ``ovreport render``, with the start of Python. Chromium opens the page three times; a page
is interactive when its scripts have run, the first frame is painted and the page responds again.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from synthetic import run_of

from ovreport.runfile import RunFile

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from browser import chromium

REPEATS = 3
_READY = """
addEventListener("load", () => requestAnimationFrame(() => setTimeout(() => {
  window.interactiveMs = performance.now();
})));
"""
# Times each action on the longest table of layers, from the action to the frame that shows it.
_USE = """
const done = arguments[0];
const rows = (table) => table.tBodies[0].rows.length;
const timed = [...document.querySelectorAll("main table")].filter((table) =>
  table.tHead.querySelector("th[data-key=time]") && table.querySelector("input[type=search]"));
const table = timed.reduce((a, b) => (rows(a) < rows(b) ? b : a));
const frame = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
const input = table.querySelector("input[type=search]");
const filter = (text) => { input.value = text; input.dispatchEvent(new Event("input")); };
const time = table.tHead.querySelector("th[data-key=time]");
const actions = {
  sort: () => time.querySelector("button").click(),
  filter: () => filter("type: conv; time > 0.05; -kernel: 1x1"),
  "show all": () => filter(""),
  "hide a column": () => table.querySelector(".columns input:checked").click(),
};
(async () => {
  table.scrollIntoView();
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const times = {};
  for (const [name, act] of Object.entries(actions)) {
    for (let n = 0; n < 3; n++) await frame();
    const start = performance.now();
    act();
    await frame();
    times[name] = performance.now() - start;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  return times;
})().then(done, (error) => done(String(error)));
"""


@dataclass(frozen=True)
class Case:
    """The size of a run, and the limits of its report."""

    layers: int
    cells: int
    megabytes: float
    render_s: float
    interactive_s: float | None


CASES = {
    "small": Case(500, 4, 1.0, 2.0, 0.5),
    "large": Case(5000, 4, 6.0, 5.0, 2.0),
    "matrix": Case(500, 50, 6.0, 8.0, None),
}


def render_s(run_file: Path, report: Path) -> float:
    """Return the wall time of ``ovreport render`` in seconds."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "ovreport", "render", str(run_file), "-o", str(report)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def browser_times_s(report: Path, profile: Path) -> tuple[float, dict[str, float]]:
    """Return the seconds until the page is interactive, and those of actions on a long table.

    The first is the best of three.

    Args:
        report: the page.
        profile: folder of the browser's profile.
    """
    with chromium(profile) as driver:
        driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": _READY})
        interactive_s = []
        for _ in range(REPEATS):
            driver.get("about:blank")
            driver.get(report.as_uri())
            while (milliseconds := driver.execute_script("return window.interactiveMs")) is None:
                time.sleep(0.02)
            interactive_s.append(milliseconds / 1e3)
        action_times = driver.execute_async_script(_USE)
    if isinstance(action_times, str):
        raise RuntimeError(f"{report}: {action_times}")
    return min(interactive_s), {
        action: milliseconds / 1e3 for action, milliseconds in action_times.items()
    }


def measure(name: str, case: Case, folder: Path) -> bool:
    """Print figures and their budgets, and return whether all budgets are met."""
    run_file, report = folder / f"{name}.jsonl", folder / f"{name}.html"
    run = run_of(case.layers, case.cells, np.random.default_rng(0))
    with RunFile(run_file) as file:
        file.begin(run.header)
        for result in run.results:
            file.result(result, run.graphs.values())
    rendered = statistics.median(render_s(run_file, report) for _ in range(REPEATS))
    megabytes = report.stat().st_size / 1e6
    interactive, action_times = browser_times_s(report, folder / f"profile-{name}")
    figures = [(megabytes, case.megabytes), (rendered, case.render_s)]
    figures += [(interactive, case.interactive_s)] if case.interactive_s else []
    met = all(value <= budget for value, budget in figures)
    within = f"≤ {case.interactive_s}" if case.interactive_s else "no budget"
    print(
        f"{name:7} {case.layers:5} layers × {case.cells:2} cells: "
        f"{megabytes:5.2f} MB (≤ {case.megabytes}), rendered in {rendered:5.2f} s "
        f"(≤ {case.render_s}), interactive in {interactive:5.2f} s ({within})"
        f"{'' if met else '  OVER BUDGET'}"
    )
    actions = ", ".join(f"{action} {seconds:.2f} s" for action, seconds in action_times.items())
    print(f"{'':7} longest table: {actions}")
    return met


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("cases", nargs="*", choices=[*CASES, []], default=[])
    parser.add_argument("--keep", type=Path, help="leave run files and reports in this folder")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(exist_ok=True)
        met = [measure(name, CASES[name], folder) for name in options.cases or CASES]
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
