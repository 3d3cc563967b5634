"""Elements of outputs, against Python's numbers, and the pairing of outputs."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from ovreport.outputs.elements import (
    are_codes,
    comparable,
    differences,
    equal_elements,
    same_bits,
)
from ovreport.outputs.pairing import paired
from ovreport.run import Port

ENDS = {
    "int64": [-(2**63), -1, 0, 1, 2**53 + 1, 2**63 - 1],
    "uint64": [0, 1, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1],
    "int8": [-128, -1, 0, 1, 127],
    "uint8": [0, 1, 127, 128, 255],
}


@pytest.mark.parametrize("kinds", [*product(ENDS, ENDS)], ids="-".join)
def test_integers_of_any_type_compare_as_python_compares_them(kinds: tuple[str, str]) -> None:
    pairs = list(product(*(ENDS[kind] for kind in kinds)))
    a, b = (
        np.array(side, kind) for side, kind in zip(zip(*pairs, strict=True), kinds, strict=True)
    )
    assert equal_elements(a, b).tolist() == [x == y for x, y in pairs]
    assert differences(a, b).tolist() == [float(y - x) for x, y in pairs]


def test_an_integer_that_no_float_can_represent_equals_no_float() -> None:
    integers = np.array([3, 2**53, 2**53 + 1, -5])
    floats = np.array([3.0, 2.0**53, 2.0**53, 5.0])
    assert equal_elements(integers, floats).tolist() == [True, True, False, False]
    assert equal_elements(floats, integers).tolist() == [True, True, False, False]


def test_nan_equals_nan_and_a_text_equals_no_number() -> None:
    a, b = np.array([np.nan, np.inf, 1.0]), np.array([np.nan, -np.inf, 1.0])
    assert equal_elements(a, b).tolist() == [True, False, True]
    texts = np.array(["1", "2", "3"])
    assert not equal_elements(texts, a).any()
    assert not comparable(texts, a)


def test_equal_values_of_another_type_have_other_bits() -> None:
    values = np.array([1.0, 2.0])
    assert same_bits(values, values.copy())
    assert not same_bits(values, values.astype(np.float32))
    assert not same_bits(np.array([0.0]), np.array([-0.0]))


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("int32", True), ("int64", True), ("bool", True), ("int8", False), ("uint8", False),
     ("uint16", False), ("float32", False)],
)  # fmt: skip
def test_integers_that_are_names_have_at_least_four_bytes(kind: str, expected: bool) -> None:
    assert are_codes(np.zeros(1, kind)) is expected


def test_outputs_that_one_version_lacks_have_no_counterpart() -> None:
    a, b = (
        [Port(names=(name,), shape="[1]", precision="f32") for name in names]
        for names in (("y", "z"), ("z", "y", "extra"))
    )
    pairs = list(paired(a, b))
    assert [(pair.name, pair.first, pair.second) for pair in pairs] == [
        ("y", 0, 1), ("z", 1, 0), ("extra", None, 2),
    ]  # fmt: skip
    assert pairs[2].drift("missing").reason == "additional"
    assert pairs[2].of("ab", "cde") == (None, "e")
