"""What the inputs of a model are called, in messages and by users."""

from __future__ import annotations

from collections.abc import Sequence

from ovreport.run import Port


def name_of(inputs: Sequence[Port], index: int) -> str:
    """What to call an input so that :func:`index_of` finds it.

    It is the first of its names. An input without a name goes by its index, counted from 0:
    ``1``, or ``#1`` where another input has the name ``1``.
    """
    if names := inputs[index].names:
        return names[0]
    name = str(index)
    while any(name in port.names for port in inputs):
        name = f"#{name}"
    return name


def index_of(inputs: Sequence[Port], name: str) -> int | None:
    """The input that a user calls so: by any of its names, else by its index. None: there is none.

    An input that has a name is known by its index, too.
    """
    for index, port in enumerate(inputs):
        if name in port.names:
            return index
    number = name.lstrip("#")
    known = number.isascii() and number.isdigit() and int(number[:9]) < len(inputs)
    return int(number) if known else None
