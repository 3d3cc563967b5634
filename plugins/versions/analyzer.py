"""Whether one version is better than another, and which layers make the difference."""

from __future__ import annotations

from collections import defaultdict

from ovreport.computed.pairs import Comparison, comparisons
from ovreport.plugin import Analyzer
from ovreport.run import Run
from ovreport.section import Finding, Group, Section

from . import changes, compared_graphs, recipes, verdicts


class Versions(Analyzer):
    """Compare each version, runtime and device with a baseline, and show the layers that differ."""

    id = "versions"
    title = "Versions"
    reading = (
        "A ratio is the other version's figure over the baseline's. A verdict needs an interval "
        "that lies wholly beyond the noise, or wholly within it."
    )
    needs = frozenset({"full_rate", "two_versions"})
    order = 250

    def analyze(self, run: Run) -> Section:
        compared = comparisons(run)
        by_subject: dict[tuple[str, str], list[Comparison]] = defaultdict(list)
        for comparison in compared:
            by_subject[comparison.axis, comparison.subject].append(comparison)
        groups: list[Group] = []
        findings: list[Finding] = []
        for (_, subject), members in by_subject.items():
            if len(members) > 1:
                groups.append(Group(subject, [verdicts.overview(run, members)]))
            for comparison in members:
                table = verdicts.verdict_table(run, comparison)
                layers = changes.blocks(run, comparison)
                diagrams = compared_graphs.diagrams(run, comparison)
                groups.append(Group(comparison.heading, [table, *layers, *diagrams]))
                findings += verdicts.findings(run, comparison)
                findings += changes.findings(run, comparison)
        groups += recipes.groups(run)
        findings += recipes.findings(run)
        verdict = "; ".join(verdicts.summary(run, comparison) for comparison in compared[:3])
        return Section(groups, findings, f"{verdict}." if verdict else "")
