"""Is this version better than that one, and where does the difference come from?"""

from __future__ import annotations

from collections import defaultdict

from ovreport.computed.pairs import Comparison, comparisons
from ovreport.plugin import Analyzer
from ovreport.run import Run
from ovreport.section import Finding, Group, Section

from . import changes, compared_graphs, verdicts


class Versions(Analyzer):
    """Each version, runtime and device against a baseline, and the layers that differ."""

    id = "versions"
    title = "Versions"
    reading = (
        "Ratios are the other over the baseline. A verdict is given only where the interval lies "
        "beyond the noise, or within it."
    )
    needs = frozenset({"full_rate", "two_versions"})
    order = 250

    def analyze(self, run: Run) -> Section:
        compared = comparisons(run)
        alike: dict[tuple[str, str], list[Comparison]] = defaultdict(list)
        for comparison in compared:
            alike[comparison.axis, comparison.subject].append(comparison)
        groups: list[Group] = []
        findings: list[Finding] = []
        for (_, subject), several in alike.items():
            if len(several) > 1:
                groups.append(Group(subject, [verdicts.overview(run, several)]))
            for comparison in several:
                table = verdicts.verdict_table(run, comparison)
                layers = changes.blocks(run, comparison)
                drawn = compared_graphs.diagrams(run, comparison)
                groups.append(Group(comparison.heading, [table, *layers, *drawn]))
                findings += verdicts.findings(run, comparison)
                findings += changes.findings(run, comparison)
        said = "; ".join(verdicts.summary(run, comparison) for comparison in compared[:3])
        return Section(groups, findings, f"{said}." if said else "")
