"""Shapes that are known only while an inference runs."""

from __future__ import annotations

from ovreport.computed.layers import ExecutedLayer, is_static
from ovreport.computed.open_shapes import fixing_shapes, has_open_inputs, is_open
from ovreport.text.labels import count
from ovreport.text.numbers import show

from ..case import AdviceRule, Case, Suggestion, share

# Operators that usually compute shapes, not data.
_SHAPE_TYPES = frozenset({"ShapeOf", "NonZero", "Range", "Gather", "Broadcast", "StridedSlice"})


def _dynamic(case: Case) -> Suggestion | str:
    open_layers = [layer for layer in case.layers if _is_open(case, layer)]
    if not open_layers:
        return "all shapes are known when the model is compiled"
    computing_shapes = [layer for layer in open_layers if layer.type in _SHAPE_TYPES]
    cost = (
        f"{len(open_layers)} of {count(len(case.layers), 'layer')} have a shape that is known only "
        f"while the model runs and take {show(share(open_layers), 'share')} of the layers' time, "
        f"{show(share(computing_shapes), 'share')} in layers that compute shapes"
    )
    if not has_open_inputs(case.model):
        return " ".join(filter(None, (f"{cost}.", fixing_shapes(case.model))))
    return Suggestion(
        "info",
        f"{cost}.",
        fixing_shapes(case.model),
        "Measure a version with fixed shapes together with this one: only this shows the cost of "
        "dynamic shapes.",
        case.evidence(open_layers),
    )


def _is_open(case: Case, layer: ExecutedLayer) -> bool:
    """Decide by the shapes of the model; a runtime graph has those of the last inference."""
    return not all(map(is_static, layer.shapes)) or any(
        is_open(case.model[index]) for index in layer.originals
    )


RULES = (
    AdviceRule("dynamic-shapes", "What do open shapes cost?", _dynamic, needs_layers=True),
)  # fmt: skip
