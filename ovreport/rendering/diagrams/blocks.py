"""Find repeated parts of a network, such as the layers of a transformer, by structure and names.

A block is one or more pieces (:mod:`ovreport.rendering.diagrams.cuts`) in a row that repeat
directly after themselves, with the same operators and connections. If node names hold the number of
the block (``encoder/layer.3/attention/query``), they show where a block begins, what its name is,
and that the first block belongs to the row although it has additional nodes.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from ovreport.rendering.diagrams.cuts import Edge, Piece

# Smaller blocks, or fewer nodes in all repeats, are read as fast as a heading would be.
_MIN_NODES, _MIN_REPEATS, _MIN_ALL = 4, 2, 16
# Pieces in a block: the largest block seen in real networks has eight.
_MAX_PERIOD = 32


@dataclass(frozen=True)
class RepeatedBlock:
    """The pieces from ``first`` to before ``end``."""

    first: int
    end: int
    name: str


def repeated_blocks(
    pieces: Sequence[Piece], edges: Sequence[Edge], kinds: Sequence[str], names: Sequence[str]
) -> list[RepeatedBlock]:
    """Return blocks from top to bottom; they do not overlap.

    Args:
        kinds: the kind of each node, which must be equal in equal blocks.
        names: the name of each node.
    """
    shapes = _shapes(pieces, edges, kinds)
    same = _equal_ahead(shapes)
    sizes = [len(piece.nodes) for piece in pieces]
    repeats: list[RepeatedBlock] = []
    at = 0
    while at < len(pieces):
        period, length = _longest_run(at, same, sizes)
        if not period:
            at += 1
            continue
        blocks = _named(_phased(at, period, length, pieces, names), pieces, kinds, names)
        blocks = _with_neighbours(blocks, repeats[-1].end if repeats else 0, pieces, names)
        repeats += blocks
        at = max(blocks[-1].end, at + 1)
    return repeats


def _shapes(pieces: Sequence[Piece], edges: Sequence[Edge], kinds: Sequence[str]) -> list[int]:
    """Return a number for each piece; equal operators and connections give equal numbers."""
    numbers: dict[object, int] = {}
    shapes = []
    for piece in pieces:
        local = {node: at for at, node in enumerate(piece.nodes)}
        inner = [(local.get(edges[i][0], -1), local.get(edges[i][1], -1)) for i in piece.edges]
        outer = sorted(local[edges[i][1]] for i in piece.references)
        key = (tuple(kinds[node] for node in piece.nodes), tuple(sorted(inner)), tuple(outer))
        shapes.append(numbers.setdefault(key, len(numbers)))
    return shapes


def _equal_ahead(shapes: Sequence[int]) -> list[list[int]]:
    """Return ``[period][i]``: how many shapes from ``i`` on equal the one a period further."""
    tables: list[list[int]] = [[]]
    for period in range(1, min(_MAX_PERIOD, len(shapes)) + 1):
        table = [0] * (len(shapes) + 1)
        for i in range(len(shapes) - period - 1, -1, -1):
            table[i] = table[i + 1] + 1 if shapes[i] == shapes[i + period] else 0
        tables.append(table)
    return tables


def _longest_run(at: int, same: Sequence[Sequence[int]], sizes: Sequence[int]) -> tuple[int, int]:
    """Return (period, pieces) of the longest repetition that begins here, or (0, 0)."""
    best, period_of_best = 0, 0
    for period in range(1, len(same)):
        length = same[period][at] + period
        nodes = sum(sizes[at : at + period])
        is_large = nodes >= _MIN_NODES and nodes * (length // period) >= _MIN_ALL
        if length // period >= _MIN_REPEATS and is_large and length > best:
            best, period_of_best = length, period
    return period_of_best, best


def _phased(
    at: int, period: int, length: int, pieces: Sequence[Piece], names: Sequence[str]
) -> list[tuple[int, int]]:
    """Return where the blocks of a row begin and end, so that names within each agree best."""

    def cut(offset: int) -> list[tuple[int, int]]:
        starts = range(at + offset, at + length - period + 1, period)
        return [(start, start + period) for start in starts]

    def agreement(offset: int) -> tuple[int, int]:
        blocks = cut(offset)
        return sum(_scope(span, pieces, names)[1] for span in blocks), -offset

    offsets = [offset for offset in range(period) if length - offset >= _MIN_REPEATS * period]
    return cut(max(offsets, key=agreement))


# ---------------------------------------------------------------------------- names


@lru_cache(maxsize=1 << 15)
def _scopes(name: str) -> tuple[str, ...]:
    """Return prefixes of a name that end in a number: ``layer.3`` of ``layer.3/query``."""
    return tuple(name[: match.end()] for match in re.finditer(r"\d+(?=[^\w]|_)", name[:300]))


def _members(span: tuple[int, int], pieces: Sequence[Piece]) -> list[int]:
    return [node for piece in pieces[span[0] : span[1]] for node in piece.nodes]


def _scope(span: tuple[int, int], pieces: Sequence[Piece], names: Sequence[str]) -> tuple[str, int]:
    """Return the longest prefix that most names of a span share, and how many share it."""
    members = _members(span, pieces)
    counts = Counter(scope for node in members for scope in _scopes(names[node]))
    shared = [(scope, n) for scope, n in counts.items() if 2 * n >= len(members)]
    return max(shared, key=lambda entry: (entry[1], len(entry[0])), default=("", 0))


def _named(
    spans: Sequence[tuple[int, int]],
    pieces: Sequence[Piece],
    kinds: Sequence[str],
    names: Sequence[str],
) -> list[RepeatedBlock]:
    """Name blocks by their common prefixes if these differ, else by kind of end and position."""
    scopes = [_scope(span, pieces, names)[0] for span in spans]
    if "" in scopes or len(set(scopes)) < len(scopes):
        end = kinds[_members(spans[0], pieces)[-1]]
        scopes = [f"{end} block {number} of {len(spans)}" for number in range(1, len(spans) + 1)]
    return [RepeatedBlock(*span, scope) for span, scope in zip(spans, scopes, strict=True)]


def _with_neighbours(
    blocks: list[RepeatedBlock], free_from: int, pieces: Sequence[Piece], names: Sequence[str]
) -> list[RepeatedBlock]:
    """Add neighbours of a row whose names continue it, although their structure differs a little.

    For example, the first block often computes something that all others read.
    """
    period = blocks[0].end - blocks[0].first
    pattern = re.sub(r"\d+$", "", blocks[0].name)
    if pattern == blocks[0].name or not all(b.name.startswith(pattern) for b in blocks):
        return blocks
    used: Mapping[str, bool] = {block.name: True for block in blocks}
    for start in (blocks[0].first - period, blocks[-1].end):
        span = (start, start + period)
        if start < free_from or span[1] > len(pieces):
            continue
        name = _scope(span, pieces, names)[0]
        if name not in used and re.fullmatch(re.escape(pattern) + r"\d+", name):
            blocks.append(RepeatedBlock(*span, name))
    return sorted(blocks, key=lambda block: block.first)
