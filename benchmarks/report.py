"""How large a report is, how long rendering it takes, and how soon a reader can use it.

    python benchmarks/report.py            # all three sizes; needs chromium and chromedriver
    python benchmarks/report.py small      # one of small, large, matrix

The runs are synthetic: graphs of convolutional blocks with residual branches, as many constants and
attributes as OpenVINO gives them, and a fixed seed. Rendering is timed from outside, with the real
command line and Python's start in it. Chromium opens the page three times; interactive is when the
scripts have run, the first picture is painted and the page answers again.
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
# From an action until the frame that shows it.
_USE = """
const done = arguments[0];
const rows = (table) => table.tBodies[0].rows.length;
const timed = [...document.querySelectorAll("main table")].filter((table) =>
  table.tHead.querySelector("th[data-key=time]") && table.querySelector("input[type=search]"));
const table = timed.reduce((a, b) => (rows(a) < rows(b) ? b : a));
const frame = () => new Promise((go) => requestAnimationFrame(() => setTimeout(go)));
const input = table.querySelector("input[type=search]");
const filter = (words) => { input.value = words; input.dispatchEvent(new Event("input")); };
const time = table.tHead.querySelector("th[data-key=time]");
const actions = {
  sort: () => time.querySelector("button").click(),
  filter: () => filter("type: conv; time > 0.05; -kernel: 1x1"),
  "show all": () => filter(""),
  "hide a column": () => table.querySelector(".columns input:checked").click(),
};
(async () => {
  table.scrollIntoView();
  await new Promise((go) => setTimeout(go, 1000));
  const times = {};
  for (const [name, act] of Object.entries(actions)) {
    for (let n = 0; n < 3; n++) await frame();
    const start = performance.now();
    act();
    await frame();
    times[name] = performance.now() - start;
    await new Promise((go) => setTimeout(go, 500));
  }
  return times;
})().then(done, (error) => done(String(error)));
"""


@dataclass(frozen=True)
class Case:
    """A size of run and what its report may cost."""

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
    """Seconds of ``ovreport render``, from the start of its process to its end."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "ovreport", "render", str(run_file), "-o", str(report)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def browsed_s(report: Path, profile: Path) -> tuple[float, dict[str, float]]:
    """Seconds until the page is painted and idle, the best of three; and of using a long table."""
    with chromium(profile) as driver:
        driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": _READY})
        seen = []
        for _ in range(REPEATS):
            driver.get("about:blank")
            driver.get(report.as_uri())
            while (milliseconds := driver.execute_script("return window.interactiveMs")) is None:
                time.sleep(0.02)
            seen.append(milliseconds / 1e3)
        used = driver.execute_async_script(_USE)
    if isinstance(used, str):
        raise RuntimeError(f"{report}: {used}")
    return min(seen), {what: milliseconds / 1e3 for what, milliseconds in used.items()}


def measure(name: str, case: Case, folder: Path) -> bool:
    """Prints one line of figures against budgets; whether all are met."""
    run_file, report = folder / f"{name}.jsonl", folder / f"{name}.html"
    run = run_of(case.layers, case.cells, np.random.default_rng(0))
    with RunFile(run_file) as file:
        file.begin(run.header)
        for result in run.results:
            file.result(result, run.graphs.values())
    rendered = statistics.median(render_s(run_file, report) for _ in range(REPEATS))
    megabytes = report.stat().st_size / 1e6
    interactive, used = browsed_s(report, folder / f"profile-{name}")
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
    actions = ", ".join(f"{what} {seconds:.2f} s" for what, seconds in used.items())
    print(f"{'':7} its longest table: {actions}")
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
