"""Shapes that are known only while an inference runs."""

from __future__ import annotations

from ovreport.graphs.layers import ExecutedLayer, is_static
from ovreport.labels import count
from ovreport.rendering.format import show

from ..case import Case, Found, Rule, share

# These compute shapes, not data.
_SHAPE_TYPES = frozenset({"ShapeOf", "NonZero", "Range", "Gather", "Broadcast", "StridedSlice"})


def _dynamic(case: Case) -> Found | str:
    open_ = [layer for layer in case.layers if _is_open(case, layer)]
    if not open_:
        return "all shapes are known when the model is compiled"
    small = [x for x in open_ if x.type in _SHAPE_TYPES]
    return Found(
        "info",
        f"{len(open_)} of {count(len(case.layers), 'layer')} have a shape that is known only "
        f"while the model runs and take {show(share(open_), 'share')} of the layers' time, "
        f"{show(share(small), 'share')} in layers that gather and shape.",
        "Fix what can be fixed: input shapes (`shape`), counts of detections, lengths.",
        "Measure a version with fixed shapes beside this one: only that shows what being dynamic "
        "costs.",
        case.evidence(open_),
    )


def _is_open(case: Case, layer: ExecutedLayer) -> bool:
    """By the model's own shapes: a runtime graph tells those of the last inference."""
    own = [port.shape for index in layer.originals for port in case.model[index].outputs]
    return not all(map(is_static, (*layer.shapes, *own)))


RULES = (
    Rule("dynamic-shapes", "What do shapes that are open cost?", _dynamic, needs_layers=True),
)  # fmt: skip
