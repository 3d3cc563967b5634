"""Latency samples are stored exactly, and damaged text is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from ovreport.run.samples import Samples, decode, encode


@given(st.lists(st.integers(-(2**62), 2**62)))
def test_samples_survive_exactly(values: list[int]) -> None:
    array = np.array(values, dtype=np.int64)
    assert (decode(encode(array)) == array).all()


@given(st.lists(st.integers(-(2**62), 2**62), max_size=200))
def test_short_series_are_stored_to_be_read(values: list[int]) -> None:
    adapter = TypeAdapter(Samples, config={"arbitrary_types_allowed": True})
    stored = adapter.dump_json(np.array(values, dtype=np.int64))
    assert stored.startswith(b"[" if len(values) <= 64 else b'"')
    assert (adapter.validate_json(stored) == np.array(values, dtype=np.int64)).all()


@pytest.mark.parametrize("text", ["", "not base64!", "AAAA", encode(np.arange(9))[:-8]])
def test_damage_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="samples"):
        decode(text)
