"""Types of options of the command line: what they accept, and the sentence for anything else."""

from __future__ import annotations

import click
import pytest

from ovreport.cli.option_types import CommaList, Pin, Ranges, flatten


def test_a_list_holds_words_and_numbers() -> None:
    streams = CommaList("N", choices=("auto",))
    assert streams.convert("1, auto,4", None, None) == (1, "auto", 4)
    assert CommaList("RATE", fractions=True).convert("0.5,.25,3", None, None) == (0.5, 0.25, 3)
    assert flatten(((1, "auto"), (4,))) == [1, "auto", 4]


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "١", "", "1,,2", "all"])
def test_anything_else_in_a_list_is_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(click.BadParameter, match="is not one of: auto or whole numbers from 1"):
        CommaList("N", choices=("auto",)).convert(text, None, None)


def test_a_pin_names_a_field_of_a_cell_and_a_value() -> None:
    assert Pin().convert(" device = GPU.0 ", None, None) == ("device", "GPU.0")
    assert Pin().convert("version=a=b", None, None) == ("version", "a=b")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("device", "is not KEY=VALUE"),
        ("device=", "is not KEY=VALUE"),
        ("cores=2", "'cores' is not one of: model, version"),
    ],
)
def test_a_wrong_pin_is_refused(text: str, message: str) -> None:
    with pytest.raises(click.BadParameter, match=message):
        Pin().convert(text, None, None)


def test_ranges_hold_for_all_inputs_or_for_named_ones() -> None:
    assert Ranges().convert("[0,1]", None, None) == [0, 1]
    by_name = Ranges().convert("ids[0,30000],mask[0,2]", None, None)
    assert by_name == {"ids": [0, 30000], "mask": [0, 2]}


@pytest.mark.parametrize("text", ["[0,x]", "ids[0,1],ids[0,2]", "[0,1],ids[0,2]", "0,1"])
def test_wrong_ranges_are_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(click.BadParameter) as error:
        Ranges().convert(text, None, None)
    assert "\n" not in error.value.message
