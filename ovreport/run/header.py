"""What was known before the first cell, and what a search looked at."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, field_validator, model_validator

from ovreport.run.cell import Cell
from ovreport.run.environment import Environment
from ovreport.run.graph import Port
from ovreport.run.record import ConfigPart, Many, Record, Whole

# A logo and style rules are carried in every report.
MAX_LOGO, MAX_CSS = 100 << 10, 64 << 10
_DATA_ADDRESS = re.compile(r"data:image/(?:png|svg\+xml);base64,[A-Za-z0-9+/]*={0,2}")


class ModelFile(Record):
    """A version of a model, as it was when the run began."""

    model: str
    version: str
    path: str
    """As given in the config."""
    format: str
    """ONNX, OpenVINO IR, TensorFlow Lite, …"""
    size_bytes: Whole
    sha256: str
    """Of the model's files, in a fixed order."""
    inputs: Many[Port]
    outputs: Many[Port]
    layouts: Many[str] = ()
    """Of the inputs, as the file has them: ``[N,C,H,W]``; empty texts where it has none."""


class Appearance(Record):
    """What its maker added to the look of a report; bounded, as a run file may be a stranger's."""

    logo: str = Field("", max_length=2 * MAX_LOGO)
    """``data:`` address of a PNG or SVG picture."""
    css: str = Field("", max_length=MAX_CSS)
    """Style rules after the page's own."""

    @field_validator("logo")
    @classmethod
    def _is_picture(cls, logo: str) -> str:
        if logo and not _DATA_ADDRESS.fullmatch(logo):
            raise ValueError("not the data: address of a PNG or SVG picture")
        return logo


class Header(Record):
    """First line of a run file: all that was known before the first cell."""

    ovreport: str
    created: str
    """ISO 8601, UTC."""
    config: ConfigPart
    environment: Environment
    models: Many[ModelFile]
    plan: Many[Cell]
    made: Literal["run", "compare", "trend"] = "run"
    """The command that put it together; all but ``run`` have ``origins``."""
    origins: Many[Origin] = ()
    """The runs it was put together from, in their order."""
    paired: Many[tuple[str, str]] = ()
    """Ids of cells to compare, (base, candidate), where configurations need not agree."""
    renamed: dict[str, Cell] = Field(default_factory=dict)
    """What cells are called in the runs they are from, by their ids."""
    superseded: Many[str] | None = None
    """None: a run of its own. Else it goes on with the run above it in the file: its config, plan
    and models replace those, and earlier results of these cells (ids) no longer count."""
    other_environments: Many[Environment] = ()
    """Where kept parts of a resumed or merged run were measured."""
    appearance: Appearance = Appearance()

    @model_validator(mode="after")
    def _whole(self) -> Header:
        if strange := {(cell.model, cell.version) for cell in self.plan} - self.described:
            raise ValueError(f"version {min(strange)[1]!r} is planned and not described")
        model = {cell.id: cell.model for cell in self.plan}
        for base, candidate in self.paired:
            if not {base, candidate} <= model.keys() or model[base] != model[candidate]:
                raise ValueError(f"{base!r} and {candidate!r} are not planned cells of one model")
        if self.made == "compare" and len(self.origins) != 2:
            raise ValueError("a comparison is not one of two runs")
        if self.made == "trend" and not all(self._of_origin(cell) for cell in self.plan):
            raise ValueError("a cell of a trend is of none of its runs")
        return self

    @property
    def described(self) -> set[tuple[str, str]]:
        """Model and version of ``models``."""
        return {(file.model, file.version) for file in self.models}

    def _of_origin(self, cell: Cell) -> bool:
        """Versions of a trend end in the number of their run: ``parent #3``."""
        number = re.fullmatch(r".* #([1-9][0-9]{0,5})", cell.version, re.DOTALL)
        return number is not None and int(number[1]) <= len(self.origins)

    @property
    def created_utc(self) -> str:
        """``created`` to the minute, for readers: ``2026-01-31 08:00``."""
        return self.created[:16].replace("T", " ")


class Origin(Record):
    """A run that became a part of another."""

    name: str
    """What it is called there: ``base``."""
    file: str
    """As the user named it."""
    header: Header


class SearchStep(Record):
    """A step of a version's search for its best throughput; they are kept in their order."""

    start: str
    """Id of the cell that leaves streams and batch as they are, where the search began."""
    cell: Cell | None
    """What was looked at; None: the search ended."""
    why: str
