"""A run from config to report: plan, measure, store, analyse, render, check limits."""

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
from ovreport.measuring.planner import Planner, Runtimes, inspect_runtimes
from ovreport.measuring.roofs import measure_roof, missing_roofs
from ovreport.measuring.scratch import scratch_folder
from ovreport.optimising.kept import kept_folder
from ovreport.optimising.making import make_versions
from ovreport.pipeline.display import (
    ComparingOutputs,
    Display,
    GateChecked,
    KeepingOutputs,
    MeasuringRoof,
    Planned,
    ReportWritten,
    RoofMeasured,
    Warned,
)
from ovreport.pipeline.limits import LimitCheck
from ovreport.pipeline.measuring import Measuring
from ovreport.pipeline.paths import Paths
from ovreport.pipeline.report import (
    chosen_analyzers,
    section_templates,
    write_report,
)
from ovreport.pipeline.results import MeasuredRun
from ovreport.planning.matrix import expand
from ovreport.planning.overrides import unused_properties
from ovreport.planning.planned_cell import PlannedCell
from ovreport.planning.resume import Resumption, resumption
from ovreport.planning.search import Search, searches
from ovreport.rendering.charts.process import drawing
from ovreport.run import Appearance, Cell, Environment, Header, Run
from ovreport.runfile import RunFile, is_empty_run, is_report, read_run
from ovreport.text.recipe_words import random_calibration


@dataclass(frozen=True)
class _Prepared:
    """A run before its first measurement."""

    planner: Planner
    plan: Planned
    cells: tuple[Cell, ...]
    """Cells of the plan, and cells of searches that the run file already holds."""
    candidates: tuple[Cell, ...]
    """Cells that searches may measure."""
    continued: Run | None
    """The run of the run file, if it is continued."""
    questions: list[Question]
    lone_versions: list[LoneVersion]
    look: Appearance
    folder: Path


@dataclass(frozen=True)
class Job:
    """One run. ``inputs`` are the files that it reads and therefore must not overwrite."""

    source: Source
    inputs: Sequence[Path]
    paths: Paths
    limits: LimitCheck
    display: Display

    def plan(self) -> Planned:
        """Plan the run and measure nothing.

        Raises:
            UserError: the input is wrong.
        """
        with self._prepared(writes=False) as prepared:
            return prepared.plan

    def run(self) -> MeasuredRun:
        """Plan, measure, report and check limits.

        Raises:
            UserError: the input is wrong, and nothing was measured; or the report cannot be
                written, and the run file has all measurements.
        """
        with self._prepared(writes=True) as prepared:
            run = self._measured(prepared)
        return self._reported(run)

    @contextmanager
    def _prepared(self, *, writes: bool) -> Iterator[_Prepared]:
        """Plan the run.

        Args:
            writes: whether files will be written; paths are then checked before models are read.
        """
        cells = expand(self.source.config, self.source.name)
        for note in unused_properties(self.source.config, cells, self.source.name):
            self.display.show(Warned(note))
        searched = searches(self.source.config, cells)
        candidates = tuple(cell for search in searched for cell in search.candidates())
        self.limits.check_scopes((*cells, *candidates), self.source.name)
        # Wrong settings of the report are found before anything is measured.
        chosen_analyzers(self.source)
        section_templates(self.source)
        look = appearance(self.source)
        continued = self._continued()
        if writes:
            check_apart(
                {"--run-file": self.paths.run_file, "-o": self.paths.report, **self.limits.files},
                [*self.inputs, *self.source.models],
            )
            self.paths.check()
        inspected = inspect_runtimes(self.source)
        environment = capture(inspected.facts)
        with scratch_folder() as folder:
            source, inspected = self._with_made_versions(inspected, environment, folder, writes)
            planner = Planner(source, inspected, environment, folder)
            planned = [planner.plan(cell) for cell in cells]
            searched = tuple(search.with_batches_that(planner.takes_batch) for search in searched)
            output_questions = questions(planner, planned)
            lone = lone_versions(planner, planned)
            resumed = Resumption()
            if continued is not None:
                of_searches = list(_measured_by_searches(continued, searched, planner))
                resumed = resumption(
                    self.paths.run_file, continued, [*planned, *of_searches], environment
                )
                cells += tuple(p.cell for p in of_searches if p.cell.id in resumed.kept)
            plan = Planned(
                tuple(planned),
                searched,
                resumed,
                self.source.config.measure,
                outputs=2 * len(output_questions) + len(lone),
            )
            self.display.show(plan)
            yield _Prepared(
                planner, plan, cells, candidates, continued, output_questions, lone, look, folder
            )

    def _with_made_versions(
        self, inspected: Runtimes, environment: Environment, scratch: Path, makes: bool
    ) -> tuple[Source, Runtimes]:
        """Make the versions that are made of others, or only find those that are kept.

        In a plan, the parent stands in for a version that is not made yet.
        """
        folder = kept_folder(self.paths.run_file)
        source = make_versions(
            self.source, inspected, environment, scratch, folder, self.display if makes else None
        )
        for version in source.config.model:
            made = source.made.get((version.name, version.version))
            if version.from_ is not None and made is None:
                name = f"{version.name} · {version.version}"
                self.display.show(Warned(f"{name} is not made yet: the run will make it first"))
            elif made is not None and made.making.is_random:
                self.display.show(Warned(random_calibration(version.name, version.version)))
        return source, inspect_runtimes(source) if source.made else inspected

    def _measured(self, prepared: _Prepared) -> Run:
        continued, resumed = prepared.continued, prepared.plan.resumed
        header = Header(
            ovreport=__version__,
            created=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
            config=self.source.config.model_dump(mode="json", by_alias=True),
            environment=prepared.planner.environment,
            models=prepared.planner.model_files(),
            plan=prepared.cells,
            appearance=prepared.look,
            superseded=None if continued is None else resumed.superseded,
        )
        with (
            RunFile(self.paths.run_file) as run_file,
            self.display.measuring(self.paths.report, self.paths.run_file),
        ):
            self.paths.check_replaceable()  # another process may have written it during planning
            if continued is None:
                run_file.begin(header)
            else:
                run_file.resume(header, continued.graphs)
            all_cells = (*prepared.cells, *prepared.candidates)
            measuring = Measuring(
                prepared.planner, run_file, all_cells, dict(resumed.kept), resumed, self.display
            )
            measuring.cells(prepared.plan.cells)
            for search in prepared.plan.searches:
                measuring.search(search)
            run = read_run(run_file.path)
            if prepared.questions or prepared.lone_versions:
                self._compare_outputs(prepared, run, run_file)
                self._keep_outputs(prepared, run, run_file)
                run = read_run(run_file.path)
            if self.source.config.measure.roofs:
                run = self._with_roofs(run, run_file, prepared.planner.runtimes.pythons)
        return run

    def _compare_outputs(self, prepared: _Prepared, run: Run, run_file: RunFile) -> None:
        """Compare outputs of versions, except of cells that failed."""
        measured = {result.cell.id for result in run.done}
        for question in prepared.questions:
            base, other = question.base.cell, question.other.cell
            if not {base.id, other.id} <= measured or is_answered(question, prepared.continued):
                continue
            self.display.show(ComparingOutputs(base, other))
            answers, recordings = answer(question, run, self.source.config.measure, prepared.folder)
            run_file.add(answers)
            for recording in recordings:
                run_file.add(recording)

    def _keep_outputs(self, prepared: _Prepared, run: Run, run_file: RunFile) -> None:
        """Keep outputs of versions, so that they can be compared with other runs."""
        measured = {result.cell.id for result in run.done}
        for version in prepared.lone_versions:
            cell = version.planned.cell
            if cell.id in measured and not is_recorded(version, prepared.continued):
                self.display.show(KeepingOutputs(cell))
                run_file.add(
                    record_outputs(version, run, self.source.config.measure, prepared.folder)
                )

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
                quoted = shlex.quote(str(run_file))
                remedy = f"What was measured is in {quoted}: `ovreport render {quoted} -o FILE`."
                raise UserError(error.found, remedy, detail=error.detail) from error
        self.display.show(ReportWritten(run, report, run_file))
        gate = self.limits.check(run)
        self.display.show(GateChecked(gate))
        return MeasuredRun(run, run_file, report, gate, self.limits.is_broken(gate))

    def _continued(self) -> Run | None:
        """Return the run to continue, if there is one.

        Raises:
            UserError: it is in a report, to which no lines can be added, or cannot be read.
        """
        path = self.paths.resume
        if path is None or is_empty_run(path):
            return None
        continued = read_run(path)
        if is_report(path):
            raise UserError(
                f"--resume {path}: a report, which cannot be continued",
                "Give its run file, which ends in .jsonl.",
            )
        return continued


def _measured_by_searches(
    continued: Run, searched: Sequence[Search], planner: Planner
) -> Iterator[PlannedCell]:
    """Yield the cells of searches that a run has already measured."""
    measured = {result.cell.id for result in continued.results}
    for search in searched:
        for cell in search.candidates():
            if cell.id in measured:
                # If the input does not fit this batch, the search finds that again.
                with suppress(UserError):
                    yield planner.plan(cell)
