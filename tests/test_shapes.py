"""Which shapes models run with."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovreport.errors import UserError
from ovreport.planning.ports import index_of, name_of
from ovreport.planning.shapes import (
    OpenShapeError,
    dimensions_of,
    guesses,
    parse,
    partial_shapes,
    resolve,
    written,
)
from ovreport.run import Port


def port(shape: str, *names: str, precision: str = "f32") -> Port:
    return Port(names=names or ("x",), shape=shape, precision=precision)


def nameless(shape: str) -> Port:
    return Port(shape=shape, precision="f32")


def guessed(*inputs: Port) -> list[str]:
    port_shapes = partial_shapes(inputs, None, None, None)
    return [written(inputs, shapes) for shapes in guesses(inputs, port_shapes)]


def test_a_static_model_keeps_its_shape_and_counts_its_batch() -> None:
    assert resolve([port("[4,3,8,8]")], None, None, None).shapes == ((4, 3, 8, 8),)
    assert resolve([port("[4,3,8,8]")], None, None, None).count.samples == 4


def test_a_batch_replaces_the_first_dimension() -> None:
    resolved = resolve([port("[1,3,8,8]")], None, None, 2)
    assert resolved.shapes == ((2, 3, 8, 8),)
    assert resolved.count.samples == 2


def test_an_open_batch_becomes_one() -> None:
    assert resolve([port("[?,2048]")], None, None, None).shapes == ((1, 2048),)


def test_a_layout_gives_the_position_of_the_batch() -> None:
    assert resolve([port("[8,8,3,1]")], None, "[HWCN]", 5).shapes == ((8, 8, 3, 5),)


def test_open_dimensions_need_a_shape() -> None:
    expected = r"'x' has the open shape \[\?,3,\?,\?\].*--shape"
    with pytest.raises(OpenShapeError, match=expected) as error:
        resolve([port("[?,3,?,?]")], None, None, None)
    assert "for example '[1,3,8,8]'" in str(error.value.with_example("[1,3,8,8]"))


def test_the_first_guess_is_the_usual_one() -> None:
    assert guessed(port("[?,3,?,?]"))[0] == "[1,3,224,224]"
    assert guessed(port("[?,?]", "ids"), port("[?,?]", "mask"))[0] == "ids[1,128],mask[1,128]"
    assert guessed(port("[...]"))[0] == "[1,128]"


def test_a_recurrent_state_gets_the_batch_of_the_other_inputs() -> None:
    assert guessed(port("[?,?,80]"), port("[2,?,64]", "h"))[0] == "x[1,128,80],h[2,1,64]"
    assert guessed(port("[1,?,80]"))[0] == "[1,128,80]"


def test_a_graph_is_guessed_to_have_as_many_nodes_as_edges() -> None:
    nodes, edges = port("[?,16]"), port("[2,?]", "edge_index", precision="i64")
    assert guessed(nodes, edges, port("[?,4]", "a"))[0] == "x[128,16],edge_index[2,128],a[128,4]"


def test_guesses_are_within_the_bounds_of_dimensions() -> None:
    assert guessed(port("[?,16..64,200..]"))[0] == "[1,64,200]"


def test_inputs_without_names_go_by_their_index() -> None:
    inputs = [nameless("[?,?]"), nameless("[?,?]")]
    assert guessed(*inputs)[0] == "0[1,128],1[1,128]"
    assert resolve(inputs, "0[1,8],1[1,9]", "1[NC]", None).shapes == ((1, 8), (1, 9))
    with pytest.raises(UserError, match=r"unknown input '2'. The model's inputs: 0 \[\?,\?\]; 1"):
        resolve(inputs, "2[1,8]", None, None)


@given(st.lists(st.lists(st.sampled_from(["0", "1", "#1", "a"]), max_size=2), max_size=4))
def test_an_input_is_found_by_each_of_its_names(names: list[list[str]]) -> None:
    left = {"0", "1", "#1", "a"}
    inputs = []
    for some in names:
        own = tuple(name for name in some if name in left)
        left -= set(own)
        inputs.append(Port(names=own, shape="[1]", precision="f32"))
    for index in range(len(inputs)):
        assert index_of(inputs, name_of(inputs, index)) == index


def test_names_with_brackets_and_commas_are_read() -> None:
    text = "cache[0].key[1,8],a,b[2],keys[0][3,4]"
    expected = [("cache[0].key", ["1", "8"]), ("a,b", ["2"]), ("keys[0]", ["3", "4"])]
    assert parse(text) == expected


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ("[1,3]", "has 2 dimensions"),
        ("y[1,3,8,8]", "unknown input 'y'"),
        ("[1,3,?,8]", "holds '?'"),
        ("1,3,8,8", "not a list of shapes"),
    ],
)
def test_a_wrong_shape_is_explained(shape: str, message: str) -> None:
    with pytest.raises(UserError) as error:
        resolve([port("[?,3,?,?]")], shape, None, None)
    assert message in str(error.value)


def test_several_inputs_are_named() -> None:
    inputs = [port("[?,?]", "gpu_0/data_0"), port("[?,2,?]", "state:0")]
    resolved = resolve(inputs, "gpu_0/data_0[1,8],state:0[1,2,4]", None, None)
    assert resolved.shapes == ((1, 8), (1, 2, 4))


names = st.text(st.characters(exclude_characters="[],", exclude_categories=["Cs"]), min_size=1)
sizes = st.lists(st.integers(0, 10_000), min_size=1, max_size=5)


@given(st.lists(st.tuples(names.map(str.strip).filter(bool), sizes), min_size=1, max_size=4))
def test_written_shapes_are_parsed_again(entries: list[tuple[str, list[int]]]) -> None:
    text = ",".join(f"{name}[{','.join(map(str, values))}]" for name, values in entries)
    assert parse(text) == [(name, [str(v) for v in values]) for name, values in entries]


@given(st.lists(st.one_of(st.none(), st.integers(1, 99)), max_size=5))
def test_every_guess_fits_the_model(dimensions: list[int | None]) -> None:
    shape = f"[{','.join('?' if d is None else str(d) for d in dimensions)}]"
    inputs = [port(shape)]
    assert dimensions_of(shape) == dimensions
    for guess in guessed(*inputs):
        resolved = resolve(inputs, guess, None, None).shapes[0]
        assert all(own in (None, given) for own, given in zip(dimensions, resolved, strict=True))
