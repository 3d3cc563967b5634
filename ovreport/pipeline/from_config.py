"""Use cases that start from a config or a model: run and plan."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

from ovreport.pipeline.display import SILENT, Display, Planned, Warned
from ovreport.pipeline.limits import NO_LIMITS, LimitCheck, Limits
from ovreport.pipeline.results import MeasuredRun

if TYPE_CHECKING:
    from ovreport.pipeline.job import Job

ConfigOrModel: TypeAlias = "str | Path | Mapping[str, Any]"
ConfigValues: TypeAlias = "Mapping[str, Mapping[str, Any]]"

_NO_OVERRIDES: ConfigValues = MappingProxyType({})


def run(
    config: ConfigOrModel,
    report: Path,
    *,
    settings: ConfigValues = _NO_OVERRIDES,
    run_file: Path | None = None,
    resume: Path | None = None,
    limits: Limits = NO_LIMITS,
    display: Display = SILENT,
) -> MeasuredRun:
    """Measure the cells of a config, or of a model, and write a report.

    Args:
        config: a ``.toml`` file; the path of a model, or ``package:NAME/FILE``; or what a config
            file holds, as a dictionary, whose relative paths start from the current folder.
        report: the file to write.
        settings: values that override the config, by table and key, such as ``{"matrix": {"batch":
            [1, 2]}}``; those of ``model`` apply to its only model.
        run_file: where measurements are kept; by default next to the report.
        resume: continue this run file, and do not measure again what it holds.
        limits: the limits that the run must keep.
        display: shows each step.

    Raises:
        UserError: the input is wrong, and nothing was measured; or the report cannot be written,
            and the run file has all measurements. A cell that fails raises nothing: see
            :attr:`MeasuredRun.is_complete`.
    """
    return _job(config, report, settings, run_file, resume, limits, display).run()


def plan(
    config: ConfigOrModel,
    report: Path,
    *,
    settings: ConfigValues = _NO_OVERRIDES,
    run_file: Path | None = None,
    resume: Path | None = None,
    limits: Limits = NO_LIMITS,
    display: Display = SILENT,
) -> Planned:
    """Return what :func:`run` would measure with the same arguments, and measure nothing.

    Raises:
        UserError: the input is wrong.
    """
    return _job(config, report, settings, run_file, resume, limits, display).plan()


def _job(
    config: ConfigOrModel,
    report: Path,
    settings: ConfigValues,
    run_file: Path | None,
    resume: Path | None,
    limits: Limits,
    display: Display,
) -> Job:
    from ovreport.config.load import from_values, load
    from ovreport.pipeline.job import Job
    from ovreport.pipeline.paths import Paths

    if isinstance(config, Mapping):
        source, inputs = from_values(config, settings, Path.cwd(), "config"), []
    else:
        source, inputs = load(Path(config), settings), [Path(config)]
    for note in source.notes:
        display.show(Warned(note))
    paths = Paths.choose(report, run_file, resume)
    check = LimitCheck.choose(limits, source)
    check.check_comparable(source)
    return Job(source, inputs, paths, check, display)
