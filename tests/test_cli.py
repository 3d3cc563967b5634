"""The command line as a new user sees it: real models, wrong input, exit codes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from conftest import light_model, ovreport
from PIL import Image

from ovreport.runfile import read_run

pytestmark = pytest.mark.measures

FAST = ("--duration", "0.3", "--no-roofs")


def test_a_model_without_a_config_gives_a_report_and_a_run_file(report: Path) -> None:
    assert report.exists()
    assert report.with_suffix(".jsonl").exists()


def test_rendering_twice_gives_the_same_bytes(report: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.html"
    for source in (report, report.with_suffix(".jsonl")):
        assert ovreport("render", source, "-o", again).exit_code == 0
        assert again.read_bytes() == report.read_bytes()


def test_a_dry_run_prints_the_plan_and_writes_nothing(squeezenet: Path, tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    result = ovreport("run", squeezenet, "--batch", "1,2", "--dry-run", "-o", target)
    assert result.exit_code == 0
    assert "4 cells" in result.output
    assert not list(tmp_path.iterdir())


def test_a_failing_cell_does_not_stop_the_others(tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    model = light_model("shufflenet")
    result = ovreport(
        "run", model, "--hint", "latency", "--batch", "1,3", *FAST, "--precision", "f32,f8",
        "-o", target,
    )  # fmt: skip
    run = read_run(target)
    assert result.exit_code == 1
    # ShuffleNet's file fixes the batch in its Reshape operators, and the CPU knows no f8.
    assert [(r.cell.batch, r.cell.precision) for r in run.done] == [(1, "f32")]
    assert {r.failure.stage for r in run.failed if r.failure} == {"compile", "reshape"}
    assert "Wrong value f8" in target.read_text()
    assert "cannot be reshaped to batch 3" in result.output
    (reason,) = {r.failure.reason for r in run.failed if r.failure and r.failure.stage == "reshape"}
    assert reason.endswith("the model's input is [1,3,224,224], [3,3,224,224] was asked for")


def test_an_unfinished_run_is_not_overwritten(
    report: Path, squeezenet: Path, tmp_path: Path
) -> None:
    lines = report.with_suffix(".jsonl").read_text().splitlines(keepends=True)
    unfinished = tmp_path / "run.jsonl"
    cells = [line for line in lines if line.startswith('{"kind":"cell"')]
    lines.remove(cells[-1])
    unfinished.write_text("".join(lines))
    refused = ovreport("run", squeezenet, "--run-file", unfinished, "-o", tmp_path / "report.html")
    assert refused.exit_code == 2
    assert "--resume" in refused.stderr
    assert unfinished.read_text() == "".join(lines)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("no-such.onnx",), "no such model file"),
        (("no-such.toml",), "cannot be read"),
        (("package:nothere/x.onnx",), "not installed"),
        (("MODEL", "-d", "TPU"), "finds no 'TPU' here"),
        (("MODEL", "--shape", "[1,3]"), "has 2 dimensions"),
        (("MODEL", "-o", "/proc/nowhere/report.html"), "cannot be written"),
        (("MODEL", "--batch", "0"), "whole numbers from 1"),
        (("MODEL", "--hint", "fast"), "is not one of"),
        (("BAD",), "OpenVINO cannot read this model"),
        (("MODEL", "--input", "no-such.npy"), "no such file or folder"),
        (("MODEL", "--input", "BAD"), "ovreport cannot read this kind of file"),
    ],
)
def test_wrong_input_ends_with_one_sentence_and_exit_code_2(
    words: tuple[str, ...], message: str, squeezenet: Path, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.onnx"
    bad.write_bytes(b"no model at all")
    places = {"MODEL": squeezenet, "BAD": bad}
    result = ovreport("run", *(places.get(word, word) for word in words))
    assert result.exit_code == 2
    assert message in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("run MODEL -o MODEL", "is also an input"),
        ("run MODEL -o NEW --run-file NEW", "is also the file of --run-file"),
        ("run MODEL -o NEW --junit NEW", "is also the file of -o"),
        ("render RUN -o RUN", "is also an input"),
        ("render PAGE -o PAGE --no-data", "is also an input"),
        ("compare RUN PAGE -o RUN", "is also an input"),
        ("trend RUN PAGE -o PAGE", "is also an input"),
        ("export RUN --json RUN", "is also an input"),
    ],
)
def test_inputs_and_outputs_are_never_overwritten(
    words: str, message: str, report: Path, squeezenet: Path, tmp_path: Path
) -> None:
    places = {"NEW": tmp_path / "new"}
    for name, path in (
        ("MODEL", squeezenet), ("RUN", report.with_suffix(".jsonl")), ("PAGE", report)
    ):  # fmt: skip
        places[name] = tmp_path / path.name
        places[name].write_bytes(path.read_bytes())
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    result = ovreport(*(places.get(word, word) for word in words.split()))
    assert result.exit_code == 2
    assert message in result.stderr
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_init_writes_a_config_that_runs(squeezenet: Path, tmp_path: Path) -> None:
    config = tmp_path / "ovreport.toml"
    assert ovreport("init", squeezenet, "-o", config).exit_code == 0
    assert ovreport("run", config, "--dry-run").exit_code == 0
    assert ovreport("init", squeezenet, "-o", config).exit_code == 2


def test_devices_and_analyzers_are_listed() -> None:
    assert "CPU" in ovreport("devices").output
    assert "bottlenecks" in ovreport("analyzers").output


def test_pictures_are_real_input(squeezenet: Path, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in range(2):
        Image.new("RGB", (64, 48), (number, 90, 200)).save(photos / f"{number}.png")
    arguments = ("--input", photos, "--hint", "latency", "-d", "AUTO", *FAST)
    result = ovreport("run", squeezenet, *arguments, "-o", tmp_path / "report.html")
    assert result.exit_code == 0, result.output
    (cell,) = read_run(tmp_path / "report.html").done
    assert cell.resolved is not None
    assert "photos, 2 sets in turn" in cell.resolved.input_data
    assert cell.resolved.execution_devices == ("CPU",)


@pytest.mark.parametrize(
    ("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_an_interrupted_run_keeps_its_results_and_says_how_to_continue(
    sent: signal.Signals, code: int, squeezenet: Path, tmp_path: Path
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    target = tmp_path / "report.html"
    kept = target.with_suffix(".jsonl")
    arguments = ("run", squeezenet, "--duration", "1", "--no-roofs", "-o", target)
    with subprocess.Popen(
        [sys.executable, "-m", "ovreport", *map(str, arguments)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(temporary)},
    ) as process:
        while not (kept.exists() and b'"kind":"cell"' in kept.read_bytes()):
            assert process.poll() is None
            time.sleep(0.05)
        workers = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(sent)
        output = process.communicate(timeout=60)[1]
    assert process.returncode == code
    assert not list(temporary.iterdir())
    assert f"--resume {kept}" in output
    assert "Traceback" not in output
    assert len(read_run(kept).done) == 1
    assert not target.exists()
    assert psutil.wait_procs(workers, timeout=10)[1] == []
