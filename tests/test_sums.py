"""Layers, types, precisions and kernels add up to the same total, for any profile."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from builders import measured, node, section_of
from hypothesis import given, settings
from hypothesis import strategies as st

from ovreport.computed.gap import gap
from ovreport.plugin import Analyzer
from ovreport.run import CellResult, ModelFile, ProfiledLayer, Resolved, Run, Slice
from ovreport.section import Table
from ovreport_plugins.kernels.analyzer import Kernels
from ovreport_plugins.layers.analyzer import Layers
from ovreport_plugins.precision.analyzer import Precision

KERNELS = ("brgconv_avx2_1x1_f32", "ref_any", "jit_uni_i8", "unknown", "", "gemm_mlas")
PRECISIONS = ("f32", "u8", "BF16", "", "i64")
TYPES = ("Convolution", "Reorder", "Pooling", "Subgraph")
Drawn = tuple[str, str, str, list[int]]


def run_of(layers: Sequence[Drawn]) -> Run:
    """Return a run of one cell with layers of these types, kernels, precisions and times in ns."""
    nodes = [
        node(f"layer {n}", kind, precision=precision or "f32").model_copy(
            update={"attributes": {"runtimePrecision": precision, "execOrder": str(n)}}
        )
        for n, (kind, _, precision, _) in enumerate(layers)
    ]
    profile = [
        ProfiledLayer(
            name=f"layer {n}", type=kind, kernel=kernel,
            status="executed" if times else "not_run", times_ns=np.array(times, np.int64),
        )
        for n, (kind, kernel, _, times) in enumerate(layers)
    ]  # fmt: skip
    run, result = measured(nodes, profile)
    return with_launch(run, result)


def with_launch(run: Run, result: CellResult) -> Run:
    """Return the run with one slice and the model's file, which analyzers of layers need."""
    from ovreport.run import Launch, Memory

    memory = Memory(start_bytes=1, read_bytes=1, compile_bytes=1, inference_bytes=1)
    one = Slice(start_ns=0, wall_ns=1000, cpu_ns=1000, latencies_ns=np.array([1000]))
    launch = Launch(read_ns=1, compile_ns=1, first_inference_ns=1, memory=memory, slices=(one, one))
    resolved = Resolved(
        batch=1, streams=1, requests=1, threads=1, precision="f32", execution_devices=("CPU",),
        inputs=(), outputs=(), properties={}, input_data="",
    )  # fmt: skip
    file = ModelFile(
        model="m", version="parent", path="", format="", size_bytes=0, sha256="", inputs=(),
        outputs=(),
    )  # fmt: skip
    header = run.header.model_copy(update={"models": (file,), "plan": (result.cell,)})
    full = result.model_copy(update={"launches": (launch,), "resolved": resolved})
    return Run(header, (full,), run.graphs)


def total(run: Run, analyzer: Analyzer, start: str, key: str) -> float:
    """Return the sum of one column of one table of an analyzer's section."""
    (group,) = section_of(analyzer, run).groups
    table = next(block for block in group.blocks if block.id.startswith(start))
    assert isinstance(table, Table)
    return sum(float(str(row.values[key])) for row in table.rows)


TABLES: tuple[tuple[Callable[[], Analyzer], str], ...] = (
    (Layers, "layers-"), (Layers, "by-type-"), (Precision, "precisions-"), (Kernels, "isa-"),
    (Kernels, "kernels-"),
)  # fmt: skip

layer = st.tuples(
    st.sampled_from(TYPES), st.sampled_from(KERNELS), st.sampled_from(PRECISIONS),
    st.lists(st.integers(0, 10**7), max_size=3),
)  # fmt: skip


@given(st.lists(layer, min_size=1, max_size=12).filter(lambda drawn: any(x[3] for x in drawn)))
@settings(max_examples=40, deadline=None)
def test_all_tables_add_up_to_the_profile(layers: list[Drawn]) -> None:
    run = run_of(layers)
    by_hand = sum(float(np.median(times)) for *_, times in layers if times) / 1e9
    for make, start in TABLES:
        assert total(run, make(), start, "time") == pytest.approx(by_hand), start
        assert total(run, make(), start, "share") == pytest.approx(1 if by_hand else 0), start
    executed = sum(bool(times) for *_, times in layers)
    for make, start in TABLES[1:]:
        assert total(run, make(), start, "count") == executed, start


@given(st.lists(st.lists(st.integers(1, 10**8), min_size=8, max_size=8), min_size=1, max_size=9))
@settings(max_examples=40, deadline=None)
def test_the_sum_of_the_layers_is_never_below_zero(times: list[list[int]]) -> None:
    run = run_of([("Convolution", "jit_uni_f32", "f32", one) for one in times])
    (result,) = run.results
    assert result.profile is not None
    inferences = np.sum(times, axis=0, dtype=np.int64)
    profile = result.profile.model_copy(update={"latencies_ns": inferences})
    layers = gap(run, result.model_copy(update={"profile": profile})).layers
    assert 0 <= layers.low <= layers.point <= layers.high
