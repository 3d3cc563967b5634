"""A run from its config to its report: planned, measured, kept, analysed, rendered, checked."""

from __future__ import annotations

import datetime
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from ovreport import __version__
from ovreport.config.appearance import appearance
from ovreport.config.load import Source
from ovreport.errors import UserError
from ovreport.files import check_apart
from ovreport.measuring.compare_outputs import (
    LoneVersion,
    Question,
    answer,
    is_answered,
    is_recorded,
    lone_versions,
    questions,
    record_outputs,
)
from ovreport.measuring.environment import capture
from ovreport.measuring.planner import Planner, inspect_runtimes
from ovreport.measuring.roofs import measure_roof, missing_roofs
from ovreport.measuring.scratch import scratch_folder
from ovreport.pipeline.display import (
    ComparingOutputs,
    Display,
    GateChecked,
    KeepingOutputs,
    MeasuringRoof,
    Planned,
    ReportWritten,
    RoofMeasured,
)
from ovreport.pipeline.limits import LimitCheck
from ovreport.pipeline.measuring import Measuring
from ovreport.pipeline.paths import Paths
from ovreport.pipeline.report import (
    chosen_analyzers,
    output_options,
    section_templates,
    write_report,
)
from ovreport.pipeline.results import MeasuredRun
from ovreport.planning.matrix import expand
from ovreport.planning.planned_cell import PlannedCell
from ovreport.planning.resume import Resumption, resumption
from ovreport.planning.search import Search, searches
from ovreport.rendering.charts.process import drawing
from ovreport.run import Appearance, Cell, Header, Run
from ovreport.runfile import RunFile, is_report, is_unbegun, read_run


@dataclass(frozen=True)
class _Prepared:
    """What is known of a run before its first measurement."""

    planner: Planner
    plan: Planned
    cells: tuple[Cell, ...]
    """Those of the plan, and those of searches that the run file holds already."""
    candidates: tuple[Cell, ...]
    """Cells that searches may come to."""
    before: Run | None
    """What the run file holds, where it is continued."""
    asked: list[Question]
    lone: list[LoneVersion]
    look: Appearance
    folder: Path


@dataclass(frozen=True)
class Job:
    """One run. ``inputs`` are files that it reads, and so must not write."""

    source: Source
    inputs: Sequence[Path]
    paths: Paths
    limits: LimitCheck
    display: Display

    def plan(self) -> Planned:
        """Plan the run and measure nothing.

        Raises:
            UserError: wrong input.
        """
        with self._prepared(writes=False) as prepared:
            return prepared.plan

    def run(self) -> MeasuredRun:
        """Plan, measure, report and check limits.

        Raises:
            UserError: wrong input, and nothing was measured; or the report cannot be written, and
                the run file has all measurements.
        """
        with self._prepared(writes=True) as prepared:
            run = self._measured(prepared)
        return self._reported(run)

    @contextmanager
    def _prepared(self, *, writes: bool) -> Iterator[_Prepared]:
        """Args: writes: whether files are written, which is checked before models are read."""
        cells = expand(self.source.config, self.source.name)
        searched = searches(self.source.config, cells)
        sought = tuple(cell for search in searched for cell in search.candidates())
        self.limits.check_scopes((*cells, *sought), self.source.name)
        # What is wrong with the report's settings is found before anything is measured.
        chosen_analyzers(self.source)
        section_templates(self.source)
        look = appearance(self.source)
        before = self._before()
        if writes:
            check_apart(
                {"--run-file": self.paths.run_file, "-o": self.paths.report, **self.limits.files},
                [*self.inputs, *self.source.models],
            )
            self.paths.check()
        inspected = inspect_runtimes(self.source)
        environment = capture(inspected.facts)
        with scratch_folder() as folder:
            planner = Planner(self.source, inspected, environment, folder)
            planned = [planner.plan(cell) for cell in cells]
            asked = questions(planner, planned)
            lone = lone_versions(planner, planned)
            resumed = Resumption()
            if before is not None:
                found = list(_found(before, searched, planner))
                resumed = resumption(self.paths.run_file, before, [*planned, *found], environment)
                cells += tuple(p.cell for p in found if p.cell.id in resumed.kept)
            plan = Planned(
                tuple(planned),
                searched,
                resumed,
                self.source.config.measure,
                outputs=2 * len(asked) + len(lone),
            )
            self.display.show(plan)
            yield _Prepared(planner, plan, cells, sought, before, asked, lone, look, folder)

    def _measured(self, prepared: _Prepared) -> Run:
        before, resumed = prepared.before, prepared.plan.resumed
        header = Header(
            ovreport=__version__,
            created=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
            config=self.source.config.model_dump(mode="json"),
            environment=prepared.planner.environment,
            models=prepared.planner.model_files(),
            plan=prepared.cells,
            appearance=prepared.look,
            superseded=None if before is None else resumed.superseded,
        )
        with (
            RunFile(self.paths.run_file) as run_file,
            self.display.measuring(self.paths.report, self.paths.run_file),
        ):
            self.paths.check_replaceable()  # it may have been written while this was planned
            if before is None:
                run_file.begin(header)
            else:
                run_file.go_on(header, before.graphs)
            among = (*prepared.cells, *prepared.candidates)
            measuring = Measuring(
                prepared.planner, run_file, among, dict(resumed.kept), resumed, self.display
            )
            measuring.cells(prepared.plan.cells)
            for search in prepared.plan.searches:
                measuring.search(search)
            run = read_run(run_file.path)
            if prepared.asked or prepared.lone:
                self._compare_outputs(prepared, run, run_file)
                self._keep_outputs(prepared, run, run_file)
                run = read_run(run_file.path)
            if self.source.config.measure.roofs:
                run = self._with_roofs(run, run_file, prepared.planner.runtimes.pythons)
        return run

    def _compare_outputs(self, prepared: _Prepared, run: Run, run_file: RunFile) -> None:
        """Compare outputs of versions, except of cells that failed."""
        measured = {result.cell.id for result in run.done}
        for question in prepared.asked:
            base, other = question.base.cell, question.other.cell
            if not {base.id, other.id} <= measured or is_answered(question, prepared.before):
                continue
            self.display.show(ComparingOutputs(base, other))
            answers, kept = answer(question, run, self.source.config.measure, prepared.folder)
            run_file.add(answers)
            for recording in kept:
                run_file.add(recording)

    def _keep_outputs(self, prepared: _Prepared, run: Run, run_file: RunFile) -> None:
        """Keep outputs of versions, so that they can be compared with other runs."""
        measured = {result.cell.id for result in run.done}
        for one in prepared.lone:
            cell = one.planned.cell
            if cell.id in measured and not is_recorded(one, prepared.before):
                self.display.show(KeepingOutputs(cell))
                run_file.add(record_outputs(one, run, self.source.config.measure, prepared.folder))

    def _with_roofs(self, run: Run, run_file: RunFile, pythons: Mapping[str, Path]) -> Run:
        """Return the run with what its devices can reach, measured where the run file lacks it."""
        for conditions in missing_roofs(run):
            self.display.show(MeasuringRoof(conditions.device))
            roof = measure_roof(conditions, pythons[conditions.runtime], self.source.config.measure)
            run_file.add(roof)
            self.display.show(RoofMeasured(roof))
            others = (r for r in run.roofs if r.conditions != conditions)
            run = replace(run, roofs=(*others, roof))
        return run

    def _reported(self, run: Run) -> MeasuredRun:
        report, run_file = self.paths.report, self.paths.run_file
        with drawing() as charts:
            try:
                write_report(run, self.source, report, charts)
            except UserError as error:
                kept = shlex.quote(str(run_file))
                remedy = f"What was measured is in {kept}: `ovreport render {kept} -o FILE`."
                raise UserError(error.found, remedy, detail=error.detail) from error
        self.display.show(ReportWritten(run, report, output_options(self.source), run_file))
        gate = self.limits.check(run, self.source)
        self.display.show(GateChecked(gate))
        return MeasuredRun(run, run_file, report, gate, self.limits.is_broken(gate))

    def _before(self) -> Run | None:
        """The run to go on with.

        Raises:
            UserError: it is in a report, which lines cannot be added to, or cannot be read.
        """
        path = self.paths.resume
        if path is None or is_unbegun(path):
            return None
        before = read_run(path)
        if is_report(path):
            raise UserError(
                f"--resume {path}: a report, which cannot be continued",
                "Give its run file, which ends in .jsonl.",
            )
        return before


def _found(before: Run, searched: Sequence[Search], planner: Planner) -> Iterator[PlannedCell]:
    """What a run file holds of cells that the searches may come to."""
    there = {result.cell.id for result in before.results}
    for search in searched:
        for cell in search.candidates():
            if cell.id in there:
                # A batch that the input does not fit is found to be so again.
                with suppress(UserError):
                    yield planner.plan(cell)
