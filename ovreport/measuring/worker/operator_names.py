"""Names of a model's operators and tensors: text in UTF-8, and different for each operator."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any


def tell_apart(model: Any) -> None:
    """Gives operators of equal names different ones: ``fc``, ``fc#2``, ``fc#3``.

    A device tells by nothing but names which operators of the model a layer executes. The first
    keeps its name. What has no name in UTF-8 must have been renamed before.
    """
    operators = model.get_ordered_ops()
    names = [operator.get_friendly_name() for operator in operators]
    taken = set(names)
    seen: dict[str, Iterator[int]] = {}
    for operator, name in zip(operators, names, strict=True):
        if name not in seen:
            seen[name] = count(2)
            continue
        free = next(own for n in seen[name] if (own := f"{name}#{n}") not in taken)
        taken.add(free)
        operator.set_friendly_name(free)


def make_readable(model: Any) -> None:
    """Renames what is not UTF-8, as exporters on Windows write names in its own encodings."""
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
    """The models inside ``If`` (then, else), ``Loop`` and ``TensorIterator``."""
    if operator.get_type_name() == "If":
        return [operator.get_function(0), operator.get_function(1)]
    if operator.get_type_name() in ("Loop", "TensorIterator"):
        return [operator.get_function()]
    return []


def readable(error: UnicodeDecodeError) -> str:
    r"""What could not be decoded, with ``\xb2`` for other bytes: different texts stay different."""
    return error.object.decode(errors="backslashreplace")
