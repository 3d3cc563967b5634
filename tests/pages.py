"""All sentences of a page, for tests that compare those of different sections."""

from __future__ import annotations

from ovreport.analysis import analyze, installed
from ovreport.run import Run
from ovreport.section import Chart, Finding, Section


def findings(run: Run) -> list[Finding]:
    """Return the findings of all sections of the installed analyzers."""
    done = analyze(run, [kind() for kind in installed().values()])
    sections = [each.outcome for each in done if isinstance(each.outcome, Section)]
    return [finding for section in sections for finding in section.findings]


def undrawn(chart: Chart) -> str:
    """Return a picture without marks; matplotlib takes a tenth of a second for each chart."""
    return f"<svg><title>{len(chart.marks)}</title></svg>"
