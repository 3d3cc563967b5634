"""Cutting and laying out graphs, with the real Graphviz."""

from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ovreport.rendering.diagrams import graphviz as engine
from ovreport.rendering.diagrams.cuts import cut, flow_order
from ovreport.rendering.diagrams.graphviz import LayoutError
from ovreport.rendering.diagrams.layout import Layout, lay_out

BOX = (168.0, 46.0)
REFERENCE = (128.0, 18.0)


@st.composite
def graphs(draw: st.DrawFn) -> tuple[int, list[tuple[int, int]]]:
    """Draw any edges, including cycles and loops, as diagrams of plugins may have them."""
    count = draw(st.integers(1, 40))
    node = st.integers(0, count - 1)
    return count, draw(st.lists(st.tuples(node, node), max_size=80))


def laid_out(count: int, edges: list[tuple[int, int]]) -> Layout:
    return lay_out([BOX] * count, edges, REFERENCE, 20)


def residual(blocks: int) -> list[tuple[int, int]]:
    """Return blocks of four nodes: 0 → 1 → 2 → 3, and 0 → 3; the next block begins at 3."""
    starts = range(0, 3 * blocks, 3)
    return [(s + a, s + b) for s in starts for a, b in ((0, 1), (1, 2), (2, 3), (0, 3))]


# ---------------------------------------------------------------------------- cutting


@given(graphs(), st.integers(4, 50))
def test_every_node_and_edge_is_in_exactly_one_piece(
    graph: tuple[int, list[tuple[int, int]]], limit: int
) -> None:
    count, edges = graph
    pieces = cut(count, edges, limit)
    assert sorted(node for piece in pieces for node in piece.nodes) == list(range(count))
    assert max(len(piece.nodes) for piece in pieces) <= limit
    placed_edges = [index for piece in pieces for index in (*piece.edges, *piece.references)]
    assert sorted(placed_edges) == list(range(len(edges)))
    for before, piece in pairwise(pieces):
        assert piece.entry in (None, before.nodes[-1])


@given(graphs())
def test_the_order_follows_the_edges(graph: tuple[int, list[tuple[int, int]]]) -> None:
    count, edges = graph
    forward = [(a, b) for a, b in edges if a < b]
    order = flow_order(count, forward)
    place = {node: at for at, node in enumerate(order)}
    assert sorted(order) == list(range(count))
    assert all(place[a] < place[b] for a, b in forward)


def test_a_graph_is_cut_where_every_path_goes_through() -> None:
    pieces = cut(10, residual(3), limit=200)
    assert [set(piece.nodes) for piece in pieces] == [{0}, {1, 2, 3}, {4, 5, 6}, {7, 8, 9}]
    assert [piece.entry for piece in pieces] == [None, 0, 3, 6]
    assert not any(piece.references for piece in pieces)


def test_tensors_that_every_block_reads_are_references() -> None:
    blocks = 10
    mask = 3 * blocks + 1
    readers = [(mask, 3 * block + 2) for block in range(blocks)]
    pieces = cut(mask + 1, residual(blocks) + readers, limit=200)
    assert sum(len(piece.references) for piece in pieces) == blocks - 1
    assert max(len(piece.nodes) for piece in pieces) == 4  # a block, and the mask in the first


def test_outputs_between_blocks_do_not_prevent_cuts() -> None:
    """Caches of a language model are outputs of every layer and are listed last."""
    edges = residual(20)
    last = 61
    outputs = [(3 * block + 1, last + block) for block in range(20)]
    assert max(len(piece.nodes) for piece in cut(last + 20, edges + outputs, 200)) == 4


# ---------------------------------------------------------------------------- placing


@settings(max_examples=40, deadline=None)
@given(graphs())
def test_boxes_do_not_overlap_and_arrows_touch_their_boxes(
    graph: tuple[int, list[tuple[int, int]]],
) -> None:
    count, edges = graph
    layout = laid_out(count, edges)
    boxes = {node: at for piece in layout.pieces for node, at in piece.centres.items()}
    assert len(boxes) == count
    for (x1, y1), (x2, y2) in combinations(boxes.values(), 2):
        assert abs(x1 - x2) > BOX[0] - 1 or abs(y1 - y2) > BOX[1] - 1
    for x, _ in boxes.values():
        assert layout.left <= x - BOX[0] / 2 + 1
        assert x + BOX[0] / 2 - 1 <= layout.right
    for piece in layout.pieces:
        far = {reference.source: reference.centre for reference in piece.references}
        for arrow in piece.arrows:
            source, target = edges[arrow.edge]
            assert len(arrow.points) % 3 == 1
            starts = far.get(source) if arrow.edge in piece.piece.references else boxes[source]
            for centre, point in ((starts, arrow.points[0]), (boxes[target], arrow.points[-1])):
                assert centre is not None
                assert abs(centre[0] - point[0]) <= BOX[0] / 2 + 2
                assert abs(centre[1] - point[1]) <= BOX[1] / 2 + 2


def test_pieces_share_coordinates() -> None:
    layout = laid_out(31, residual(10))
    for above, below in pairwise(layout.pieces):
        assert below.top == above.bottom
        x, y = above.centres[above.piece.nodes[-1]]
        assert above.bottom == pytest.approx(y + BOX[1] / 2, abs=0.5)
        starts = [a.points[0] for a in below.arrows if a.points[0][1] < below.top + 1]
        assert starts
        assert all(abs(start[0] - x) < BOX[0] / 2 for start in starts)
    middles = [piece.centres[piece.piece.nodes[-1]][0] for piece in layout.pieces]
    assert max(map(abs, middles)) < BOX[0], "blocks that lean to one side must not add up"


def test_a_graph_without_any_cut_is_still_laid_out() -> None:
    """Every node reads the thirty before it: 6,000 arrows, too many for Graphviz in one piece."""
    edges = [(a, b) for b in range(220) for a in range(max(0, b - 30), b)]
    layout = laid_out(220, edges)
    assert layout.simplified
    assert sum(len(piece.references) for piece in layout.pieces) > 0
    assert sum(len(piece.centres) for piece in layout.pieces) == 220


def test_equal_graphs_are_laid_out_equally() -> None:
    assert laid_out(31, residual(10)) == laid_out(31, residual(10))


def test_an_empty_graph_needs_no_graphviz() -> None:
    assert laid_out(0, []).pieces == []


# ---------------------------------------------------------------------------- the engine


def test_too_little_time_is_reported() -> None:
    with pytest.raises(LayoutError, match="took longer than"):
        lay_out([BOX] * 31, residual(10), REFERENCE, 1e-9)


def test_a_missing_graphviz_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "engine", lambda: None)
    with pytest.raises(LayoutError, match="pip install graphviz-pure"):
        laid_out(2, [(0, 1)])
