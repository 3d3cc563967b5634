"""A killed run loses no finished result, and names results that are no longer valid."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from conftest import ovreport, tiny_model

from ovreport.cli import progress
from ovreport.run import Run
from ovreport.runfile import RunFile, read_run

pytestmark = pytest.mark.measures

CONFIG = """
model = [
    { name = "tiny", version = "parent", path = "parent.onnx" },
    { name = "tiny", version = "optimized", path = "optimized.onnx" },
]
matrix = { hint = "latency", batch = [1, 2, 3] }
measure = { duration = 0.1, launches = 1, profile_iterations = 1, roofs = false }
report = { analyzers = ["environment"] }
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tiny_model(tmp_path / "parent.onnx", 1)
    tiny_model(tmp_path / "optimized.onnx", 2)
    (tmp_path / "config.toml").write_text(CONFIG)
    return tmp_path


def begin(folder: Path) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "ovreport", "run", "config.toml"]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.002)


def lines(path: Path, kind: str) -> Iterator[bytes]:
    if path.exists():
        whole, _, _torn = path.read_bytes().rpartition(b"\n")
        yield from (x for x in whole.splitlines() if kind.encode() in x[:30])


def measured(run: Run) -> dict[str, int]:
    """Return when each cell was measured: equal only for the same measurement."""
    return {r.cell.id: r.launches[0].compile_ns for r in run.done}


def test_a_killed_run_is_resumed_without_repetition(folder: Path) -> None:
    file = folder / "report.jsonl"
    process = begin(folder)
    wait_for(lambda: len([*lines(file, "cell")]) >= 2)
    workers = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.wait()
    _, left = psutil.wait_procs(workers, timeout=10)
    assert not left
    kept = read_run(file)
    assert kept.pending
    with file.open("ab") as torn:
        torn.write(b'{"kind":"cell","result":{"cell":{"mod')

    result = ovreport("run", folder / "config.toml", "-o", folder / "r.html", "--resume", file)

    assert result.exit_code == 0, result.output
    assert f"{len(kept.done)} already measured" in result.output
    whole = read_run(file)
    assert [r.cell for r in whole.done] == list(whole.header.plan)
    assert len(whole.done) == 6
    assert measured(kept).items() <= measured(whole).items()
    # Versions that took turns are still marked so, and no graph is stored twice.
    assert all(len(r.interleaved_with) == 1 for r in whole.done)
    graphs = [*lines(file, "graph")]
    assert len(graphs) == len(set(graphs))
    # The report contains the same run.
    assert measured(read_run(folder / "r.html")) == measured(whole)


def test_a_second_run_with_the_same_run_file_is_refused_and_loses_nothing(folder: Path) -> None:
    """This holds while the first run compares answers, too, after its last cell."""
    file = folder / "report.jsonl"
    process = begin(folder)
    for kind, number in (("header", 1), ("cell", 6)):
        wait_for(lambda kind=kind, number=number: len([*lines(file, kind)]) >= number)  # type: ignore[misc]
        kept = file.read_bytes()
        refused = ovreport("run", folder / "config.toml", "-o", folder / "report.html")
        assert refused.exit_code == 2
        assert "another ovreport is writing this run file" in refused.stderr
        assert "Plan" not in refused.output
        assert file.read_bytes().startswith(kept)
    assert process.wait() == 0
    assert len(read_run(file).done) == 6


def test_a_run_file_that_another_run_takes_during_planning_is_not_emptied(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:

    file = folder / "report.jsonl"
    run_files: list[RunFile] = []

    def claimed_meanwhile(*_: object) -> None:
        run_files.append(RunFile(file))
        file.write_text("of another run")

    monkeypatch.setattr(progress, "print_plan", claimed_meanwhile)
    refused = ovreport("run", folder / "config.toml", "-o", folder / "report.html")
    assert refused.exit_code == 2
    assert "another ovreport is writing this run file" in refused.stderr
    assert file.read_text() == "of another run"


def test_launches_of_unfinished_cells_are_not_repeated(folder: Path) -> None:
    file, config = folder / "report.jsonl", folder / "config.toml"
    config.write_text(
        CONFIG.replace("[1, 2, 3]", "1")
        .replace("duration = 0.1, launches = 1", "duration = 0.6, launches = 3")
        .replace("roofs = false", 'roofs = false, interleave = "model"')
    )
    process = begin(folder)
    wait_for(lambda: len([*lines(file, "partial_launches")]) == 2)
    process.kill()
    process.wait()
    killed = read_run(file)
    assert not killed.done
    done = [one.launches for one in killed.partial_launches]
    assert len(done) == 2

    arguments = ("run", config, "-o", folder / "report.html", "--resume", file)
    assert ovreport(*arguments, "--dry-run").output.count("begun: 2 launches") == 2
    cli_result = ovreport(*arguments)

    assert cli_result.exit_code == 0, cli_result.output
    whole = read_run(file)
    assert not whole.partial_launches
    for result in whole.done:
        assert len(result.launches) == 3
        for launch, before in zip(result.launches, done, strict=False):
            assert launch.model_dump_json() == before[result.cell.id].model_dump_json()
        starts = [one.start_ns for launch in result.launches for one in launch.slices]
        assert starts == sorted(starts)
        assert sum(one.wall_ns for one in result.slices) >= 0.6e9


def test_launches_of_all_unfinished_cells_are_kept_and_the_passes_continue(folder: Path) -> None:
    file, config = folder / "report.jsonl", folder / "config.toml"
    config.write_text(CONFIG.replace("launches = 1", "launches = 3"))
    process = begin(folder)
    wait_for(lambda: len([*lines(file, "partial_launches")]) == 4)
    process.kill()
    process.wait()
    killed = read_run(file)
    assert not killed.done
    refused = ovreport("run", config, "-o", folder / "report.html")
    assert refused.exit_code == 2
    assert "holds an unfinished run, 0 of 6 cells are measured" in refused.stderr
    partly = folder / "partly.html"
    assert ovreport("render", file, "-o", partly).exit_code == 0
    so_far = read_run(partly)
    assert [len(r.launches) for r in so_far.done] == [2, 2, 1, 1, 1, 1]
    assert {r.stopped for r in so_far.done} == {"interrupted"}
    arguments = ("run", config, "-o", folder / "report.html", "--resume", file)
    plan = ovreport(*arguments, "--dry-run").output
    assert (plan.count("begun: 2 launches"), plan.count("begun: 1 launch ")) == (2, 4)
    assert ovreport(*arguments).exit_code == 0
    whole = read_run(file)
    order = sorted(
        (launch.slices[0].start_ns, result.cell.batch)
        for result in whole.done
        for launch in result.launches
    )
    assert [batch for _, batch in order[::2]] == [1, 2, 3] * 3
    assert all(len(result.launches) == 3 for result in whole.done)


def test_launches_of_a_group_count_although_one_cell_failed(folder: Path) -> None:
    """The failure is stored at once; the rest of the group continues without the cell."""
    file, config = folder / "report.jsonl", folder / "config.toml"
    config.write_text(CONFIG.replace("[1, 2, 3]", "[1, 2]").replace("launches = 1", "launches = 5"))
    process = begin(folder)
    parent = psutil.Process(process.pid)
    wait_for(lambda: file.exists() and bool(parent.children()))
    os.kill(parent.children()[0].pid, signal.SIGKILL)
    wait_for(lambda: len([*lines(file, "partial_launches")]) == 3)
    process.kill()
    process.wait()
    killed = read_run(file)
    (failed,) = killed.failed
    assert [len(one.launches) for one in killed.partial_launches] == [1, 2, 1]
    arguments = ("run", config, "-o", folder / "report.html", "--resume", file)
    plan = ovreport(*arguments, "--dry-run").output
    assert (plan.count("begun: 2 launches"), plan.count("again: failed before")) == (1, 1)
    assert ovreport(*arguments).exit_code == 0
    whole = read_run(file)
    assert len(whole.done) == 4
    (left,) = (id for id in killed.partial_launches[0].launches)
    result = next(one for one in whole.done if one.cell.id == left)
    assert (
        result.launches[0].model_dump_json()
        == killed.partial_launches[0].launches[left].model_dump_json()
    )
    assert len(result.launches) == 5
    again = next(one for one in whole.done if one.cell.id == failed.cell.id)
    assert not again.interleaved_with


def test_launches_of_unfinished_cells_do_not_count_after_a_change(folder: Path) -> None:
    file, config = folder / "report.jsonl", folder / "config.toml"
    text = CONFIG.replace("[1, 2, 3]", "1").replace("launches = 1", "launches = 2")
    config.write_text(text)
    process = begin(folder)
    wait_for(lambda: bool([*lines(file, "partial_launches")]))
    process.kill()
    process.wait()
    arguments = ("run", config, "-o", folder / "report.html", "--dry-run", "--resume", file)
    assert ovreport(*arguments).output.count("begun: 1 launch") == 2
    for changed in (
        text.replace("duration = 0.1", "duration = 0.2"),
        text.replace("model = [", """model = [
            { name = "tiny", version = "third", path = "parent.onnx" },"""),
    ):  # fmt: skip
        config.write_text(changed)
        result = ovreport(*arguments)
        assert result.exit_code == 0
        assert "begun" not in result.output
    config.write_text(text)
    tiny_model(folder / "optimized.onnx", 3)
    assert "begun" not in ovreport(*arguments).output


def test_a_changed_config_or_model_is_noticed_cell_by_cell(folder: Path) -> None:
    file, config = folder / "report.jsonl", folder / "config.toml"
    arguments = ("run", config, "-o", folder / "report.html")
    config.write_text(CONFIG.replace("[1, 2, 3]", "[1, 2]"))
    assert ovreport(*arguments).exit_code == 0
    first = read_run(file)

    (folder / "parent.onnx").rename(folder / "renamed.onnx")
    tiny_model(folder / "optimized.onnx", 3)
    config.write_text(
        CONFIG.replace("[1, 2, 3]", "[1, 3]")
        .replace("0.1", "0.2")
        .replace("parent.onnx", "renamed.onnx")
    )
    result = ovreport(*arguments, "--resume", file)

    assert result.exit_code == 0, result.output
    assert "4 cells, 1 already measured" in result.output
    assert "again: the model file changed" in result.output
    assert "1 kept cell: measure.duration was 0.1, now 0.2" in result.output
    assert "2 measured cells of the run file, not in this plan" in result.output
    second = read_run(file)
    assert [(r.cell.version, r.cell.batch) for r in second.done] == [
        ("parent", 1), ("optimized", 1), ("parent", 3), ("optimized", 3),
    ]  # fmt: skip
    same = set(measured(first).items()) & set(measured(second).items())
    assert [id for id, _ in same] == [second.header.plan[0].id]

    text = file.read_text()
    now = second.header.environment
    then = now.model_copy(update={"os": "Old"})
    file.write_text(text.replace(f'"os":"{now.os}"', '"os":"Old"').replace(now.id, then.id))
    assert ovreport(*arguments, "--resume", file).exit_code == 0
    page = (folder / "report.html").read_text()
    assert "operating system was Old, now" in page

    text = text.replace(now.cpu, "Another CPU")
    file.write_text(text)
    refused = ovreport(*arguments, "--resume", file)
    assert refused.exit_code == 2
    assert "was measured on Another CPU" in refused.stderr
    assert file.read_text() == text


def test_the_cell_of_a_killed_worker_is_measured_on_resuming(folder: Path) -> None:
    file = folder / "report.jsonl"
    (folder / "config.toml").write_text(CONFIG.replace("[1, 2, 3]", "1"))
    process = begin(folder)
    parent = psutil.Process(process.pid)
    wait_for(lambda: file.exists() and bool(parent.children()))
    os.kill(parent.children()[0].pid, signal.SIGKILL)
    assert process.wait() == 1
    broken = read_run(file)
    assert len(broken.done) == 1
    assert "SIGKILL" in str(broken.failed[0].failure)
    arguments = ("run", folder / "config.toml", "-o", folder / "report.html", "--resume", file)
    assert ovreport(*arguments).exit_code == 0
    assert not read_run(file).failed


def test_a_last_line_without_a_line_end_counts(report: Path, tmp_path: Path) -> None:
    whole = report.with_suffix(".jsonl").read_bytes()
    cells, _, _ = whole.partition(b'{"kind":"answers"')
    path = tmp_path / "run.jsonl"
    path.write_bytes(cells.rstrip(b"\n"))
    before = read_run(path)
    with RunFile(path) as file:
        file.resume(before.header.model_copy(update={"superseded": ()}), before.graphs)
    assert len(read_run(path).results) == len(before.results) == 4


def test_a_report_cannot_be_resumed(report: Path, tmp_path: Path) -> None:
    page = tmp_path / "copy.html"
    page.write_bytes(report.read_bytes())
    config = report.with_name("config.toml")
    result = ovreport("run", config, "-o", tmp_path / "new.html", "--resume", page)
    assert result.exit_code == 2
    assert "a report, which cannot be continued. Give its run file" in result.stderr
    over_itself = ovreport("run", config, "-o", page, "--resume", page)
    assert over_itself.exit_code == 2
    assert "a report, which cannot be continued" in over_itself.stderr
    assert page.read_bytes() == report.read_bytes()


def test_a_run_killed_before_its_first_complete_line_starts_again(folder: Path) -> None:
    file = folder / "report.jsonl"
    file.write_text('{"kind":"header","form')
    arguments = ("run", folder / "config.toml", "--dry-run", "-o", folder / "report.html")
    assert ovreport(*arguments, "--resume", file).exit_code == 0
    assert ovreport(*arguments).exit_code == 0


def test_files_of_resumed_runs_can_still_be_concatenated(run: Run, tmp_path: Path) -> None:
    """A resumed header replaces its own run's plan, not that of the file before it."""
    from ovreport.runfile import lines_of

    def file_of(*texts: str) -> Path:
        path = tmp_path / "file.jsonl"
        path.write_text("\n".join(texts) + "\n")
        return path

    header, *rest = lines_of(run)
    value = json.loads(header)
    for named in (*value["header"]["plan"], *value["header"]["models"]):
        named["model"] = "other"
    other = json.dumps(value)
    value["header"]["superseded"] = []
    both = read_run(file_of(header, *rest, other, json.dumps(value)))
    assert len(both.done) == len(run.done)
    assert len(both.pending) == len(run.header.plan)
