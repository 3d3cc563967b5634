"""The rates section: whether fixed rates are reached."""

from pathlib import Path

import pytest
from builders import cell_result, paced, run_of
from conftest import ovreport, tiny_model

from ovreport.computed.speed import falls_behind, kept_up, served_share
from ovreport.run import Cell, Run
from ovreport.runfile import read_run
from ovreport.section import Table
from ovreport.stats.estimate import Estimate
from ovreport_plugins.rates.analyzer import Rates
from ovreport_plugins.summary.rates import served


def test_a_rate_that_is_not_reached_has_no_latency() -> None:
    within, behind = paced(200, 10), paced(400, 20)
    assert kept_up(within)
    assert not kept_up(behind)
    assert falls_behind(behind)
    section = Rates().analyze(run_of([within, behind]))
    (table,) = section.groups[0].blocks
    assert isinstance(table, Table)
    verdicts = [(row.values["verdict"], row.values["median"] is None) for row in table.rows]
    assert verdicts == [("yes", False), ("no", True)]
    for row in table.rows:
        for figure in (row.values["served"], row.values["busy"]):
            assert isinstance(figure, Estimate)
            assert figure.low <= figure.point <= figure.high
    assert [finding.id for finding in section.findings] == ["rates.served", "rates.behind"]


def test_a_rate_within_the_interval_of_the_throughput_is_undecided() -> None:
    """10 of 11 requests are served, but three launches differ by 10 % in speed."""
    measured = paced(200, 10)
    launches = []
    for number in range(3):
        speed = 0.9 + 0.1 * number
        slices = [
            s.model_copy(update={"wall_ns": round(s.wall_ns * speed), "arrived": s.requests + 1})
            for s in measured.launches[0].slices
        ]
        launches.append(measured.launches[0].model_copy(update={"slices": tuple(slices)}))
    unsure = measured.model_copy(update={"launches": tuple(launches)})
    assert not kept_up(unsure)
    assert not falls_behind(unsure)
    run = run_of([unsure])
    section = Rates().analyze(run)
    (finding,) = section.findings
    assert finding.id == "rates.undecided"
    assert "It is undecided whether" in finding.text
    assert served([unsure]).startswith("may keep up with 200 requests/s")
    (table,) = section.groups[0].blocks
    assert isinstance(table, Table)
    assert table.rows[0].values["verdict"] == "undecided"
    assert table.rows[0].values["median"] is None


def test_cells_at_a_fixed_rate_are_separate_from_those_at_full_rate() -> None:
    full, within = cell_result(Cell(model="net"), 5), paced(200, 10)
    run = run_of([full, within])
    assert run.of_version("net", "parent") == (full,)
    assert run.paced("net", "parent") == (within,)
    assert Rates.concerns(run)
    assert not Rates.concerns(run_of([full]))


@pytest.mark.measures
def test_a_run_of_only_fixed_rates_makes_a_report(tmp_path: Path) -> None:
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


def test_a_rate_is_judged_by_the_interval_of_the_throughput() -> None:
    """All but 0.7 % of the requests are served, all of these missing in one launch of three."""
    measured = paced(200, 10)
    one = measured.launches[0]
    late = tuple(
        s.model_copy(update={"arrived": s.requests + (place < 2)})
        for place, s in enumerate(one.slices)
    )
    launches = (one, one, one.model_copy(update={"slices": late}))
    unsure = measured.model_copy(update={"launches": launches})
    share = served_share(unsure)
    assert share is not None
    assert share.low < 0.99 < share.point < share.high <= 1
    assert not kept_up(unsure)
    assert not falls_behind(unsure)
    assert kept_up(measured.model_copy(update={"launches": (one, one, one)}))
