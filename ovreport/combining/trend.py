"""Combine many runs into one, in which each run's cells are a new version: ``parent #3``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from ovreport import __version__
from ovreport.computed.series import series
from ovreport.computed.settings import config_with, settings
from ovreport.errors import UserError
from ovreport.run import Cell, Header, ModelFile, Origin, Run
from ovreport.text.numbers import unique_names

# A config allows 200 characters for the name of a version; ten are left for the number.
_LONGEST_NAME = 190


def distinct(runs: Sequence[tuple[str, Run]]) -> tuple[list[tuple[str, Run]], list[str]]:
    """Return each run once, and a sentence for each file that repeats a run.

    A run and its report, and a run before and after it was resumed, are the same: started in the
    same second on the same host, with cells in common. The one with the most results is kept.
    """
    kept: list[tuple[str, Run]] = []
    repeats = []
    for file, run in runs:
        place = next((n for n, (_, other) in enumerate(kept) if _is_same(run, other)), None)
        if place is None:
            kept.append((file, run))
            continue
        repeats.append(f"{file} holds the same run as {kept[place][0]}, which counts once")
        if len(run.done) > len(kept[place][1].done):
            kept[place] = (file, run)
    return kept, repeats


def _is_same(run: Run, other: Run) -> bool:
    starts = [(x.header.created, x.header.environment.host) for x in (run, other)]
    return starts[0] == starts[1] and bool({*run.header.plan} & {*other.header.plan})


def combine(runs: Sequence[tuple[str, Run]]) -> Run:
    """Combine runs in the order of their start, without layers and graphs.

    Args:
        runs: each with the file it was read from.

    Raises:
        UserError: fewer than two runs, or nothing was measured in two of them.
    """
    if len(runs) < 2:
        raise UserError("a trend needs two runs at least", "Name more run files or reports.")
    ordered = sorted(runs, key=lambda item: item[1].header.created)
    short = _short_versions(ordered)
    results, models, plan = [], [], []
    for number, (_, run) in enumerate(ordered):
        models += [_renamed(file, short, number) for file in run.header.models]
        plan += [_renamed(cell, short, number) for cell in run.header.plan]
        results += [
            result.model_copy(
                update={
                    "cell": _renamed(result.cell, short, number),
                    "profile": None,
                    "runtime_graph": None,
                    "model_graph": None,
                    "interleaved_with": (),
                    "provenance": None,
                }
            )
            for result in run.results
        ]
    latest = ordered[-1][1].header
    header = Header(
        ovreport=__version__,
        created=latest.created,
        config=_config(ordered[-1][1], models),
        environment=latest.environment,
        models=tuple(models),
        plan=tuple(plan),
        made="trend",
        origins=tuple(
            Origin(name=f"#{number + 1}", file=file, header=run.header)
            for number, (file, run) in enumerate(ordered)
        ),
        appearance=latest.appearance,
    )
    combined = Run(header, tuple(results))
    if not any(len(points) > 1 for points in series(combined).values()):
        raise UserError(
            "no configuration was measured in two of the runs",
            "Name runs of the same models and configurations.",
        )
    return combined


def _short_versions(runs: Sequence[tuple[str, Run]]) -> dict[tuple[str, str], str]:
    """Return version names, cut so that a number can follow; different ones stay different."""
    versions = dict.fromkeys(version for _, run in runs for version in run.versions)
    short: dict[tuple[str, str], str] = {}
    for model in dict.fromkeys(model for model, _ in versions):
        short |= unique_names({(m, v): v for m, v in versions if m == model}, _LONGEST_NAME)
    return short


Named = TypeVar("Named", Cell, ModelFile)


def _renamed(named: Named, short: Mapping[tuple[str, str], str], number: int) -> Named:
    version = f"{short[named.model, named.version]} #{number + 1}"
    return named.model_copy(update={"version": version})


def _config(latest: Run, models: Sequence[ModelFile]) -> dict[str, Any]:
    """Return the latest run's config with all versions, and with the trend as only section."""
    title = f"Trend: {', '.join(dict.fromkeys(m.model for m in models))}"
    report = settings(latest).report.model_copy(
        update={"title": title, "analyzers": ("trend",), "plugins": ()}
    )
    return config_with(latest, models, report=report)
