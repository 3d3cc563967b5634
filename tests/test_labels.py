"""Labels of cells and versions."""

from __future__ import annotations

from ovreport.run import Cell
from ovreport.text.labels import label, setting, version_heading, version_name


def test_a_version_is_named_if_its_model_has_several() -> None:
    parent, other = Cell(model="net"), Cell(model="net", version="int8")
    alone = Cell(model="other", batch=4)
    among = [parent, other, alone]
    assert [version_name(cell, among) for cell in among] == ["net (parent)", "net (int8)", "other"]
    assert version_heading(parent, among) == "net · parent"
    assert version_heading(parent, [parent, alone]) == "net"


def test_a_setting_is_written_for_the_command_line_and_for_a_config() -> None:
    assert setting("precision", "f32", "f16") == (
        '--precision f32,f16 (in a config: precision = ["f32", "f16"] under [matrix])'
    )


def test_a_cell_is_not_called_as_the_figure_is() -> None:
    cells = [Cell(model="net", hint=hint) for hint in ("latency", "throughput", "none")]
    assert [label(x, cells) for x in cells] == ["latency hint", "throughput hint", "none hint"]
    more = [*cells, Cell(model="net", hint="latency", streams=2)]
    assert label(more[-1], more) == "latency · 2 streams"

    versions = [Cell(model="net", version=name) for name in ("base", "candidate")]
    assert label(versions[0], versions, version=True) == "base · latency hint"
