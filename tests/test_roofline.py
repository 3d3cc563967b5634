"""What a device can reach is measured once and stored, and layers are compared with it."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from builders import measured, node, quiet, timed
from conftest import ovreport

from ovreport.computed.layers import executed_layers
from ovreport.computed.roofline import Efficiency, efficiency
from ovreport.config.schema import Measure
from ovreport.measuring.roofs import measure_roof, missing_roofs
from ovreport.measuring.worker.roofs import _difference
from ovreport.run import CellResult, Conditions, Node, Resolved, Roof, Run
from ovreport.runfile import read_run

PYTHON = Path(sys.executable)


# A device of 1 GFLOP/s in f32 and 4 Gop/s in i8, 1 GB/s from memory and 10 GB/s from 1 kB of cache.
ROOF = Roof(
    conditions=Conditions(environment="", runtime="default", device="CPU", threads=None),
    operations={"f32": 1e9, "i8": 4e9},
    memory_bandwidth=1e9,
    cache_bandwidth=1e10,
    cache_bytes=1000,
)


def conditions(device: str) -> Conditions:
    return Conditions(environment="", runtime="default", device=device, threads=1)


# ---------------------------------------------------------------------------- measuring


@pytest.mark.parametrize(
    ("large_s", "bandwidth"), [(2e-3, 1e9), (1.02e-3, None), (1e-3, None), (0.9e-3, None)]
)
def test_a_cache_without_a_difference_between_two_sizes_has_no_bandwidth(
    large_s: float, bandwidth: float | None
) -> None:
    timed: list[Any] = [
        SimpleNamespace(what="small", amount=1e6, seconds=1e-3),
        SimpleNamespace(what="large", amount=2e6, seconds=large_s),
    ]
    assert _difference(timed) == (pytest.approx(bandwidth) if bandwidth else None)


def fastest_s(work: Callable[[], object]) -> float:
    """Return the seconds of the fastest of several turns."""
    seconds = []
    for _ in range(9):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def test_a_real_device_is_within_a_factor_of_numpy(run: Run) -> None:
    """The comparison with another implementation of the same work checks the units."""
    matrix = np.ones((1024, 1024), np.float32)
    source = np.ones(1 << 25, np.float32)
    target = source.copy()
    (roof,) = run.roofs
    assert roof.failure == ""
    products = 2 * 1024**3 / fastest_s(lambda: matrix @ matrix)
    copied = 2 * source.nbytes / fastest_s(lambda: np.copyto(target, source))
    assert 0.05 < roof.operations["f32"] / products < 20
    assert 0.05 < roof.memory_bandwidth / copied < 20
    assert roof.conditions.device == "CPU"


def test_every_cell_has_the_roof_of_its_conditions(run: Run) -> None:
    latency = next(r for r in run.done if r.cell.hint == "latency")
    assert run.roof(latency) == run.roofs[0]
    assert missing_roofs(quiet(run)) == ()
    assert missing_roofs(replace(run, roofs=())) == (run.conditions(latency),)
    failed = run.roofs[0].model_copy(update={"failure": "no"})
    assert missing_roofs(replace(run, roofs=(failed,))) == (run.conditions(latency),)


def test_combined_devices_have_no_roof(run: Run) -> None:
    result = run.done[0]
    assert result.resolved is not None
    both = result.resolved.model_copy(update={"execution_devices": ("CPU", "GPU")})
    assert run.conditions(result.model_copy(update={"resolved": both})) is None


def test_threads_are_those_of_one_stream(run: Run) -> None:
    result = run.done[0]
    assert result.resolved is not None
    many = result.resolved.model_copy(update={"threads": 8, "streams": 4})
    found = run.conditions(result.model_copy(update={"resolved": many}))
    assert found is not None
    assert found.threads == 2


def _quiet_roof(line: str) -> str:
    kind = '"kind":"roof"'
    return re.sub(r'"other_load":[\d.]+', '"other_load":0.0', line) if kind in line else line


def test_resuming_measures_no_roof_again(report: Path, tmp_path: Path) -> None:
    config = report.with_name("config.toml")
    kept = tmp_path / "kept.jsonl"
    lines = report.with_suffix(".jsonl").read_text().splitlines(keepends=True)
    # As if on a quiet machine: disturbed roofs are measured again.
    kept.write_text("".join(map(_quiet_roof, lines)))
    kept_roofs = read_run(kept).roofs
    done = ovreport("run", config, "--resume", kept, "-o", tmp_path / "report.html")
    assert done.exit_code == 0, done.output
    assert "can reach" not in done.output
    assert kept.read_bytes().count(b'"kind":"roof"') == 1
    assert read_run(kept).roofs == kept_roofs


@pytest.mark.measures
@pytest.mark.parametrize(
    ("device", "python", "message"),
    [("NONE", PYTHON, "NONE"), ("CPU", Path("/nowhere/python"), "cannot be started")],
)
def test_a_roof_that_cannot_be_measured_says_why(device: str, python: Path, message: str) -> None:
    roof = measure_roof(conditions(device), python, Measure())
    assert message in roof.failure
    assert roof.operations == {}


# ---------------------------------------------------------------------------- layers by hand


def product(rows: int, precision: str = "f32") -> tuple[list[Node], list[Node]]:
    """Return runtime and model graph of [rows, 8] times weights [8, 8]."""
    model = [
        node("in", "Parameter", shape=f"[{rows},8]"),
        node("w", "Constant", shape="[8,8]"),
        node("product", "MatMul", 0, 1, shape=f"[{rows},8]"),
        node("out", "Result", 2),
    ]
    runtime = [
        node("in", "Input", shape=f"[{rows},8]", precision=precision),
        node("w", "Const", shape="[8,8]", precision=precision),
        node("product", "FullyConnected", 0, 1, shape=f"[{rows},8]", precision=precision,
             originals="product"),
        node("out", "Output", 2),
    ]  # fmt: skip
    return runtime, model


def under(roof: Roof, rows: int, microseconds: float, precision: str = "f32") -> Efficiency:
    """Return the product's efficiency under a roof."""
    runtime, model = product(rows, precision)
    run, result = measured(runtime, [timed("product", "FullyConnected", microseconds)], model)
    resolved = Resolved(
        batch=1, streams=None, requests=1, threads=None, precision=None,
        execution_devices=("CPU",), inputs=(), outputs=(), properties={}, input_data="",
    )  # fmt: skip
    result = result.model_copy(update={"resolved": resolved})
    where = roof.conditions.model_copy(update={"environment": run.header.environment.id})
    roof = roof.model_copy(update={"conditions": where})
    return efficiency(replace(run, results=(result,), roofs=(roof,)), result)[2]


def test_a_layer_is_bound_by_the_lower_of_both_roofs() -> None:
    # 2 · 4 · 8 · 8 operations; 128 bytes in, 256 bytes of weights and 128 bytes out, all cached:
    # 0.512 µs of computing, 0.0512 µs of moving.
    found = under(ROOF, 4, 1.024)
    assert (found.operations, found.moved_bytes) == (512, 512)
    assert found.intensity == 1
    assert found.achieved == pytest.approx(0.5e9)
    assert found.least_s == pytest.approx(0.512e-6)
    assert found.fraction == pytest.approx(0.5)
    assert found.bound == "compute"


def test_data_larger_than_the_cache_comes_from_memory() -> None:
    # 256 bytes of weights from the cache, 2 · 512 bytes of activations from memory.
    fast = ROOF.model_copy(update={"operations": {"f32": 1e12}})
    found = under(fast, 16, 2)
    assert found.bound == "memory"
    assert found.least_s == pytest.approx(256 / 1e10 + 1024 / 1e9)
    without = fast.model_copy(update={"cache_bytes": None, "cache_bandwidth": None})
    assert under(without, 16, 2).least_s == pytest.approx(1280 / 1e9)


def test_quantised_layers_use_the_roof_of_integers() -> None:
    found = under(ROOF, 4, 0.256, "u8")
    assert found.least_s == pytest.approx(512 / 4e9)
    assert found.fraction == pytest.approx(0.5)


def test_a_figure_above_the_roof_is_not_cut() -> None:
    assert under(ROOF, 4, 0.256).fraction == pytest.approx(2)


def test_unknown_values_are_none() -> None:
    only_rates = under(ROOF.model_copy(update={"failure": "no"}), 4, 1)
    assert only_rates.achieved == pytest.approx(0.512e9)
    assert (only_rates.least_s, only_rates.fraction, only_rates.bound) == (None, None, None)
    assert under(ROOF.model_copy(update={"operations": {}}), 4, 1).fraction is None
    assert under(ROOF, 4, 0).achieved is None


def test_every_layer_of_a_real_run_is_compared_with_the_roof(run: Run) -> None:
    run = quiet(run, 10)
    result: CellResult = next(r for r in run.done if r.cell.hint == "latency")
    efficiencies = efficiency(run, result)
    layers = executed_layers(run, result)
    assert efficiencies.keys() == {layer.index for layer in layers}
    heavy = [efficiencies[x.index] for x in layers if x.type == "Convolution" and x.share > 0.05]
    assert heavy
    assert all(item.bound == "compute" for item in heavy)
    assert all(0.001 < (item.fraction or 0) < 2 for item in heavy)
