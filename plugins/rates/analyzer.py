"""Whether the machine serves requests that arrive at a fixed rate, and how long each takes."""

from __future__ import annotations

from collections.abc import Sequence

from ovreport.computed.anchors import anchor
from ovreport.computed.figures import figures
from ovreport.computed.point_names import version_name
from ovreport.computed.speed import falls_behind, kept_up, served_share
from ovreport.plugin import Analyzer
from ovreport.run import CellResult, Run
from ovreport.section import Column, Finding, Group, Row, Section, Table
from ovreport.stats.estimate import Estimate
from ovreport.text.labels import count, label, version_heading
from ovreport.text.numbers import show
from ovreport.text.values import Link


class Rates(Analyzer):
    """Show for each fixed rate whether the machine keeps up, and the latency from arrival."""

    id = "rates"
    title = "Fixed rates"
    reading = (
        "Requests arrive at a fixed pace, as frames of cameras do, whether or not earlier ones are "
        "done. Latency counts from arrival, so it includes the wait. If the machine does not keep "
        "up, the wait grows all the time, and no latency is given."
    )
    needs = frozenset({"measurements"})
    order = 250

    @classmethod
    def concerns(cls, run: Run) -> bool:
        return any(result.cell.rate is not None for result in run.done)

    def analyze(self, run: Run) -> Section:
        groups, findings = [], []
        for model, version in run.versions:
            if results := run.paced(model, version):
                groups.append(
                    Group(version_heading(results[0].cell, run.header.plan), [_table(run, results)])
                )
                findings += _findings(run, results)
        return Section(groups, findings)


def _table(run: Run, results: Sequence[CellResult]) -> Table:
    cells = [listed.cell for listed in run.results]
    rows = []
    for result in results:
        assert result.resolved is not None
        estimates, keeps_up = figures(result), kept_up(result)
        latency = estimates.latency
        backlogs = [(slice_.arrived or 0) - slice_.requests for slice_ in result.slices]
        rows.append(
            Row(
                {
                    "cell": label(result.cell, cells),
                    "rate": result.cell.rate,
                    "served": requests_a_second(result),
                    "verdict": "yes" if keeps_up else "no" if falls_behind(result) else "undecided",
                    "left": sum(backlogs) / len(backlogs),
                    "median": latency.median if keeps_up else None,
                    "p95": latency.p95 if keeps_up else None,
                    "p99": latency.p99 if keeps_up else None,
                    "max": latency.high if keeps_up else None,
                    "busy": estimates.cores,
                },
                anchor=anchor("rate", result),
            )
        )
    columns = [
        Column("cell", "Configuration"),
        Column("rate", "Arriving", "number", "1/s"),
        Column("served", "Served", "number", "1/s"),
        Column("verdict", "Keeps up", help="By the share of the arriving requests that is "
               "served. undecided: the interval of this share holds both answers."),
        Column("left", "Left behind", "number", help="Requests per slice that had arrived but had "
               "not started when the slice ended."),
        Column("median", "Latency, median", "duration", help="From arrival to completion."),
        Column("p95", "Latency, p95", "duration"),
        Column("p99", "Latency, p99", "duration"),
        Column("max", "Latency, max", "duration"),
        Column("busy", "Processor", "number", "cores", help="CPU time of the worker divided by "
               "wall time."),
    ]  # fmt: skip
    return Table(f"rates-{results[0].cell.id}", "Fixed request rates", columns, rows)


def requests_a_second(result: CellResult) -> Estimate:
    """Return the requests served per second, whatever the batch."""
    assert result.resolved is not None
    return figures(result).throughput_fps.scaled(1 / result.resolved.batch)


def _findings(run: Run, results: Sequence[CellResult]) -> list[Finding]:
    """Report the highest rate served, the lowest undecided one and the lowest not served."""
    name, findings = version_name(run, results[0]), []
    by_rate = sorted(results, key=lambda result: result.cell.rate or 0)
    served = [result for result in by_rate if kept_up(result)]
    behind = [result for result in by_rate if falls_behind(result)]
    undecided = [result for result in by_rate if not kept_up(result) and not falls_behind(result)]
    if served:
        highest = served[-1]
        findings.append(
            Finding(
                "rates.served",
                "good",
                f"{name} keeps up with {count(highest.cell.rate or 0, 'request')} a second "
                f"({label(highest.cell, run.header.plan)}): {_latency_text(highest)}.",
                evidence=[Link("its row", anchor("rate", highest))],
            )
        )
    if undecided:
        findings.append(_undecided(run, undecided[0], name))
    if behind:
        lowest = behind[0]
        findings.append(
            Finding(
                "rates.behind",
                "warning",
                f"{name} does not keep up with {count(lowest.cell.rate or 0, 'request')} a second "
                f"({label(lowest.cell, run.header.plan)}): it serves "
                f"{show(requests_a_second(lowest).point, 'number')} of them.",
                "Lower the rate, drop requests, or choose the throughput hint, more requests in "
                "flight or a faster version of the model.",
                [Link("its row", anchor("rate", lowest))],
            )
        )
    return findings


def _undecided(run: Run, result: CellResult, name: str) -> Finding:
    served, share = requests_a_second(result), served_share(result)
    assert share is not None, "only a cell with a rate is undecided"
    return Finding(
        "rates.undecided",
        "info",
        f"It is undecided whether {name} keeps up with {count(result.cell.rate or 0, 'request')} a "
        f"second ({label(result.cell, run.header.plan)}): it serves {show(served.point, 'number')} "
        f"a second ({show(served.low, 'number')} to {show(served.high, 'number')}), "
        f"{show(share.point, 'share')} of those that arrive ({show(share.low, 'share')} to "
        f"{show(share.high, 'share')}).",
        "Measure longer or with more launches.",
        [Link("its row", anchor("rate", result))],
    )


def _latency_text(result: CellResult) -> str:
    latency = figures(result).latency
    tails: tuple[tuple[str, Estimate | None], ...] = (
        ("99 %", latency.p99), ("95 %", latency.p95), ("half", latency.median)
    )  # fmt: skip
    for part, tail in tails:
        if tail is not None:
            return f"{part} of the answers come within {show(tail.point, 'duration')} of arrival"
    return f"all of {count(latency.count, 'answer')} came within {show(latency.high, 'duration')}"
