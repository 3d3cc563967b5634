"""Kernel names are parsed, and reference kernels are named as such."""

from __future__ import annotations

import pytest
from builders import section_of
from hypothesis import given
from hypothesis import strategies as st

from ovreport.computed.kernels import Kernel, parse_kernel
from ovreport.computed.layers import ExecutedLayer, executed_layers
from ovreport.run import Run
from ovreport.section import Chart, HeatMap, Table
from ovreport.text.numbers import show
from ovreport_plugins.kernels.analyzer import Kernels, is_plain


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("brgconv_avx2_1x1_f32", Kernel("brgconv_1x1", "avx2", "f32")),
        ("brgconv_avx2_dw_f32", Kernel("brgconv_dw", "avx2", "f32")),
        ("jit_avx512_core_amx_i8", Kernel("jit", "avx512_core_amx", "i8")),
        ("brgemm_avx512_amx_bf16", Kernel("brgemm", "avx512_amx", "bf16")),
        ("brgemm_avx512_amx_sparse_I8", Kernel("brgemm_sparse", "avx512_amx", "i8")),
        ("brgconv_avx512_amx_1x1_I8", Kernel("brgconv_1x1", "avx512_amx", "i8")),
        ("jit_avx2_FP32", Kernel("jit", "avx2", "f32")),
        ("gemm_acl_f16", Kernel("gemm", "acl", "f16")),
        ("acl_dw_f16", Kernel("dw", "acl", "f16")),
        ("kleidiai_f32", Kernel("kleidiai", "", "f32")),
        ("unknown_dynamic", Kernel("unknown", "", "")),
        ("jit_avx2_I8", Kernel("jit", "avx2", "i8")),
        ("gemm_mlas_f32", Kernel("gemm_mlas", "", "f32")),
        ("ref_any_f32", Kernel("ref_any", "", "f32")),
        ("convolution_gpu_bfyx_os_iyx_osv16__f16", Kernel("convolution_gpu_bfyx_os_iyx_osv16", "",
                                                          "f16")),
        ("undef", Kernel("undef", "", "")),
        ("", Kernel("", "", "")),
    ],
)  # fmt: skip
def test_kernel_names_are_parsed(name: str, parts: Kernel) -> None:
    assert parse_kernel(name) == parts


@pytest.mark.parametrize(
    ("name", "plain"), [("ref_f32", True), ("ref_any_i64", True), ("reorder_f32", False)]
)
def test_a_reference_kernel_is_recognised_by_a_whole_word(name: str, plain: bool) -> None:
    assert parse_kernel(name).is_reference is plain


@given(st.text(alphabet="abfiv12358_", max_size=30))
def test_any_name_has_an_implementation(name: str) -> None:
    assert bool(parse_kernel(name).implementation) is bool(name)


def test_kernels_and_instruction_sets_add_to_the_layers_total(bottlenecks: Run) -> None:
    for group, (model, version) in zip(
        section_of(Kernels(), bottlenecks).groups, bottlenecks.versions, strict=True
    ):
        result = bottlenecks.focus(model, version)
        assert result is not None
        total = sum(layer.median_s for layer in executed_layers(bottlenecks, result))
        tables = [block for block in group.blocks if isinstance(block, Table)]
        assert len(tables) == 2
        for table in tables:
            assert sum(float(str(r.values["time"])) for r in table.rows) == pytest.approx(total)


def test_a_hidden_reference_kernel_is_found_and_linked(bottlenecks: Run) -> None:
    matching = [f for f in Kernels().analyze(bottlenecks).findings if f.id == "kernels.reference"]
    assert len(matching) == len(bottlenecks.versions)
    for finding in matching:
        assert "CumSum" in finding.text
        assert [link.text for link in finding.evidence] == ["sum"]
        assert 0.01 < (finding.gain or 0) < 1


def test_implementations_by_instruction_set_add_up_to_the_whole(bottlenecks: Run) -> None:
    for group in section_of(Kernels(), bottlenecks).groups:
        chart = next(b for b in group.blocks if b.id.startswith("implementations-by-isa-"))
        assert isinstance(chart, Chart)
        (heat,) = chart.marks
        assert isinstance(heat, HeatMap)
        assert sum(x for row in heat.values for x in row if x is not None) == pytest.approx(1)
        largest = max(x for row in heat.values for x in row if x is not None)
        assert chart.title.startswith(show(largest, "share"))


def test_every_column_has_a_name_and_reference_kernels_are_marked(bottlenecks: Run) -> None:
    for group in section_of(Kernels(), bottlenecks).groups:
        (table,) = (b for b in group.blocks if isinstance(b, Table) and b.id.startswith("kernels-"))
        assert all(column.label for column in table.columns)
        marked = {str(r.values["kernel"]) for r in table.rows if r.values["reference"]}
        assert marked
        assert all(parse_kernel(name).is_reference for name in marked)


@pytest.mark.parametrize(
    ("type", "plain"), [("RNNSeq", False), ("RNNCell", False), ("Pooling", True)]
)
def test_recurrent_layers_are_not_reference_code(type: str, plain: bool) -> None:
    layer = ExecutedLayer(0, 0, "", type, "ref_any_f32", "f32", 1.0, 1.0, 1.0, 1.0, (), "", ())
    assert is_plain(layer) is plain
