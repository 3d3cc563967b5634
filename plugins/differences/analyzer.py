"""What else differs between the two runs of a comparison, and what that does to its verdicts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ovreport.computed.differences import (
    Difference,
    of_cells,
    of_environments,
    of_models,
    of_settings,
)
from ovreport.computed.pairs import NOISE_APART
from ovreport.plugin import Analyzer
from ovreport.run import Header, Origin, Run
from ovreport.section import Block, Column, Finding, Group, Row, Section, Table
from ovreport.text.labels import label
from ovreport.text.numbers import show

_TOPICS = {
    "machine": "Machine",
    "software": "Software",
    "settings": "Settings",
    "model": "Model",
    "cell": "Cell",
}


class Differences(Analyzer):
    """What else differs between the two runs of a comparison."""

    id = "differences"
    title = "Base and candidate"
    reading = (
        "Everything that differs here may cause a difference of speed, in addition to the "
        "change that you want to judge."
    )
    order = 150

    @classmethod
    def concerns(cls, run: Run) -> bool:
        return run.header.made == "compare"

    def analyze(self, run: Run) -> Section:
        base, candidate = run.header.origins
        found = _differences(run, base.header, candidate.header)
        blocks: list[Block] = [_sides(run, base, candidate)]
        if found:
            blocks.append(_table(found, base.name, candidate.name))
        return Section(
            [Group("", blocks)],
            _findings(base.header, candidate.header, found),
            _verdict(base.header, candidate.header, found),
        )


def _differences(run: Run, base: Header, candidate: Header) -> list[tuple[str, Difference]]:
    """Each with the model or configuration it is about; empty for the whole run."""
    found = [("", d) for d in of_environments(base.environment, candidate.environment)]
    found += [("", d) for d in of_settings(base, candidate)]
    files = {(m.model, m.version): m for m in run.header.models}
    done = {r.cell.id: r for r in run.done}
    cells = {cell.id: cell for cell in run.header.plan}
    seen: set[tuple[str, str, str]] = set()
    for first, second in run.header.paired:
        a, b = cells[first], cells[second]
        if (key := (a.model, a.version, b.version)) not in seen:
            seen.add(key)
            pair = files[a.model, a.version], files[b.model, b.version]
            # The sides' names are in the versions: what is called differently is seen there.
            found += [(a.model, d) for d in of_models(*pair) if d.what not in ("Model", "Version")]
        if first in done and second in done:
            name = label(b, run.header.plan)
            found += [(name, d) for d in of_cells(done[first], done[second])]
    return found


def _sides(run: Run, base: Origin, candidate: Origin) -> Table:
    rows = [
        Row(
            {
                "side": origin.name,
                "file": origin.file,
                "created": origin.header.created_utc,
                "openvino": origin.header.environment.openvino,
                "cpu": origin.header.environment.cpu,
                "cells": f"{len(run.header.paired)} of {len(origin.header.plan)}",
            }
        )
        for origin in (base, candidate)
    ]
    columns = [
        Column("side", "Side"),
        Column("file", "File", "code"),
        Column("created", "Begun, UTC"),
        Column("openvino", "OpenVINO"),
        Column("cpu", "Processor"),
        Column("cells", "Cells compared", help="Of all planned cells; the others have no "
                                               "counterpart on the other side."),
    ]  # fmt: skip
    return Table("sides", "What is compared", columns, rows)


def _table(found: Sequence[tuple[str, Difference]], base: str, candidate: str) -> Table:
    rows = [
        Row(
            {
                "topic": _TOPICS[difference.topic],
                "of": of,
                "what": difference.what,
                "was": difference.was,
                "now": difference.now,
            }
        )
        for of, difference in found
    ]
    columns = [
        Column("topic", "Topic"),
        Column("of", "Of"),
        Column("what", "What"),
        Column("was", base),
        Column("now", candidate),
    ]
    return Table("what-differs", "What differs", columns, rows, "Equal values are not listed.")


def _verdict(base: Header, candidate: Header, found: Sequence[tuple[str, Difference]]) -> str:
    if base == candidate:
        return "Both sides are parts of one run."
    text = (
        "Base and candidate were not measured side by side: differences of speed within "
        f"±{show(NOISE_APART, 'share')} are taken as noise"
    )
    names = _listed(d.what for _, d in found if d.topic in ("machine", "software"))
    return f"{text}, and {names} differ, too." if names else f"{text}."


def _findings(
    base: Header, candidate: Header, found: Sequence[tuple[str, Difference]]
) -> list[Finding]:
    if base == candidate:
        return []
    findings = []
    named = {d.what for _, d in found}
    for id, topics, text in (
        ("machine", ("machine",), "the machines differ"),
        ("settings", ("settings",), "the settings differ"),
        ("cells", ("cell",), "the models or their inputs differ"),
    ):
        what = _listed(d.what for _, d in found if d.topic in topics and d.what != "Host")
        if what:
            findings.append(
                Finding(
                    f"differences.{id}",
                    "warning",
                    f"The ratios do not show the models alone: {text} ({what}).",
                    "Measure both sides in the same way, or read the ratios as the effect of all "
                    "differences together.",
                )
            )
    if "Content (SHA-256)" not in named:
        findings.append(
            Finding(
                "differences.same_model",
                "info",
                "Both sides ran the same model files: no difference comes from the model.",
            )
        )
    findings.append(
        Finding(
            "differences.apart",
            "info",
            f"The sides were measured at different times ({base.created_utc} and "
            f"{candidate.created_utc} UTC).",
            "To see smaller differences, measure both as versions of one run, in turns.",
        )
    )
    return findings


def _listed(names: Iterable[str], at_most: int = 4) -> str:
    """``A, B and C``; empty for none."""
    unique = list(dict.fromkeys(names))
    words = unique[:at_most]
    if len(unique) > at_most:
        words.append(f"{len(unique) - at_most} more")
    *rest, last = words or [""]
    return f"{', '.join(rest)} and {last}" if rest else last
