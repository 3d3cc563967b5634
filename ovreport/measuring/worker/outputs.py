"""Saves the outputs of a model for a comparison."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .element_types import values_of
from .python_api import PythonRequest


def add_results(model: Any, names: Sequence[str]) -> dict[str, int]:
    """Make the first outputs of operators results of the model; return their indices by name."""
    operators = {item.get_friendly_name(): item for item in model.get_ops()}
    existing = [name for name in names if name in operators and operators[name].outputs()]
    model.add_outputs([operators[name].output(0) for name in existing])
    sources = [result.input_value(0) for result in model.get_results()]
    places = {
        source.get_node().get_friendly_name(): index
        for index, source in enumerate(sources)
        if source.get_index() == 0
    }
    return {name: places[name] for name in existing if name in places}


def save_outputs(request: PythonRequest, turn: int, target: str) -> None:
    """Run one input set and write an array for each output, named by its index.

    States are reset before each set. Element types that numpy cannot represent are left out.
    """
    request.reset()
    request.feed(turn)
    request.infer()
    arrays: dict[str, Any] = {
        str(index): values
        for index, tensor in enumerate(request.outputs())
        if (values := values_of(tensor)) is not None
    }
    np.savez(target, **arrays)
