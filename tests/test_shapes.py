"""Which shapes models run with."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovreport.errors import UserError
from ovreport.measuring.shapes import dimensions_of, example, parse, resolve
from ovreport.run import Port


def port(shape: str, *names: str) -> Port:
    return Port(names=names or ("x",), shape=shape, precision="f32")


def test_a_static_model_keeps_its_shape_and_counts_its_batch() -> None:
    assert resolve([port("[4,3,8,8]")], None, None, None).shapes == ((4, 3, 8, 8),)
    assert resolve([port("[4,3,8,8]")], None, None, None).batch == 4


def test_a_batch_replaces_the_first_dimension() -> None:
    resolved = resolve([port("[1,3,8,8]")], None, None, 2)
    assert resolved.shapes == ((2, 3, 8, 8),)
    assert resolved.batch == 2


def test_an_open_batch_becomes_one() -> None:
    assert resolve([port("[?,2048]")], None, None, None).shapes == ((1, 2048),)


def test_a_layout_says_where_the_batch_is() -> None:
    assert resolve([port("[8,8,3,1]")], None, "[HWCN]", 5).shapes == ((8, 8, 3, 5),)


def test_open_dimensions_need_a_shape_and_the_message_shows_one() -> None:
    with pytest.raises(UserError, match=r"'x' is \[\?,3,\?,\?\].*\[1,3,224,224\]"):
        resolve([port("[?,3,?,?]")], None, None, None)


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        ("[1,3]", "has 2 dimensions"),
        ("y[1,3,8,8]", "unknown input 'y'"),
        ("[1,3,?,8]", "holds '?'"),
        ("1,3,8,8", "not a list of shapes"),
    ],
)
def test_a_wrong_shape_is_explained(shape: str, said: str) -> None:
    with pytest.raises(UserError) as error:
        resolve([port("[?,3,?,?]")], shape, None, None)
    assert said in str(error.value)


def test_several_inputs_are_named() -> None:
    inputs = [port("[?,?]", "gpu_0/data_0"), port("[?,2,?]", "state:0")]
    resolved = resolve(inputs, "gpu_0/data_0[1,8],state:0[1,2,4]", None, None)
    assert resolved.shapes == ((1, 8), (1, 2, 4))


names = st.text(st.characters(exclude_characters="[],", exclude_categories=["Cs"]), min_size=1)
sizes = st.lists(st.integers(0, 10_000), min_size=1, max_size=5)


@given(st.lists(st.tuples(names.map(str.strip).filter(bool), sizes), min_size=1, max_size=4))
def test_what_is_written_is_what_is_parsed(entries: list[tuple[str, list[int]]]) -> None:
    text = ",".join(f"{name}[{','.join(map(str, values))}]" for name, values in entries)
    assert parse(text) == [(name, [str(v) for v in values]) for name, values in entries]


@given(st.lists(st.one_of(st.none(), st.integers(1, 99)), max_size=5))
def test_an_example_fits_the_model(dimensions: list[int | None]) -> None:
    shape = f"[{','.join('?' if d is None else str(d) for d in dimensions)}]"
    inputs = [port(shape)]
    assert dimensions_of(shape) == dimensions
    written = example(inputs)
    resolved = resolve(inputs, written, None, None).shapes[0]
    assert all(own in (None, given) for own, given in zip(dimensions, resolved, strict=True))
