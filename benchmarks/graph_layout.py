"""Compares ovreport's layout in pieces with plain ``dot``: time and SVG size by number of nodes.

    python benchmarks/graph_layout.py [NODES …]

There are two families of graphs: a transformer whose layers all read one mask, and DenseNet, where
each layer's output is concatenated to all earlier ones. Plain ``dot`` gets the same boxes and
arrows as one graph, and at most a minute.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable

from ovreport.rendering.diagrams.correspondence import Correspondence
from ovreport.rendering.diagrams.diagram import render_diagram
from ovreport.rendering.diagrams.graphviz import engine
from ovreport.section import Colouring, Diagram, DiagramEdge, DiagramNode
from ovreport.text.values import Role

SIZES = (100, 300, 1000, 2000, 5000, 10_000, 20_000)
PLAIN_LIMIT_S = 60.0


class Builder:
    """Collects nodes in topological order; ``add`` returns the new node's index."""

    def __init__(self) -> None:
        self.nodes: list[tuple[str, str]] = []
        self.edges: list[tuple[int, int]] = []

    def add(self, kind: str, name: str, *sources: int) -> int:
        self.nodes.append((kind, name))
        self.edges += [(source, len(self.nodes) - 1) for source in sources]
        return len(self.nodes) - 1

    def chain(self, kinds: str, name: str, source: int) -> int:
        for kind in kinds.split():
            source = self.add(kind, f"{name}/{kind}", source)
        return source

    def diagram(self) -> Diagram:
        total = len(self.nodes)
        return Diagram(
            "graph",
            "Graph",
            [
                DiagramNode(
                    f"node-0123456789-{at}",
                    [kind, name, f"{at % 97 / 100:.3f} ms · {at % 13:.1f} %"],
                    f"{name}\ntype: {kind}\noutput: 1×64×56×56 f32\nkernel: brgconv_avx2_1x1_f32",
                    {
                        "type": Role("type", kind),
                        "time": at / total,
                        "precision": Role("precision", "f32"),
                    },
                    link=f"layer-0123456789-{at}",
                    name=name,
                    duration_s=at % 97 / 1e5,
                )
                for at, (kind, name) in enumerate(self.nodes)
            ],
            [
                DiagramEdge(f"node-0123456789-{a}", f"node-0123456789-{b}", "1×64×56×56 f32")
                for a, b in self.edges
            ],
            [
                Colouring("type", "type"),
                Colouring("time", "time", ["0", "1"]),
                Colouring("precision", "precision"),
            ],
            "",
        )


def transformer(nodes: int) -> Builder:
    """Build layers of 24 nodes: attention with three branches and a residual, then feed-forward."""
    graph = Builder()
    x = graph.add("Input", "hidden_states")
    mask = graph.chain("Input Convert Multiply", "attention_mask", x)
    number = 0
    while len(graph.nodes) < nodes:
        at = f"encoder/layer.{number}"
        before = graph.chain("MVN Multiply", f"{at}/attention/norm", x)
        query, key, value = (
            graph.chain("FullyConnected Reshape Transpose", f"{at}/attention/{name}", before)
            for name in ("query", "key", "value")
        )
        scores = graph.add("MatMul", f"{at}/attention/scores", query, key)
        masked = graph.add("Add", f"{at}/attention/masked", scores, mask)
        softmax = graph.add("Softmax", f"{at}/attention/softmax", masked)
        context = graph.add("MatMul", f"{at}/attention/context", softmax, value)
        out = graph.chain("Transpose Reshape FullyConnected", f"{at}/attention/output", context)
        x = graph.add("Add", f"{at}/attention/sum", out, x)
        inner = graph.chain(
            "MVN Multiply FullyConnected Gelu FullyConnected", f"{at}/feed_forward", x
        )
        x = graph.add("Add", f"{at}/sum", inner, x)
        number += 1
    return graph


def densenet(nodes: int) -> Builder:
    """Build blocks of 24 layers of 7 nodes; each layer's output is concatenated to its input."""
    graph = Builder()
    x = graph.add("Input", "data")
    number = 0
    while len(graph.nodes) < nodes:
        at = f"block{number // 24}/layer{number % 24}"
        branch = graph.chain("Multiply Relu Convolution Relu Convolution Add", at, x)
        x = graph.add("Concatenation", f"{at}/concat", branch, x)
        if number % 24 == 23:
            x = graph.chain("Convolution Pooling", f"transition{number // 24}", x)
        number += 1
    return graph


def plain_dot(graph: Builder) -> tuple[float, int] | None:
    """Return seconds and bytes of drawing the whole graph at once; None if it takes too long."""
    lines = [
        f'{at}[label="{kind}\\n{name}\\n0.123 ms"]' for at, (kind, name) in enumerate(graph.nodes)
    ]
    lines += [f"{a}->{b}" for a, b in graph.edges]
    source = "digraph{node[shape=box];" + ";".join(lines) + "}"
    started = time.perf_counter()
    try:
        drawing = subprocess.run(
            [str(engine()), "-Kdot", "-Tsvg"],
            input=source.encode(),
            capture_output=True,
            check=True,
            timeout=PLAIN_LIMIT_S,
        )
    except subprocess.TimeoutExpired:
        return None
    return time.perf_counter() - started, len(drawing.stdout)


def main(sizes: list[int]) -> None:
    families: dict[str, Callable[[int], Builder]] = {
        "transformer": transformer,
        "densenet": densenet,
    }
    print(f"{'':12}{'nodes':>7}{'edges':>7}{'ours, s':>10}{'MB':>7}{'dot, s':>10}{'MB':>7}")
    for family, build in families.items():
        plain: tuple[float, int] | None = (0.0, 0)
        for size in sizes:
            graph = build(size)
            diagram = graph.diagram()
            started = time.perf_counter()
            drawn = render_diagram(diagram, Correspondence())
            seconds = time.perf_counter() - started
            # If a graph was too large for dot, larger ones are not tried.
            plain = plain_dot(graph) if plain is not None else None
            dot = f"{plain[0]:10.2f}{plain[1] / 1e6:7.2f}" if plain else f"{'–':>10}{'–':>7}"
            print(
                f"{family:12}{len(graph.nodes):7}{len(graph.edges):7}"
                f"{seconds:10.2f}{len(drawn.html.encode()) / 1e6:7.2f}{dot}",
                flush=True,
            )


if __name__ == "__main__":
    main([int(argument) for argument in sys.argv[1:]] or list(SIZES))
