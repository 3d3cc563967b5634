"""Layers that compute nothing, and layers that would not run if they were fused."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from ovreport.computed.flow import Conversion, conversions
from ovreport.computed.fusion import Unfused, unfused
from ovreport.computed.kinds import CONVERTERS
from ovreport.computed.layers import ExecutedLayer, fates, layer_names
from ovreport.computed.precision import bits
from ovreport.computed.transposes import there_and_back
from ovreport.text.labels import count, setting
from ovreport.text.numbers import show

from ..case import NOTABLE, Case, Found, Rule, share

# The Workbench spoke of reorders from a tenth of the time on.
_REORDERS = 0.1
# A part that would read 0.0 % is left out.
_SEEN = 0.0005


def _reorders(case: Case) -> Found | str:
    """Layers that only convert, but for those that another piece of advice is about."""
    elsewhere = {x.index for pair in _pairs(case) for x in pair.left}
    elsewhere |= {x.index for x in case.quantisation.converting}
    found = [
        c
        for c in conversions(case.nodes, case.layers)
        if c.layer.type in CONVERTERS and c.layer.index not in elsewhere
    ]
    layers = [c.layer for c in found]
    if share(layers) < _REORDERS:
        return f"such layers take {show(share(layers), 'share')} of the time"
    causes = _causes(case, found)
    first = causes[0]
    return Found(
        "warning",
        f"{count(len(found), 'layer')} only {'changes' if len(found) == 1 else 'change'} layout, "
        f"order or precision, {show(share(layers), 'share')} of the layers' time: "
        f"{_parts(found)}. {_neighbours(case, first, alone=len(causes) == 1)}",
        first.remedy,
        "The table of conversions names the layers before and after each; measure the change as "
        "another version.",
        case.evidence([c.layer for c in first.members]),
        case.gain(layers),
        {"precision": _wider(*first.change)} if first.kind == "precision" else {},
    )


def _parts(found: Sequence[Conversion]) -> str:
    """``8.1 % where the layout changes, 2.0 % in transposes``."""
    precision = share([c.layer for c in found if c.changes_precision])
    order = share([c.layer for c in found if _kind(c) == "order"])
    layout = share([c.layer for c in found]) - precision - order
    return ", ".join(
        f"{show(part, 'share')} {where}"
        for part, where in (
            (precision, "where the precision changes"),
            (layout, "where the layout does" if precision else "where the layout changes"),
            (order, "in transposes"),
        )
        if part >= _SEEN
    )


def _kind(conversion: Conversion) -> str:
    if conversion.changes_precision:
        return "precision"
    return "order" if conversion.layer.type == "Transpose" else "layout"


@dataclass(frozen=True)
class _Cause:
    """Conversions between layers of two types, for one reason."""

    kind: str
    before: str
    after: str
    members: tuple[Conversion, ...]

    @property
    def change(self) -> tuple[str, str]:
        first = self.members[0]
        return first.precisions if self.kind == "precision" else first.layouts

    @property
    def remedy(self) -> str:
        """What takes such conversions away."""
        old, new = self.change
        if self.kind == "precision":
            return (
                f"{self.before} puts out {old} and {self.after} takes {new}. In one precision "
                f"nothing is converted: measure {setting('precision', _wider(old, new))} too."
            )
        if self.kind == "order":
            return (
                f"Keep one order of dimensions from {self.before} to {self.after}: store the "
                "weights, or write the layers between, for the order that is there."
            )
        if self.before in _INPUTS:
            return _at_the_edge("input", new)
        if self.after in _OUTPUTS:
            return _at_the_edge("output", old)
        return (
            f"{self.before} puts out {old} and {self.after} takes {new}. Nothing is converted "
            f"where neighbours agree: move {self.after} to another place, or replace it by an "
            f"operator that takes {old}."
        )


_INPUTS = frozenset({"Input", "Parameter"})
_OUTPUTS = frozenset({"Output", "Result"})


def _at_the_edge(side: str, layout: str) -> str:
    """What spares converting a tensor that the program sets or reads."""
    if not _is_channels_last(layout):
        return f"The {side} is converted from or to {layout}, which only the device uses: it stays."
    verb = "Feed the input" if side == "input" else "Read the output"
    return (
        f"{verb} with channels last: openvino.preprocess.PrePostProcessor sets the layout of its "
        "tensor."
    )


def _is_channels_last(layout: str) -> bool:
    """Whether the second dimension, the channels, is stored last: ``acdb``."""
    dimensions = "".join(sorted(layout))
    return len(layout) > 2 and layout == dimensions[0] + dimensions[2:] + dimensions[1]


def _wider(one: str, other: str) -> str:
    return max((one, other), key=bits)


def _causes(case: Case, found: Sequence[Conversion]) -> list[_Cause]:
    """Conversions by what stands before and after, most time first."""
    groups: dict[tuple[str, str, str, object], list[Conversion]] = defaultdict(list)
    for conversion in found:
        kind = _kind(conversion)
        before = case.nodes[conversion.source].type
        after = case.nodes[conversion.targets[0]].type if conversion.targets else "Output"
        change = conversion.precisions if kind == "precision" else conversion.layouts
        groups[kind, before, after, change].append(conversion)
    causes = [_Cause(*key[:3], tuple(members)) for key, members in groups.items()]
    return sorted(causes, key=lambda cause: -share([c.layer for c in cause.members]))


def _neighbours(case: Case, cause: _Cause, *, alone: bool) -> str:
    """Which layers the conversions of a cause stand between."""
    longest = max(cause.members, key=lambda c: c.layer.median_s)
    names = layer_names(case.run, case.result).runtime
    after = f"{cause.after} {names[longest.targets[0]]}" if longest.targets else "an output"
    between = f"{cause.before} {names[longest.source]} and {after}"
    change = " → ".join(cause.change) if cause.kind != "order" else "order of dimensions"
    part = show(share([c.layer for c in cause.members]), "share")
    if len(cause.members) == 1:
        return f"{'It' if alone else f'The longest, {part},'} stands between {between} ({change})."
    which = "All" if alone else f"{len(cause.members)} of them, {part},"
    return (
        f"{which} stand between {cause.before} and {cause.after} ({change}), the longest between "
        f"{between}."
    )


@dataclass(frozen=True)
class _Pair:
    """Two transposes of which the second undoes the first."""

    names: tuple[str, str]
    left: tuple[ExecutedLayer, ...]
    """What the device still executes of them."""


def _pairs(case: Case) -> list[_Pair]:
    """Those of the model, then those that only the runtime graph has."""
    executed = {layer.index: layer for layer in case.layers if layer.type in CONVERTERS}
    known = fates(case.run, case.result)
    names = layer_names(case.run, case.result).model
    found = []
    for a, b in there_and_back(case.model):
        places = dict.fromkeys(known[index].layer for index in (a, b))
        left = tuple(executed[place] for place in places if place in executed)
        found.append(_Pair((names[a], names[b]), left))
    seen = {layer.index for pair in found for layer in pair.left}
    for a, b in there_and_back(case.nodes):
        if executed.keys() >= {a, b} and not seen & {a, b}:
            labels = (executed[a].label, executed[b].label)
            found.append(_Pair(labels, (executed[a], executed[b])))
    return found


def _transposes(case: Case) -> Found | str:
    pairs = _pairs(case)
    left = list(dict.fromkeys(layer for pair in pairs for layer in pair.left))
    if not pairs:
        return "no transpose is undone by a later one"
    listed = "; ".join(" and ".join(p.names) for p in pairs[:3])
    said = (
        f"{2 * len(pairs)} transposes undo each other{' in pairs' if pairs[1:] else ''} ({listed}"
        f"{'; …' if pairs[3:] else ''}), with nothing between that changes the shape"
    )
    if not left:
        return f"{said}; OpenVINO took them out while compiling"
    return Found(
        "warning" if share(left) >= NOTABLE else "info",
        f"{said}; the device executes {_how_many(len(left), 2 * len(pairs))} of them, "
        f"{show(share(left), 'share')} of the layers' time.",
        "Let the layers between work on the original order of dimensions.",
        "Both transposes are gone from the model's own layers and from the executed ones.",
        case.evidence(left),
        case.gain(left),
    )


def _how_many(number: int, of: int) -> str:
    return ("both" if of == 2 else "all") if number == of else str(number)


def _broken_fusions(case: Case) -> Found | str:
    """Find element-wise layers that another layer separates from the product before them.

    Each reason has one remedy. Without a layer in between there is no remedy.
    """
    others = [x for x in case.layers if x not in case.quantisation.converting]
    found = unfused(case.nodes, others, case.model)
    apart = [item for item in found if item.between]
    if share([item.layer for item in apart]) < NOTABLE:
        return _not_apart(found, apart)
    inserted = [x for x in apart if _is_inserted(case, x)]
    inserted_time = share([item.layer for item in inserted])
    first = max(apart, key=lambda item: item.layer.median_s)
    layers = [item.layer for item in apart]
    by_device = inserted_time > share(layers) / 2
    return Found(
        "info",
        f"{count(len(layers), 'element-wise layer')} could run inside the convolution or product "
        f"before, if no layer were between, and {'takes' if len(layers) == 1 else 'take'} "
        f"{show(share(layers), 'share')} of the layers' time; for the longest, "
        f"{first.layer.label or first.layer.name}, {first.reason}.",
        _BY_DEVICE if by_device else _BY_MODEL,
        "The table of broken fusions has fewer rows, and the element-wise layers are listed among "
        "the fused ones.",
        case.evidence(layers),
        case.gain(layers),
    )


_BY_DEVICE = (
    "The device itself converts layout or precision between them; the table of "
    "conversions names the layers that cause it."
)
_BY_MODEL = (
    "Move the layer between them behind the element-wise layer, or remove it from the model."
)


def _is_inserted(case: Case, item: Unfused) -> bool:
    """Whether the device added what stands last before the layer."""
    return case.nodes[item.between[-1]].type in ("Reorder", "Convert")


def _not_apart(found: Sequence[Unfused], apart: Sequence[Unfused]) -> str:
    """What keeps element-wise layers from being fused, where nothing can be moved."""
    shared = [item.layer for item in found if item.others]
    lone = [item.layer for item in found if not item.between and not item.others]
    return (
        f"{show(share([x.layer for x in apart]), 'share')} of the time is in element-wise layers "
        f"that something separates from the product before, {show(share(shared), 'share')} where "
        f"other layers read the product too, and {show(share(lone), 'share')} where the device "
        f"has no fused kernel, so nothing can be moved"
    )


RULES = (
    Rule("reorders", "What do changes of layout and precision cost?", _reorders,
         needs_layers=True),
    Rule("transposes", "Are there needless transposes?", _transposes, needs_layers=True),
    Rule("broken-fusions", "Which layers could have been fused?", _broken_fusions,
         needs_layers=True),
)  # fmt: skip
