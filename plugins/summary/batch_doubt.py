"""What throughput counts, where a request may hold more samples than one."""

from __future__ import annotations

from ovreport.run import Run
from ovreport.section import Finding

from .naming import name


def findings(run: Run) -> list[Finding]:
    """One for each version whose requests count as one sample although that is not sure."""
    found = []
    for model, version in run.versions:
        results = [r for r in run.done if (r.cell.model, r.cell.version) == (model, version)]
        doubts = [r.resolved.batch_doubt for r in results if r.resolved and r.resolved.batch_doubt]
        if doubts:
            found.append(
                Finding(
                    "summary.samples",
                    "warning",
                    f"{name(run, model, version)}: throughput counts each request as one sample, "
                    f"because {doubts[0]}.",
                    "If it holds more, say where the batch is with `layout` (--layout), such as "
                    "'[N...]'.",
                )
            )
    return found
