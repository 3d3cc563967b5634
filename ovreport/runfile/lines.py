"""The lines of a run file: their kinds, and how they are written and parsed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated, Literal

from pydantic import AliasChoices, ConfigDict, Field, TypeAdapter

from ovreport.run import (
    Answers,
    CellResult,
    Graph,
    Header,
    PartialLaunches,
    Record,
    Recording,
    Roof,
    Run,
    SearchStep,
)
from ovreport.run.samples import Budget

FORMAT: Literal[1] = 1

Stored = Header | Graph | PartialLaunches | CellResult | SearchStep | Answers | Recording | Roof
"""A record that a line may hold."""


class _StoredLine(Record):
    """A line, whose record has the name of its kind in the file."""

    model_config = ConfigDict(populate_by_name=True)


class _HeaderLine(_StoredLine):
    kind: Literal["header"] = "header"
    format: Literal[1] = FORMAT
    record: Header = Field(alias="header")


class _GraphLine(_StoredLine):
    kind: Literal["graph"] = "graph"
    record: Graph = Field(alias="graph")


class _PartialLaunchesLine(_StoredLine):
    # Run files of development versions have the kind "begun".
    kind: Literal["partial_launches", "begun"] = "partial_launches"
    record: PartialLaunches = Field(
        validation_alias=AliasChoices("partial_launches", "begun"),
        serialization_alias="partial_launches",
    )


class _CellLine(_StoredLine):
    kind: Literal["cell"] = "cell"
    record: CellResult = Field(alias="result")


class _SearchLine(_StoredLine):
    kind: Literal["search"] = "search"
    record: SearchStep = Field(alias="step")


class _AnswersLine(_StoredLine):
    kind: Literal["answers"] = "answers"
    record: Answers = Field(alias="answers")


class _RecordingLine(_StoredLine):
    kind: Literal["recording"] = "recording"
    record: Recording = Field(alias="recording")


class _RoofLine(_StoredLine):
    kind: Literal["roof"] = "roof"
    record: Roof = Field(alias="roof")


_AnyLine = (
    _HeaderLine
    | _GraphLine
    | _PartialLaunchesLine
    | _CellLine
    | _SearchLine
    | _AnswersLine
    | _RecordingLine
    | _RoofLine
)
_LINE: TypeAdapter[_AnyLine] = TypeAdapter(Annotated[_AnyLine, Field(discriminator="kind")])
_OF: dict[type[Record], Callable[..., _AnyLine]] = {
    Header: _HeaderLine,
    Graph: _GraphLine,
    PartialLaunches: _PartialLaunchesLine,
    CellResult: _CellLine,
    SearchStep: _SearchLine,
    Answers: _AnswersLine,
    Recording: _RecordingLine,
    Roof: _RoofLine,
}


def parse(line: bytes, budget: Budget) -> Stored:
    """Return the record that a line holds.

    Raises:
        ValidationError: it is not a line of a run file.
    """
    return _LINE.validate_json(line, context=budget).record


def line_of(record: Stored) -> str:
    """Return the line that holds a record, without a line end."""
    return _OF[type(record)](record=record).model_dump_json(by_alias=True)


def lines_of(run: Run) -> Iterator[str]:
    """Yield the lines of a run's file."""
    parts = (
        (run.header,), run.graphs.values(), run.search, run.partial_launches, run.results,
        run.answers, run.recordings, run.roofs,
    )  # fmt: skip
    for part in parts:
        yield from map(line_of, part)
