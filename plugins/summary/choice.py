"""Which cells the first screen speaks of."""

from __future__ import annotations

from collections.abc import Sequence

from ovreport.computed.figures import figures
from ovreport.computed.sweet_spot import sweet_spot
from ovreport.run import CellResult, Run

from ..common import latency_threshold_s, median_s


def in_latency_mode(results: Sequence[CellResult]) -> CellResult:
    """The quickest cell with the latency hint; without that hint the quickest of all."""
    asked = [result for result in results if result.cell.hint == "latency"]
    return min(asked or results, key=lambda result: median_s(result).point)


def best(run: Run, results: Sequence[CellResult]) -> CellResult | None:
    """The sweet spot: most throughput within the latency threshold, if there is one."""
    points = [(median_s(r).point, figures(r).throughput_fps.point) for r in results]
    place = sweet_spot(points, latency_threshold_s(run))
    return None if place is None else results[place]
