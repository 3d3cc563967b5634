"""Option types of the command line."""

from __future__ import annotations

from typing import Any

import click


class CommaList(click.ParamType):  # type: ignore[type-arg]  # generic in newer clicks only
    """``1,2,auto``: values separated by commas; each must fit ``words`` or be a whole number.

    Args:
        name: shown as the option's metavar.
        words: allowed words; empty allows any word.
        numbers: whether whole numbers from 1 are allowed.
    """

    def __init__(self, name: str, *, words: tuple[str, ...] = (), numbers: bool = True) -> None:
        self.name = name
        self._words = words
        self._numbers = numbers

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int | str, ...]:
        return tuple(self._one(part.strip(), param, ctx) for part in str(value).split(","))

    def _one(
        self, part: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | str:
        if self._numbers and part.isascii() and part.isdigit() and int(part) > 0:
            return int(part)
        if part and (part in self._words or not (self._words or self._numbers)):
            return part
        allowed = [*self._words, *(["whole numbers from 1"] if self._numbers else [])]
        expected = " or ".join(allowed) if allowed else "words separated by commas"
        self.fail(f"{part!r} is not one of: {expected}.", param, ctx)
        return None


class Pin(click.ParamType):  # type: ignore[type-arg]  # generic in newer clicks only
    """``device=CPU``: a field of a cell and its value."""

    name = "KEY=VALUE"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        from ovreport.run import Cell

        key, equals, wanted = (part.strip() for part in str(value).partition("="))
        if not equals or not wanted:
            self.fail(f"{value!r} is not KEY=VALUE, such as version=parent.", param, ctx)
        if key not in Cell.model_fields:
            self.fail(f"{key!r} is not one of: {', '.join(Cell.model_fields)}.", param, ctx)
        return key, wanted


def flatten(values: tuple[tuple[int | str, ...], ...]) -> list[int | str]:
    """``--batch 1,2 --batch 4`` → ``[1, 2, 4]``."""
    return [value for part in values for value in part]
