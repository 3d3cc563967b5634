"""Warnings on throughput if a request may hold more than one sample."""

from __future__ import annotations

from ovreport.run import Run
from ovreport.section import Finding

from .naming import name


def findings(run: Run) -> list[Finding]:
    """Return a finding for each version whose requests may hold more than one sample."""
    warnings = []
    for model, version in run.versions:
        results = [
            result
            for result in run.done
            if (result.cell.model, result.cell.version) == (model, version)
        ]
        doubts = [
            result.resolved.batch_doubt
            for result in results
            if result.resolved and result.resolved.batch_doubt
        ]
        if doubts:
            warnings.append(
                Finding(
                    "summary.samples",
                    "warning",
                    f"{name(run, model, version)}: throughput counts each request as one sample, "
                    f"because {doubts[0]}.",
                    "If a request holds more, name the dimension of the batch with `layout` "
                    "(--layout), such as '[N...]'.",
                    topic="unit",
                )
            )
    return warnings
