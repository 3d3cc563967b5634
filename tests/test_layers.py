"""Layers of a real run add up, and graph questions are answered as by hand."""

from itertools import pairwise

import pytest

from ovreport.graphs.flow import critical_path, transitions
from ovreport.graphs.layers import ExecutedLayer, executed_layers, fates
from ovreport.run import Node, Port, Run
from ovreport_plugins.kernels.analyzer import Kernel, parse_kernel


def test_shares_of_executed_layers_add_to_one(run: Run) -> None:
    layers = executed_layers(run, run.done[0])
    assert sum(layer.share for layer in layers) == pytest.approx(1)
    assert [x.order for x in layers] == sorted(x.order for x in layers)


def test_squeezenet_has_its_26_convolutions(run: Run) -> None:
    layers = executed_layers(run, run.done[0])
    assert sum(layer.type == "Convolution" for layer in layers) == 26


def test_every_relu_of_squeezenet_is_fused(run: Run) -> None:
    result = run.done[0]
    assert result.model_graph is not None
    nodes = run.graphs[result.model_graph].nodes
    kinds = {fate.kind for index, fate in fates(run, result).items() if nodes[index].type == "Relu"}
    assert kinds == {"fused"}


def layer(precision: str, seconds: float = 1.0) -> ExecutedLayer:
    return ExecutedLayer(0, 0, "", "", "", precision, seconds, 0, 0, 0, (), "", ())


def test_transitions_count_neighbours_that_take_time() -> None:
    chain = [layer("f32"), layer("u8"), layer("u8"), layer("f32", 0), layer("u8"), layer("f32")]
    counted = transitions(chain)
    timed = ["f32", "u8", "u8", "u8", "f32"]
    assert sum(counted.values()) == len(list(pairwise(timed)))
    assert counted["u8", "u8"] == 2


def test_the_critical_path_takes_the_slower_branch() -> None:
    out = (Port(shape="[1]", precision="f32"),)

    def node(*sources: int) -> Node:
        return Node(name="", type="", inputs=tuple((s, 0) for s in sources), outputs=out)

    nodes = [node(), node(0), node(0), node(1, 2)]
    path, seconds = critical_path(nodes, {0: 1, 1: 5, 2: 2, 3: 1})
    assert path == [0, 1, 3]
    assert seconds == 7


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("brgconv_avx2_1x1_f32", Kernel("brgconv_1x1", "avx2", "f32")),
        ("jit_avx512_core_amx_i8", Kernel("jit", "avx512_core_amx", "i8")),
        ("ref_any_f32", Kernel("ref_any", "", "f32")),
        ("undef", Kernel("undef", "", "")),
    ],
)
def test_kernel_names_are_taken_apart(name: str, parts: Kernel) -> None:
    assert parse_kernel(name) == parts
