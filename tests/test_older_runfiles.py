"""Run files of development versions, with other field names, are still read."""

from __future__ import annotations

import json
from pathlib import Path

from ovreport.run import PartialLaunches, Provenance, Run
from ovreport.runfile import lines_of, read_run

DATA = Path(__file__).with_name("data") / "versions.jsonl"


def with_unfinished_cell() -> Run:
    """Return a recorded run in which the last cell still needs launches."""
    run = read_run(DATA)
    provenance = Provenance(
        model="0" * 64,
        inputs="1" * 64,
        properties={"PERFORMANCE_HINT": "LATENCY"},
        openvino="2026.4.1",
        measure={"target": 0.01},
        environment=run.header.environment.id,
    )
    results = [r.model_copy(update={"provenance": provenance}) for r in run.results]
    unfinished = results.pop()
    partial = PartialLaunches(
        provenances={unfinished.cell.id: provenance},
        launches={unfinished.cell.id: unfinished.launches[0]},
    )
    return Run(run.header, tuple(results), run.graphs, partial_launches=(partial,))


def test_the_fields_basis_begun_and_bases_are_read_under_their_new_names(tmp_path: Path) -> None:
    now = list(lines_of(with_unfinished_cell()))
    before = [
        line.replace('"partial_launches"', '"begun"')
        .replace('"provenances":', '"bases":')
        .replace('"provenance":', '"basis":')
        for line in now
    ]
    assert before != now
    older, newer = tmp_path / "older.jsonl", tmp_path / "newer.jsonl"
    older.write_text("\n".join(before) + "\n")
    newer.write_text("\n".join(now) + "\n")
    read = read_run(older)
    assert all(result.provenance is not None for result in read.results)
    assert len(read.partial_launches) == 1
    assert list(lines_of(read)) == list(lines_of(read_run(newer)))


def test_only_the_new_names_are_written() -> None:
    for text in lines_of(with_unfinished_cell()):
        line = json.loads(text)
        assert line["kind"] != "begun"
        assert not {"basis", "begun", "bases"} & {*line, *line.get("result", {})}
