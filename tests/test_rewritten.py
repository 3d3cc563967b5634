"""Operators that the device executes under another name are found by their readers."""

from ovreport.computed.rewritten_operators import find_rewritten
from ovreport.run import Node


def node(name: str, type: str, *inputs: int) -> Node:
    return Node(name=name, type=type, inputs=tuple((i, 0) for i in inputs), outputs=())


MODEL = [
    node("x", "Parameter"),
    node("214", "Interpolate", 0),
    node("Transpose_1", "Transpose", 1),
    node("Transpose_2", "Transpose", 1),
    node("conv", "Convolution", 2),
    node("add", "Add", 3, 4),
]
RUNTIME = [
    node("x", "Input"),
    node("Interpolate_26951", "Interpolate", 0),
    node("x_f32_bf16", "Reorder", 1),
    node("conv", "Convolution", 2),
    node("add", "Eltwise", 1, 3),
]
NAMED: dict[int, tuple[int, ...]] = {0: (0,), 1: (), 2: (), 3: (4,), 4: (5,)}


def test_a_renamed_layer_is_the_operator_with_the_same_readers() -> None:
    """OpenVINO resizes TFLite's tensors in another layout, by a node without original names."""
    assert find_rewritten(RUNTIME, MODEL, NAMED) == {1: 1}


def test_an_ambiguous_layer_is_not_matched() -> None:
    """A bidirectional recurrent layer becomes two; two equal ones cannot be distinguished."""
    twice = [*MODEL[:1], node("213", "Interpolate", 0), *MODEL[1:]]
    twice = [
        node(x.name, x.type, *(i + (i > 0) for i, _ in x.inputs)) if at > 1 else x
        for at, x in enumerate(twice)
    ]
    twice[2] = node("214", "Interpolate", 1)
    named = {0: (0,), 1: (), 2: (), 3: (5,), 4: (6,)}
    assert find_rewritten(RUNTIME, twice, named) == {}


def test_a_layer_of_another_type_is_not_matched() -> None:
    runtime = [x if x.type != "Interpolate" else node(x.name, "Pooling", 0) for x in RUNTIME]
    assert find_rewritten(runtime, MODEL, NAMED) == {}
