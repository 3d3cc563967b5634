"""Makes the names of a model's operators and tensors valid UTF-8, and those of operators unique."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any


def make_unique(model: Any) -> None:
    """Rename operators of equal names: ``fc``, ``fc#2``, ``fc#3``; the first keeps its name.

    A device reports only by names which operators a layer executes. Names that are not UTF-8 must
    have been replaced before (`make_readable`).
    """
    operators = model.get_ordered_ops()
    names = [operator.get_friendly_name() for operator in operators]
    used_names = set(names)
    numbers: dict[str, Iterator[int]] = {}
    for operator, name in zip(operators, names, strict=True):
        if name not in numbers:
            numbers[name] = count(2)
            continue
        free = next(new for n in numbers[name] if (new := f"{name}#{n}") not in used_names)
        used_names.add(free)
        operator.set_friendly_name(free)


def make_readable(model: Any) -> None:
    """Replace names that are not UTF-8: exporters on Windows write them in local encodings."""
    for operator in model.get_ordered_ops():
        try:
            operator.get_friendly_name()
        except UnicodeDecodeError as error:
            operator.set_friendly_name(readable(error))
        for output in operator.outputs():
            try:
                output.get_names()
            except UnicodeDecodeError as error:  # noqa: PERF203  # each output has its own
                output.set_names({readable(error)})
        for body in bodies(operator):
            make_readable(body)


def bodies(operator: Any) -> list[Any]:
    """Return the models inside ``If`` (then, else), ``Loop`` and ``TensorIterator``."""
    if operator.get_type_name() == "If":
        return [operator.get_function(0), operator.get_function(1)]
    if operator.get_type_name() in ("Loop", "TensorIterator"):
        return [operator.get_function()]
    return []


def readable(error: UnicodeDecodeError) -> str:
    r"""Return the text with ``\xb2`` for undecodable bytes; different texts stay different."""
    return error.object.decode(errors="backslashreplace")
