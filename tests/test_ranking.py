"""Rankings: rivals of the best are not called worse, and a factor has its interval."""

import pytest
from builders import cell_result

from ovreport.computed.ranking import judge, rivals, times
from ovreport.run import Cell, CellResult
from ovreport.stats.estimate import Estimate


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [(1.01, 9.0, "more"), (0.2, 0.9, "less"), (0.99, 1.01, "alike"), (0.5, 3.0, "unknown")],
)
def test_a_ratio_is_judged_by_its_whole_interval(low: float, high: float, word: str) -> None:
    assert judge(Estimate(1.5, low, high, 0.95, ""), 0.02) == word


def test_a_ratio_without_an_interval_has_no_verdict() -> None:
    assert judge(Estimate(12.71, 12.71, 12.71, 0.0, "no interval: only 2 slices")) == "unknown"
    assert judge(None) == "unknown"


def scattered(streams: int, latencies_ms: list[float]) -> CellResult:
    """Return a cell with one launch for each latency."""
    cell = Cell(model="m", streams=streams, hint="throughput")
    parts = [cell_result(cell, latency) for latency in latencies_ms]
    launches = tuple(part.launches[0] for part in parts)
    return parts[0].model_copy(update={"launches": launches})


def test_a_cell_whose_interval_overlaps_that_of_the_best_is_a_rival() -> None:
    """6.13 FPS ± 41 % was reported as the best, although another cell has 5.77 ± 94 %."""
    first, wide = scattered(1, [150, 160, 180]), scattered(2, [90, 170, 260])
    slow = scattered(4, [900, 905, 910])
    assert rivals(first, [first, wide, slow]) == [wide]


def test_a_factor_is_shown_with_its_interval() -> None:
    factor = Estimate(1.42, 1.40, 1.44, 0.95, "")
    text = times(factor, "the throughput").replace("\N{NARROW NO-BREAK SPACE}", " ")
    assert text == "1.42 × the throughput (±1.4 %)"
