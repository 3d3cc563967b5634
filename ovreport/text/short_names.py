"""Short names for a set of long ones, each different from the others."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import TypeAlias

ELLIPSIS = "…"
# The least length of a short name: room for both ends and a number that makes it unique.
LEAST = 12
# A part of a path with the separator before it and the numbers after it: ``/layers.11``.
_PART = re.compile(r"[/.:;]*[^/.:;]+(?:[./]\d+(?![^/.:;]))*|[/.:;]+")
# Marks of a layer's kind and number, by which "before conv (Reorder) #2" differs from "conv".
_MARKED = re.compile(r"(before )?(.*?)((?: \(\w+\))?(?: #\d+)?)", re.DOTALL)
# Parts at either end that are compared one by one, as a malicious name may have thousands.
_ENDS = 32
# Lengths, in characters, to which each part is cut in turn.
_CAPS = (24, 16, 12, 9, 7, 5, 4)


_Shortener: TypeAlias = "Callable[[_SplitName, int], str]"


@dataclass
class _TreeNode:
    """A node of the prefix tree of all names' parts."""

    next: dict[str, _TreeNode] = field(default_factory=dict)
    ends: bool = False
    """Whether a name ends here."""

    @property
    def branches(self) -> bool:
        """Whether names with this prefix differ in the next part."""
        return len(self.next) + self.ends > 1


def short_names(names: Iterable[str], length: int) -> Mapping[str, str]:
    """Return a unique name of at most ``length`` characters for each name.

    A name that fits stays as it is. A longer one loses its beginning. If it is then not unique, it
    loses the parts that all names with the same prefix share, then further parts from the left,
    then letters of each part. If it is still not unique, it gets a number. A "before" at the
    beginning and a type or number at the end, " (Reorder) #2", stay.

    Args:
        names: the names; equal ones count once.
        length: at least :data:`LEAST`.
    """
    assert length >= LEAST
    unique = list(dict.fromkeys(names))
    shortened = {name: name for name in unique if len(name) <= length}
    if len(shortened) == len(unique):
        return shortened
    marked = {name: _Marked.of(name, length) for name in unique}
    tree = _tree([name.inner for name in marked.values()])
    long = {
        name: _SplitName.of(marked[name].inner, tree) for name in unique if name not in shortened
    }
    used = set(shortened.values())
    for shortener in _SHORTENERS:
        candidates = {
            name: marked[name].shortened(shortener, path, length) for name, path in long.items()
        }
        counts = Counter(candidates.values())
        for name, candidate in candidates.items():
            if len(candidate) <= length and counts[candidate] == 1 and candidate not in used:
                shortened[name] = candidate
                used.add(candidate)
                del long[name]
    numbers = count(2)
    for name in long:
        shortened[name] = _numbered(name, numbers, used, length)
    return shortened


def cut(text: str, length: int) -> str:
    """Cut a text in the middle, as names differ at their ends."""
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
        node = root
        for part in _parts(name):
            node = node.next.setdefault(part, _TreeNode())
        node.ends = True
    return root


@dataclass(frozen=True)
class _Marked:
    """A name, split into the name itself and the marks of its kind around it."""

    before: str
    inner: str
    after: str

    @classmethod
    def of(cls, name: str, length: int) -> _Marked:
        match = _MARKED.fullmatch(name)
        before, inner, after = (match[1] or "", match[2], match[3]) if match else ("", name, "")
        room = length - len(before) - len(after)
        return cls(before, inner, after) if inner and room >= LEAST else cls("", name, "")

    def shortened(self, shortener: _Shortener, path: _SplitName, length: int) -> str:
        room = length - len(self.before) - len(self.after)
        return f"{self.before}{shortener(path, room)}{self.after}"


@dataclass(frozen=True)
class _SplitName:
    """A name in parts, and which of them distinguish it from names with the same prefix."""

    parts: Sequence[str]
    distinguishing: Sequence[bool]

    @classmethod
    def of(cls, name: str, tree: _TreeNode) -> _SplitName:
        parts, distinguishing, node = _parts(name), [], tree
        for part in parts:
            distinguishing.append(node.branches)
            node = node.next[part]
        distinguishing[-1] = True
        return cls(parts, distinguishing)


def _without_beginning(path: _SplitName, _: int) -> str:
    """Leave out the prefix of all names."""
    first = path.distinguishing.index(True)
    return _joined(path.parts, [at >= first for at in range(len(path.parts))])


def _end(path: _SplitName, length: int) -> str:
    """Keep as many of the last parts as fit."""
    number = len(path.parts)
    texts = (_joined(path.parts, [at >= start for at in range(number)]) for start in range(number))
    return next((text for text in texts if len(text) <= length), _distinguishing(path, length))


def _distinguishing(path: _SplitName, _: int) -> str:
    return _joined(path.parts, path.distinguishing)


def _with_last(required: Callable[[_SplitName], Collection[int]]) -> _Shortener:
    """Keep the required ones of the distinguishing parts, and as many of the last ones as fit."""

    def shortener(path: _SplitName, length: int) -> str:
        places, number = required(path), len(path.parts)
        kept = (
            [part and (at in places or at >= start) for at, part in enumerate(path.distinguishing)]
            for start in range(number)
        )
        texts = (_joined(path.parts, choice) for choice in kept)
        return next((text for text in texts if len(text) <= length), _distinguishing(path, length))

    return shortener


def _first(path: _SplitName) -> set[int]:
    """Return the node of the first part in which names differ."""
    return {path.distinguishing.index(True)}


def _numbers(path: _SplitName) -> set[int]:
    """Return the places of parts that end in a number, which often is that of a layer."""
    return {at for at, part in enumerate(path.parts) if part[-1].isdigit()}


def _capped_to(most: int) -> _Shortener:
    """Cut each part to this number of characters."""

    def shortener(path: _SplitName, _: int) -> str:
        return _joined([_capped(part, most) for part in path.parts], path.distinguishing)

    return shortener


def _ends(path: _SplitName, length: int) -> str:
    return cut(_distinguishing(path, length), length)


_SHORTENERS: tuple[_Shortener, ...] = (
    _without_beginning,
    _end,
    _distinguishing,
    _with_last(lambda _: ()),
    _with_last(_numbers),
    _with_last(_first),
    _with_last(lambda path: _first(path) | _numbers(path)),
    *map(_capped_to, _CAPS),
    _ends,
)


def _joined(parts: Sequence[str], kept: Sequence[bool]) -> str:
    """Join the parts that are kept, with one ellipsis for each series of others."""
    shown: list[str] = []
    for part, keep in zip(parts, kept, strict=True):
        if keep:
            shown.append(part)
        elif not shown or shown[-1] is not ELLIPSIS:
            shown.append(ELLIPSIS)
    return "".join(shown)


def _capped(part: str, most: int) -> str:
    """Cut a part, but keep the number at its end: ``/batch_no…3``."""
    if len(part) <= most:
        return part
    number = re.search(r"[\d.]*$", part)
    tail = number.group()[-(most // 2) :] if number else ""
    return f"{part[: most - len(tail) - len(ELLIPSIS)]}{ELLIPSIS}{tail}"


def _numbered(name: str, numbers: Iterator[int], used: set[str], length: int) -> str:
    """Cut a name and add the first number that makes it unique."""
    endings = (f"~{number}" for number in numbers)
    candidates = (cut(name, length - len(ending)) + ending for ending in endings)
    return next(candidate for candidate in candidates if candidate not in used)
