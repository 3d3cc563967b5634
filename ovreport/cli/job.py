"""The main job: a config's cells are planned, measured, kept, analysed and rendered."""

from __future__ import annotations

import datetime
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import click

from ovreport import __version__
from ovreport.cli.gate import EXIT_CODE
from ovreport.cli.measuring import Measuring
from ovreport.cli.show import print_answers, print_failures, print_plan, print_roof, print_summary
from ovreport.cli.words import Words
from ovreport.config.appearance import appearance
from ovreport.config.load import Source
from ovreport.errors import UserError
from ovreport.files import check_apart, check_writable
from ovreport.interruption import Interrupted
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
from ovreport.pipeline import GateChecked
from ovreport.pipeline.limits import LimitCheck
from ovreport.pipeline.report import (
    chosen_analyzers,
    output_options,
    section_templates,
    write_report,
)
from ovreport.planning.matrix import expand
from ovreport.planning.planned_cell import PlannedCell
from ovreport.planning.resume import Resumption, resumption
from ovreport.planning.search import Search, searches
from ovreport.rendering.charts.process import drawing
from ovreport.run import Header, Run
from ovreport.runfile import RunFile, is_report, is_unbegun, read_run
from ovreport.text.labels import difference
from ovreport.text.terminal import printable


@dataclass(frozen=True)
class Paths:
    """Where the report and the run file go; ``resume`` is set where the run file is continued."""

    report: Path
    run_file: Path
    resume: Path | None

    @classmethod
    def choose(cls, report: Path, run_file: Path | None, resume: Path | None) -> Paths:
        """Return where the report and the run file lie."""
        if run_file is not None and resume is not None:
            raise UserError(
                "--run-file and --resume exclude each other",
                "--resume continues the file that it names.",
            )
        return cls(report, resume or run_file or report.with_suffix(".jsonl"), resume)

    def check(self) -> None:
        """Fails before anything is measured, and before anything is lost.

        Raises:
            UserError: a path cannot be written or is being written by another process, or the run
                file holds something of its own.
        """
        check_writable(self.report, "-o")
        check_writable(self.run_file, "--run-file")
        if self.run_file.exists():
            with RunFile(self.run_file):  # is refused if another process writes it
                self.check_replaceable()

    def check_replaceable(self) -> None:
        """What the run file holds can be replaced, or goes on.

        Raises:
            UserError: it holds something of its own.
        """
        if self.resume is not None or is_unbegun(self.run_file):
            return
        try:
            there = read_run(self.run_file)
        except UserError as error:
            raise UserError(
                f"{self.run_file}: exists already and is not a run file that may be replaced",
                "Move it away or choose another place with --run-file.",
                detail=str(error),
            ) from error
        if there.pending and (there.results or there.partial_launches):
            raise UserError(
                f"{self.run_file}: holds an unfinished run, {len(there.results)} of "
                f"{len(there.header.plan)} cells are measured",
                f"Continue it with --resume {shlex.quote(str(self.run_file))}, delete it, or "
                "choose another place with --run-file.",
            )


@dataclass(frozen=True)
class Job:
    """One ``ovreport run``. ``target`` is what the user named, for the hint how to go on."""

    source: Source
    target: str
    paths: Paths
    gate: LimitCheck
    verbose: bool

    def run(self, *, dry_run: bool) -> int:
        """Does it all and returns the exit code.

        Raises:
            UserError: wrong input; nothing was measured.
        """
        cells = expand(self.source.config, self.source.name)
        searched = searches(self.source.config, cells)
        sought = [cell for search in searched for cell in search.candidates()]
        self.gate.check_scopes((*cells, *sought), self.source.name)
        # What the report needs is told before anything is measured.
        chosen_analyzers(self.source)
        section_templates(self.source)
        look = appearance(self.source)
        before = self._before()
        if not dry_run:
            check_apart(
                {"--run-file": self.paths.run_file, "-o": self.paths.report, **self.gate.files},
                [Path(self.target), *self.source.models],
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
            collected = 2 * len(asked) + len(lone)
            print_plan(planned, searched, resumed, self.source.config.measure, collected)
            if dry_run:
                return 0
            header = Header(
                ovreport=__version__,
                created=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
                config=self.source.config.model_dump(mode="json"),
                environment=environment,
                models=planner.model_files(),
                plan=cells,
                appearance=look,
                superseded=None if before is None else resumed.superseded,
            )
            with RunFile(self.paths.run_file) as run_file, self._hint_when_interrupted():
                self.paths.check_replaceable()  # it may have been written while this was planned
                if before is None:
                    run_file.begin(header)
                else:
                    run_file.go_on(header, before.graphs)
                measuring = Measuring(
                    planner, run_file, (*cells, *sought), dict(resumed.kept), resumed
                )
                measuring.cells(planned)
                for search in searched:
                    measuring.search(search)
                run = read_run(run_file.path)
                if asked or lone:
                    self._compare_answers(asked, run, before, run_file, folder)
                    self._keep_answers(lone, run, before, run_file, folder)
                    run = read_run(run_file.path)
                if self.source.config.measure.roofs:
                    run = self._with_roofs(run, run_file, planner.runtimes.pythons)
        return self._report(run)

    def _compare_answers(
        self,
        asked: list[Question],
        run: Run,
        before: Run | None,
        run_file: RunFile,
        folder: Path,
    ) -> None:
        """Whether versions answer alike; of cells that failed there is nothing to ask."""
        measured = {result.cell.id for result in run.done}
        for question in asked:
            base, other = question.base.cell, question.other.cell
            if not {base.id, other.id} <= measured or is_answered(question, before):
                continue
            names = difference(base, other)
            words = f"Comparing the outputs of {base.model}: {names[1]} with {names[0]}"
            click.echo(printable(words))
            answers, kept = answer(question, run, self.source.config.measure, folder)
            run_file.add(answers)
            for recording in kept:
                run_file.add(recording)

    def _keep_answers(
        self,
        asked: list[LoneVersion],
        run: Run,
        before: Run | None,
        run_file: RunFile,
        folder: Path,
    ) -> None:
        """What versions answer that are to be compared with other runs, if ever."""
        measured = {result.cell.id for result in run.done}
        for one in asked:
            cell = one.planned.cell
            if cell.id in measured and not is_recorded(one, before):
                click.echo(printable(f"Keeping the outputs of {cell.model}, {cell.version}"))
                run_file.add(record_outputs(one, run, self.source.config.measure, folder))

    def _with_roofs(self, run: Run, run_file: RunFile, pythons: Mapping[str, Path]) -> Run:
        """The run with what its devices can reach, measured where the run file lacks it."""
        for conditions in missing_roofs(run):
            click.echo(printable(f"Measuring what {conditions.device} can reach"))
            roof = measure_roof(conditions, pythons[conditions.runtime], self.source.config.measure)
            run_file.add(roof)
            print_roof(roof)
            others = (r for r in run.roofs if r.conditions != conditions)
            run = replace(run, roofs=(*others, roof))
        return run

    def _report(self, run: Run) -> int:
        with drawing() as charts:
            try:
                write_report(run, self.source, self.paths.report, charts)
            except UserError as error:
                kept = shlex.quote(str(self.paths.run_file))
                remedy = f"What was measured is in {kept}: `ovreport render {kept} -o FILE`."
                raise UserError(error.found, remedy, detail=error.detail) from error
        print_summary(run)
        print_answers(run, output_options(self.source))
        print_failures(run, verbose=self.verbose)
        told = f"Report:   {self.paths.report}\nRun file: {self.paths.run_file}"
        click.echo(printable(told))
        gate = self.gate.check(run, self.source)
        Words().show(GateChecked(gate))
        if self.gate.is_broken(gate):
            return EXIT_CODE
        return 1 if run.failed or run.untimed else 0

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

    @contextmanager
    def _hint_when_interrupted(self) -> Iterator[None]:
        try:
            yield
        except Interrupted:
            kept = shlex.quote(str(self.paths.run_file))
            click.echo(
                f"\nInterrupted. What was measured is in {kept}.\n"
                f"Continue:    ovreport run {shlex.quote(self.target)} --resume {kept} "
                "(with the same options)\n"
                f"Report it:   ovreport render {kept} -o {shlex.quote(str(self.paths.report))}",
                err=True,
            )
            raise


def _found(before: Run, searched: Sequence[Search], planner: Planner) -> Iterator[PlannedCell]:
    """What a run file holds of cells that the searches may come to."""
    there = {result.cell.id for result in before.results}
    for search in searched:
        for cell in search.candidates():
            if cell.id in there:
                # A batch that the input does not fit is found to be so again.
                with suppress(UserError):
                    yield planner.plan(cell)
