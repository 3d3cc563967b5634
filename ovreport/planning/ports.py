"""The names of a model's inputs, in messages and as users write them."""

from __future__ import annotations

from collections.abc import Sequence

from ovreport.run import Port


def name_of(inputs: Sequence[Port], index: int) -> str:
    """Return the name of an input, by which :func:`index_of` finds it.

    It is the first of its names. An input without a name is named by its index from 0: ``1``, or
    ``#1`` if another input has the name ``1``.
    """
    if names := inputs[index].names:
        return names[0]
    name = str(index)
    while any(name in port.names for port in inputs):
        name = f"#{name}"
    return name


def index_of(inputs: Sequence[Port], name: str) -> int | None:
    """Return the index of the input with this name or, for any input, with this index as text.

    None if there is no such input.
    """
    for index, port in enumerate(inputs):
        if name in port.names:
            return index
    number = name.lstrip("#")
    is_index = number.isascii() and number.isdigit() and int(number[:9]) < len(inputs)
    return int(number) if is_index else None
