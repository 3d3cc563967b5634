"""Warnings on throughput if a request may hold more than one sample."""

from __future__ import annotations

from ovreport.run import Run
from ovreport.section import Finding

from .naming import name


def findings(run: Run) -> list[Finding]:
    """Return a finding for each version whose requests may hold more than one sample."""
    warnings = []
    for model, version in run.versions:
        results = [r for r in run.done if (r.cell.model, r.cell.version) == (model, version)]
        doubts = [r.resolved.batch_doubt for r in results if r.resolved and r.resolved.batch_doubt]
        if doubts:
            warnings.append(
                Finding(
                    "summary.samples",
                    "warning",
                    f"{name(run, model, version)}: throughput counts each request as one sample, "
                    f"because {doubts[0]}.",
                    "If a request holds more, name the dimension of the batch with `layout` "
                    "(--layout), such as '[N...]'.",
                )
            )
    return warnings
