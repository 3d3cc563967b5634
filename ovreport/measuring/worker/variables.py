"""Finds out whether a model keeps states from one inference to the next."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def has_states(model: Any) -> bool:
    """Return whether an ``ov.Model`` keeps states from one inference to the next.

    The model lists only the variables of its top-level operators, not those inside the bodies of
    If, Loop and TensorIterator.
    """
    return bool(model.get_variables()) or any(map(has_states, _bodies(model)))


def state_shapes(model: Any) -> list[str]:
    """Return the shapes of the states of an ``ov.Model``, such as ``[?,8,?,64]``."""
    return [str(variable.info.data_shape) for variable in model.get_variables()]


def _bodies(model: Any) -> Iterator[Any]:
    """Yield the models that run inside operators."""
    for operator in model.get_ops():
        match operator.get_type_name():
            case "If":
                yield operator.get_then_body()
                yield operator.get_else_body()
            case "Loop" | "TensorIterator":
                yield operator.get_function()
