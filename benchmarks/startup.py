"""Measures how long ``ovreport --help`` takes: the time before any command begins to work.

    python benchmarks/startup.py

Each of ten rounds starts bare Python and the program, one after the other. The script prints the
program's median, and its ratio to bare Python's, which a busy machine changes less.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

ROUNDS = 10
BUDGET_S = 0.3
_COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "ovreport --help": [sys.executable, "-m", "ovreport", "--help"],
}


def main() -> int:
    durations_s: dict[str, list[float]] = {name: [] for name in _COMMANDS}
    for _ in range(ROUNDS):
        for name, command in _COMMANDS.items():
            start = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            durations_s[name].append(time.perf_counter() - start)
    bare, program = (statistics.median(times) for times in durations_s.values())
    print(f"{program:.3f} s (≤ {BUDGET_S}), {program / bare:.1f} × bare Python")
    return 0 if program <= BUDGET_S else 1


if __name__ == "__main__":
    sys.exit(main())
