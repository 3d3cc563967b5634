"""Is this version better than that one, and where does the difference come from?"""

from __future__ import annotations

from collections import defaultdict

from pydantic import Field

from ovreport.comparisons import Comparison, comparisons
from ovreport.plugin import Analyzer, Options
from ovreport.run import Run
from ovreport.section import Finding, Group, Section
from ovreport.stats.criteria import LAUNCH_NOISE, NOISE, Noise

from . import changes, graphs, verdicts


class VersionOptions(Options):
    """Options of the section."""

    noise: float = Field(
        default=NOISE,
        ge=0,
        le=0.5,
        description="difference of throughput, latency and size that does not matter, as a "
        "fraction; two processes of the very same model differ by near 0.8 %",
    )
    launch_noise: float = Field(
        default=LAUNCH_NOISE,
        ge=0,
        le=1,
        description="the same for what is seen once a launch: compile time, first inference, "
        "memory",
    )
    baseline: str = Field(
        default="parent", description="version, runtime or device that the others are held against"
    )


class Versions(Analyzer):
    """Each version, runtime and device against a baseline, and the layers that differ."""

    id = "versions"
    title = "Versions"
    reading = (
        "Ratios are the other over the baseline. A verdict is given only where the whole interval "
        "lies beyond the noise, or within it."
    )
    needs = frozenset({"full_rate", "two_versions"})
    order = 250
    options_type = VersionOptions
    options: VersionOptions

    def analyze(self, run: Run) -> Section:
        noise = Noise(self.options.noise, self.options.launch_noise)
        compared = comparisons(run, self.options.baseline)
        alike: dict[tuple[str, str], list[Comparison]] = defaultdict(list)
        for comparison in compared:
            alike[comparison.axis, comparison.subject].append(comparison)
        groups: list[Group] = []
        findings: list[Finding] = []
        for (_, subject), several in alike.items():
            if len(several) > 1:
                groups.append(Group(subject, [verdicts.overview(run, several, noise)]))
            for comparison in several:
                table = verdicts.verdict_table(run, comparison, noise)
                where = [*changes.blocks(run, comparison), *graphs.diagrams(run, comparison)]
                groups.append(Group(comparison.heading, [table, *where]))
                findings += verdicts.findings(run, comparison, noise)
                findings += changes.findings(run, comparison)
        said = "; ".join(verdicts.summary(run, comparison, noise) for comparison in compared[:3])
        return Section(groups, findings, f"{said}." if said else "")
