"""The graph section and its exported files: real runs of models with nested graphs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from conftest import ovreport

from ovreport.errors import UserError
from ovreport.export.diagrams import graph_files
from ovreport.run import CellResult, Run
from ovreport.runfile import lines_of, read_run
from ovreport.section import Diagram, Group
from ovreport_plugins.model_graph.analyzer import ModelGraph


@pytest.fixture(scope="module")
def nested(nested_report: Path) -> Run:
    return read_run(nested_report.with_suffix(".jsonl"))


def diagrams(group: Group) -> list[Diagram]:
    return [block for block in group.blocks if isinstance(block, Diagram)]


def below(diagram: Diagram, depth: int = 0) -> Iterator[tuple[int, Diagram]]:
    for inner in diagram.inner:
        yield depth, inner
        yield from below(inner, depth + 1)


def kinds(diagram: Diagram) -> list[str]:
    return [node.lines[0] for node in diagram.nodes]


def test_bodies_and_nested_bodies_are_diagrams(nested: Run) -> None:
    branches, recurrent = ModelGraph().analyze(nested).groups
    _, model = diagrams(branches)
    found = {d.title.partition(",")[0]: (depth, d) for depth, d in below(model)}
    assert {title: depth for title, (depth, _) in found.items()} == {
        "Inside If branches: then": 0,
        "Inside If branches: else": 0,
        "Inside If deep: then": 1,
        "Inside If deep: else": 1,
        "Inside Loop loop: the body": 0,
    }
    assert kinds(found["Inside If deep: else"][1]) == [
        "Parameter", "Convolution", "Sigmoid", "Result",
    ]  # fmt: skip
    assert {"MatMul", "Tanh", "Add"} <= set(kinds(found["Inside Loop loop: the body"][1]))
    _, model = diagrams(recurrent)
    ((_, body),) = below(model)
    assert body.title.startswith("Inside TensorIterator gru: the body")
    assert {"Squeeze", "GRUCell", "Unsqueeze"} <= set(kinds(body))


def test_a_body_names_the_node_that_holds_it_and_that_node_says_so(nested: Run) -> None:
    for group in ModelGraph().analyze(nested).groups:
        for diagram in diagrams(group):
            nodes = {
                node.id: node
                for part in (diagram, *(d for _, d in below(diagram)))
                for node in part.nodes
            }
            assert len(nodes) == len(diagram.nodes) + sum(len(d.nodes) for _, d in below(diagram))
            for _, inner in below(diagram):
                assert "\ninside: " in nodes[inner.inside].tooltip


def test_the_longest_path_is_marked_in_both_graphs(bottlenecks: Run) -> None:
    for group in ModelGraph().analyze(bottlenecks).groups:
        for diagram in diagrams(group):
            path = [edge for edge in diagram.edges if edge.critical]
            assert len(path) > 3
            ends = {edge.target for edge in path}
            starts = [edge.source for edge in path if edge.source not in ends]
            assert len(starts) == 1, "it is one path"
            follows = {edge.source: edge.target for edge in path}
            assert len(follows) == len(path)
            # It is at least as long as another path from its start: the one that takes
            # the longest node at each fork.
            time = {node.id: node.duration_s for node in diagram.nodes}
            way = [starts[0]]
            while nexts := [edge.target for edge in diagram.edges if edge.source == way[-1]]:
                way.append(max(nexts, key=lambda node: time[node]))
            on_path = {edge.source for edge in path} | ends
            assert sum(time[n] for n in on_path) >= sum(time[n] for n in way) - 1e-12
            assert all(any(e.source == a and e.target == b for e in diagram.edges)
                       for a, b in pairwise(way))  # fmt: skip


def test_every_diagram_is_exported_with_its_inner_diagrams(
    nested_report: Path, tmp_path: Path
) -> None:
    for form, begins in (("svg", b"<?xml"), ("dot", b"digraph"), ("png", b"\x89PNG")):
        folder = tmp_path / form
        result = ovreport("export", nested_report, "--graph", form, "-o", folder)
        assert result.exit_code == 0, result.output
        files = sorted(folder.iterdir())
        assert len(files) == 2 + 5 + 2 + 1  # two graphs and the bodies of both models
        assert all(file.read_bytes().startswith(begins) for file in files)


def without_times(result: CellResult) -> CellResult:
    """Return the result as if ``profile_iterations`` were 0."""
    assert result.profile is not None
    profile = result.profile.model_copy(update={"layers": ()})
    return result.model_copy(update={"profile": profile})


@pytest.mark.slow
def test_runs_without_layer_times_have_no_empty_section_or_folder(
    bottlenecks: Run, tmp_path: Path
) -> None:
    run_file, report = tmp_path / "x.jsonl", tmp_path / "x.html"
    bare = replace(bottlenecks, results=tuple(map(without_times, bottlenecks.results)))
    run_file.write_text("\n".join(lines_of(bare)) + "\n")
    assert ovreport("render", run_file, "-o", report).exit_code == 0
    (heading,) = re.findall(
        '<p class="skipped">(There are no layer times: the device.*)</p>', report.read_text()
    )
    assert '<span id="model_graph">Model graph</span>' in heading
    done = ovreport("export", run_file, "--graph", "svg", "-o", tmp_path / "graphs")
    assert done.exit_code == 2
    assert "--graph: There are no layer times" in done.stderr
    assert not (tmp_path / "graphs").exists()


def test_cells_that_are_not_shown_are_not_exported(bottlenecks: Run) -> None:
    first = bottlenecks.results[0]
    other = first.model_copy(update={"cell": first.cell.model_copy(update={"batch": 7})})
    run = replace(bottlenecks, results=(*map(without_times, bottlenecks.results), other))
    with pytest.raises(UserError, match="no cell whose layers the report shows has layer times"):
        graph_files(run, "dot")


def test_a_section_that_crashed_is_an_error_of_the_export(
    bottlenecks: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ModelGraph, "analyze", lambda *_: 1 / 0)
    with pytest.raises(UserError, match="could not be made: ZeroDivisionError"):
        graph_files(bottlenecks, "dot")
