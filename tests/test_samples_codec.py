"""Latency samples are stored exactly, and damaged text is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovreport.samples_codec import decode, encode


@given(st.lists(st.integers(-(2**62), 2**62)))
def test_samples_survive_exactly(values: list[int]) -> None:
    array = np.array(values, dtype=np.int64)
    assert (decode(encode(array)) == array).all()


@pytest.mark.parametrize("text", ["", "not base64!", "AAAA", encode(np.arange(9))[:-8]])
def test_damage_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="samples"):
        decode(text)
