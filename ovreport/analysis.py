"""Finds the analyzers and applies them to a run; if one raises, only its section is lost."""

from __future__ import annotations

import importlib.util
import inspect
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError

from ovreport.computed.layers import executed_layers, unplaced_s
from ovreport.config.analyzer_options import Options
from ovreport.errors import UserError
from ovreport.plugin import Analyzer, AnyNeed, CommonNeed, Need
from ovreport.run import Run
from ovreport.section import Crashed, Finding, Group, Section, Severity, Skipped, Topic

GROUP = "ovreport.analyzers"


@dataclass(frozen=True)
class Analysis:
    """An analyzer and its outcome."""

    analyzer: Analyzer
    outcome: Section | Skipped | Crashed


def analyze(
    run: Run, analyzers: Sequence[Analyzer], suppress: Sequence[str] = ()
) -> list[Analysis]:
    """Return each analyzer's section, without the findings whose id is suppressed."""
    outcomes = [(analyzer, _outcome(run, analyzer, frozenset(suppress))) for analyzer in analyzers]
    return [Analysis(analyzer, outcome) for analyzer, outcome in outcomes if outcome is not None]


def _outcome(
    run: Run, analyzer: Analyzer, suppress: frozenset[str]
) -> Section | Skipped | Crashed | None:
    """Return what an analyzer makes of a run; None if the run does not concern it."""
    try:
        if not analyzer.concerns(run):
            return None
        if reason := _unmet_need(analyzer.needs, run):
            return Skipped(reason)
        section = analyzer.analyze(run)
        _check(section)
        if isinstance(section, Skipped):
            return section
        shown = [finding for finding in section.findings if finding.id not in suppress]
        return replace(section, findings=shown)
    except (Exception, SystemExit) as error:  # a plugin may raise anything; the report shows it
        return Crashed(_summary(error), "".join(traceback.format_exception(error)))


def _check(section: object) -> None:
    """Check the types that the renderer relies on.

    Raises:
        TypeError: a part of the section has another type.
    """
    if isinstance(section, Skipped):
        if not (isinstance(section.reason, str) and section.reason.strip()):
            raise TypeError(f"analyze returned {section!r:.80}, whose reason is not a sentence")
        return
    if not isinstance(section, Section):
        raise TypeError(f"analyze returned {section!r:.80}, not a Section or Skipped")
    for group in section.groups:
        if not isinstance(group, Group):
            raise TypeError(f"the section's groups hold {group!r:.80}, not a Group")
        iter(group.blocks)  # raises a TypeError if it is no sequence
    for finding in section.findings:
        if not isinstance(finding, Finding):
            raise TypeError(f"the section's findings hold {finding!r:.80}, not a Finding")
        if finding.severity not in get_args(Severity):
            raise TypeError(f"finding {finding.id!r} has the severity {finding.severity!r:.80}")
        if finding.topic not in (None, *get_args(Topic)):
            raise TypeError(f"finding {finding.id!r} has the topic {finding.topic!r:.80}")


def _summary(error: BaseException) -> str:
    """Return the type and message of an error, such as ``SystemExit: 7``."""
    return traceback.format_exception_only(error)[-1].strip()


def _two_versions(run: Run) -> bool:
    """Return whether one model has two versions, or one version with two runtimes or devices."""
    variants = {
        (r.cell.model, r.cell.version, r.cell.runtime, r.cell.device)
        for r in run.done
        if r.cell.rate is None
    }
    return any(count > 1 for count in Counter(model for model, *_ in variants).values())


def _unmet_need(needs: Set[AnyNeed], run: Run) -> str:
    """Return why a run does not meet an analyzer's needs; empty if it meets them.

    Common needs are checked before the analyzer's own needs, which can rely on them.

    Raises:
        ValueError: one of the needs is unknown.
    """
    own_needs = [need for need in needs if isinstance(need, Need)]
    common_needs = needs - set(own_needs)
    if unknown := sorted(map(repr, common_needs - _IS_MET.keys())):
        raise ValueError(f"needs {unknown[0]}, which is none of {', '.join(_IS_MET)} and no Need")
    implied_needs = common_needs | {"measurements"} if common_needs else common_needs
    for name, is_met in _IS_MET.items():
        if name in implied_needs and not is_met(run):
            return _missing(name, run)
    return min((need.missing for need in own_needs if not need.is_met(run)), default="")


# The report names the first need that is not met, so the widest needs come first.
_IS_MET: dict[CommonNeed, Callable[[Run], bool]] = {
    "measurements": lambda run: bool(run.done),
    "full_rate": lambda run: any(r.cell.rate is None for r in run.done),
    "layers": lambda run: any(executed_layers(run, r) for r in run.done),
    "model_graph": lambda run: any(r.model_graph for r in run.done),
    "runtime_graph": lambda run: any(r.runtime_graph for r in run.done),
    "two_versions": _two_versions,
    "roofs": lambda run: any(not roof.failure for roof in run.roofs),
}

_MISSING: dict[CommonNeed, str] = {
    "measurements": "No cell was measured.",
    "full_rate": "All cells were measured at fixed rates of requests; the highest speed shows only "
    "without a rate.",
    "layers": "There are no layer times: the device executed no layer.",
    "model_graph": "The run holds no model graph.",
    "runtime_graph": "The run holds no runtime graph.",
    "two_versions": "The run holds one version of each model, with one runtime on one device; "
    "two are needed to compare.",
    "roofs": "The peak rates of the device were not measured in this run.",
}


def _missing(need: CommonNeed, run: Run) -> str:
    """Return why a common need is not met in this run."""
    if need in ("layers", "model_graph", "runtime_graph") and run.untimed:
        failure = run.untimed[0].profile_failure
        assert failure is not None
        return f"There are no layer times: the profiling pass failed: {failure.reason.rstrip('.')}."
    if need == "layers" and not any(r.profile for r in run.done):
        return "There are no layer times: profiling was switched off (`profile_iterations = 0`)."
    if need == "layers" and any(unplaced_s(run, r) for r in run.done):
        return (
            "There are no layer times: the timed layers have other names than the device's graph."
        )
    failed = [roof for roof in run.roofs if roof.failure]
    if need == "roofs" and failed:
        reason = failed[0].failure.rstrip(".")
        return f"The peak rates of the device could not be measured: {reason}."
    return _MISSING[need]


# ---------------------------------------------------------------------------- finding them


def installed(plugins: Sequence[Path] = ()) -> dict[str, type[Analyzer]]:
    """Return analyzers by id: those of installed packages, and those of the named files.

    Raises:
        UserError: a file cannot be loaded or holds no analyzer; two analyzers share an id.
    """
    analyzers: dict[str, type[Analyzer]] = {}
    for point in entry_points(group=GROUP):
        try:
            loaded = point.load()
        except (Exception, SystemExit) as error:  # a foreign package may raise anything on import
            raise UserError(
                f"analyzer {point.name!r} ({point.value}) cannot be loaded: {_summary(error)}",
                "Update or uninstall the package that offers it.",
            ) from error
        _add(analyzers, loaded, point.value)
    for path in plugins:
        for loaded in _analyzers_in_file(path):
            _add(analyzers, loaded, str(path))
    return dict(sorted(analyzers.items(), key=lambda item: (item[1].order, item[0])))


def _add(analyzers: dict[str, type[Analyzer]], loaded: Any, origin: str) -> None:
    if not (inspect.isclass(loaded) and issubclass(loaded, Analyzer)):
        raise UserError(
            f"{origin}: not an analyzer", "Derive the class from ovreport.plugin.Analyzer."
        )
    for name in ("id", "title"):
        value = getattr(loaded, name, None)
        if not (isinstance(value, str) and value.strip()):
            raise UserError(
                f"{origin}: the analyzer {loaded.__name__} has no `{name}`",
                f"Give the class a text named `{name}`.",
            )
    if inspect.isabstract(loaded):
        raise UserError(
            f"{origin}: the analyzer {loaded.__name__} has no `analyze`",
            "Give the class a method analyze(self, run) that returns a Section.",
        )
    if analyzers.setdefault(loaded.id, loaded) is not loaded:
        raise UserError(
            f"{origin}: another analyzer already has the id {loaded.id!r}",
            "Give it a different `id`.",
        )


def _analyzers_in_file(path: Path) -> list[type[Analyzer]]:
    name = f"ovreport_local_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise UserError(f"{path}: not a Python file", "Name a .py file under [report] plugins.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # a user's file may raise anything
        raise UserError(
            f"{path}: cannot be loaded: {_summary(error)}",
            "Correct the file, or remove it from [report] plugins.",
            detail=traceback.format_exc(),
        ) from error
    derived = [
        value
        for value in vars(module).values()
        if inspect.isclass(value) and issubclass(value, Analyzer) and value.__module__ == name
    ]
    bases = {base for kind in derived for base in kind.__mro__[1:]}
    classes = [kind for kind in derived if not (inspect.isabstract(kind) and kind in bases)]
    if not classes:
        raise UserError(
            f"{path}: holds no analyzer", "Derive a class from ovreport.plugin.Analyzer."
        )
    return classes


def choose(
    available: Mapping[str, type[Analyzer]],
    wanted: Sequence[str] | None,
    options: Mapping[str, Mapping[str, Any]],
    name: str,
    resolve: Callable[[str], Path] | None = None,
) -> list[Analyzer]:
    """Create the wanted analyzers with their options, in the wanted order.

    Args:
        available: classes by id, in the order of the report.
        wanted: ids; None for all analyzers.
        options: options in the config, by the analyzer's id.
        name: the name of the config, for messages.
        resolve: makes a path of the config absolute; None: no option may name a file.

    Raises:
        UserError: an id or an option is unknown.
    """
    for key, ids in (("report.analyzers", wanted or ()), ("analyzer", options)):
        for id in ids:
            if id not in available:
                raise UserError(
                    f"{name}: `{key}` names the unknown analyzer {id!r}",
                    f"Installed analyzers: {', '.join(available)}.",
                )
    typed = {
        id: _options(kind, options.get(id, {}), name, resolve) for id, kind in available.items()
    }
    return [available[id](typed[id]) for id in (wanted if wanted is not None else available)]


def _options(
    kind: type[Analyzer],
    options: Mapping[str, Any],
    name: str,
    resolve: Callable[[str], Path] | None,
) -> Options:
    closed = frozenset() if resolve else kind.options_type.file_options()
    values = {key: value for key, value in options.items() if key not in closed}
    try:
        return kind.options_type.model_validate(values, context={"resolve": resolve})
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in ("analyzer", kind.id, *problem["loc"]))
        option_names = ", ".join(kind.options_type.model_fields) or "none"
        remedy = (
            "Name a file, relative to the config's folder."
            if problem["type"] == "file"
            else f"Options of this analyzer: {option_names}."
        )
        raise UserError(f"{name}: `{key}`: {problem['msg']}", remedy) from error
