"""Caches results that were computed from an object, as long as the object lives."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def by_identity(function: Callable[P, R]) -> Callable[P, R]:
    """Cache a pure function of immutable objects by the identity of its arguments.

    Runs and results hold arrays and so have no hash; analyzers call the same function with the same
    object many times. Only positional arguments that can be weakly referenced are supported.
    """
    cache: dict[tuple[int, ...], R] = {}

    @functools.wraps(function)
    def cached(*args: P.args, **kwargs: P.kwargs) -> R:
        key = tuple(id(argument) for argument in args)
        if key not in cache:
            cache[key] = function(*args, **kwargs)
            for argument in args:
                weakref.finalize(argument, cache.pop, key, None)
        return cache[key]

    return cached
