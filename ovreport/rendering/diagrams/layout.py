"""Place the nodes and arrows of a graph: Graphviz lays out pieces, which are stacked here.

The time of Graphviz grows faster than the number of nodes, most of all where edges are long: 5,000
nodes in one piece take half a minute. Pieces of equal shape, such as the layers of a transformer,
are laid out once.
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

# Most nodes in one piece; a finer cut has more references and less to lay out.
_PIECE, _FINE = 200, 40
# Graphviz adds a node for every rank that an edge passes, and their number determines its time:
# 1,000 take 0.1 s, 4,000 more than a second; with bounded effort, 12,000 take as long.
_CAREFUL, _BOUNDED, _CAREFUL_IN_ALL = 1200, 9000, 12_000
_EFFORT = " nslimit=2 mclimit=0.2 splines=line"
_GRAPH = (
    "digraph{graph[nodesep=0.25 ranksep=0.42%s];"
    'node[shape=box fixedsize=true label=""];edge[dir=none];'
)
_POINTS = 72  # to an inch
_GAP = 30.0  # points between unconnected parts
_LEEWAY = 30.0  # points from the middle of a node's lower side within which arrows start


@dataclass(frozen=True)
class Reference:
    """The place in a piece that names a distant node, for the edges that come from it."""

    source: int
    centre: Position


@dataclass(frozen=True)
class Arrow:
    """An edge as a Bézier curve: a point, then three for each segment."""

    edge: int
    points: Sequence[Position]


@dataclass(frozen=True)
class PlacedPiece:
    """A piece in the coordinates of the whole graph: points, y downwards."""

    piece: Piece
    top: float
    """The lower side of the node that the piece continues."""
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
    """Whether pieces were laid out with bounded effort, or cut where several tensors pass."""


def lay_out(
    sizes: Sequence[Size], edges: Sequence[Edge], reference: Size, limit_s: float
) -> Layout:
    """Place nodes of the given (width, height) in points, top to bottom along the edges.

    Args:
        sizes: the size of each node.
        edges: (source, target), node indices.
        reference: size of a reference to a distant node.
        limit_s: seconds that Graphviz may take in all.

    Raises:
        LayoutError: says why there is no layout.
    """
    if not sizes:
        return Layout([], 0.0, 0.0, simplified=False)
    started = time.monotonic()
    pieces = _cut(len(sizes), edges)
    try:
        return _placed(pieces, sizes, edges, reference, limit_s / 2, bounded=False)
    except LayoutTimeoutError:
        remaining_s = limit_s - (time.monotonic() - started)
        pieces = cut(len(sizes), edges, _FINE)
        return _placed(pieces, sizes, edges, reference, remaining_s, bounded=True)


def _cut(count: int, edges: Sequence[Edge]) -> list[Piece]:
    """Return pieces, each of which Graphviz should lay out in a fraction of a second."""
    pieces = cut(count, edges, _PIECE)
    if max((_ranks_passed(piece, edges) for piece in pieces), default=0) > _BOUNDED:
        return cut(count, edges, _FINE)
    return pieces


def _ranks_passed(piece: Piece, edges: Sequence[Edge]) -> int:
    """Return the sum of all edges' lengths in ranks, which determines the time of a layout."""
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
    """One graph as Graphviz laid it out: points in the graph's coordinates, y downwards."""

    size: Size
    centres: Mapping[int, Position]
    curves: Mapping[Edge, Sequence[Position]]


@dataclass(frozen=True)
class _Numbered:
    """A piece whose nodes are numbered from its first, so that equal pieces give equal DOT."""

    members: Sequence[int]
    far: Sequence[int]
    """Sources of references; they are numbered after the members."""
    edges: Mapping[int, Edge]
    """Edges by their index in the whole graph."""
    is_continuation: bool
    """Whether the first member belongs to the previous piece."""
    is_continued: bool
    """Whether the next piece continues the last member."""

    def dot(self, sizes: Sequence[Size], reference: Size) -> str:
        """Return the piece in DOT, without the head."""
        all_sizes = [sizes[node] for node in self.members] + [reference] * len(self.far)
        lines = [
            f"{at}[width={width / _POINTS:.4g} height={height / _POINTS:.4g}]"
            for at, (width, height) in enumerate(all_sizes)
        ]
        if self.is_continuation:
            lines.append("{rank=source;0}")
        if self.is_continued:
            lines.append(f"{{rank=sink;{len(self.members) - 1}}}")
        lines += [f"{source}->{target}" for source, target in dict.fromkeys(self.edges.values())]
        return ";".join(lines) + "}"


def _numbered(piece: Piece, edges: Sequence[Edge], is_continued: bool) -> _Numbered:
    members = (piece.entry, *piece.nodes) if piece.entry is not None else piece.nodes
    far = list(dict.fromkeys(edges[index][0] for index in piece.references))
    local = {node: at for at, node in enumerate(members)}
    reference_of = {node: at for at, node in enumerate(far, len(members))}
    near = {index: (local[edges[index][0]], local[edges[index][1]]) for index in piece.edges}
    incoming = {
        index: (reference_of[edges[index][0]], local[edges[index][1]]) for index in piece.references
    }
    return _Numbered(members, far, near | incoming, piece.entry is not None, is_continued)


def _placed(
    pieces: Sequence[Piece],
    sizes: Sequence[Size],
    edges: Sequence[Edge],
    reference: Size,
    limit_s: float,
    *,
    bounded: bool,
) -> Layout:
    are_continued = [piece.entry is not None for piece in pieces[1:]] + [False]
    numbered = [
        _numbered(piece, edges, continued)
        for piece, continued in zip(pieces, are_continued, strict=True)
    ]
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
    """Parse graphs in Graphviz's ``plain`` format: inches from the lower left corner."""
    graphs = []
    size: Size = (0.0, 0.0)
    centres: dict[int, Position] = {}
    curves: dict[Edge, Sequence[Position]] = {}
    for line in plain.splitlines():
        fields = line.split(" ")
        if fields[0] == "graph":
            size = (float(fields[2]) * _POINTS, float(fields[3]) * _POINTS)
            centres, curves = {}, {}
        elif fields[0] == "node":
            centres[int(fields[1])] = _point(fields[2], fields[3], size)
        elif fields[0] == "edge":
            end = 4 + 2 * int(fields[3])
            points = [_point(fields[at], fields[at + 1], size) for at in range(4, end, 2)]
            curves[int(fields[1]), int(fields[2])] = points
        elif fields[0] == "stop":
            graphs.append(_Drawn(size, centres, curves))
    return graphs


def _point(x: str, y: str, size: Size) -> Position:
    return float(x) * _POINTS, size[1] - float(y) * _POINTS


# ---------------------------------------------------------------------------- stacking


def _stack(
    pieces: Sequence[Piece],
    numbered: Sequence[_Numbered],
    drawn: Sequence[_Drawn],
    sizes: Sequence[Size],
) -> list[PlacedPiece]:
    """Move each piece so that the node that it continues is where the previous piece put it.

    Pieces that lean to one side would add up to a slant. Arrows therefore start a little off the
    middle of the node until the following pieces are in the middle again.
    """
    placed: list[PlacedPiece] = []
    axis, bottom = 0.0, 0.0
    for piece, numbered_piece, graph in zip(pieces, numbered, drawn, strict=True):
        top = bottom
        back = min(_LEEWAY, max(-_LEEWAY, -axis))
        if piece.entry is None:
            dx, dy = -graph.size[0] / 2, top + (_GAP if placed else 0.0)
        else:
            x, y = graph.centres[0]
            dx, dy = axis + back - x, top - y - sizes[piece.entry][1] / 2
        at = {number: (x + dx, y + dy) for number, (x, y) in graph.centres.items()}
        entry_number = None if piece.entry is None else 0
        first = 0 if entry_number is None else 1
        centres = {
            numbered_piece.members[n]: at[n] for n in range(first, len(numbered_piece.members))
        }
        bottom = dy + graph.size[1]
        axis = centres[piece.nodes[-1]][0] if numbered_piece.is_continued else 0.0
        placed.append(
            PlacedPiece(
                piece,
                top,
                bottom,
                centres,
                [
                    Reference(node, at[n])
                    for n, node in enumerate(numbered_piece.far, len(numbered_piece.members))
                ],
                [
                    Arrow(
                        index,
                        _moved(
                            graph.curves[edge], dx, dy, -back if edge[0] == entry_number else 0.0
                        ),
                    )
                    for index, edge in numbered_piece.edges.items()
                ],
            )
        )
    return placed


def _moved(curve: Sequence[Position], dx: float, dy: float, start: float) -> list[Position]:
    """Return a moved curve; its first two points move by ``start``, too, which keeps it smooth."""
    return [(x + dx + (start if at < 2 else 0.0), y + dy) for at, (x, y) in enumerate(curve)]
