"""Exports for other programs, compared with the run file."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import ovreport
from hypothesis import given
from hypothesis import strategies as st

from ovreport.computed.workbench import file_name
from ovreport.run import CellResult, Run
from ovreport.runfile import read_run
from ovreport.text.csv import csv_text
from ovreport.text.markdown import literal
from ovreport.text.terminal import printable

RUN = Path(__file__).with_name("data") / "bottlenecks.jsonl"


@pytest.fixture(scope="module")
def run() -> Run:
    return read_run(RUN)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write all exports of one run."""
    folder = tmp_path_factory.mktemp("export")
    result = ovreport(
        "export", RUN, "--json", folder / "run.json", "--csv", folder / "csv",
        "--workbench-csv", folder / "workbench",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    return folder


def median_ms(result: CellResult) -> float:
    latencies = np.concatenate([s.latencies_ns for s in result.slices])
    return float(np.median(latencies)) / 1e6


def layers_ms(result: CellResult) -> float:
    """Return the sum of the layers' medians, computed from the profile."""
    assert result.profile is not None
    return sum(float(np.median(x.times_ns)) for x in result.profile.layers if len(x.times_ns)) / 1e6


def rows_of(path: Path, separator: str = ",") -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter=separator))


def test_json_names_units_and_holds_estimates(folder: Path, run: Run) -> None:
    document = json.loads((folder / "run.json").read_text())
    for cell, result in zip(document["cells"], run.results, strict=True):
        assert cell["version"] == result.cell.version
        median = cell["latency_ms"]["median"]
        assert median["point"] == pytest.approx(median_ms(result))
        if median["low"] is not None:  # too few slices have no interval
            assert median["low"] <= median["point"] <= median["high"]
        assert set(cell["throughput_fps"]) == {"point", "low", "high"}
        times = [x["layer_time_ms"]["point"] for x in cell["layers"] if x["layer_time_ms"]]
        assert sum(times) == pytest.approx(layers_ms(result))
        names = {layer["layer"] for layer in cell["layers"]}
        fused = [op for op in cell["operators"] if op["fate"] == "fused"]
        assert fused
        assert {op["layer"] for op in fused} <= names
    # Which fields exist depends on times, which differ from run to run.
    assert document["findings"]
    assert all(finding["id"] and finding["severity"] for finding in document["findings"])


def test_csv_has_a_row_for_each_cell_layer_and_operator(folder: Path, run: Run) -> None:
    cells = rows_of(folder / "csv" / "cells.csv")
    assert [float(row["latency_ms.median"]) for row in cells] == [
        pytest.approx(median_ms(result)) for result in run.results
    ]
    layers = rows_of(folder / "csv" / "layers.csv")
    for result in run.results:
        own = [row for row in layers if row["cell"] == result.cell.id]
        total = sum(float(row["layer_time_ms"] or 0) for row in own)
        assert total == pytest.approx(layers_ms(result))
        assert sum(float(row["share"] or 0) for row in own) == pytest.approx(1)
    assert rows_of(folder / "csv" / "operators.csv")
    slices = rows_of(folder / "csv" / "slices.csv")
    counted = sum(int(row["requests"]) for row in slices if row["warmup"] == "false")
    assert counted == sum(s.requests for result in run.results for s in result.slices)


def test_bounds_are_next_to_their_figure(folder: Path) -> None:
    columns = list(rows_of(folder / "csv" / "cells.csv")[0])
    for name in columns:
        if name.endswith(".low"):
            at = columns.index(name)
            stem = name.removesuffix(".low")
            assert columns[at - 1 : at + 2] == [stem, name, f"{stem}.high"]


def test_the_workbench_reports_have_its_columns_and_numbers_only(folder: Path, run: Run) -> None:
    for result in run.results:
        name = f"layers-bottlenecks-{result.cell.version}-{result.cell.id}.csv"
        text = (folder / "workbench" / name).read_text()
        first = "Execution Order;Layer Name;Layer Type;Execution Time;Runtime Precision"
        assert text.splitlines()[0] == first
        rows = rows_of(folder / "workbench" / name, ";")
        orders = [int(row["Execution Order"]) for row in rows]
        assert orders == sorted(orders)
        total = sum(float(row["Execution Time"]) for row in rows)
        assert total == pytest.approx(layers_ms(result))
        assert (rows[0]["Layer Type"], rows[0]["Runtime Precision"]) == ("Input", "FP32")
        inferences = next((folder / "workbench").glob(f"inference-*-{result.cell.version}-*"))
        assert inferences.read_text().splitlines()[0] == "Stream;Batch size;Throughput;Latency"
        (row,) = rows_of(inferences, ";")
        assert (row["Stream"], row["Batch size"]) == ("1", "1")
        assert float(row["Latency"]) == pytest.approx(median_ms(result))


@given(st.lists(st.text() | st.sampled_from(["=1+1", " @x", "\t=x", "-1", 'a"b', "x,=1"])))
def test_csv_preserves_texts_and_contains_no_formula(texts: list[str]) -> None:
    content = csv_text(["name"], [[text] for text in texts], ";")
    read = [row[0] if row else "" for row in csv.reader(io.StringIO(content, ""), delimiter=";")]
    shown = [printable(text) for text in texts]
    assert [text.removeprefix("'") for text in read[1:]] == [t.removeprefix("'") for t in shown]
    assert not any(text.strip().startswith(("=", "+", "-", "@")) for text in read[1:])


def test_names_in_an_export_cannot_control_a_terminal() -> None:
    name = "a\x1b[31m\x07\u202eb\rc"
    assert csv_text(["name"], [[name]]) == "name\r\na�[31m��b�c\r\n"
    assert literal(name) == "a�\\[31m��b c"


def test_a_text_with_another_separator_is_quoted() -> None:
    assert csv_text(["a", "b"], [["x,=1+1", -1.5]], ";") == 'a;b\r\n"x,=1+1";-1.5\r\n'


def test_a_file_name_contains_nothing_special_in_paths() -> None:
    assert file_name("layers", "../../etc/passwd", "a b\x00") == "layers-.._.._etc_passwd-a_b_"
    assert file_name(".hidden", ".x") == "_hidden-.x"


@pytest.mark.slow
def test_export_loads_neither_openvino_nor_matplotlib(tmp_path: Path) -> None:
    program = (
        "import sys; from ovreport.cli import main; "
        f"main(['export', {str(RUN)!r}, '--json', '-', '--csv', {str(tmp_path)!r}], "
        "standalone_mode=False); "
        "sys.exit(str({'openvino', 'matplotlib'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stderr.strip() == "set()"
    assert json.loads(done.stdout)["cells"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((RUN,), "nothing to export"),
        ((RUN, "--csv", Path(__file__) / "x"), "the folder cannot be created"),
        ((RUN, "--json", "/proc/nowhere/x.json"), "cannot be written"),
        ((Path("no-such.jsonl"), "--json", "-"), "no-such.jsonl"),
    ],
)
def test_wrong_input_ends_with_one_sentence(words: tuple[object, ...], message: str) -> None:
    result = ovreport("export", *words)
    assert result.exit_code == 2
    assert message in result.stderr
    assert "Traceback" not in result.stderr
