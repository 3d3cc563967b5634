"""Figures on the page of a real run agree with its run file, calculated by hand."""

from __future__ import annotations

import csv
import html
import re
from pathlib import Path

import numpy as np
import pytest
from conftest import ovreport

from ovreport.run import CellResult, Run


@pytest.fixture(scope="module")
def result(run: Run) -> CellResult:
    found = run.focus("squeezenet", "parent")
    assert found is not None
    assert found.profile is not None
    return found


@pytest.fixture(scope="module")
def medians_ms(result: CellResult) -> list[float]:
    """Return the medians of executed layers, in the order of the profile and of execution."""
    assert result.profile is not None
    times = [layer.times_ns for layer in result.profile.layers if layer.status == "executed"]
    return [float(np.median(values)) / 1e6 for values in times if len(values)]


def rows(page: str, table: str) -> list[list[str]]:
    """Return the texts of a table's cells."""
    body = page.split(f'id="{table}"', 1)[1].split("<tbody>", 1)[1].split("</tbody>", 1)[0]
    collected = []
    for row in re.split(r"<tr[^>]*>", body)[1:]:
        row = re.sub(r"<div class=more>.*?</div>", "", row)
        cells = re.split(r"<t[dh][^>]*>", row)[1:]
        collected.append([html.unescape(re.sub(r"<[^>]+>", "", cell)).strip() for cell in cells])
    return collected


def headings(page: str, table: str) -> list[str]:
    head = page.split(f'id="{table}"', 1)[1].split("<thead>", 1)[1].split("</thead>", 1)[0]
    cells = re.findall(r"<th[^>]*>(.*?)</th>", head, re.DOTALL)
    return [re.sub(r"<[^>]+>|\s+", " ", cell).split(" ")[0] for cell in cells]


def column(page: str, table: str, name: str) -> list[float]:
    place = headings(page, table).index(name)
    return [float(row[place].replace("\N{NARROW NO-BREAK SPACE}", "")) for row in rows(page, table)]


def test_layer_times_are_medians_of_the_run_file(
    report: Path, result: CellResult, medians_ms: list[float]
) -> None:
    page = report.read_text()
    shown = column(page, f"layers-{result.cell.id}", "Time")
    assert shown == pytest.approx(medians_ms, rel=0.005, abs=0.0006)


@pytest.mark.parametrize("table", ["layers", "by-type", "precisions", "isa", "kernels"])
def test_every_table_of_times_adds_up_to_the_same_total(
    report: Path, result: CellResult, medians_ms: list[float], table: str
) -> None:
    page = report.read_text()
    times = column(page, f"{table}-{result.cell.id}", "Time")
    shares = column(page, f"{table}-{result.cell.id}", "Share")
    assert sum(times) == pytest.approx(sum(medians_ms), rel=0.01)
    assert sum(shares) == pytest.approx(100, abs=0.06 * len(shares) + 0.1)


def test_the_workbench_report_has_the_same_times(
    report: Path, result: CellResult, medians_ms: list[float], tmp_path: Path
) -> None:
    assert ovreport("export", report, "--workbench-csv", tmp_path).exit_code == 0
    path = tmp_path / f"layers-squeezenet-parent-{result.cell.id}.csv"
    with path.open(newline="", encoding="utf-8") as file:
        listed = list(csv.reader(file, delimiter=";"))
    assert listed[0] == [
        "Execution Order", "Layer Name", "Layer Type", "Execution Time", "Runtime Precision",
    ]  # fmt: skip
    assert sum(float(row[3]) for row in listed[1:]) == pytest.approx(sum(medians_ms))
