"""Whether a model keeps variables from one inference to the next."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def has_states(model: Any) -> bool:
    """Whether an inference of an ``ov.Model`` leaves something for the next one.

    The model lists the variables of its own operators alone, not those inside the bodies of If,
    Loop and TensorIterator.
    """
    return bool(model.get_variables()) or any(map(has_states, _bodies(model)))


def _bodies(model: Any) -> Iterator[Any]:
    """The models that run inside its operators."""
    for operator in model.get_ops():
        match operator.get_type_name():
            case "If":
                yield operator.get_then_body()
                yield operator.get_else_body()
            case "Loop" | "TensorIterator":
                yield operator.get_function()
