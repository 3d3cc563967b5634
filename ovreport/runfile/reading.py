"""The run file: JSON Lines, append-only, and the same content embedded in a report.

Line by line::

    {"kind": "header", "format": 1, "header": {…}}     what was known before the first cell
    {"kind": "graph", "graph": {…}}                    once for each different graph
    {"kind": "begun", "begun": {…}}                    a launch of cells that need more of them
    {"kind": "cell", "result": {…}}                    once for each finished cell
    {"kind": "search", "step": {…}}                    what a search looks at, and why
    {"kind": "answers", "answers": {…}}                once for each two versions fed the same
    {"kind": "recording", "recording": {…}}            what a version answers, for other runs
    {"kind": "roof", "roof": {…}}                      what a device can reach

A cell counts once its line is on the disk; a torn last line is dropped on reading. A second header
is that of a resumed run, whose plan and models replace the first's, or files were concatenated and
it adds to them. Of two results of a cell the later counts. Both forms are read as hostile input:
validated, bounded in size, and never executed.
"""

from __future__ import annotations

import base64
import binascii
import json
import lzma
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Annotated, BinaryIO, Literal

from pydantic import Field, TypeAdapter, ValidationError

from ovreport.errors import UserError
from ovreport.run import (
    Answers,
    Begun,
    Cell,
    CellResult,
    Environment,
    Graph,
    Header,
    ModelFile,
    Record,
    Recording,
    Roof,
    Run,
    SearchStep,
)

try:
    import fcntl
except ImportError:  # not a POSIX system
    fcntl = None  # type: ignore[assignment]

FORMAT = 1

# The largest real run seen (50 cells of a 5,000-layer model) is near 200 MB as text.
MAX_BYTES = 2 << 30

# A reader waits for it: this takes a tenth of the time of level 6 for a quarter more bytes. Text
# compresses a little better without alignment (pb) than with it.
_XZ = ({"id": lzma.FILTER_LZMA2, "preset": 1, "lc": 4, "lp": 0, "pb": 0},)

_HEADER_START = b'{"kind":"header"'
_EMBEDDED = re.compile(rb'<script type="application/x-xz" id="ovreport-run">([A-Za-z0-9+/=\s]*)<')


class _HeaderLine(Record):
    kind: Literal["header"] = "header"
    format: int = FORMAT
    header: Header


class _GraphLine(Record):
    kind: Literal["graph"] = "graph"
    graph: Graph


class _BegunLine(Record):
    kind: Literal["begun"] = "begun"
    begun: Begun


class _CellLine(Record):
    kind: Literal["cell"] = "cell"
    result: CellResult


class _SearchLine(Record):
    kind: Literal["search"] = "search"
    step: SearchStep


class _AnswersLine(Record):
    kind: Literal["answers"] = "answers"
    answers: Answers


class _RecordingLine(Record):
    kind: Literal["recording"] = "recording"
    recording: Recording


class _RoofLine(Record):
    kind: Literal["roof"] = "roof"
    roof: Roof


_AnyLine = (
    _HeaderLine
    | _GraphLine
    | _BegunLine
    | _CellLine
    | _SearchLine
    | _AnswersLine
    | _RecordingLine
    | _RoofLine
)
_Line: TypeAdapter[_AnyLine] = TypeAdapter(Annotated[_AnyLine, Field(discriminator="kind")])


# ---------------------------------------------------------------------------- writing


class RunFile:
    """A run file being written; every method returns only when its line is on the disk.

    Opening an existing file continues it: a torn last line is cut off first.

    Args:
        known: ids of graphs that the file holds already.

    Raises:
        UserError: the file cannot be written.
    """

    def __init__(self, path: Path, known: Iterable[str] = ()) -> None:
        self.path = path
        self._known = set(known)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("a+b")
            _claim(self._file)
            self._cut_torn_line()
        except BlockingIOError as error:
            self._file.close()
            raise UserError(
                f"{path}: another ovreport is writing this run file.",
                "Wait until it has ended, or give a run file of its own with --run-file.",
            ) from error
        except OSError as error:
            raise UserError(
                f"{path}: cannot write the run file: {error.strerror}",
                "Choose another place with --run-file or -o.",
            ) from error

    def header(self, header: Header) -> None:
        self._write(_HeaderLine(header=header))

    def begun(self, begun: Begun) -> None:
        self._write(_BegunLine(begun=begun))

    def result(self, result: CellResult, graphs: Iterable[Graph] = ()) -> None:
        """Stores a finished cell, after those of its graphs that the file does not hold yet."""
        for graph in graphs:
            if (id := graph.id) not in self._known:
                self._write(_GraphLine(graph=graph))
                self._known.add(id)
        self._write(_CellLine(result=result))

    def step(self, step: SearchStep) -> None:
        self._write(_SearchLine(step=step))

    def answers(self, answers: Answers) -> None:
        self._write(_AnswersLine(answers=answers))

    def recording(self, recording: Recording) -> None:
        self._write(_RecordingLine(recording=recording))

    def roof(self, roof: Roof) -> None:
        """Stores what a device can reach."""
        self._write(_RoofLine(roof=roof))

    def _write(self, line: Record) -> None:
        self._file.write(line.model_dump_json().encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def _cut_torn_line(self) -> None:
        size = self._file.seek(0, os.SEEK_END)
        self._file.seek(0)
        content = self._file.read() if size else b""
        if content and not content.endswith(b"\n"):
            self._file.truncate(content.rfind(b"\n") + 1)

    def __enter__(self) -> RunFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()


def _claim(file: BinaryIO) -> None:
    """Keeps other processes from writing the file until it is closed, where the system can.

    Raises:
        BlockingIOError: another process writes it.
    """
    if fcntl is not None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def lines_of(run: Run) -> Iterator[str]:
    """The run as lines of a run file."""
    yield _HeaderLine(header=run.header).model_dump_json()
    for graph in run.graphs.values():
        yield _GraphLine(graph=graph).model_dump_json()
    for step in run.search:
        yield _SearchLine(step=step).model_dump_json()
    for begun in run.begun:
        yield _BegunLine(begun=begun).model_dump_json()
    for result in run.results:
        yield _CellLine(result=result).model_dump_json()
    for answers in run.answers:
        yield _AnswersLine(answers=answers).model_dump_json()
    for recording in run.recordings:
        yield _RecordingLine(recording=recording).model_dump_json()
    for roof in run.roofs:
        yield _RoofLine(roof=roof).model_dump_json()


def pack(run: Run) -> str:
    """The run as base64 text for embedding; equal runs give equal text."""
    content = "\n".join(lines_of(run)).encode()
    return base64.b64encode(lzma.compress(content, filters=_XZ)).decode("ascii")


# ---------------------------------------------------------------------------- reading


def read_run(path: Path) -> Run:
    """Reads a run file, or the run inside a report.

    Raises:
        UserError: the file cannot be read, is neither of both, is damaged, or was written by a
            newer ovreport.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UserError(f"{path}: larger than {MAX_BYTES >> 30} GiB, which no run file is")
        content = path.read_bytes()
    except OSError as error:
        raise UserError(
            f"{path}: cannot be read: {error.strerror}",
            "Name a run file (.jsonl) or a report (.html) that ovreport wrote.",
        ) from error
    if content.lstrip()[:1] == b"<":
        content = _embedded(path, content)
    return _parse(path, content)


def is_unbegun(path: Path) -> bool:
    """Whether a run was killed before its first line was whole: there is nothing to lose."""
    try:
        with path.open("rb") as file:
            line = file.readline(MAX_BYTES)
    except OSError:
        return False
    short = line.startswith(_HEADER_START) or _HEADER_START.startswith(line)
    return short and not line.endswith(b"\n")


def _embedded(path: Path, page: bytes) -> bytes:
    found = _EMBEDDED.search(page)
    if not found:
        raise UserError(
            f"{path}: an HTML file without a run inside",
            "Name a report that ovreport wrote without --no-data, or a run file (.jsonl).",
        )
    try:
        unpacker = lzma.LZMADecompressor(memlimit=256 << 20)
        content = unpacker.decompress(base64.b64decode(found[1]), MAX_BYTES)
    except (binascii.Error, lzma.LZMAError) as error:
        raise UserError(
            f"{path}: the run inside the report is damaged ({error})",
            "Use the run file (.jsonl) or an undamaged copy of the report.",
        ) from error
    if not unpacker.eof:
        raise UserError(f"{path}: the run inside the report is damaged: cut short or too large")
    return content


def _parse(path: Path, content: bytes) -> Run:
    lines = content.split(b"\n")
    _check_first(path, lines[0])
    parts: list[_Part] = []
    graphs: dict[str, Graph] = {}
    roofs: list[Roof] = []
    last = max((i for i, line in enumerate(lines) if line.strip()), default=0)
    for number, text in enumerate(lines):
        if not text.strip():
            continue
        try:
            line = _Line.validate_json(text)
        except ValidationError as error:
            if number == last and number > 0 and not content.endswith(b"\n"):
                break  # the writer was killed in the middle of it
            problem = error.errors(include_url=False)[0]
            where = ".".join(str(part) for part in problem["loc"])
            raise UserError(
                f"{path}, line {number + 1}: not a line of a run file: {where} {problem['msg']}",
                "The file was damaged or edited; use an undamaged copy.",
            ) from error
        match line:
            case _HeaderLine():
                _check_format(path, line.format)
                if line.header.superseded is None or not parts:
                    parts.append(_Part(line.header))
                else:
                    parts[-1].go_on(line.header)
            case _GraphLine():
                graphs[line.graph.id] = line.graph
            case _BegunLine():
                parts[-1].begun[text] = line.begun
            case _CellLine():
                parts[-1].results[line.result.cell.id] = line.result
            case _SearchLine():
                parts[-1].steps.append(line.step)
            case _AnswersLine():
                parts[-1].answers[line.answers.base.id, line.answers.other.id] = line.answers
            case _RecordingLine():
                parts[-1].recordings[line.recording.cell.point] = line.recording
            case _RoofLine():
                # A later one under the same conditions is the one that succeeded, or is as good.
                roofs = [r for r in roofs if r.conditions != line.roof.conditions] + [line.roof]
    _check_graphs(path, (r for part in parts for r in part.results.values()), graphs)
    return replace(_merge(parts, graphs), roofs=tuple(roofs))


def _check_first(path: Path, line: bytes) -> None:
    try:
        first = json.loads(line)
    except ValueError:
        first = None
    if not isinstance(first, dict) or first.get("kind") != "header":
        raise UserError(
            f"{path}: not a run file, or one whose first line is cut short",
            "Name a run file (.jsonl) or a report (.html) that ovreport wrote.",
        )
    _check_format(path, first.get("format"))


def _check_format(path: Path, format: object) -> None:
    if format != FORMAT:
        raise UserError(
            f"{path}: run file format {format!r}, this ovreport reads {FORMAT}",
            "Use the ovreport that wrote it, or a newer one.",
        )


def _check_graphs(path: Path, results: Iterable[CellResult], graphs: dict[str, Graph]) -> None:
    for result in results:
        for id in (result.runtime_graph, result.model_graph):
            if id is not None and id not in graphs:
                raise UserError(
                    f"{path}: cell {result.cell.id} names graph {id!r}, which the file lacks",
                    "The file was damaged or edited; use an undamaged copy.",
                )


@dataclass
class _Part:
    """One run of the file: its header, as the last resuming left it, and its results by id."""

    header: Header
    results: dict[str, CellResult] = field(default_factory=dict)
    begun: dict[bytes, Begun] = field(default_factory=dict)
    """By their lines."""
    steps: list[SearchStep] = field(default_factory=list)
    answers: dict[tuple[str, str], Answers] = field(default_factory=dict)
    """By the ids of both cells."""
    recordings: dict[tuple[object, ...], Recording] = field(default_factory=dict)
    """By :attr:`Cell.point`."""

    def go_on(self, resumed: Header) -> None:
        self.steps.clear()
        for id in resumed.superseded or ():
            self.results.pop(id, None)
        before = self.header
        self.header = resumed.model_copy(
            update={
                "created": before.created,
                "superseded": None,
                "other_environments": (*before.other_environments, before.environment),
            }
        )


def _merge(parts: Sequence[_Part], graphs: dict[str, Graph]) -> Run:
    plan: dict[str, Cell] = {}
    models: dict[tuple[str, str], ModelFile] = {}
    environments: dict[str, Environment] = {}
    results: dict[str, CellResult] = {}
    answers: dict[tuple[str, str], Answers] = {}
    recordings: dict[tuple[object, ...], Recording] = {}
    for part in parts:
        header, own = part.header, part.results
        searched = (step.cell for step in part.steps if step.cell is not None)
        planned = {cell.id: cell for cell in (*header.plan, *searched)}
        plan |= planned
        models |= {(m.model, m.version): m for m in header.models}
        environments |= {e.id: e for e in (*header.other_environments, header.environment)}
        results |= {id: own[id] for id in planned if id in own}
    for part in parts:
        answers |= {ids: found for ids, found in part.answers.items() if results.keys() >= {*ids}}
        recordings |= part.recordings
    ordered = tuple(results[id] for id in plan if id in results)
    first = parts[0].header
    elsewhere = {r.basis.environment for r in ordered if r.basis} - {first.environment.id}
    merged = first.model_copy(
        update={
            "plan": tuple(plan.values()),
            "models": tuple(models.values()),
            "other_environments": tuple(e for id, e in environments.items() if id in elsewhere),
        }
    )
    named = {id for result in ordered for id in (result.runtime_graph, result.model_graph)}
    kept = {id: graph for id, graph in graphs.items() if id in named}
    # Of a file that was concatenated with itself, every step and launch is there twice.
    steps = dict.fromkeys(step for part in parts for step in part.steps)
    begun = {text: one for part in parts for text, one in part.begun.items()}
    points = {result.cell.point for result in ordered}
    return Run(
        merged,
        ordered,
        kept,
        tuple(steps),
        tuple(answers.values()),
        recordings=tuple(r for point, r in recordings.items() if point in points),
        begun=tuple(b for b in begun.values() if not results.keys() & b.bases.keys()),
    )
