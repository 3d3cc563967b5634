"""The header of a run, which is known before the first cell, and the steps of a search."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, field_validator, model_validator

from ovreport.run.cell import Cell
from ovreport.run.environment import Environment
from ovreport.run.graph import Port
from ovreport.run.record import Amount, ConfigPart, Many, Record, Whole

# In bytes. Every report holds the logo and the style rules.
MAX_LOGO, MAX_CSS = 100 << 10, 64 << 10
_DATA_ADDRESS = re.compile(r"data:image/(?:png|svg\+xml);base64,[A-Za-z0-9+/]*={0,2}")


class Making(Record):
    """How ovreport made a version of another."""

    parent: str
    """The version that it was made of."""
    optimise: str
    """The recipe: ``f16``, ``int8``, …"""
    settings: ConfigPart = Field(default_factory=dict)
    """The other keys of the recipe that were given, as in the config."""
    calibration: str = ""
    """What it was calibrated with, in words; empty without calibration."""
    is_random: bool = False
    """Whether an input of the calibration was random."""
    nncf: str = ""
    """nncf's release; empty where nncf has no part."""
    openvino: str
    duration_s: Amount
    peak_memory_bytes: Whole = 0
    """Largest resident size of the process that made it; 0: unknown."""


class ModelFile(Record):
    """A version of a model, as it was when the run began."""

    model: str
    version: str
    path: str
    """The path in the config."""
    format: str
    """ONNX, OpenVINO IR, TensorFlow Lite, …"""
    size_bytes: Whole
    sha256: str
    """Digest of the model's files, in a fixed order."""
    inputs: Many[Port]
    outputs: Many[Port]
    layouts: Many[str] = ()
    """Layouts of the inputs in the file: ``[N,C,H,W]``; empty for an input without one."""
    made: Making | None = None
    """How it was made of another version; None: it was given as a file."""


class Appearance(Record):
    """A user's logo and style rules. Their size is bounded, as a run file may be untrusted."""

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
    """First line of a run file: all that is known before the first cell."""

    ovreport: str
    created: str
    """ISO 8601, UTC."""
    config: ConfigPart
    environment: Environment
    models: Many[ModelFile]
    plan: Many[Cell]
    made: Literal["run", "compare", "trend"] = "run"
    """The command that made the run; all but ``run`` have ``origins``."""
    origins: Many[Origin] = ()
    """The runs that this one combines, in order."""
    paired: Many[tuple[str, str]] = ()
    """Ids of cells to compare, (base, candidate), which may have different configurations."""
    renamed: dict[str, Cell] = Field(default_factory=dict)
    """Cells as they were named in the original runs, by their ids in this run."""
    superseded: Many[str] | None = None
    """None: a new run. Otherwise this header resumes the run above it in the file: its config, plan
    and models replace earlier ones, and earlier results of these cells (ids) no longer count."""
    other_environments: Many[Environment] = ()
    """Environments of the kept parts of a resumed or merged run."""
    appearance: Appearance = Appearance()

    @model_validator(mode="after")
    def _whole(self) -> Header:
        if unknown := {(cell.model, cell.version) for cell in self.plan} - self.described:
            raise ValueError(f"version {min(unknown)[1]!r} is planned but not described")
        model = {cell.id: cell.model for cell in self.plan}
        for base, candidate in self.paired:
            if not {base, candidate} <= model.keys() or model[base] != model[candidate]:
                raise ValueError(f"{base!r} and {candidate!r} are not planned cells of one model")
        if self.made == "compare" and len(self.origins) != 2:
            raise ValueError("a comparison does not have two runs")
        if self.made == "trend" and not all(self._of_origin(cell) for cell in self.plan):
            raise ValueError("a cell of a trend belongs to none of its runs")
        return self

    @property
    def described(self) -> set[tuple[str, str]]:
        """Model and version of ``models``."""
        return {(file.model, file.version) for file in self.models}

    def _of_origin(self, cell: Cell) -> bool:
        """Return whether a cell belongs to a run of the trend, whose number ends its version.

        The number of ``parent #3`` is 3.
        """
        number = re.fullmatch(r".* #([1-9][0-9]{0,5})", cell.version, re.DOTALL)
        return number is not None and int(number[1]) <= len(self.origins)

    @property
    def created_utc(self) -> str:
        """``created`` to the minute, for readers: ``2026-01-31 08:00``."""
        return self.created[:16].replace("T", " ")


class Origin(Record):
    """A run that another run combines with others."""

    name: str
    """Its name in the other run, such as ``base``."""
    file: str
    """The file, as the user named it."""
    header: Header


class SearchStep(Record):
    """A step of the search for a version's best throughput."""

    start: str
    """Id of the cell where the search began; its streams and batch have their defaults."""
    cell: Cell | None
    """The cell that was tried; None: the search ended."""
    why: str
