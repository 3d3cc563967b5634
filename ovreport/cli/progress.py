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

from ovreport.cli.printing import MessagePrinter
from ovreport.computed.figures import figures
from ovreport.config.schema import Measure
from ovreport.interruption import Interrupted
from ovreport.measuring import scheduler
from ovreport.measuring.scheduler import CellStarted, PassStarted, SliceDone
from ovreport.outputs.agreement import AGREE, OutputOptions, agreement
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
from ovreport.text.labels import count, difference, label, lasting
from ovreport.text.numbers import NOTHING, digits, interval, show
from ovreport.text.terminal import printable

# A log file has no width of its own; rich would fold its tables at 80 columns.
_LOG_WIDTH = 120
# Of a cell's progress; its layers are timed after all slices.
_SLICES_PART = 0.8

# None: the program was started without a standard output.
_is_terminal = sys.stdout is not None and sys.stdout.isatty()
_console = Console(highlight=False, width=None if _is_terminal else _LOG_WIDTH)


def _text(value: str, style: str = "") -> Text:
    """Literal text: rich's markup and terminal control characters are not interpreted."""
    return Text(printable(value), style=style)


def print_plan(
    planned: Sequence[PlannedCell],
    searched: Sequence[Search],
    resumed: Resumption,
    measure: Measure,
    outputs: int,
) -> None:
    """The cells in their order, which of them are measured already, and how long the rest takes.

    Args:
        outputs: how often outputs of a version are collected after that.
    """
    cells = [item.cell for item in planned]
    table = Table(title="Plan", title_justify="left", box=None, pad_edge=False)
    table.add_column("#", justify="right", style="dim")
    for heading in ("model", "configuration", "input"):
        table.add_column(heading)
    left = [item for item in planned if item.cell.id not in resumed.kept]
    begun = {
        item.cell.id: len(partial_launches_of(group, resumed.partial_launches))
        for group in groups(left, measure.interleave, resumed.partial_launches, resumed.failed)
        for item in group
    }
    goes_on = bool(resumed.kept or resumed.again or any(begun.values()))
    if goes_on:
        table.add_column("measured")
    for number, item in enumerate(planned, 1):
        shapes = ", ".join(f"[{','.join(map(str, shape))}]" for shape in item.shapes)
        name = f"{item.cell.model} · {item.cell.version}"
        state = [_state(item.cell, resumed, begun)] if goes_on else []
        table.add_row(
            str(number), _text(name), _text(label(item.cell, cells)), _text(shapes), *state
        )
    _console.print(table)
    least, most = estimated_seconds([item.cell for item in left], measure, outputs)
    done = f", {len(resumed.kept)} already measured" if resumed.kept else ""
    times = dict.fromkeys([_minutes(least), _minutes(most)])
    time = "nothing left to measure"
    if left:
        time = f"about {' to '.join(times)}, plus the time to compile large models"
    _console.print(f"{count(len(cells), 'cell')}{done}, {time}")
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
        words = f"{count(resumed.left_out, 'measured cell')} of the run file not in this plan"
        _console.print(_text(f"Left out of the report: {words}", "yellow"))


def _state(cell: Cell, resumed: Resumption, begun: Mapping[str, int]) -> Text:
    """Args: begun: the launches that a cell has done, by its id, unless it is kept."""
    if cell.id in resumed.kept:
        return _text("yes", "green")
    if launches := begun[cell.id]:
        return _text(f"begun: {count(launches, 'launch')}", "green")
    reason = resumed.again.get(cell.id)
    return _text(f"again: {reason}", "yellow") if reason else _text("no")


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


class CellProgress:
    """Progress while cells are measured: live on a terminal, a line a cell elsewhere.

    Args:
        among: all cells that may be named, so that each is told by what differs.
    """

    def __init__(self, planned: Sequence[PlannedCell], among: Sequence[Cell]) -> None:
        self._cells = among
        self._total = len(planned)
        self._live = _console.is_terminal
        self._done = 0
        self._parts: dict[str, float] = {}
        """Done of each cell, from 0 to 1, by its id."""
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.fields[done]}/{task.total:.0f}"),
            BarColumn(bar_width=24),
            TimeElapsedColumn(),
            # The one part that may be cut where the terminal is narrow.
            TextColumn(
                "{task.description}",
                markup=False,
                table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis"),
            ),
            expand=True,
            console=_console,
            disable=not self._live,
            transient=True,
            # Drawing takes CPU time from what is measured: twice a second is enough.
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
        """One step of the measuring."""
        match event:
            case PassStarted(number, cells):
                self._print_pass(number, cells)
            case CellStarted(cell):
                self._describe(cell, "compiling")
            case SliceDone(cell, precision, done):
                known = precision.worst
                self._advance(cell, _SLICES_PART * done)
                self._describe(cell, f"known to ±{known:.1%}" if known < 1 else "measuring")

    def _print_pass(self, number: int, cells: int) -> None:
        """A log is not silent while no cell is done yet: all are, one after another, at the end."""
        if not self._live and self._total > 1:
            _console.print(_text(f"Launch {number}: {count(cells, 'cell')}", "dim"))

    def _advance(self, cell: Cell, done: float) -> None:
        self._parts[cell.id] = max(done, self._parts.get(cell.id, 0.0))
        self._progress.update(self._task, completed=sum(self._parts.values()), done=self._done)

    def _describe(self, cell: Cell, what: str) -> None:
        self._progress.update(self._task, description=printable(f"{what}: {self._name(cell)}"))

    def _name(self, cell: Cell) -> str:
        return label(cell, self._cells, version=True)

    def finished(self, result: CellResult) -> None:
        """A cell is done and stored."""
        self._done += 1
        self._advance(result.cell, 1.0)
        head = f"[{self._done}/{self._total}] {self._name(result.cell)}: "
        if result.failure is not None:
            _console.print(_text(f"{head}failed: {result.failure.reason}", "red"))
            return
        known = figures(result)
        median = known.latency.median
        words = show(known.throughput_fps, "rate")
        if median is not None:
            words += f", median {show(median, 'duration')}"
        _console.print(_text(head + words))
        if result.profile_failure is not None:
            said = f"  its layers could not be timed: {result.profile_failure.reason}"
            _console.print(_text(said, "yellow"))


def print_step(step: SearchStep, among: Sequence[Cell]) -> None:
    """What a search looks at next and why, or why it ended."""
    if step.cell is None:
        _console.print(_text(f"Search ended: {step.why}", "dim"))
    else:
        _console.print(_text(f"Search: {label(step.cell, among, version=True)}: {step.why}", "dim"))


def print_roof(roof: Roof) -> None:
    """What a device can reach, or why that is not known."""
    device, threads = roof.conditions.device, roof.conditions.threads
    if roof.failure:
        _console.print(_text(f"What {device} can reach is not known: {roof.failure}", "yellow"))
        return
    rates = [f"{digits(value / 1e9)} {name}" for name, value in roof.operations.items()]
    by = f" with {count(threads, 'thread')}" if threads else ""
    _console.print(
        _text(
            f"What {device} can reach{by}: {', '.join(rates)} (billion operations/s), "
            f"{digits(roof.memory_bandwidth / 1e9)} GB/s from memory"
        )
    )


def print_summary(run: Run) -> None:
    """The measured cells, one a line."""
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
        table.caption = f"±: at 95 % confidence, within this run of {lasting(span)}"
    for result in run.done:
        known = figures(result)
        median, p95 = known.latency.median, known.latency.p95
        table.add_row(
            _text(f"{result.cell.model} · {result.cell.version}"),
            _text(label(result.cell, cells)),
            show(known.throughput_fps.point, "rate"),
            show(median.point, "duration") if median else "–",
            show(p95.point, "duration") if p95 else "–",
            _sureness(known.throughput_fps),
        )
    _console.print(table)
    doubts = {
        f"{result.cell.model} · {result.cell.version}": result.resolved.batch_doubt
        for result in run.done
        if result.resolved and result.resolved.batch_doubt
    }
    for name, doubt in doubts.items():
        words = f"{name}: each request counts as one sample, because {doubt}; see --layout."
        _console.print(_text(words, "yellow"))


def _sureness(estimate: Estimate) -> str:
    """The interval in short, or a dash where too little was measured for one."""
    return interval(estimate, "rate", brief=True) if estimate.confidence else NOTHING


def print_answers(run: Run, options: OutputOptions) -> None:
    """Whether versions give the same answers, a line for each two."""
    for answers in run.answers:
        known = agreement(run, answers, options)
        base, other = difference(answers.base, answers.other)
        words = f"{answers.base.model}, {other} against {base}: {in_words(known)}"
        style = "" if known.outcome in AGREE else "yellow"
        _console.print(_text(f"Answers:  {words}", style), soft_wrap=True)


def print_failures(run: Run, *, verbose: bool) -> None:
    """Why cells have no result, or no layer times."""
    cells = [result.cell for result in run.results]
    found = [("Failed", result, result.failure) for result in run.failed]
    found += [("No layer times", result, result.profile_failure) for result in run.untimed]
    for what, result, failure in found:
        assert failure is not None
        name = label(result.cell, cells, version=True)
        _console.print(_text(f"{what}: {name}: {failure.reason}", "red"))
        if verbose and failure.detail:
            _console.print(_text(failure.detail, "dim"))
    if found and not verbose:
        _console.print("(-v shows more.)", style="dim")


class RunDisplay(MessagePrinter):
    """Prints a run from its plan to its limits.

    Args:
        target: what the user named, for the hint how to continue.
        verbose: whether failures are printed with all that is known of them.
    """

    def __init__(self, target: str, *, verbose: bool) -> None:
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
            case Searched(step, among):
                print_step(step, among)
            case ComparingOutputs(base, other):
                names = difference(base, other)
                words = f"Comparing the outputs of {base.model}: {names[1]} with {names[0]}"
                click.echo(printable(words))
            case KeepingOutputs(cell):
                click.echo(printable(f"Keeping the outputs of {cell.model}, {cell.version}"))
            case MeasuringRoof(device):
                click.echo(printable(f"Measuring what {device} can reach"))
            case RoofMeasured(roof):
                print_roof(roof)
            case ReportWritten():
                self._print_results(event)
            case _:
                super().show(event)

    def _print_results(self, written: ReportWritten) -> None:
        print_summary(written.run)
        print_answers(written.run, written.outputs)
        print_failures(written.run, verbose=self._verbose)
        click.echo(printable(f"Report:   {written.report}\nRun file: {written.run_file}"))

    @contextmanager
    def cells(self, planned: Sequence[PlannedCell], among: Sequence[Cell]) -> Iterator[None]:
        """Show the progress of these cells."""
        with CellProgress(planned, among) as self._progress:
            yield

    @contextmanager
    def measuring(self, report: Path, run_file: Path) -> Iterator[None]:
        """If the user interrupts it, print how to continue."""
        try:
            yield
        except Interrupted:
            kept = shlex.quote(str(run_file))
            click.echo(
                f"\nInterrupted. What was measured is in {kept}.\n"
                f"Continue:    ovreport run {shlex.quote(self._target)} --resume {kept} "
                "(with the same options)\n"
                f"Report it:   ovreport render {kept} -o {shlex.quote(str(report))}",
                err=True,
            )
            raise


class ComparisonDisplay(MessagePrinter):
    """Prints whether versions give the same answers, where the report is, and limits."""

    def show(self, event: Event) -> None:
        """Print one step."""
        if isinstance(event, ReportWritten):
            print_answers(event.run, event.outputs)
            click.echo(printable(f"Report:   {event.report}"))
        else:
            super().show(event)
