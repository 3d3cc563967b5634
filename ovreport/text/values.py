"""Values that a table can hold, and the kinds of numbers that decide how they are shown."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

from ovreport.stats.estimate import Estimate


@dataclass(frozen=True, slots=True)
class Role:
    """The meaning of a colour; the palette gives one role the same colour everywhere.

    ``kind`` is ``type`` (of a layer), ``precision``, ``version``, ``cell``, ``hint`` or ``series``
    (anything else); ``key`` is the member of that kind: ``Role("type", "Convolution")``.
    """

    kind: Literal["type", "precision", "version", "cell", "hint", "series"]
    key: str


# The characters of RFC 3986, section 2, and a host without a user's name before it: browsers
# reinterpret other characters, such as a backslash as a slash.
_ADDRESS = re.compile(
    r"https?://([a-z0-9.-]+|\[[0-9a-f:.]+\])(:[0-9]+)?([/?#][a-z0-9._~:/?#\[\]@!$&'()*+,;=%-]*)?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Link:
    """Text that links to an anchor of the report, or to the external ``url``.

    Raises:
        ValueError: ``url`` is not an address of http or https, or both targets are given.
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
        """The text and, in brackets, an external address: for files without clickable links."""
        return f"{self.text} ({self.url})" if self.url else self.text


@dataclass(frozen=True, slots=True)
class Tag:
    """Text next to the colour of what it names."""

    text: str
    role: Role


Value: TypeAlias = "str | int | float | bool | Estimate | Link | Tag | tuple[Link, ...] | None"


Kind = Literal[
    "text",  # str, Link, Tag
    "code",  # a name from the model: shown literally, shortened in the middle
    "count",  # int
    "number",  # float without a unit of its own: the column's unit is shown as it is
    "duration",  # seconds
    "share",  # fraction of one, drawn with a bar
    "ratio",  # 1.25 reads 1.25 ×
    "bytes",
    "rate",  # per second (FPS)
    "tokens",  # tokens per second
]
