"""Short names for a set of long ones, each different from the others."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import TypeAlias

ELLIPSIS = "…"
# The least room for a name: both ends, and a number that keeps it apart.
LEAST = 12
# A part of a path with the separator before it and the numbers after it: ``/layers.11``.
_PART = re.compile(r"[/.:;]*[^/.:;]+(?:[./]\d+(?![^/.:;]))*|[/.:;]+")
# What says of which kind a layer is: "before conv (Reorder) #2" is not "conv".
_MARKED = re.compile(r"(before )?(.*?)((?: \(\w+\))?(?: #\d+)?)", re.DOTALL)
# Parts at either end that are looked at; a name that somebody made up may have thousands.
_ENDS = 32
# Characters that are left of each part, where a name has to be cut further.
_CAPS = (24, 16, 12, 9, 7, 5, 4)


_Way: TypeAlias = "Callable[[_SplitName, int], str]"


@dataclass
class _TreeNode:
    """A place in the tree of all names' parts."""

    next: dict[str, _TreeNode] = field(default_factory=dict)
    ends: bool = False
    """Whether a name ends here."""

    @property
    def parts_names(self) -> bool:
        """Whether what comes next tells one name from another."""
        return len(self.next) + self.ends > 1


def short_names(names: Iterable[str], length: int) -> Mapping[str, str]:
    """Each name in at most ``length`` characters, different names differently.

    A name that fits stays as it is. A longer one loses its beginning; where others end alike, those
    parts that it shares with all names that begin alike, then further parts from the left, then
    letters of each part. What is not different by then gets a number. A "before" at the beginning
    and a type or number at the end, " (Reorder) #2", stay.

    Args:
        length: at least :data:`LEAST`.
    """
    assert length >= LEAST
    every = list(dict.fromkeys(names))
    found = {name: name for name in every if len(name) <= length}
    if len(found) == len(every):
        return found
    marked = {name: _Marked.of(name, length) for name in every}
    tree = _tree([name.inner for name in marked.values()])
    left = {name: _SplitName.of(marked[name].inner, tree) for name in every if name not in found}
    taken = set(found.values())
    for way in _WAYS:
        ways = {name: marked[name].shortened(way, path, length) for name, path in left.items()}
        counts = Counter(ways.values())
        for name, short in ways.items():
            if len(short) <= length and counts[short] == 1 and short not in taken:
                found[name] = short
                taken.add(short)
                del left[name]
    numbers = count(2)
    for name in left:
        found[name] = _numbered(name, numbers, taken, length)
    return found


def cut(text: str, length: int) -> str:
    """Cut in the middle: names differ at their ends."""
    if len(text) <= length:
        return text
    head = (length - len(ELLIPSIS)) // 2
    return f"{text[:head]}{ELLIPSIS}{text[len(text) - (length - len(ELLIPSIS) - head) :]}"


def _parts(name: str) -> list[str]:
    parts = _PART.findall(name)
    if len(parts) <= 2 * _ENDS:
        return parts
    return [*parts[:_ENDS], "".join(parts[_ENDS:-_ENDS]), *parts[-_ENDS:]]


def _tree(names: Sequence[str]) -> _TreeNode:
    root = _TreeNode()
    for name in names:
        place = root
        for part in _parts(name):
            place = place.next.setdefault(part, _TreeNode())
        place.ends = True
    return root


@dataclass(frozen=True)
class _Marked:
    """A name, and the marks of its kind around it."""

    before: str
    inner: str
    after: str

    @classmethod
    def of(cls, name: str, length: int) -> _Marked:
        match = _MARKED.fullmatch(name)
        before, inner, after = (match[1] or "", match[2], match[3]) if match else ("", name, "")
        room = length - len(before) - len(after)
        return cls(before, inner, after) if inner and room >= LEAST else cls("", name, "")

    def shortened(self, way: _Way, path: _SplitName, length: int) -> str:
        room = length - len(self.before) - len(self.after)
        return f"{self.before}{way(path, room)}{self.after}"


@dataclass(frozen=True)
class _SplitName:
    """A name in parts, and which of them tell it from names that begin alike."""

    parts: Sequence[str]
    telling: Sequence[bool]

    @classmethod
    def of(cls, name: str, tree: _TreeNode) -> _SplitName:
        parts, telling, place = _parts(name), [], tree
        for part in parts:
            telling.append(place.parts_names)
            place = place.next[part]
        telling[-1] = True
        return cls(parts, telling)


def _without_beginning(path: _SplitName, _: int) -> str:
    """Without what all names begin with."""
    first = path.telling.index(True)
    return _joined(path.parts, [at >= first for at in range(len(path.parts))])


def _end(path: _SplitName, length: int) -> str:
    """As many of the last parts as fit."""
    number = len(path.parts)
    ways = (_joined(path.parts, [at >= start for at in range(number)]) for start in range(number))
    return next((text for text in ways if len(text) <= length), _telling(path, length))


def _telling(path: _SplitName, _: int) -> str:
    return _joined(path.parts, path.telling)


def _with_last(also: Callable[[_SplitName], Collection[int]]) -> _Way:
    """Some of the telling parts, and as many of the last ones as fit."""

    def way(path: _SplitName, length: int) -> str:
        others, number = also(path), len(path.parts)
        kept = (
            [tells and (at in others or at >= start) for at, tells in enumerate(path.telling)]
            for start in range(number)
        )
        ways = (_joined(path.parts, choice) for choice in kept)
        return next((text for text in ways if len(text) <= length), _telling(path, length))

    return way


def _first(path: _SplitName) -> set[int]:
    """The first part by which names differ."""
    return {path.telling.index(True)}


def _numbers(path: _SplitName) -> set[int]:
    """Parts that end in a number: which layer it is of many."""
    return {at for at, part in enumerate(path.parts) if part[-1].isdigit()}


def _capped_to(most: int) -> _Way:
    """Each part cut to so many letters."""

    def way(path: _SplitName, _: int) -> str:
        return _joined([_capped(part, most) for part in path.parts], path.telling)

    return way


def _ends(path: _SplitName, length: int) -> str:
    return cut(_telling(path, length), length)


_WAYS: tuple[_Way, ...] = (
    _without_beginning,
    _end,
    _telling,
    _with_last(lambda _: ()),
    _with_last(_numbers),
    _with_last(_first),
    _with_last(lambda path: _first(path) | _numbers(path)),
    *map(_capped_to, _CAPS),
    _ends,
)


def _joined(parts: Sequence[str], kept: Sequence[bool]) -> str:
    """The parts that are kept, with one ellipsis for each run of others."""
    shown: list[str] = []
    for part, keep in zip(parts, kept, strict=True):
        if keep:
            shown.append(part)
        elif not shown or shown[-1] is not ELLIPSIS:
            shown.append(ELLIPSIS)
    return "".join(shown)


def _capped(part: str, most: int) -> str:
    """A part with its beginning and the number at its end: ``/batch_no…3``."""
    if len(part) <= most:
        return part
    number = re.search(r"[\d.]*$", part)
    tail = number.group()[-(most // 2) :] if number else ""
    return f"{part[: most - len(tail) - len(ELLIPSIS)]}{ELLIPSIS}{tail}"


def _numbered(name: str, numbers: Iterator[int], taken: set[str], length: int) -> str:
    """The name cut, with the first of the numbers that makes one that is not taken."""
    endings = (f"~{number}" for number in numbers)
    ways = (cut(name, length - len(ending)) + ending for ending in endings)
    return next(way for way in ways if way not in taken)
