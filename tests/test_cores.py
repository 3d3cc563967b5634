"""Usable cores, and the load of other programs on them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import pytest

from ovreport.cores import allowed_count, allowed_cpus, cpu_seconds
from ovreport.measuring.background_load import LoadMeter
from ovreport.run import is_busy

# A process that may use one core sees this core, and the load of a spinning neighbour on it.
_PINNED = """
import json, os, subprocess, sys, time
from ovreport.cores import allowed_count, allowed_cpus, usable_cores
from ovreport.measuring.background_load import LoadMeter

cpu, spin = int(sys.argv[1]), int(sys.argv[2])
os.sched_setaffinity(0, {cpu})
idle = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
neighbour = subprocess.Popen(
    [sys.executable, "-c", f"import os\\nos.sched_setaffinity(0, {{{spin}}})\\nwhile True: pass"]
)
load = LoadMeter(idle.pid)
with load:
    time.sleep(0.5)
neighbour.kill()
idle.kill()
print(json.dumps([allowed_cpus(), allowed_count(), usable_cores(), load.cores]))
"""
pinnable = pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity") or len(os.sched_getaffinity(0)) < 2,
    reason="the system pins no processes, or there is one core",
)


def seen_from(cpu: int, spin: int) -> list[object]:
    command = [sys.executable, "-c", _PINNED, str(cpu), str(spin)]
    return list(json.loads(subprocess.run(command, check=True, capture_output=True).stdout))


@pinnable
def test_the_core_of_a_pinned_process_and_its_siblings_are_found() -> None:
    cpu = min(os.sched_getaffinity(0))
    allowed, count, usable, load = seen_from(cpu, cpu)
    assert (allowed, count) == ([cpu], 1)
    assert isinstance(usable, float | int)
    assert usable <= 1
    assert isinstance(load, float)
    assert is_busy(load)
    assert load < 1.1  # what the other cores do is not counted


def test_no_core_is_named_if_all_may_be_used() -> None:
    if len(allowed_cpus()) == 0:
        assert allowed_count() == os.cpu_count()


def test_load_excludes_the_worker_and_this_process() -> None:
    spinning = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    load = LoadMeter(spinning.pid)
    with load:
        before, started = cpu_seconds(), time.perf_counter()
        while time.perf_counter() < started + 0.5:
            pass
        elapsed = time.perf_counter() - started
        whole = (cpu_seconds() - before) / elapsed
    spinning.kill()
    assert load.cores is not None
    assert load.cores < whole


def test_load_is_unknown_before_the_first_slice() -> None:
    assert LoadMeter(os.getpid()).cores is None
    assert not is_busy(None)
