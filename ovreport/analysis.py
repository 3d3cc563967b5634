"""Finds the analyzers and runs them over a run; one that raises costs only its own section."""

from __future__ import annotations

import importlib.util
import inspect
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ovreport.errors import UserError
from ovreport.graphs.layers import executed_layers
from ovreport.plugin import Analyzer, Need, Options
from ovreport.run import Run
from ovreport.section import Crashed, Section, Skipped

GROUP = "ovreport.analyzers"


@dataclass(frozen=True)
class Analysis:
    """An analyzer and what came of it."""

    analyzer: Analyzer
    outcome: Section | Skipped | Crashed


def analyze(
    run: Run, analyzers: Sequence[Analyzer], suppress: Sequence[str] = ()
) -> list[Analysis]:
    """Each analyzer's section, without the findings whose id is suppressed."""
    return [
        Analysis(analyzer, _outcome(run, analyzer, frozenset(suppress)))
        for analyzer in analyzers
        if analyzer.concerns(run)
    ]


def _outcome(run: Run, analyzer: Analyzer, suppress: frozenset[str]) -> Section | Skipped | Crashed:
    needs = {"measurements", *analyzer.needs} if analyzer.needs else ()
    for need, is_met in _MEETS.items():
        if need in needs and not is_met(run):
            return Skipped(_MISSING[need])
    try:
        section = analyzer.analyze(run)
    except Exception as error:  # a plugin may raise anything; the report shows it as a card
        summary = traceback.format_exception_only(error)[-1].strip()
        return Crashed(summary, "".join(traceback.format_exception(error)))
    shown = [finding for finding in section.findings if finding.id not in suppress]
    return replace(section, findings=shown)


def _two_versions(run: Run) -> bool:
    """Of one model: two versions, or one version with two runtimes or devices."""
    points = {
        (r.cell.model, r.cell.version, r.cell.runtime, r.cell.device)
        for r in run.done
        if r.cell.rate is None
    }
    return any(count > 1 for count in Counter(model for model, *_ in points).values())


# The first that is not met is told: what lacks everything comes before what lacks a part.
_MEETS: dict[Need, Callable[[Run], bool]] = {
    "measurements": lambda run: bool(run.done),
    "full_rate": lambda run: any(r.cell.rate is None for r in run.done),
    "layers": lambda run: any(executed_layers(run, r) for r in run.done),
    "model_graph": lambda run: any(r.model_graph for r in run.done),
    "runtime_graph": lambda run: any(r.runtime_graph for r in run.done),
    "two_versions": _two_versions,
    "roofs": lambda run: any(not roof.failure for roof in run.roofs),
}

_MISSING: dict[Need, str] = {
    "measurements": "No cell was measured.",
    "full_rate": "All cells were measured at fixed rates of requests; how fast the model can be is "
    "seen without a rate.",
    "layers": "There are no layer times: no cell was profiled, or the device executed no layer.",
    "model_graph": "The run holds no model graph.",
    "runtime_graph": "The run holds no runtime graph.",
    "two_versions": "The run holds one version of each model, with one runtime on one device; "
    "two are needed to compare.",
    "roofs": "What the device can reach was not measured: `roofs` under [measure] is off, it "
    "failed, or the run was made before there was a roofline.",
}


# ---------------------------------------------------------------------------- finding them


def installed(plugins: Sequence[Path] = ()) -> dict[str, type[Analyzer]]:
    """Analyzers by id: those of installed packages, then those of the named files.

    Raises:
        UserError: a file cannot be loaded or holds no analyzer; two analyzers share an id.
    """
    found: dict[str, type[Analyzer]] = {}
    for point in entry_points(group=GROUP):
        try:
            loaded = point.load()
        except Exception as error:  # whatever a foreign package raises on import
            raise UserError(
                f"analyzer {point.name!r} ({point.value}) cannot be loaded: {error}",
                "Update or uninstall the package that offers it.",
            ) from error
        _add(found, loaded, point.value)
    for path in plugins:
        for loaded in _of_file(path):
            _add(found, loaded, str(path))
    return dict(sorted(found.items(), key=lambda item: (item[1].order, item[0])))


def _add(found: dict[str, type[Analyzer]], loaded: Any, origin: str) -> None:
    if not (inspect.isclass(loaded) and issubclass(loaded, Analyzer)):
        raise UserError(
            f"{origin}: not an analyzer", "Derive the class from ovreport.plugin.Analyzer."
        )
    if found.setdefault(loaded.id, loaded) is not loaded:
        raise UserError(
            f"{origin}: an analyzer with the id {loaded.id!r} is there already",
            "Give it an `id` of its own.",
        )


def _of_file(path: Path) -> list[type[Analyzer]]:
    name = f"ovreport_local_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise UserError(f"{path}: not a Python file", "Name a .py file under [report] plugins.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # whatever the user's file raises
        raise UserError(
            f"{path}: cannot be loaded: {error}", detail=traceback.format_exc()
        ) from error
    classes = [
        value
        for value in vars(module).values()
        if inspect.isclass(value) and issubclass(value, Analyzer) and value.__module__ == name
    ]
    if not classes:
        raise UserError(
            f"{path}: no analyzer inside", "Derive a class from ovreport.plugin.Analyzer."
        )
    return classes


def choose(
    available: Mapping[str, type[Analyzer]],
    wanted: Sequence[str] | None,
    options: Mapping[str, Mapping[str, Any]],
    name: str,
) -> list[Analyzer]:
    """Analyzers with their options, in the wanted order (or their own).

    Raises:
        UserError: an unknown id, or options that the analyzer does not know.
    """
    for key, ids in (("report.analyzers", wanted or ()), ("analyzer", options)):
        for id in ids:
            if id not in available:
                raise UserError(
                    f"{name}: `{key}` names the unknown analyzer {id!r}",
                    f"Installed analyzers: {', '.join(available)}.",
                )
    known = {id: _options(kind, options.get(id, {}), name) for id, kind in available.items()}
    return [
        available[id](known[id], known.values())
        for id in (wanted if wanted is not None else available)
    ]


def _options(kind: type[Analyzer], options: Mapping[str, Any], name: str) -> Options:
    try:
        return kind.options_type.model_validate(dict(options))
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in ("analyzer", kind.id, *problem["loc"]))
        known = ", ".join(kind.options_type.model_fields) or "none"
        raise UserError(
            f"{name}: `{key}`: {problem['msg']}", f"Options of this analyzer: {known}."
        ) from error
