"""Where the nodes and arrows of a graph go: Graphviz lays out its pieces, which are stacked here.

One piece costs Graphviz more than its share of nodes, above all where edges are long: 5,000 nodes
in one piece take it half a minute. Pieces of equal shape, such as the layers of a transformer, are
laid out once.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ovreport.rendering.diagrams.cuts import Edge, Piece, cut
from ovreport.rendering.diagrams.graphviz import LayoutError, LayoutTimeoutError, graphviz

Position = tuple[float, float]
Size = tuple[float, float]

# Nodes in one piece at most; a finer cut has more references and less to lay out.
_PIECE, _FINE = 200, 40
# Graphviz makes a node of its own of every rank that an edge passes, and their number decides about
# its time: 1,000 take 0.1 s, 4,000 more than a second; with bounded effort, 12,000 do.
_CAREFUL, _BOUNDED, _CAREFUL_IN_ALL = 1200, 9000, 12_000
_EFFORT = " nslimit=2 mclimit=0.2 splines=line"
_GRAPH = (
    "digraph{graph[nodesep=0.25 ranksep=0.42%s];"
    'node[shape=box fixedsize=true label=""];edge[dir=none];'
)
_POINTS = 72  # to an inch
_APART = 30.0  # points between parts that hang together by nothing
_LEEWAY = 30.0  # points from the middle of a node's lower side at which arrows may start


@dataclass(frozen=True)
class Reference:
    """The place in a piece that names a node further away, for the edges that come from it."""

    source: int
    centre: Position


@dataclass(frozen=True)
class Arrow:
    """An edge as a Bézier curve: a point, then three for each segment."""

    edge: int
    points: Sequence[Position]


@dataclass(frozen=True)
class PlacedPiece:
    """A piece in the coordinates of the whole: points, y downwards."""

    piece: Piece
    top: float
    """The lower side of the node that it hangs on."""
    bottom: float
    centres: Mapping[int, Position]
    references: Sequence[Reference]
    arrows: Sequence[Arrow]


@dataclass(frozen=True)
class Layout:
    """Pieces from top to bottom, all within ``left`` and ``right``."""

    pieces: Sequence[PlacedPiece]
    left: float
    right: float
    simplified: bool
    """Some pieces are laid out with bounded effort, or cut where more than one tensor passes."""


def lay_out(
    sizes: Sequence[Size], edges: Sequence[Edge], reference: Size, limit_s: float
) -> Layout:
    """Places nodes of the given (width, height) in points, top to bottom along the edges.

    Args:
        reference: size of what stands for a node further away.
        limit_s: seconds that Graphviz may take in all.

    Raises:
        LayoutError: says why there is none.
    """
    if not sizes:
        return Layout([], 0.0, 0.0, simplified=False)
    started = time.monotonic()
    pieces = _cut(len(sizes), edges)
    try:
        return _placed(pieces, sizes, edges, reference, limit_s / 2, bounded=False)
    except LayoutTimeoutError:
        left = limit_s - (time.monotonic() - started)
        pieces = cut(len(sizes), edges, _FINE)
        return _placed(pieces, sizes, edges, reference, left, bounded=True)


def _cut(count: int, edges: Sequence[Edge]) -> list[Piece]:
    """Pieces that Graphviz can be expected to lay out in a fraction of a second each."""
    pieces = cut(count, edges, _PIECE)
    if max((_ranks_passed(piece, edges) for piece in pieces), default=0) > _BOUNDED:
        return cut(count, edges, _FINE)
    return pieces


def _ranks_passed(piece: Piece, edges: Sequence[Edge]) -> int:
    """The sum of all edges' lengths in ranks: what a layout costs."""
    rank: dict[int, int] = defaultdict(int)
    readers: dict[int, list[int]] = defaultdict(list)
    for index in piece.edges:
        readers[edges[index][0]].append(edges[index][1])
    for node in piece.nodes if piece.entry is None else (piece.entry, *piece.nodes):
        for reader in readers[node]:
            rank[reader] = max(rank[reader], rank[node] + 1)
    return sum(abs(rank[b] - rank[a]) for a, b in (edges[index] for index in piece.edges))


# ---------------------------------------------------------------------------- Graphviz


@dataclass(frozen=True)
class _Drawn:
    """One graph as Graphviz laid it out: points in its own coordinates, y downwards."""

    size: Size
    centres: Mapping[int, Position]
    curves: Mapping[Edge, Sequence[Position]]


@dataclass(frozen=True)
class _Numbered:
    """A piece whose nodes are numbered from its own first, so that equal pieces read alike."""

    members: Sequence[int]
    far: Sequence[int]
    """Sources of references; they are numbered after the members."""
    edges: Mapping[int, Edge]
    """By the index of the edge in the whole graph."""
    hangs: bool
    leads_on: bool

    def dot(self, sizes: Sequence[Size], reference: Size) -> str:
        """In DOT, but for the head."""
        every = [sizes[node] for node in self.members] + [reference] * len(self.far)
        lines = [
            f"{at}[width={width / _POINTS:.4g} height={height / _POINTS:.4g}]"
            for at, (width, height) in enumerate(every)
        ]
        if self.hangs:
            lines.append("{rank=source;0}")
        if self.leads_on:
            lines.append(f"{{rank=sink;{len(self.members) - 1}}}")
        lines += [f"{source}->{target}" for source, target in dict.fromkeys(self.edges.values())]
        return ";".join(lines) + "}"


def _numbered(piece: Piece, edges: Sequence[Edge], leads_on: bool) -> _Numbered:
    hangs = piece.entry is not None
    members = (piece.entry, *piece.nodes) if piece.entry is not None else piece.nodes
    far = list(dict.fromkeys(edges[index][0] for index in piece.references))
    local = {node: at for at, node in enumerate(members)}
    stands_for = {node: at for at, node in enumerate(far, len(members))}
    near = {index: (local[edges[index][0]], local[edges[index][1]]) for index in piece.edges}
    come_in = {
        index: (stands_for[edges[index][0]], local[edges[index][1]]) for index in piece.references
    }
    return _Numbered(members, far, near | come_in, hangs, leads_on)


def _placed(
    pieces: Sequence[Piece],
    sizes: Sequence[Size],
    edges: Sequence[Edge],
    reference: Size,
    limit_s: float,
    *,
    bounded: bool,
) -> Layout:
    lead_on = [piece.entry is not None for piece in pieces[1:]] + [False]
    numbered = [_numbered(piece, edges, on) for piece, on in zip(pieces, lead_on, strict=True)]
    bodies = [piece.dot(sizes, reference) for piece in numbered]
    costs = {body: _ranks_passed(p, edges) for body, p in zip(bodies, pieces, strict=True)}
    bounded = bounded or sum(costs.values()) > _CAREFUL_IN_ALL
    heads = {b: _GRAPH % (_EFFORT if bounded or costs[b] > _CAREFUL else "") for b in costs}
    source = "\n".join(head + body for body, head in heads.items())
    drawn = _parse(graphviz(source, "plain", limit_s).decode())
    if len(drawn) < len(heads):
        raise LayoutError("Graphviz failed: it drew fewer graphs than it was given.")
    by_body = dict(zip(heads, drawn, strict=True))
    placed = _stack(pieces, numbered, [by_body[body] for body in bodies], sizes)
    widths = [(x, sizes[node][0]) for piece in placed for node, (x, _) in piece.centres.items()] + [
        (r.centre[0], reference[0]) for piece in placed for r in piece.references
    ]
    bends = [x for piece in placed for arrow in piece.arrows for x, _ in arrow.points]
    return Layout(
        placed,
        min([x - width / 2 for x, width in widths] + bends),
        max([x + width / 2 for x, width in widths] + bends),
        any(_EFFORT in head for head in heads.values()),
    )


def _parse(plain: str) -> list[_Drawn]:
    """Graphs in Graphviz's ``plain`` format: inches from the lower left corner."""
    found = []
    size: Size = (0.0, 0.0)
    centres: dict[int, Position] = {}
    curves: dict[Edge, Sequence[Position]] = {}
    for line in plain.splitlines():
        words = line.split(" ")
        if words[0] == "graph":
            size = (float(words[2]) * _POINTS, float(words[3]) * _POINTS)
            centres, curves = {}, {}
        elif words[0] == "node":
            centres[int(words[1])] = _point(words[2], words[3], size)
        elif words[0] == "edge":
            end = 4 + 2 * int(words[3])
            points = [_point(words[at], words[at + 1], size) for at in range(4, end, 2)]
            curves[int(words[1]), int(words[2])] = points
        elif words[0] == "stop":
            found.append(_Drawn(size, centres, curves))
    return found


def _point(x: str, y: str, size: Size) -> Position:
    return float(x) * _POINTS, size[1] - float(y) * _POINTS


# ---------------------------------------------------------------------------- stacking


def _stack(
    pieces: Sequence[Piece],
    numbered: Sequence[_Numbered],
    drawn: Sequence[_Drawn],
    sizes: Sequence[Size],
) -> list[PlacedPiece]:
    """Moves each piece so that the node that it hangs on is where the piece before put it.

    Pieces that lean to one side would add up to a slant: arrows start a little beside the middle of
    the node until what follows is in the middle again.
    """
    placed: list[PlacedPiece] = []
    axis, bottom = 0.0, 0.0
    for piece, own, graph in zip(pieces, numbered, drawn, strict=True):
        top = bottom
        back = min(_LEEWAY, max(-_LEEWAY, -axis))
        if piece.entry is None:
            dx, dy = -graph.size[0] / 2, top + (_APART if placed else 0.0)
        else:
            x, y = graph.centres[0]
            dx, dy = axis + back - x, top - y - sizes[piece.entry][1] / 2
        at = {number: (x + dx, y + dy) for number, (x, y) in graph.centres.items()}
        hung = None if piece.entry is None else 0
        first = 0 if hung is None else 1
        centres = {own.members[n]: at[n] for n in range(first, len(own.members))}
        bottom = dy + graph.size[1]
        axis = centres[piece.nodes[-1]][0] if own.leads_on else 0.0
        placed.append(
            PlacedPiece(
                piece,
                top,
                bottom,
                centres,
                [Reference(node, at[n]) for n, node in enumerate(own.far, len(own.members))],
                [
                    Arrow(
                        index, _moved(graph.curves[edge], dx, dy, -back if edge[0] == hung else 0.0)
                    )
                    for index, edge in own.edges.items()
                ],
            )
        )
    return placed


def _moved(curve: Sequence[Position], dx: float, dy: float, start: float) -> list[Position]:
    """A curve elsewhere, its first two points by ``start`` aside: that keeps it smooth."""
    return [(x + dx + (start if at < 2 else 0.0), y + dy) for at, (x, y) in enumerate(curve)]
