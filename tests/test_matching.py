"""Matching of layers of two versions, in hand-made graphs and in a recorded run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from ovreport.computed.layers import ExecutedLayer, executed_layers
from ovreport.computed.matching import LayerGroup, Network, coverage, match
from ovreport.run import Node, Port, Run


def node(name: str, type: str, *sources: int, shape: str = "[1,8]") -> Node:
    return Node(
        name=name,
        type=type,
        inputs=tuple((source, 0) for source in sources),
        outputs=(Port(shape=shape, precision="f32"),),
    )


def chain(*operators: tuple[str, str], shape: str = "[1,8]") -> list[Node]:
    """Return a parameter and operators (name, type), each of which reads the previous one."""
    nodes = [node("data", "Parameter")]
    for place, (name, type) in enumerate(operators):
        nodes.append(node(name, type, place, shape=shape))
    return nodes


def network(
    model: Sequence[Node], *layers: tuple[str, str, str], shape: str = "[1,8]", seconds: float = 1.0
) -> Network:
    """Return layers (name, type, operators separated by blanks), each reading the previous one."""
    place = {item.name: index for index, item in enumerate(model)}
    executed = [
        ExecutedLayer(
            index=number, order=number, name=name, type=type, kernel="", precision="f32",
            median_s=seconds, low_s=seconds, high_s=seconds, share=1 / len(layers),
            shapes=(shape,), layouts="", originals=tuple(place[o] for o in originals.split()),
        )
        for number, (name, type, originals) in enumerate(layers, start=1)
    ]  # fmt: skip
    runtime = chain(*((name, type) for name, type, _ in layers), shape=shape)
    return Network(executed, runtime, model)


def names(groups: Sequence[LayerGroup]) -> list[tuple[str, str]]:
    return [
        (" ".join(layer.name for layer in group.a), " ".join(layer.name for layer in group.b))
        for group in groups
    ]


CONV_RELU = chain(("conv", "Convolution"), ("relu", "Relu"), ("pool", "MaxPool"))


def test_fused_and_unfused_layers_are_one_group() -> None:
    fused = network(CONV_RELU, ("conv", "Convolution", "conv relu"), ("pool", "Pooling", "pool"))
    separate = network(
        CONV_RELU,
        ("conv", "Convolution", "conv"),
        ("relu", "Eltwise", "relu"),
        ("pool", "Pooling", "pool"),
    )
    assert names(match(fused, separate)) == [("conv", "conv relu"), ("pool", "pool")]
    assert names(match(separate, fused)) == [("conv relu", "conv"), ("pool", "pool")]


def test_overlapping_fusions_make_a_group_of_many_on_both_sides() -> None:
    a = network(CONV_RELU, ("conv", "Convolution", "conv relu"), ("pool", "Pooling", "pool"))
    b = network(CONV_RELU, ("conv", "Convolution", "conv"), ("pool", "Pooling", "relu pool"))
    assert names(match(a, b)) == [("conv pool", "conv pool")]


def test_a_layer_that_the_other_version_does_not_name_joins_the_one_before() -> None:
    """FP32 fuses the activation without naming it; INT8 runs it separately."""
    fused = network(CONV_RELU, ("conv", "Convolution", "conv"), ("pool", "Pooling", "pool"))
    separate = network(
        CONV_RELU,
        ("conv", "Convolution", "conv"),
        ("relu", "Subgraph", "relu"),
        ("pool", "Pooling", "pool"),
    )
    assert names(match(fused, separate)) == [("conv", "conv relu"), ("pool", "pool")]


def test_a_convolution_with_the_name_of_its_normalisation_is_matched() -> None:
    model = chain(("conv", "Convolution"), ("scaled", "Multiply"), ("norm", "Add"))
    a = network(model, ("Multiply_17", "Convolution", "norm"))
    b = network(model, ("conv", "Convolution", "conv"))
    assert names(match(a, b)) == [("Multiply_17", "conv")]


def test_layers_renamed_by_quantisation_are_matched_by_a_common_prefix() -> None:
    float_model = chain(("fc", "MatMul"))
    quantised = chain(("fc", "MatMul"), ("fc/fq_output_0", "FakeQuantize"))
    a = network(float_model, ("fc", "FullyConnected", "fc"))
    b = network(quantised, ("fc/DequantizationMultiply", "FullyConnected", ""))
    assert names(match(a, b)) == [("fc", "fc/DequantizationMultiply")]


def test_inserted_converters_join_the_layer_that_they_serve() -> None:
    quantised = chain(
        ("data/fq", "FakeQuantize"), ("conv", "Convolution"), ("relu", "Relu"), ("pool", "MaxPool")
    )
    a = network(CONV_RELU, ("conv", "Convolution", "conv relu"), ("pool", "Pooling", "pool"))
    b = network(
        quantised,
        ("data/fq", "Subgraph", "data/fq"),
        ("data_to_conv", "Reorder", ""),
        ("conv", "Convolution", "conv relu"),
        ("conv_to_pool", "Reorder", ""),
        ("pool", "Pooling", "pool"),
        ("pool_to_out", "Reorder", ""),
    )
    assert names(match(a, b)) == [
        ("conv", "data/fq data_to_conv conv"),
        ("pool", "conv_to_pool pool pool_to_out"),
    ]


def test_layers_split_off_one_operator_do_not_overwrite_each_other() -> None:
    model = chain(("lstm", "LSTMSequence"))
    whole = network(model, ("lstm", "RNNSeq", "lstm"))
    split = network(model, ("lstm/0", "RNNCell", "lstm"), ("lstm/1", "RNNCell", "lstm"))
    assert names(match(whole, split)) == [("lstm", "lstm/0 lstm/1")]
    assert names(match(split, split)) == [("lstm/0", "lstm/0"), ("lstm/1", "lstm/1")]


def test_layers_of_only_one_version_are_listed_as_such() -> None:
    longer = chain(*((item.name, item.type) for item in CONV_RELU[1:]), ("extra", "NonZero"))
    a = network(CONV_RELU, ("conv", "Convolution", "conv relu"), ("pool", "Pooling", "pool"))
    b = network(
        longer,
        ("conv", "Convolution", "conv relu"),
        ("pool", "Pooling", "pool"),
        ("extra", "NonZero", "extra"),
    )
    groups = match(a, b)
    assert names(groups)[-1] == ("", "extra")
    assert groups[-1].basis is None
    assert coverage(groups) == (1, 2 / 3)


def test_layers_without_common_names_are_matched_by_order_type_and_size() -> None:
    """For example, a network was converted from two frameworks, one of them NHWC."""
    types = ["Convolution", "Pooling", "Convolution", "Softmax"]
    first = chain(*((f"a{n}", "Convolution") for n in range(4)))
    second = chain(*((f"b{n}", "Convolution") for n in range(4)))
    a = network(first, *((f"a{n}", t, f"a{n}") for n, t in enumerate(types)), shape="[1,8,4,5]")
    b = network(second, *((f"b{n}", t, f"b{n}") for n, t in enumerate(types)), shape="[1,4,5,8]")
    groups = match(a, b)
    assert names(groups) == [(f"a{n}", f"b{n}") for n in range(4)]
    assert {group.basis for group in groups} == {"structure"}


def test_numbers_that_openvino_generated_are_not_names() -> None:
    """OpenVINO numbers operators differently each time: Multiply_1 is not the same in both."""
    first = chain(("Multiply_1", "Multiply"), ("Multiply_2", "Multiply"), ("Add_3", "Add"))
    second = chain(("Add_1", "Add"), ("Multiply_1", "MatMul"), ("Multiply_2", "MatMul"))
    a = network(first, *((n.name, n.type, n.name) for n in first[1:]))
    b = network(second, *((n.name, n.type, n.name) for n in second[1:]))
    assert all("Multiply" not in y for x, y in names(match(a, b)) if "Multiply" in x)


operators = st.lists(st.sampled_from(["Convolution", "Relu", "Add", "MaxPool"]), max_size=8)


@st.composite
def networks(draw: st.DrawFn) -> Network:
    """Draw a chain of operators whose names may repeat, cut into layers anywhere."""
    types = draw(operators)
    model = chain(*((f"{draw(st.sampled_from('xy'))}{n}", t) for n, t in enumerate(types)))
    layers: list[tuple[str, str, str]] = []
    for item in model[1:]:
        how = draw(st.sampled_from(["own", "fused", "unnamed", "reorder"]))
        if how == "fused" and layers:
            name, type, originals = layers[-1]
            layers[-1] = (name, type, f"{originals} {item.name}")
        elif how == "own":
            layers.append((item.name, item.type, item.name))
        elif how == "reorder":
            layers.append((f"{item.name}_reorder", "Reorder", ""))
    return network(model, *layers)


@given(networks(), networks())
def test_every_layer_is_in_exactly_one_group(a: Network, b: Network) -> None:
    groups = match(a, b)
    for side, layers in (("a", a.layers), ("b", b.layers)):
        found = [layer.index for group in groups for layer in getattr(group, side)]
        assert sorted(found) == [layer.index for layer in layers]


@given(networks())
def test_a_version_compared_with_itself_pairs_equal_layers(one: Network) -> None:
    groups = match(one, one)
    assert all(group.a == group.b and len(group.a) == 1 for group in groups)


def test_a_real_int8_version_is_matched_with_its_parent(bottlenecks: Run) -> None:
    """The device removes a transpose at compile time that the INT8 version still executes."""
    versions = [
        Network(
            executed_layers(bottlenecks, result),
            bottlenecks.graphs[result.runtime_graph or ""].nodes,
            bottlenecks.graphs[result.model_graph or ""].nodes,
        )
        for result in bottlenecks.done
    ]
    groups = match(versions[0], versions[1])
    assert coverage(groups) == (1, 1)
    found = {group.main.name: {layer.name for layer in group.b} for group in groups}
    assert "there" in found["Softmax_21"]
    assert all(name in found[name] for name in ("first", "second", "island", "fourth", "last"))


def test_a_group_is_named_after_a_layer_and_not_after_a_longer_reorder() -> None:
    def layers(reduce_s: float, reorder_s: float) -> tuple[ExecutedLayer, ...]:
        whole = network(CONV_RELU, ("into", "Reorder", ""), ("mean", "Reduce", "pool"))
        times = (reorder_s, reduce_s)
        return tuple(replace(x, median_s=s) for x, s in zip(whole.layers, times, strict=True))

    one, both = layers(3.0, 0.0)[1:], layers(4.0, 9.0)
    for a, b in ((one, both), (both, one), (both, both)):
        group = LayerGroup(a, b, "name")
        assert group.main.name == "mean"
        assert [layer.name for layer in group.mains] == ["mean", "mean"]
