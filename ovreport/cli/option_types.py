"""Option types of the command line."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click

_FRACTION = re.compile(r"[0-9]*\.?[0-9]+")

# Importing the config's own list would load pydantic before `--help`; a test holds both together.
RECIPES = {
    "f16": "Store the weights in FP16.",
    "int8": "Calculate in INT8, with ranges from --calibration.",
    "int8-weights": "Store the weights in INT8, calculate in floating point.",
    "int4-weights": "Store most weights in INT4 and the others in INT8, as nncf decides.",
}


class CommaList(click.ParamType):  # type: ignore[type-arg]  # generic in newer clicks only
    """``1,2,auto``: values separated by commas; each is one of ``choices`` or a number.

    Args:
        name: shown as the option's metavar.
        choices: allowed words; empty allows any word.
        numbers: whether whole numbers from 1 are allowed.
        fractions: whether any number above 0 is allowed.
    """

    def __init__(
        self,
        name: str,
        *,
        choices: tuple[str, ...] = (),
        numbers: bool = True,
        fractions: bool = False,
    ) -> None:
        self.name = name
        self._choices = choices
        self._numbers = numbers
        self._fractions = fractions

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float | str, ...]:
        """Return the numbers or words of a comma-separated list."""
        return tuple(self._converted(part.strip(), param, ctx) for part in str(value).split(","))

    def _converted(
        self, part: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> float | str:
        if self._numbers and part.isascii() and part.isdigit() and int(part) > 0:
            return int(part)
        if self._fractions and _FRACTION.fullmatch(part) and float(part) > 0:
            return float(part)
        if part and (part in self._choices or not (self._choices or self._numbers)):
            return part
        numbers = "numbers above 0" if self._fractions else "whole numbers from 1"
        allowed = [*self._choices, *([numbers] if self._numbers else [])]
        expected = " or ".join(allowed) if allowed else "words separated by commas"
        self.fail(f"{part!r} is not one of: {expected}.", param, ctx)
        return None


class Pin(click.ParamType):  # type: ignore[type-arg]  # generic in newer clicks only
    """``device=CPU``: a field of a cell and its value."""

    name = "KEY=VALUE"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """Return the field and the value of ``KEY=VALUE``."""
        from ovreport.run import Cell

        field, equals, field_value = (part.strip() for part in str(value).partition("="))
        if not equals or not field_value:
            self.fail(f"{value!r} is not KEY=VALUE, such as version=parent.", param, ctx)
        if field not in Cell.model_fields:
            self.fail(f"{field!r} is not one of: {', '.join(Cell.model_fields)}.", param, ctx)
        return field, field_value


class Ranges(click.ParamType):  # type: ignore[type-arg]  # generic in newer clicks only
    """``[0,1]`` or ``ids[0,30000],mask[0,2]``: as in ``range`` of a config."""

    name = "RANGE"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> list[float] | dict[str, list[float]]:
        """Return the lowest and the highest value, for all inputs or by input."""
        from ovreport.errors import UserError
        from ovreport.planning.shapes import parse

        try:
            ranges = [
                (name, [float(number) for number in numbers])
                for name, numbers in parse(str(value), "range")
            ]
        except UserError as error:
            self.fail(str(error), param, ctx)
        except ValueError:
            self.fail(f"{value!r} holds something that is not a number.", param, ctx)
        names = [name for name, _ in ranges]
        if names == [""]:
            return ranges[0][1]
        if "" in names or len(set(names)) < len(names):
            self.fail(f"{value!r} must name each input once.", param, ctx)
        return dict(ranges)


extensions_option = click.option(
    "--extensions",
    multiple=True,
    metavar="PATH",
    help="Library with custom operations, which OpenVINO loads. Repeat for several.",
)


def flatten(values: tuple[tuple[float | str, ...], ...]) -> list[float | str]:
    """Join the lists of a repeated option: ``--batch 1,2 --batch 4`` → ``[1, 2, 4]``."""
    return [value for part in values for value in part]


def absolute_path(path: str | None) -> str | None:
    """Return the absolute path, because relative paths of a config start from its folder."""
    from ovreport.config.load import check_text
    from ovreport.files import absolute

    if path is None:
        return None
    check_text(absolute(Path(path)))
    return str(absolute(Path(path)))
