"""Steps from a run and a config to the written report, which all use cases share."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ovreport.analysis import Analysis, analyze, choose, installed
from ovreport.computed.settings import settings
from ovreport.config.appearance import appearance, templates
from ovreport.config.load import Source, validate, without_files
from ovreport.config.moved import current
from ovreport.config.schema import Config
from ovreport.files import write_whole
from ovreport.plugin import Analyzer
from ovreport.rendering.charts.process import ChartProcess
from ovreport.run import Run
from ovreport.section import Section


def report_settings(run: Run, name: str) -> Source:
    """Return the config that a run carries, without the files that its ``[report]`` names.

    A run file may come from a stranger, and a file that it names must not be executed.
    """
    config = without_files(validate(run.header.config, name))
    return Source(config, Path.cwd(), name, inherited=frozenset(Config.model_fields))


def chosen_analyzers(source: Source) -> list[Analyzer]:
    """Return the analyzers that a config asks for, with their options.

    What a run file asks of analyzers that are not installed is left out: only plugin files that it
    names may define them.

    Raises:
        UserError: an unknown analyzer or option, or a plugin file that cannot be loaded.
    """
    report = source.config.report
    available = installed([source.resolve(path) for path in report.plugins])
    wanted, options = report.analyzers, source.config.analyzer
    if "report" in source.inherited and wanted is not None:
        wanted = tuple(id for id in wanted if id in available)
    if "analyzer" in source.inherited:
        options = {id: values for id, values in options.items() if id in available}
    resolve = None if "analyzer" in source.inherited else source.resolve
    return choose(available, wanted, options, source.name, resolve)


def section_templates(source: Source) -> dict[str, Path]:
    """Return the user's templates of sections, by analyzer id.

    Raises:
        UserError: the folder does not exist, or a template belongs to no analyzer.
    """
    plugins = [source.resolve(path) for path in source.config.report.plugins]
    return templates(source, installed(plugins)) if source.config.report.templates else {}


def with_report_of(run: Run, source: Source) -> Run:
    """Return the run with look, limits and analyzer options of another config."""
    measured = settings(run)
    replaced = {"report", "compare", "analyzer"} - source.inherited
    tables = source.config.model_dump(mode="json", include=replaced)
    if run.header.made == "compare" and "report" in replaced and tables["report"]["title"] is None:
        tables["report"]["title"] = measured.report.title  # it says that two runs are compared
    # A report cannot change how outputs were collected, but how they are judged.
    collected = {name: getattr(measured.outputs, name) for name in ("compare", "samples", "layers")}
    tables["outputs"] = source.config.outputs.model_copy(update=collected).model_dump(mode="json")
    config = {**current(run.header.config), **tables}
    look = appearance(source) if "report" in replaced else run.header.appearance
    update = {"config": config, "appearance": look}
    return replace(run, header=run.header.model_copy(update=update))


def write_report(
    run: Run, source: Source, output: Path, charts: ChartProcess, *, with_data: bool = True
) -> None:
    """Analyse a run and write its report, whole or not at all.

    Args:
        charts: the process that draws charts; start it before the run is read.
    """
    from ovreport.rendering.page import render  # slow to import

    analyzers = chosen_analyzers(source)
    custom_templates = section_templates(source)
    analyses: list[Analysis] = []
    for analyzer in analyzers:
        for analysis in analyze(run, [analyzer], source.config.report.suppress):
            analyses.append(analysis)
            if isinstance(analysis.outcome, Section):
                charts.begin(analysis.outcome)
    page = render(run, analyses, with_data=with_data, templates=custom_templates, draw=charts.draw)
    write_whole(output, page)
