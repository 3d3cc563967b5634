"""Which configuration to choose: the sweet spot, the Pareto front, and what streams bring."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ovreport.computed.figures import figures
from ovreport.computed.precision import precision_name
from ovreport.computed.ratio import ratio
from ovreport.computed.speed import latency_threshold_s, median_s
from ovreport.run import CellResult, Run
from ovreport.stats.estimate import Estimate
from ovreport.text.labels import count


def sweet_spots(points: Sequence[tuple[float, float]]) -> list[int]:
    """Indices of the (latency, throughput) that are the sweet spot of some latency threshold.

    They are ordered by latency. Each is the sweet spot of all thresholds from its own latency up
    to that of the next one. Of points with the same throughput it is the one with less latency.
    """
    by_latency = sorted(range(len(points)), key=lambda i: (points[i][0], -points[i][1]))
    found: list[int] = []
    for i in by_latency:
        if not found or points[i][1] > points[found[-1]][1]:
            found.append(i)
    return found


def sweet_spot(points: Sequence[tuple[float, float]], threshold: float | None) -> int | None:
    """Index of the (latency, throughput) with the most throughput within the threshold."""
    within = [i for i in sweet_spots(points) if threshold is None or points[i][0] <= threshold]
    return within[-1] if within else None


def in_latency_mode(results: Sequence[CellResult]) -> CellResult:
    """The quickest cell with the latency hint; without that hint the quickest of all."""
    asked = [result for result in results if result.cell.hint == "latency"]
    return min(asked or results, key=lambda result: median_s(result).point)


def best(run: Run, results: Sequence[CellResult]) -> CellResult | None:
    """The sweet spot: most throughput within the latency threshold, if there is one."""
    points = [(median_s(r).point, figures(r).throughput_fps.point) for r in results]
    place = sweet_spot(points, latency_threshold_s(run))
    return None if place is None else results[place]


def pareto(points: Sequence[tuple[float, float]]) -> frozenset[int]:
    """Indices of points that no other beats in latency and throughput at once."""

    def beaten(i: int) -> bool:
        latency, fps = points[i]
        return any((x <= latency and y >= fps) and (x < latency or y > fps) for x, y in points)

    return frozenset(i for i in range(len(points)) if not beaten(i))


def fps(result: CellResult) -> float:
    """Samples a second."""
    return figures(result).throughput_fps.point


def over_one_stream(results: Sequence[CellResult]) -> Mapping[str, Estimate]:
    """By cell id: throughput over that of one stream, all else equal; itself where it is one.

    Divided by the number of streams it is the scaling efficiency: 1 where every stream brings as
    much as the first.
    """
    one = {_but_streams(r): r for r in reversed(results) if _streams(r) == 1}
    return {
        r.cell.id: gain
        for r in results
        if (first := one.get(_but_streams(r))) and (gain := over(first, r))
    }


def over(base: CellResult, other: CellResult) -> Estimate | None:
    """Throughput of a cell over that of another; exactly one over itself."""
    return Estimate.exact(1.0) if other is base else ratio(base, other, "throughput")


def streams_shown(result: CellResult) -> str:
    """``4``, or ``4 (auto)`` where the device chose them."""
    resolved = _streams(result)
    if result.cell.streams != "auto":
        return str(resolved or result.cell.streams)
    return "auto" if resolved is None else f"{resolved} (auto)"


def is_device_choice(result: CellResult) -> bool:
    """Whether nothing but the throughput hint was asked for: the device's own best guess."""
    cell = result.cell
    own_choice = cell.streams == "auto" and cell.threads is None and cell.requests is None
    # What is set for each device behind a virtual one is in no cell.
    if result.provenance is not None and "DEVICE_PROPERTIES" in result.provenance.properties:
        return False
    return own_choice and cell.hint in ("throughput", "cumulative_throughput")


def not_in_force(result: CellResult) -> Iterator[tuple[str, str]]:
    """``("4 streams", "2")``: asked for and got, where the device made something else of it.

    What layers were executed in tells more of a precision, and has a section of its own.
    """
    cell, resolved = result.cell, result.resolved
    if resolved is None:
        return
    streams = None if cell.streams == "auto" else cell.streams
    for noun, asked, got in (
        ("stream", streams, resolved.streams),
        ("thread", cell.threads, resolved.threads),
    ):
        if asked is not None and got is not None and asked != got:
            yield count(asked, noun), str(got)
    if result.profile is None and cell.precision and resolved.precision:
        wanted, got_precision = map(precision_name, (cell.precision, resolved.precision))
        if wanted != got_precision:
            yield f"precision {wanted}", got_precision


def _streams(result: CellResult) -> int | None:
    return result.resolved.streams if result.resolved else None


def _but_streams(result: CellResult) -> object:
    return result.cell.model_copy(update={"streams": "auto"}).id
