"""A fixed rate is served or it is not, and the report says which."""

from pathlib import Path

import pytest
from builders import cell_result, paced, run_of
from conftest import ovreport, tiny_model

from ovreport.run import Cell, Run
from ovreport.runfile import read_run
from ovreport.section import Table
from ovreport.stats.estimate import Estimate
from ovreport_plugins.common import kept_up
from ovreport_plugins.rates.analyzer import Rates


def test_what_is_left_behind_has_no_latency() -> None:
    served, behind = paced(200, 10), paced(400, 20)
    assert kept_up(served)
    assert not kept_up(behind)
    section = Rates().analyze(run_of([served, behind]))
    (table,) = section.groups[0].blocks
    assert isinstance(table, Table)
    verdicts = [(row.values["verdict"], row.values["median"] is None) for row in table.rows]
    assert verdicts == [("yes", False), ("no", True)]
    for row in table.rows:
        for figure in (row.values["served"], row.values["busy"]):
            assert isinstance(figure, Estimate)
            assert figure.low <= figure.point <= figure.high
    assert [finding.id for finding in section.findings] == ["rates.served", "rates.behind"]


def test_cells_at_a_rate_are_kept_apart_from_those_at_full_rate() -> None:
    full, served = cell_result(Cell(model="net"), 5), paced(200, 10)
    run = run_of([full, served])
    assert run.of_version("net", "parent") == (full,)
    assert run.paced("net", "parent") == (served,)
    assert Rates.concerns(run)
    assert not Rates.concerns(run_of([full]))


@pytest.mark.measures
def test_a_run_of_nothing_but_a_rate_makes_a_report(tmp_path: Path) -> None:
    tiny_model(tmp_path / "tiny.onnx", 1)
    target = tmp_path / "report.html"
    done = ovreport(
        "run", tmp_path / "tiny.onnx", "--hint", "throughput", "--rate", "50",
        "--duration", "0.2", "--no-roofs", "-o", target,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    run: Run = read_run(target)
    (measured,) = run.done
    assert measured.cell.rate == 50
    assert kept_up(measured)
    assert "keeps up with 50 requests a second" in target.read_text()
