"""What a cell of a table can hold, and as what kind of number it is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from ovreport.stats.estimate import Estimate


@dataclass(frozen=True, slots=True)
class Role:
    """What a colour stands for; the palette gives one role the same colour everywhere.

    ``kind`` is ``type`` (of a layer), ``precision``, ``version``, ``cell``, ``hint`` or ``series``
    (anything else), ``key`` which one of them: ``Role("type", "Convolution")``.
    """

    kind: Literal["type", "precision", "version", "cell", "hint", "series"]
    key: str


@dataclass(frozen=True, slots=True)
class Link:
    """Text that leads to an anchor of the report."""

    text: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Tag:
    """Text with the colour of what it names beside it."""

    text: str
    role: Role


Value: TypeAlias = "str | int | float | bool | Estimate | Link | Tag | tuple[Link, ...] | None"


Kind = Literal[
    "text",  # str, Link, Tag
    "code",  # a name out of the model: shown literally, shortened in the middle
    "count",  # int
    "number",  # float without a unit of its own: the column's unit is shown as it is
    "duration",  # seconds
    "share",  # fraction of one, drawn with a bar
    "ratio",  # 1.25 reads 1.25 ×
    "bytes",
    "rate",  # per second (FPS)
]
