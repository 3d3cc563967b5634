"""The run file is a contract: torn, foreign, newer and damaged files."""

import json
from pathlib import Path

import pytest

from ovreport.errors import UserError
from ovreport.run import Run
from ovreport.runfile import RunFile, lines_of, read_run


def test_a_report_carries_the_same_run(report: Path, run: Run) -> None:
    assert list(lines_of(read_run(report))) == list(lines_of(run))


def test_a_torn_last_line_is_dropped_and_cut_off_before_going_on(
    report: Path, run: Run, tmp_path: Path
) -> None:
    torn = tmp_path / "torn.jsonl"
    cells, _, _ = report.with_suffix(".jsonl").read_bytes().partition(b'{"kind":"answers"')
    torn.write_bytes(cells[:-200])
    assert len(read_run(torn).results) == len(run.results) - 1
    with RunFile(torn) as file:
        file.go_on(run.header.model_copy(update={"superseded": ()}), run.graphs)
        file.result(run.results[-1])
    assert len(read_run(torn).results) == len(run.results)


def test_concatenated_files_merge(report: Path, run: Run, tmp_path: Path) -> None:
    both = tmp_path / "both.jsonl"
    both.write_bytes(report.with_suffix(".jsonl").read_bytes() * 2)
    assert list(lines_of(read_run(both))) == list(lines_of(run))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not a run file"),
        (b"hello", "not a run file"),
        (b"\x00\xff\x00", "not a run file"),
        (b'{"kind": "header", "format": 99}\n', "format 99"),
        (b"<html></html>", "without a run inside"),
        (b'<script type="application/x-xz" id="ovreport-run">AAAA</script>', "damaged"),
    ],
)
def test_other_files_are_refused_in_one_sentence(content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(UserError, match=said):
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
