"""Use cases that start from measured runs: render, compare, trend, export.

Functions import heavy packages themselves, so that importing this module takes no time, and so that
the process that draws charts starts while this one still imports and reads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, TextIO

from ovreport.pipeline.display import SILENT, Display, GateChecked, ReportWritten, Warned
from ovreport.pipeline.limits import NO_LIMITS, LimitCheck, Limits
from ovreport.pipeline.results import Compared, Exported, Rendered

if TYPE_CHECKING:
    from ovreport.analysis import Analysis
    from ovreport.rendering.diagrams.standalone import FileFormat
    from ovreport.run import Run

_ALL_CELLS: Mapping[str, str] = MappingProxyType({})


def render(
    run: Path,
    report: Path,
    *,
    config: Path | None = None,
    with_data: bool = True,
    redact: bool = False,
    display: Display = SILENT,
) -> Rendered:
    """Write the report of a run again, without measuring.

    Args:
        run: a run file or a report.
        report: the file to write.
        config: ``[report]``, ``[compare]`` and ``[analyzer]`` are taken from it, not from the run's
            config. Plugin files and templates are loaded only where it names them.
        with_data: keep the run inside the report, so that it can be read again.
        redact: leave out host name, user name and folders, in the page and in its data.
        display: shows warnings about the config.

    Raises:
        UserError: the run cannot be read, the config is wrong, or the report cannot be written.
    """
    from ovreport.rendering.charts.process import drawing

    with drawing() as charts:
        from ovreport.config.load import load_report
        from ovreport.files import check_apart, check_writable
        from ovreport.pipeline.report import report_settings, with_report_of, write_report
        from ovreport.runfile import is_report, read_run
        from ovreport.runfile.redaction import redacted

        measured = read_run(run).so_far()
        # A report may overwrite the one that it is made from, unless data would be lost.
        loses_data = not with_data or redact or not is_report(run)
        check_apart({"-o": report}, [config, run if loses_data else None])
        check_writable(report, "-o")
        if config:
            settings = load_report(config, measured.header.config)
            for note in settings.notes:
                display.show(Warned(note))
            measured = with_report_of(measured, settings)
        else:
            settings = report_settings(measured, str(run))
        if redact:
            measured = redacted(measured)
        write_report(measured, settings, report, charts, with_data=with_data)
    return Rendered(measured, report)


def compare(
    base: Path,
    candidate: Path,
    report: Path,
    *,
    base_cells: Mapping[str, str] = _ALL_CELLS,
    candidate_cells: Mapping[str, str] = _ALL_CELLS,
    config: Path | None = None,
    limits: Limits = NO_LIMITS,
    with_data: bool = True,
    display: Display = SILENT,
) -> Compared:
    """Compare two runs, of any time and machine, in one report.

    Args:
        base: a run file or a report.
        candidate: a run file or a report, which is compared with the base.
        report: the file to write.
        base_cells: compare only cells of the base with these values, such as
            ``{"version": "parent"}``. These fields need not agree with the candidate.
        candidate_cells: the same for the candidate.
        config: ``[report]``, ``[compare]``, ``[analyzer]`` and ``[gate]`` are taken from it, not
            from the candidate's config.
        limits: the limits that the comparison must keep.
        with_data: keep both runs inside the report.
        display: shows each step.

    Raises:
        UserError: a run cannot be read, the two have no cells in common, a limit is not a rule,
            or a file cannot be written.
    """
    from ovreport.combining.compare import Side
    from ovreport.combining.compare import compare as combine
    from ovreport.config.load import load_report
    from ovreport.files import check_apart, check_writable, file_text
    from ovreport.pipeline.report import (
        report_settings,
        with_report_of,
        write_report,
    )
    from ovreport.rendering.charts.process import drawing
    from ovreport.runfile import read_run

    combined = combine(
        Side("base", file_text(base), read_run(base), base_cells),
        Side("candidate", file_text(candidate), read_run(candidate), candidate_cells),
    )
    if config:
        settings = load_report(config, combined.header.config)
        for note in settings.notes:
            display.show(Warned(note))
        combined = with_report_of(combined, settings)
    else:
        settings = report_settings(combined, str(candidate))
    check = LimitCheck.choose(limits, settings)
    check_apart({"-o": report, **check.files}, [base, candidate, config])
    check_writable(report, "-o")
    check.check_scopes((*combined.header.plan, *combined.header.renamed.values()), str(candidate))
    with drawing() as charts:
        write_report(combined, settings, report, charts, with_data=with_data)
    display.show(ReportWritten(combined, report))
    gate = check.check(combined)
    display.show(GateChecked(gate))
    return Compared(combined, report, gate, check.is_broken(gate))


def trend(
    runs: Sequence[Path], report: Path, *, with_data: bool = True, display: Display = SILENT
) -> Rendered:
    """Follow models and configurations over many runs in one report.

    Args:
        runs: run files or reports; a run that is given twice counts once.
        report: the file to write.
        with_data: keep the runs inside the report.
        display: shows warnings about the runs.

    Raises:
        UserError: a run cannot be read, there is only one, or the report cannot be written.
    """
    from ovreport.combining.trend import combine, distinct
    from ovreport.files import check_apart, check_writable, file_text
    from ovreport.pipeline.report import report_settings, write_report
    from ovreport.rendering.charts.process import drawing
    from ovreport.runfile import read_run

    check_apart({"-o": report}, runs)
    different, warnings = distinct([(file_text(path), read_run(path)) for path in runs])
    for warning in warnings:
        display.show(Warned(warning))
    combined = combine(different)
    check_writable(report, "-o")
    settings = report_settings(combined, "trend")
    with drawing() as charts:
        write_report(combined, settings, report, charts, with_data=with_data)
    return Rendered(combined, report)


def export(
    run: Path,
    *,
    json: Path | TextIO | None = None,
    csv: Path | None = None,
    workbench_csv: Path | None = None,
    graphs: Path | None = None,
    graph_format: FileFormat = "svg",
) -> Exported:
    """Write the figures of a run for other programs.

    Args:
        run: a run file or a report.
        json: all figures, layers and findings as one document; a path or an open file.
        csv: the folder for the same as tables.
        workbench_csv: the folder for reports in the format of the Deep Learning Workbench.
        graphs: the folder for the runtime graph and the model's graph of each version.
        graph_format: the format of the graphs.

    Raises:
        UserError: no output is given, the run cannot be read, or a file cannot be written.
    """
    from ovreport.computed.workbench import workbench_files
    from ovreport.errors import UserError
    from ovreport.export.documents import csv_files, json_text
    from ovreport.files import check_apart, check_writable, write_folder, write_whole
    from ovreport.runfile import read_run

    if json is None and not (csv or workbench_csv or graphs):
        raise UserError(
            f"{run}: nothing to export was named",
            "Give --json FILE, --csv DIR, --workbench-csv DIR or --graph svg -o DIR.",
        )
    measured = read_run(run).so_far()
    if isinstance(json, Path):
        check_apart({"--json": json}, [run])
        check_writable(json, "--json")
    analyses = _analyses(measured, str(run)) if csv or json is not None else []
    files: list[Path] = []
    scales: dict[str, float] = {}
    if csv:
        files += write_folder(csv, csv_files(measured, analyses))
    if workbench_csv:
        files += write_folder(workbench_csv, workbench_files(measured))
    if graphs:
        from ovreport.export.diagrams import graph_files

        drawn = graph_files(measured, graph_format)
        files += write_folder(graphs, {name: file.content for name, file in drawn.items()})
        scales = {name: file.scale for name, file in drawn.items() if file.scale < 1}
    if isinstance(json, Path):
        write_whole(json, json_text(measured, analyses))
        files.append(json)
    elif json is not None:
        json.write(json_text(measured, analyses))
    return Exported(tuple(files), MappingProxyType(scales))


def _analyses(run: Run, name: str) -> list[Analysis]:
    from ovreport.analysis import analyze
    from ovreport.pipeline.report import chosen_analyzers, report_settings

    settings = report_settings(run, name)
    return analyze(run, chosen_analyzers(settings), settings.config.report.suppress)
