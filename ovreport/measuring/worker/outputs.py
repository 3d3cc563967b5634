"""What a model answers, saved for a comparison."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .element_types import values_of
from .python_api import PythonRequest


def add_results(model: Any, names: Sequence[str]) -> dict[str, int]:
    """Makes operators' first outputs results of the model; by name, the index of the result."""
    operators = {item.get_friendly_name(): item for item in model.get_ops()}
    found = [name for name in names if name in operators and operators[name].outputs()]
    model.add_outputs([operators[name].output(0) for name in found])
    sources = [result.input_value(0) for result in model.get_results()]
    places = {
        source.get_node().get_friendly_name(): index
        for index, source in enumerate(sources)
        if source.get_index() == 0
    }
    return {name: places[name] for name in found if name in places}


def save_outputs(request: PythonRequest, turn: int, target: str) -> None:
    """Runs one input set and writes an array for each output, named by its index.

    No set sees what another left in the model's states. Element types without a form in numpy are
    left out.
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
