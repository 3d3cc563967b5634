"""Differences between the two runs of a comparison, and their effect on its verdicts."""

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
    """List what differs between the two runs of a comparison, apart from their figures."""

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
        differences = _differences(run, base.header, candidate.header)
        blocks: list[Block] = [_sides(run, base, candidate)]
        if differences:
            blocks.append(_table(differences, base.name, candidate.name))
        return Section(
            [Group("", blocks)],
            _findings(base.header, candidate.header, differences),
            _verdict(base.header, candidate.header, differences),
        )


def _differences(run: Run, base: Header, candidate: Header) -> list[tuple[str, Difference]]:
    """Return each difference with its model or configuration, or "" for the whole run."""
    differences = [
        ("", difference) for difference in of_environments(base.environment, candidate.environment)
    ]
    differences += [("", difference) for difference in of_settings(base, candidate)]
    files = {(file.model, file.version): file for file in run.header.models}
    done = {result.cell.id: result for result in run.done}
    cells = {cell.id: cell for cell in run.header.plan}
    compared_models: set[tuple[str, str, str]] = set()
    for base_id, candidate_id in run.header.paired:
        base_cell, candidate_cell = cells[base_id], cells[candidate_id]
        if (
            key := (base_cell.model, base_cell.version, candidate_cell.version)
        ) not in compared_models:
            compared_models.add(key)
            pair = (
                files[base_cell.model, base_cell.version],
                files[candidate_cell.model, candidate_cell.version],
            )
            # Versions include the names of the sides, so models and versions always differ.
            differences += [
                (base_cell.model, difference)
                for difference in of_models(*pair)
                if difference.what not in ("Model", "Version")
            ]
        if base_id in done and candidate_id in done:
            name = label(candidate_cell, run.header.plan)
            differences += [
                (name, difference) for difference in of_cells(done[base_id], done[candidate_id])
            ]
    return differences


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
        Column("created", "Started, UTC"),
        Column("openvino", "OpenVINO"),
        Column("cpu", "Processor"),
        Column("cells", "Cells compared", help="Compared cells of all planned cells; the others "
                                               "have no counterpart on the other side."),
    ]  # fmt: skip
    return Table("sides", "What is compared", columns, rows)


def _table(differences: Sequence[tuple[str, Difference]], base: str, candidate: str) -> Table:
    rows = [
        Row(
            {
                "topic": _TOPICS[difference.topic],
                "of": subject,
                "what": difference.what,
                "was": difference.was,
                "now": difference.now,
            }
        )
        for subject, difference in differences
    ]
    columns = [
        Column("topic", "Topic"),
        Column("of", "Subject"),
        Column("what", "Property"),
        Column("was", base),
        Column("now", candidate),
    ]
    return Table("what-differs", "What differs", columns, rows, "Equal values are not listed.")


def _verdict(base: Header, candidate: Header, differences: Sequence[tuple[str, Difference]]) -> str:
    if base == candidate:
        return "Both sides are parts of one run."
    text = (
        "Base and candidate were not measured side by side: differences of speed within "
        f"±{show(NOISE_APART, 'share')} count as noise"
    )
    names = _listed(
        difference.what
        for _, difference in differences
        if difference.topic in ("machine", "software")
    )
    return f"{text}, and {names} differ, too." if names else f"{text}."


def _findings(
    base: Header, candidate: Header, differences: Sequence[tuple[str, Difference]]
) -> list[Finding]:
    if base == candidate:
        return []
    findings = []
    differing_properties = {difference.what for _, difference in differences}
    for id, topics, text in (
        ("machine", ("machine",), "the machines differ"),
        ("settings", ("settings",), "the settings differ"),
        ("cells", ("cell",), "the models or their inputs differ"),
    ):
        properties = _listed(
            difference.what
            for _, difference in differences
            if difference.topic in topics and difference.what != "Host"
        )
        if properties:
            findings.append(
                Finding(
                    f"differences.{id}",
                    "warning",
                    f"The ratios do not show the models alone: {text} ({properties}).",
                    "Measure both sides in the same way, or read the ratios as the effect of all "
                    "differences together.",
                )
            )
    if "Content (SHA-256)" not in differing_properties:
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
    """Join names: ``A, B and C``; empty for none."""
    unique = list(dict.fromkeys(names))
    listed = unique[:at_most]
    if len(unique) > at_most:
        listed.append(f"{len(unique) - at_most} more")
    *rest, last = listed or [""]
    return f"{', '.join(rest)} and {last}" if rest else last
