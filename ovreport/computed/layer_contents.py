"""Classifies an executed layer by the operators of the model that it executes.

OpenVINO's CPU plugin compiles several operators into one layer of the type ``Subgraph``, from a
single addition to the whole attention of a transformer. So the type does not show what it computes.
"""

from __future__ import annotations

from collections.abc import Sequence

from ovreport.computed.layers import ExecutedLayer
from ovreport.computed.operators import MULTIPLIES, PER_OUTPUT, VIEWS
from ovreport.run import Node

ELEMENTWISE = "element-wise"
UNKNOWN = "unknown"

_ATTENTION = "ScaledDotProductAttention"
_SOFTMAX = frozenset({"Softmax", "LogSoftmax"})
_NORMALISATIONS = frozenset({"MVN", "LRN", "NormalizeL2", "RMS", "GroupNormalization"})
# Operators for which an element of the output depends on several elements of an input.
_ACROSS = _SOFTMAX | _NORMALISATIONS | {"CumSum"}
_ONE_BY_ONE = (PER_OUTPUT.keys() - _ACROSS) | VIEWS | {"Constant", "Convert", "ConvertLike", "Gelu"}
# Types that always compute element by element, with any operators.
_ELEMENTWISE_TYPES = frozenset({"Eltwise", "Math", "FakeQuantize"})


def contents(layer: ExecutedLayer, model: Sequence[Node]) -> str:
    """Return ``attention``, ``softmax``, ``normalisation``, ``element-wise`` …, or ``unknown``.

    Args:
        layer: the executed layer.
        model: nodes of the model's own graph.
    """
    types = {model[index].type for index in layer.originals}
    if not types:
        return ELEMENTWISE if layer.type in _ELEMENTWISE_TYPES else UNKNOWN
    if _ATTENTION in types or (types & _SOFTMAX and types & MULTIPLIES):
        return "attention"
    if types & MULTIPLIES:
        return "product"
    if types & _SOFTMAX:
        return "softmax"
    if types & _NORMALISATIONS:
        return "normalisation"
    if any(name.startswith("Reduce") for name in types):
        return "reduction"
    return ELEMENTWISE if types <= _ONE_BY_ONE else "other"


def is_elementwise(layer: ExecutedLayer, model: Sequence[Node]) -> bool:
    """Return whether a layer computes element by element, so that a product could absorb it."""
    kinds = _ELEMENTWISE_TYPES | {"Subgraph"}
    return layer.type in kinds and contents(layer, model) == ELEMENTWISE
