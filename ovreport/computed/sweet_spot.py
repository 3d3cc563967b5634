"""The sweet spot, the Pareto front, and the gain of streams."""

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
    """Return indices of the (latency, throughput) points that are a sweet spot for some threshold.

    They are ordered by latency. Each is the sweet spot of all thresholds from its own latency up
    to that of the next one. Of points with the same throughput it is the one with less latency.
    """
    by_latency = sorted(range(len(points)), key=lambda i: (points[i][0], -points[i][1]))
    spots: list[int] = []
    for i in by_latency:
        if not spots or points[i][1] > points[spots[-1]][1]:
            spots.append(i)
    return spots


def sweet_spot(points: Sequence[tuple[float, float]], threshold: float | None) -> int | None:
    """Return the index of the (latency, throughput) with most throughput within the threshold."""
    within = [i for i in sweet_spots(points) if threshold is None or points[i][0] <= threshold]
    return within[-1] if within else None


def in_latency_mode(results: Sequence[CellResult]) -> CellResult:
    """Return the cell of lowest latency with the latency hint; without such cells, of all."""
    hinted = [result for result in results if result.cell.hint == "latency"]
    return min(hinted or results, key=lambda result: median_s(result).point)


def best(run: Run, results: Sequence[CellResult]) -> CellResult | None:
    """Return the sweet spot: most throughput within the latency threshold, if one is set."""
    points = [(median_s(r).point, figures(r).throughput_fps.point) for r in results]
    place = sweet_spot(points, latency_threshold_s(run))
    return None if place is None else results[place]


def pareto(points: Sequence[tuple[float, float]]) -> frozenset[int]:
    """Return indices of the (latency, throughput) points that no other point dominates."""

    def dominated(i: int) -> bool:
        latency, fps = points[i]
        return any((x <= latency and y >= fps) and (x < latency or y > fps) for x, y in points)

    return frozenset(i for i in range(len(points)) if not dominated(i))


def fps(result: CellResult) -> float:
    """Return samples per second."""
    return figures(result).throughput_fps.point


def over_one_stream(results: Sequence[CellResult]) -> Mapping[str, Estimate]:
    """Return, by cell id, throughput over that of one stream with otherwise equal settings.

    Divided by the number of streams it is the scaling efficiency, which is 1 if every stream adds
    as much as the first.
    """
    one_stream = {_but_streams(r): r for r in reversed(results) if _streams(r) == 1}
    return {
        r.cell.id: gain
        for r in results
        if (first := one_stream.get(_but_streams(r))) and (gain := over(first, r))
    }


def over(base: CellResult, other: CellResult) -> Estimate | None:
    """Return throughput of a cell over that of another; exactly 1 for the same cell."""
    return Estimate.exact(1.0) if other is base else ratio(base, other, "throughput")


def streams_shown(result: CellResult) -> str:
    """Return the number of streams: ``4``, or ``4 (auto)`` if the device chose it."""
    resolved = _streams(result)
    if result.cell.streams != "auto":
        return str(resolved or result.cell.streams)
    return "auto" if resolved is None else f"{resolved} (auto)"


def is_device_choice(result: CellResult) -> bool:
    """Return whether only the throughput hint was requested, so that the device chose the rest."""
    cell = result.cell
    own_choice = cell.streams == "auto" and cell.threads is None and cell.requests is None
    # Properties of the devices behind a virtual one are not part of a cell.
    if result.provenance is not None and "DEVICE_PROPERTIES" in result.provenance.properties:
        return False
    return own_choice and cell.hint in ("throughput", "cumulative_throughput")


def not_in_force(result: CellResult) -> Iterator[tuple[str, str]]:
    """Yield requested settings that the device changed, with its values: ``("4 streams", "2")``.

    A precision is included only without a profile: otherwise the section on precision shows it.
    """
    cell, resolved = result.cell, result.resolved
    if resolved is None:
        return
    streams = None if cell.streams == "auto" else cell.streams
    for noun, requested, actual in (
        ("stream", streams, resolved.streams),
        ("thread", cell.threads, resolved.threads),
    ):
        if requested is not None and actual is not None and requested != actual:
            yield count(requested, noun), str(actual)
    if result.profile is None and cell.precision and resolved.precision:
        hint, executed = map(precision_name, (cell.precision, resolved.precision))
        if hint != executed:
            yield f"precision {hint}", executed


def _streams(result: CellResult) -> int | None:
    return result.resolved.streams if result.resolved else None


def _but_streams(result: CellResult) -> object:
    return result.cell.model_copy(update={"streams": "auto"}).id
