"""Shapes that are known only while an inference runs."""

from __future__ import annotations

from ovreport.computed.layers import ExecutedLayer, is_static
from ovreport.computed.openness import is_open
from ovreport.text.labels import count
from ovreport.text.numbers import show

from ...common import fixing_shapes, has_open_inputs
from ..case import Case, Found, Rule, share

# These compute shapes, not data.
_SHAPE_TYPES = frozenset({"ShapeOf", "NonZero", "Range", "Gather", "Broadcast", "StridedSlice"})


def _dynamic(case: Case) -> Found | str:
    open_ = [layer for layer in case.layers if _is_open(case, layer)]
    if not open_:
        return "all shapes are known when the model is compiled"
    small = [x for x in open_ if x.type in _SHAPE_TYPES]
    said = (
        f"{len(open_)} of {count(len(case.layers), 'layer')} have a shape that is known only "
        f"while the model runs and take {show(share(open_), 'share')} of the layers' time, "
        f"{show(share(small), 'share')} in layers that gather and shape"
    )
    if not has_open_inputs(case.model):
        return " ".join(filter(None, (f"{said}.", fixing_shapes(case.model))))
    return Found(
        "info",
        f"{said}.",
        fixing_shapes(case.model),
        "Measure a version with fixed shapes together with this one: only that shows the cost of "
        "dynamic shapes.",
        case.evidence(open_),
    )


def _is_open(case: Case, layer: ExecutedLayer) -> bool:
    """By the model's own shapes: a runtime graph tells those of the last inference."""
    return not all(map(is_static, layer.shapes)) or any(
        is_open(case.model[index]) for index in layer.originals
    )


RULES = (
    Rule("dynamic-shapes", "What do open shapes cost?", _dynamic, needs_layers=True),
)  # fmt: skip
