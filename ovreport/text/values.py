"""What a cell of a table can hold, and as what kind of number it is shown."""

from __future__ import annotations

import re
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


# The characters of RFC 3986, section 2, and a host without a user's name before it: browsers take
# other characters for what they are not, such as a backslash for a slash.
_ADDRESS = re.compile(
    r"https?://([a-z0-9.-]+|\[[0-9a-f:.]+\])(:[0-9]+)?([/?#][a-z0-9._~:/?#\[\]@!$&'()*+,;=%-]*)?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Link:
    """Text that leads to an anchor of the report, or with ``url`` out of it.

    Raises:
        ValueError: ``url`` is not an address of http or https, or there is an anchor too.
    """

    text: str
    anchor: str = ""
    url: str = ""

    def __post_init__(self) -> None:
        if self.url and self.anchor:
            raise ValueError(f"link {self.text!r:.80}: give an anchor or a url, not both")
        if self.url and not _ADDRESS.fullmatch(self.url):
            raise ValueError(
                f"link {self.text!r:.80}: {self.url!r:.200} is not an address that begins with "
                "http:// or https:// and has neither spaces nor a user's name; write other "
                "characters as %XX"
            )

    @property
    def spelled(self) -> str:
        """The text, with the address where it leads out: for files, in which nobody can click."""
        return f"{self.text} ({self.url})" if self.url else self.text


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
