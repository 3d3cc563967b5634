"""Is this version better than that one, and where does the difference come from?"""

from __future__ import annotations

from collections import defaultdict

from ovreport.computed.pairs import Comparison, ComparisonOptions, comparisons
from ovreport.plugin import Analyzer
from ovreport.run import Run
from ovreport.section import Finding, Group, Section

from . import changes, graphs, verdicts


class Versions(Analyzer[ComparisonOptions]):
    """Each version, runtime and device against a baseline, and the layers that differ."""

    id = "versions"
    title = "Versions"
    reading = (
        "Ratios are the other over the baseline. A verdict is given only where the whole interval "
        "lies beyond the noise, or within it."
    )
    needs = frozenset({"full_rate", "two_versions"})
    order = 250

    def analyze(self, run: Run) -> Section:
        compared, noise = comparisons(run, self.options.baseline), self.options.thresholds
        alike: dict[tuple[str, str], list[Comparison]] = defaultdict(list)
        for comparison in compared:
            alike[comparison.axis, comparison.subject].append(comparison)
        groups: list[Group] = []
        findings: list[Finding] = []
        for (_, subject), several in alike.items():
            if len(several) > 1:
                groups.append(Group(subject, [verdicts.overview(run, several, self.options)]))
            for comparison in several:
                table = verdicts.verdict_table(run, comparison, self.options)
                layers = changes.blocks(run, comparison, noise)
                drawn = graphs.diagrams(run, comparison, noise)
                groups.append(Group(comparison.heading, [table, *layers, *drawn]))
                findings += verdicts.findings(run, comparison, self.options)
                findings += changes.findings(run, comparison, noise)
        said = "; ".join(
            verdicts.summary(run, comparison, self.options) for comparison in compared[:3]
        )
        return Section(groups, findings, f"{said}." if said else "")
