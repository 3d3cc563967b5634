"""The precision section: executed, changing and requested precisions."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest
from builders import section_of

from ovreport.computed.layers import executed_layers
from ovreport.run import CellResult, Run
from ovreport.section import Chart, Group, HeatMap, Table
from ovreport.text.values import Tag
from ovreport_plugins.kernels.analyzer import Kernels
from ovreport_plugins.precision.analyzer import Precision


@pytest.fixture(scope="module")
def group(bottlenecks: Run) -> Group:
    return next(
        g for g in section_of(Precision(), bottlenecks).groups if g.heading == "bottlenecks · int8"
    )


def table(group: Group, start: str) -> Table:
    first_block = next(block for block in group.blocks if block.id.startswith(start))
    assert isinstance(first_block, Table)
    return first_block


def text(value: object) -> str:
    return value.text if isinstance(value, Tag) else str(value)


def test_precisions_add_up_to_the_total_of_layers(
    bottlenecks: Run, int8: CellResult, group: Group
) -> None:
    layers = executed_layers(bottlenecks, int8)
    rows = [row.values for row in table(group, "precisions-").rows]
    assert {text(row["precision"]) for row in rows} == {"f32", "u8"}
    assert sum(float(str(row["time"])) for row in rows) == pytest.approx(
        sum(layer.median_s for layer in layers)
    )
    assert sum(int(str(row["count"])) for row in rows) == len(layers)


def test_the_transitions_matrix_is_read_from_row_to_column(
    bottlenecks: Run, int8: CellResult, group: Group
) -> None:
    chain = [layer.precision for layer in executed_layers(bottlenecks, int8) if layer.median_s > 0]
    expected = Counter(pairwise(chain))
    for row in table(group, "transitions-").rows:
        for name in ("f32", "u8"):
            assert row.values[f"to-{name}"] == expected[text(row.values["from"]), name]


def test_the_matrix_is_drawn_where_precisions_change(group: Group) -> None:
    chart = next(b for b in group.blocks if b.id.startswith("followed-"))
    assert isinstance(chart, Chart)
    (heat,) = chart.marks
    assert isinstance(heat, HeatMap)
    rows = [[row.values[f"to-{name}"] or None for name in chart.x.categories]
            for row in table(group, "transitions-").rows]  # fmt: skip
    assert [list(row) for row in heat.values] == rows
    assert heat.bare == {(n, n) for n in range(len(rows))}
    changes = sum(n or 0 for i, row in enumerate(heat.values) for j, n in enumerate(row) if i != j)
    assert f"changes {int(changes)} times" in chart.title


def test_changes_of_precision_name_layers_and_bytes(group: Group) -> None:
    changes = {
        (text(r["from"]), text(r["to"]), text(r["type"])): r["size"]
        for r in (row.values for row in table(group, "changes-").rows)
    }
    tensor = 32 * 64 * 64
    assert changes["f32", "u8", "Reorder"] == 4 * tensor
    assert changes["u8", "f32", "Convolution"] == tensor


def test_a_requested_precision_that_was_not_executed_is_reported(bottlenecks: Run) -> None:
    findings = Precision().analyze(bottlenecks).findings
    assert {f.id for f in findings} == {"precision.not-executed"}
    assert "bf16" in findings[0].text


def at_points(run: Run, *precisions: str) -> Run:
    """Return the recorded parent, which executed only f32, as if these had been requested."""
    recorded = run.focus("bottlenecks", "parent")
    assert recorded is not None
    results = tuple(
        recorded.model_copy(
            update={"cell": recorded.cell.model_copy(update={"precision": precision})}
        )
        for precision in precisions
    )
    return replace(run, results=results)


@pytest.mark.parametrize("order", [("f32", "bf16", "f16"), ("bf16", "f32", "f16")])
def test_every_requested_precision_is_checked(bottlenecks: Run, order: tuple[str, ...]) -> None:
    findings = Precision().analyze(at_points(bottlenecks, *order)).findings
    texts = [f.text for f in findings if f.id == "precision.not-executed"]
    missing = [p for p in order if p != "f32"]
    assert len(texts) == len(missing)
    for precision, text_ in zip(missing, texts, strict=True):
        name = f"bottlenecks (parent, {precision})"
        assert text_.startswith(f"{name}: {precision} was requested, and none of")


def test_a_finding_of_every_configuration_is_reported_once(bottlenecks: Run) -> None:
    several = at_points(bottlenecks, "f32", "bf16", "f16")
    once = [f.id for f in Kernels().analyze(at_points(bottlenecks, "f32")).findings]
    assert once
    assert [f.id for f in Kernels().analyze(several).findings] == once


def test_a_finding_of_one_configuration_names_it(bottlenecks: Run) -> None:
    lead, other = at_points(bottlenecks, "f32", "f16").results
    assert lead.profile is not None
    layers = tuple(
        layer.model_copy(update={"kernel": layer.kernel.replace("ref", "jit")})
        for layer in lead.profile.layers
    )
    fast = lead.model_copy(update={"profile": lead.profile.model_copy(update={"layers": layers})})
    findings = Kernels().analyze(replace(bottlenecks, results=(fast, other))).findings
    assert {f.id for f in findings} & {"kernels.reference", "kernels.copies"}
    for finding in findings:
        assert finding.text.startswith("bottlenecks (parent, f16): ")
        assert not finding.evidence
