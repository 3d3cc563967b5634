"""What ``ovreport run`` and ``compare`` show on the terminal: plan, progress, results."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Column, Table
from rich.text import Text

from ovreport.cli.making_printer import MakingPrinter
from ovreport.cli.printing import MessagePrinter
from ovreport.computed.figures import figures
from ovreport.computed.settings import settings
from ovreport.config.schema import Measure
from ovreport.interruption import Interrupted
from ovreport.measuring import scheduler
from ovreport.measuring.scheduler import CellStarted, PassStarted, SliceDone
from ovreport.outputs.agreement import AGREE, agreement
from ovreport.outputs.words import in_words
from ovreport.pipeline.display import (
    CellDone,
    ComparingOutputs,
    Event,
    KeepingOutputs,
    MeasuringRoof,
    Planned,
    ReportWritten,
    RoofMeasured,
    Searched,
)
from ovreport.planning.matrix import estimated_seconds
from ovreport.planning.planned_cell import PlannedCell, groups, partial_launches_of
from ovreport.planning.resume import Resumption
from ovreport.planning.search import Search
from ovreport.run import Cell, CellResult, Roof, Run, SearchStep
from ovreport.stats.estimate import Estimate
from ovreport.text.labels import count, difference, label, rough_duration
from ovreport.text.numbers import NOTHING, digits, interval, show
from ovreport.text.terminal import printable, printable_line

# A log file has no width; rich would fold its tables at 80 columns.
_LOG_WIDTH = 120
# The share of slices in a cell's progress; its layers are timed after them.
_SLICES_PART = 0.8

# sys.stdout is None if the program was started without a standard output.
_is_terminal = sys.stdout is not None and sys.stdout.isatty()
_console = Console(highlight=False, width=None if _is_terminal else _LOG_WIDTH)


def _text(value: str, style: str = "") -> Text:
    """Return literal text: no markup of rich, no control characters of terminals."""
    return Text(printable(value), style=style)


def print_plan(
    planned: Sequence[PlannedCell],
    searched: Sequence[Search],
    resumed: Resumption,
    measure: Measure,
    outputs: int,
) -> None:
    """Print the cells in order, which are measured already, and how long the rest takes.

    Args:
        outputs: how often outputs of a version are collected after the cells.
    """
    cells = [item.cell for item in planned]
    table = Table(title="Plan", title_justify="left", box=None, pad_edge=False)
    table.add_column("#", justify="right", style="dim")
    for heading in ("model", "configuration", "input"):
        table.add_column(heading)
    remaining = [item for item in planned if item.cell.id not in resumed.kept]
    launches_done = {
        item.cell.id: len(partial_launches_of(group, resumed.partial_launches))
        for group in groups(remaining, measure.interleave, resumed.partial_launches, resumed.failed)
        for item in group
    }
    is_resumed = bool(resumed.kept or resumed.again or any(launches_done.values()))
    if is_resumed:
        table.add_column("measured")
    for number, item in enumerate(planned, 1):
        shapes = ", ".join(f"[{','.join(map(str, shape))}]" for shape in item.shapes)
        name = f"{item.cell.model} · {item.cell.version}"
        state = [_state(item.cell, resumed, launches_done)] if is_resumed else []
        table.add_row(
            str(number), _text(name), _text(label(item.cell, cells)), _text(shapes), *state
        )
    _console.print(table)
    least, most = estimated_seconds([item.cell for item in remaining], measure, outputs)
    already_measured = f", {len(resumed.kept)} already measured" if resumed.kept else ""
    times = dict.fromkeys([_minutes(least), _minutes(most)])
    time = "nothing left to measure"
    if remaining:
        time = (
            f"about {' to '.join(times)} on a quiet machine, plus the time to compile large models"
        )
    _console.print(f"{count(len(cells), 'cell')}{already_measured}, {time}")
    for search in searched:
        most = search.most_cells
        time = _minutes(estimated_seconds(search.starts[:1] * most, measure)[1])
        _console.print(
            f"Then a search for throughput: at most {count(most, 'cell')} of "
            f"{search.grid.size * len(search.starts)} (streams × batch), about {time} at most"
        )
    for mark in resumed.marks:
        _console.print(_text(f"Marked: {mark}", "yellow"))
    if resumed.left_out:
        left_out = f"{count(resumed.left_out, 'measured cell')} of the run file, not in this plan"
        _console.print(_text(f"Left out of the report: {left_out}", "yellow"))


def _state(cell: Cell, resumed: Resumption, launches_done: Mapping[str, int]) -> Text:
    """Return the word for a cell's state.

    Args:
        launches_done: number of finished launches by cell id, of cells that are not kept.
    """
    if cell.id in resumed.kept:
        return _text("yes", "green")
    if launches := launches_done[cell.id]:
        return _text(f"begun: {count(launches, 'launch')}", "green")
    reason = resumed.again.get(cell.id)
    return _text(f"again: {reason}", "yellow") if reason else _text("no")


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


class CellProgress:
    """Shows progress while cells are measured: live on a terminal, otherwise a line for each cell.

    Args:
        all_cells: all cells that may be named, so that each name holds what differs.
    """

    def __init__(self, planned: Sequence[PlannedCell], all_cells: Sequence[Cell]) -> None:
        self._cells = all_cells
        self._total = len(planned)
        self._live = _console.is_terminal
        self._done = 0
        self._parts: dict[str, float] = {}
        """The part of each cell that is done, from 0 to 1, by cell id."""
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.fields[done]}/{task.total:.0f}"),
            BarColumn(bar_width=24),
            TimeElapsedColumn(),
            # The only column that may be cut if the terminal is narrow.
            TextColumn(
                "{task.description}",
                markup=False,
                table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis"),
            ),
            expand=True,
            console=_console,
            disable=not self._live,
            transient=True,
            # Drawing takes CPU time from the measured model; twice a second is enough.
            refresh_per_second=2,
        )
        self._task = self._progress.add_task("", total=len(planned), done=0)

    def __enter__(self) -> CellProgress:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def show(self, event: scheduler.MeasuringEvent) -> None:
        """Show one step of measuring."""
        match event:
            case PassStarted(number, cells):
                self._print_pass(number, cells)
            case CellStarted(cell):
                self._describe(cell, "compiling")
            case SliceDone(cell, precision, done):
                half_width = precision.worst
                self._advance(cell, _SLICES_PART * done)
                self._describe(
                    cell, f"known to ±{half_width:.1%}" if half_width < 1 else "measuring"
                )

    def _print_pass(self, number: int, cells: int) -> None:
        """Print each pass to a log, as all cells end only in the last pass."""
        if not self._live and self._total > 1:
            _console.print(_text(f"Launch {number}: {count(cells, 'cell')}", "dim"))

    def _advance(self, cell: Cell, done: float) -> None:
        self._parts[cell.id] = max(done, self._parts.get(cell.id, 0.0))
        self._progress.update(self._task, completed=sum(self._parts.values()), done=self._done)

    def _describe(self, cell: Cell, what: str) -> None:
        self._progress.update(self._task, description=printable_line(f"{what}: {self._name(cell)}"))

    def _name(self, cell: Cell) -> str:
        return label(cell, self._cells, version=True)

    def finished(self, result: CellResult) -> None:
        """Show that a cell is done and stored."""
        self._done += 1
        self._advance(result.cell, 1.0)
        head = f"[{self._done}/{self._total}] {self._name(result.cell)}: "
        if result.failure is not None:
            _console.print(_text(f"{head}failed: {result.failure.reason}", "red"))
            return
        cell_figures = figures(result)
        median = cell_figures.latency.median
        line = show(cell_figures.throughput_fps, "rate")
        if median is not None:
            line += f", median {show(median, 'duration')}"
        _console.print(_text(head + line))
        if result.profile_failure is not None:
            line = f"  its layers could not be timed: {result.profile_failure.reason}"
            _console.print(_text(line, "yellow"))


def print_step(step: SearchStep, all_cells: Sequence[Cell]) -> None:
    """Print what a search measures next and why, or why it ended."""
    if step.cell is None:
        _console.print(_text(f"Search ended: {step.why}", "dim"))
    else:
        _console.print(
            _text(f"Search: {label(step.cell, all_cells, version=True)}: {step.why}", "dim")
        )


def print_roof(roof: Roof) -> None:
    """Print what a device can reach, or why that is not known."""
    device, threads = roof.conditions.device, roof.conditions.threads
    if roof.failure:
        _console.print(_text(f"What {device} can reach is not known: {roof.failure}", "yellow"))
        return
    rates = [f"{digits(value / 1e9)} {name}" for name, value in roof.operations.items()]
    using = f" with {count(threads, 'thread')}" if threads else ""
    _console.print(
        _text(
            f"What {device} can reach{using}: {', '.join(rates)} (billion operations/s), "
            f"{digits(roof.memory_bandwidth / 1e9)} GB/s from memory"
        )
    )


def print_summary(run: Run) -> None:
    """Print the measured cells, one on each line."""
    table = Table(
        title="\nResults", title_justify="left", caption_justify="left", box=None, pad_edge=False
    )
    table.add_column("model")
    table.add_column("configuration")
    for heading in ("throughput, FPS", "median latency", "p95", "±"):
        table.add_column(heading, justify="right")
    cells = [result.cell for result in run.results]
    span = max((figures(result).span_s for result in run.done), default=0.0)
    if span:
        table.caption = f"±: at 95 % confidence, within this run of {rough_duration(span)}"
    for result in run.done:
        cell_figures = figures(result)
        median, p95 = cell_figures.latency.median, cell_figures.latency.p95
        table.add_row(
            _text(f"{result.cell.model} · {result.cell.version}"),
            _text(label(result.cell, cells)),
            show(cell_figures.throughput_fps.point, "rate"),
            show(median.point, "duration") if median else "–",
            show(p95.point, "duration") if p95 else "–",
            _short_interval(cell_figures.throughput_fps),
        )
    _console.print(table)
    batch_doubts = {
        f"{result.cell.model} · {result.cell.version}": result.resolved.batch_doubt
        for result in run.done
        if result.resolved and result.resolved.batch_doubt
    }
    for name, doubt in batch_doubts.items():
        line = f"{name}: each request counts as one sample, because {doubt}; see --layout."
        _console.print(_text(line, "yellow"))


def _short_interval(estimate: Estimate) -> str:
    """Return the interval in short, or a dash if too little was measured for one."""
    return interval(estimate, "rate", brief=True) if estimate.confidence else NOTHING


def print_answers(run: Run) -> None:
    """Print whether versions give the same answers, a line for each pair."""
    for answers in run.answers:
        outputs_agreement = agreement(run, answers, settings(run).outputs)
        base, other = difference(answers.base, answers.other)
        sentence = f"{answers.base.model}, {other} against {base}: {in_words(outputs_agreement)}"
        style = "" if outputs_agreement.outcome in AGREE else "yellow"
        _console.print(_text(f"Answers:  {sentence}", style), soft_wrap=True)


def print_failures(run: Run, *, verbose: bool) -> None:
    """Print why cells have no result or no layer times."""
    cells = [result.cell for result in run.results]
    failures = [("Failed", result, result.failure) for result in run.failed]
    failures += [("No layer times", result, result.profile_failure) for result in run.untimed]
    for heading, result, failure in failures:
        assert failure is not None
        name = label(result.cell, cells, version=True)
        _console.print(_text(f"{heading}: {name}: {failure.reason}", "red"))
        if verbose and failure.detail:
            _console.print(_text(failure.detail, "dim"))
    if failures and not verbose:
        _console.print("(-v shows more.)", style="dim")


class RunDisplay(MakingPrinter):
    """Prints a run from its plan to its limits.

    Args:
        target: the config or model that the user gave, for the command that continues the run.
        verbose: whether failures are printed with all details.
    """

    def __init__(self, target: str, *, verbose: bool) -> None:
        super().__init__()
        self._target = target
        self._verbose = verbose
        self._progress = CellProgress((), ())

    def show(self, event: Event) -> None:
        """Print one step."""
        match event:
            case Planned(cells, searched, resumed, measure, outputs):
                print_plan(cells, searched, resumed, measure, outputs)
            case PassStarted() | CellStarted() | SliceDone():
                self._progress.show(event)
            case CellDone(result):
                self._progress.finished(result)
            case Searched(step, all_cells):
                print_step(step, all_cells)
            case ComparingOutputs(base, other):
                names = difference(base, other)
                line = f"Comparing the outputs of {base.model}: {names[1]} with {names[0]}"
                click.echo(printable_line(line))
            case KeepingOutputs(cell):
                click.echo(printable_line(f"Keeping the outputs of {cell.model}, {cell.version}"))
            case MeasuringRoof(device):
                click.echo(printable_line(f"Measuring what {device} can reach"))
            case RoofMeasured(roof):
                print_roof(roof)
            case ReportWritten():
                self._print_results(event)
            case _:
                super().show(event)

    def _print_results(self, written: ReportWritten) -> None:
        print_summary(written.run)
        print_answers(written.run)
        print_failures(written.run, verbose=self._verbose)
        click.echo(printable_line(f"Report:   {written.report}"))
        click.echo(printable_line(f"Run file: {written.run_file}"))

    @contextmanager
    def cells(self, planned: Sequence[PlannedCell], all_cells: Sequence[Cell]) -> Iterator[None]:
        """Show the progress of these cells."""
        with CellProgress(planned, all_cells) as self._progress:
            yield

    @contextmanager
    def measuring(self, report: Path, run_file: Path) -> Iterator[None]:
        """Print how to continue if the user interrupts the run."""
        try:
            yield
        except Interrupted:
            quoted = shlex.quote(str(run_file))
            click.echo(
                f"\nInterrupted. What was measured is in {quoted}.\n"
                f"Continue:    ovreport run {shlex.quote(self._target)} --resume {quoted} "
                "(with the same options)\n"
                f"Report it:   ovreport render {quoted} -o {shlex.quote(str(report))}",
                err=True,
            )
            raise


class ComparisonDisplay(MessagePrinter):
    """Prints whether versions give the same answers, the path of the report, and limits."""

    def show(self, event: Event) -> None:
        """Print one step."""
        if isinstance(event, ReportWritten):
            print_answers(event.run)
            click.echo(printable_line(f"Report:   {event.report}"))
        else:
            super().show(event)
