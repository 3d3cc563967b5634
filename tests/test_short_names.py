"""Short names of a set: distinct, bounded, and unchanged if they fit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovreport.text.short_names import LEAST, short_names

PATHS = st.lists(
    st.sampled_from(
        [
            "before m",
            "x (Add) #2",
            "model",
            "layers.0",
            "layers.1",
            "attention",
            "MatMul",
            "a" * 30,
            "é…→",
            "",
        ]
    ),
    min_size=1,
    max_size=8,
).map("/".join)


@given(st.lists(st.text() | PATHS, max_size=40), st.integers(LEAST, 60))
def test_distinct_names_stay_distinct_and_fit(names: list[str], length: int) -> None:
    short = short_names(names, length)
    assert set(short) == set(names)
    assert len(set(short.values())) == len(short)
    assert all(len(name) <= length for name in short.values())
    assert all(short[name] == name for name in names if len(name) <= length)


@given(st.lists(st.text() | PATHS, max_size=40), st.integers(LEAST, 60))
def test_shortening_twice_changes_nothing(names: list[str], length: int) -> None:
    once = list(short_names(names, length).values())
    assert list(short_names(once, length).values()) == once


def test_layers_of_a_transformer_are_distinguished_by_position() -> None:
    """They were all named "/backbone/encoder/l…ttention/query/Add"."""
    names = [
        f"/backbone/encoder/layer.{layer}/attention/attention/{kind}/Add"
        for layer in range(12)
        for kind in ("query", "key", "value")
    ]
    short = short_names(["/backbone/embeddings/Add", *names], 40)
    assert short[names[-1]] == "…/layer.11/attention/attention/value/Add"


def test_the_common_prefix_is_left_out_first() -> None:
    names = [f"/model/model.0/a_long_name_of_a_block/conv{i}/Conv" for i in range(3)]
    assert list(short_names(names, 24).values()) == [f"…/conv{i}/Conv" for i in range(3)]


def test_the_kind_in_a_name_is_kept() -> None:
    """A layer before a convolution was shown under the name of that convolution."""
    conv = "model_1/model/depthwise_conv2d_32/depthwise"
    short = short_names([conv, f"before {conv}", f"{conv} (Reorder) #2"], 40)
    assert short[f"before {conv}"].startswith("before …")
    assert short[f"{conv} (Reorder) #2"].endswith(" (Reorder) #2")
    assert not short[conv].startswith("before")


@pytest.mark.parametrize("length", [12, 24, 40])
def test_names_without_parts_are_cut_and_numbered(length: int) -> None:
    names = [f"{'x' * 50}{i}{'y' * 50}" for i in range(12)]
    assert len(set(short_names(names, length).values())) == 12


@pytest.mark.slow
def test_a_name_with_thousands_of_parts_is_shortened() -> None:
    names = ["a/" * 50_000 + str(i) for i in range(100)]
    assert len(set(short_names(names, 24).values())) == 100


@pytest.mark.slow
def test_many_names_are_shortened() -> None:
    names = [f"/decoder/blocks.{i}/attention/self/q_proj/MatMul_{i}" for i in range(45_000)]
    assert len(set(short_names(names, 24).values())) == 45_000
