"""Remembering what was computed from an object, for as long as the object lives."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def by_identity(function: Callable[P, R]) -> Callable[P, R]:
    """Caches a pure function of immutable objects by which objects they are.

    Runs and results hold arrays, which have no hash; analyzers ask the same of the same object
    many times. Only for positional arguments that can be weakly referenced.
    """
    known: dict[tuple[int, ...], R] = {}

    @functools.wraps(function)
    def remembered(*args: P.args, **kwargs: P.kwargs) -> R:
        key = tuple(id(argument) for argument in args)
        if key not in known:
            known[key] = function(*args, **kwargs)
            for argument in args:
                weakref.finalize(argument, known.pop, key, None)
        return known[key]

    return remembered
