"""Run files: incomplete, foreign, newer, damaged and hostile ones."""

import base64
import copy
import json
import lzma
import random
import resource
import tracemalloc
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from builders import cell_result, node, run_of
from conftest import ovreport

from ovreport.analysis import analyze
from ovreport.combining.compare import Side, compare
from ovreport.errors import UserError
from ovreport.pipeline.report import chosen_analyzers, report_settings
from ovreport.run import Cell, Graph, Run
from ovreport.runfile import RunFile, lines_of, read_run
from ovreport.section import Crashed


def test_a_report_contains_the_same_run(report: Path, run: Run) -> None:
    assert list(lines_of(read_run(report))) == list(lines_of(run))


def test_an_incomplete_last_line_is_dropped_and_removed_on_resuming(
    report: Path, run: Run, tmp_path: Path
) -> None:
    torn = tmp_path / "torn.jsonl"
    cells, _, _ = report.with_suffix(".jsonl").read_bytes().partition(b'{"kind":"answers"')
    torn.write_bytes(cells[:-200])
    assert len(read_run(torn).results) == len(run.results) - 1
    with RunFile(torn) as file:
        file.resume(run.header.model_copy(update={"superseded": ()}), run.graphs)
        file.result(run.results[-1])
    assert len(read_run(torn).results) == len(run.results)


@pytest.mark.parametrize("end", [b"", b"\n", b'{"kind":"cell","result":{"cel', b"\xff" * (3 << 20)])
def test_a_resumed_run_adds_to_the_run_that_its_file_holds(end: bytes, tmp_path: Path) -> None:
    results = [cell_result(Cell(model="net", batch=batch), 1) for batch in (1, 2, 3)]
    run, path = run_of(results), tmp_path / "run.jsonl"
    with RunFile(path) as file:
        file.begin(run.header)
        file.result(results[0])
    path.write_bytes(path.read_bytes().removesuffix(b"\n") + (b"\n" + end if end[:-1] else end))
    with RunFile(path) as file:
        file.resume(run.header.model_copy(update={"superseded": (results[0].cell.id,)}), ())
        file.result(results[1])
    resumed = read_run(path)
    assert [result.cell.batch for result in resumed.results] == [2]
    assert [cell.batch for cell in resumed.pending] == [1, 3]
    assert path.read_bytes().count(b"\n") == 4


def test_a_graph_that_several_cells_name_is_written_once(tmp_path: Path) -> None:
    graph = Graph(kind="runtime", nodes=(node("x", "Parameter"),))
    results = [
        cell_result(Cell(model="net", batch=batch), 1).model_copy(
            update={"runtime_graph": graph.id}
        )
        for batch in (1, 2)
    ]
    path = tmp_path / "run.jsonl"
    with RunFile(path) as file:
        file.begin(run_of(results).header)
        for result in results:
            file.result(result, [graph])
    assert path.read_bytes().count(b'{"kind":"graph"') == 1
    assert [*read_run(path).graphs] == [graph.id]


def test_concatenated_files_merge(report: Path, run: Run, tmp_path: Path) -> None:
    both = tmp_path / "both.jsonl"
    both.write_bytes(report.with_suffix(".jsonl").read_bytes() * 2)
    assert list(lines_of(read_run(both))) == list(lines_of(run))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a run file"),
        (b"hello", "not a run file"),
        (b"\x00\xff\x00", "not a run file"),
        (b'{"kind": "header", "format": 99}\n', "format 99"),
        (b"<html></html>", "without a run inside"),
        (b'<script type="application/x-xz" id="ovreport-run">AAAA</script>', "damaged"),
    ],
)
def test_other_files_are_refused_in_one_sentence(
    content: bytes, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(UserError, match=message):
        read_run(path)


def test_damage_in_the_middle_names_the_line(report: Path, tmp_path: Path) -> None:
    lines = report.with_suffix(".jsonl").read_text().splitlines()
    value = json.loads(lines[1])
    value["graph"]["nodes"][0]["inputs"] = [[5, 0]]
    lines[1] = json.dumps(value)
    path = tmp_path / "damaged.jsonl"
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(UserError, match="line 2"):
        read_run(path)


def test_a_run_file_that_another_process_writes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    with RunFile(path), pytest.raises(UserError, match="another ovreport is writing"):
        RunFile(path)
    with RunFile(path):
        pass


# ---------------------------------------------------------------------------- hostile files

DATA = Path(__file__).with_name("data") / "bottlenecks.jsonl"
RECORDED = [json.loads(line) for line in DATA.read_text("utf-8").splitlines()]


def hostile(tmp_path: Path, *changes: tuple[tuple[Any, ...], Any]) -> Path:
    """Write the recorded run with other values at some places, each a path from its first line."""
    lines = copy.deepcopy(RECORDED)
    for (*above, last), value in changes:
        place: Any = lines
        for step in above:
            place = place[step]
        place[last] = value
    path = tmp_path / "hostile.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)) + "\n", "utf-8")
    return path


CELL = next(n for n, line in enumerate(RECORDED) if line["kind"] == "cell")
RESULT = (CELL, "result")
SLICES = (*RESULT, "launches", 0, "slices")


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ((*SLICES, 0, "latencies_ns"), [10**20]),
        ((*SLICES, 0, "latencies_ns"), [None]),
        ((*SLICES, 0, "latencies_ns"), {}),
        ((*SLICES, 0, "latencies_ns"), []),
        ((*SLICES, 0, "latencies_ns"), [0]),
        ((*SLICES, 0, "wall_ns"), 0),
        ((*SLICES,), []),
        ((*RESULT, "launches"), []),
        ((*RESULT, "resolved"), None),
        ((*RESULT, "resolved", "batch"), 0),
        ((*RESULT, "runtime_graph"), "nowhere"),
        ((*RESULT, "runtime_graph"), RECORDED[CELL]["result"]["model_graph"]),
        ((0, "header", "models"), []),
        ((0, "header", "models", 0, "size_bytes"), 10**400),
        ((0, "header", "made"), "compare"),
        ((0, "header", "made"), "trend"),
        ((0, "header", "environment", "load"), float("inf")),
        ((0, "header", "environment", "load"), 1e19),
        ((0, "header", "config", "measure"), {"duration": 10**400}),
        ((0, "header", "plan", 0, "threads"), 10**6),
        ((0, "header", "paired"), [["nowhere", "nowhere"]]),
        ((*RESULT, "resolved", "threads"), 1 << 53),
        ((*RESULT, "resolved", "inputs", 0, "shape"), "[9999999999,9999999999]"),
        ((*RESULT, "launches", 0, "compile_ns"), 1 << 56),
        ((*RESULT, "profile", "layers", 0, "times_ns"), [-1]),
        ((0, "header", "environment", "memory_bytes"), -1),
    ],
)
def test_impossible_records_are_refused_with_their_line(
    place: tuple[Any, ...], value: Any, tmp_path: Path
) -> None:
    path = hostile(tmp_path, (place, value))
    result = ovreport("export", path, "--json", tmp_path / "run.json")
    assert result.exit_code == 2
    assert f"{path}, line {place[0] + 1}: not a line of a run file: " in result.stderr
    assert len(result.stderr) < 700


def packed(content: bytes) -> bytes:
    """Write a report that holds only a run."""
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 1}]
    text = base64.b64encode(lzma.compress(content, filters=filters))
    return b'<script type="application/x-xz" id="ovreport-run">' + text + b"</script>"


@pytest.mark.slow
def test_a_small_file_cannot_fill_the_memory(tmp_path: Path) -> None:
    zeros = base64.b64encode(zlib.compress(bytes(60 << 20))).decode()
    bombs = {
        "far too many": hostile(tmp_path, ((*SLICES, 0, "latencies_ns"), zeros)).read_bytes(),
        "too large": packed(json.dumps(RECORDED[0]).encode() + b"\n" * (32 << 20)),
        "lines": json.dumps(RECORDED[0]).encode() + b"\n" * 1_000_001,
        "launches.0 ": hostile(tmp_path, ((*RESULT, "launches"), [1] * 500_000)).read_bytes(),
    }
    for message, content in bombs.items():
        path = tmp_path / "bomb"
        path.write_bytes(content)
        tracemalloc.start()
        with pytest.raises(UserError, match=message):
            read_run(path)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert most < 80 << 20, message


VALUES: tuple[object, ...] = (
    None,
    0,
    -1,
    1,
    10**20,
    1e308,
    -5e-324,
    "",
    "x",
    "1",
    [],
    {},
    [None],
    True,
)


def places(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield above
    if isinstance(value, list):
        value = dict(enumerate(value))
    for key, item in value.items() if isinstance(value, dict) else ():
        yield from places(item, (*above, key))


@pytest.mark.slow
def test_a_changed_value_is_refused_or_harmless(tmp_path: Path) -> None:
    """No command raises an unexpected error, and no section crashes."""
    chosen = random.Random(0)
    kinds: dict[tuple[Any, ...], list[tuple[Any, ...]]] = {}
    for number, line in enumerate(RECORDED):
        for place in places(line, (number,)):
            kind = tuple("*" if isinstance(step, int) else step for step in place[1:])
            if len(kind) > 1:
                kinds.setdefault(kind, []).append(place)
    recorded = read_run(DATA)
    taken = 0
    for kind in chosen.sample(sorted(kinds), 60):
        path = hostile(tmp_path, (chosen.choice(kinds[kind]), chosen.choice(VALUES)))
        result = ovreport("export", path, "--json", tmp_path / "run.json")
        assert result.exit_code in (0, 2), result.output
        if result.exit_code:
            assert result.stderr.startswith("Error: ")
            continue
        run = read_run(path)
        try:
            runs = [run, compare(Side("a", "a", recorded), Side("b", "b", run))]
        except UserError:
            runs = [run]
        for one_run in runs:
            analyses = analyze(one_run, chosen_analyzers(report_settings(one_run, "run")))
            assert not [x for x in analyses if isinstance(x.outcome, Crashed)], kind
        taken += 1
    assert taken


def test_a_full_disk_ends_with_one_sentence_and_keeps_the_lines_before(
    run: Run, tmp_path: Path
) -> None:
    path = tmp_path / "run.jsonl"
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    with RunFile(path) as file:
        file.begin(run.header)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 100, unlimited[1]))
    try:
        with (
            pytest.raises(UserError, match=r"run\.jsonl: cannot write .*: File too large"),
            RunFile(path) as file,
        ):
            file.result(run.results[0])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
    assert read_run(path).header == run.header
