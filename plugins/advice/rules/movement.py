"""Layers that compute nothing, and layers that fusion would remove."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ovreport.computed.flow import Conversion, conversions
from ovreport.computed.fusion import Unfused, unfused
from ovreport.computed.layer_kinds import CONVERTERS
from ovreport.computed.layers import ExecutedLayer, fates, layer_names
from ovreport.computed.precision import bits
from ovreport.computed.transposes import there_and_back
from ovreport.text.labels import count, setting
from ovreport.text.numbers import show

from ..case import NOTABLE, AdviceRule, Case, Suggestion, share

# OpenVINO Workbench reported reorders from a tenth of the time on.
_REORDERS = 0.1
# A smaller share is left out: it would read 0.0 %.
_LEAST_SHOWN = 0.0005


def _reorders(case: Case) -> Suggestion | str:
    """Find layers that only convert, except those that another rule covers."""
    covered = {layer.index for pair in _pairs(case) for layer in pair.executed}
    covered |= {layer.index for layer in case.quantisation.converting}
    uncovered = [
        conversion
        for conversion in conversions(case.nodes, case.layers)
        if conversion.layer.type in CONVERTERS and conversion.layer.index not in covered
    ]
    layers = [conversion.layer for conversion in uncovered]
    if share(layers) < _REORDERS:
        return f"such layers take {show(share(layers), 'share')} of the time"
    causes = _causes(case, uncovered)
    main = causes[0]
    return Suggestion(
        "warning",
        f"{count(len(uncovered), 'layer')} only {'changes' if len(uncovered) == 1 else 'change'} "
        f"{_what_changes(uncovered, share(layers))}. "
        f"{_neighbours(case, main, is_only_cause=len(causes) == 1)}",
        main.remedy,
        "The table of conversions names the layers before and after each; measure the change as "
        "another version.",
        case.evidence([conversion.layer for conversion in main.members]),
        case.gain(layers),
        {"precision": _wider(*main.change)} if main.kind == "precision" else {},
    )


def _what_changes(members: Sequence[Conversion], part: float) -> str:
    """Return what conversions change, and their part of the time: ``the layout, 8.1 % of …``."""
    of_time = f"{show(part, 'share')} of the layers' time"
    first, *others = {" and ".join(_changes(conversion)) for conversion in members}
    if first and not others:
        return f"{first}, {of_time}"
    return f"layout, order or precision, {of_time}: {_parts(members)}"


def _changes(conversion: Conversion) -> Iterator[str]:
    if conversion.changes_precision:
        yield "the precision"
    if conversion.layer.type == "Transpose":
        yield "the order of dimensions"
    elif conversion.changes_layout:
        yield "the layout"


def _parts(members: Sequence[Conversion]) -> str:
    """Return shares by kind: ``8.1 % where the layout changes, 2.0 % in transposes``."""
    precision = share([conversion.layer for conversion in members if conversion.changes_precision])
    order = share([conversion.layer for conversion in members if _kind(conversion) == "order"])
    layout = share([conversion.layer for conversion in members]) - precision - order
    return ", ".join(
        f"{show(part, 'share')} {where}"
        for part, where in (
            (precision, "where the precision changes"),
            (layout, "where the layout does" if precision else "where the layout changes"),
            (order, "in transposes"),
        )
        if part >= _LEAST_SHOWN
    )


def _kind(conversion: Conversion) -> str:
    if conversion.changes_precision:
        return "precision"
    return "order" if conversion.layer.type == "Transpose" else "layout"


@dataclass(frozen=True)
class _Cause:
    """Conversions of one kind between layers of two types."""

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
        """Advice that removes such conversions."""
        old, new = self.change
        if self.kind == "precision":
            return (
                f"{self.before} writes {old} and {self.after} reads {new}. In one precision "
                f"nothing is converted: measure {setting('precision', _wider(old, new))} too."
            )
        if self.kind == "order":
            return (
                f"Keep one order of dimensions from {self.before} to {self.after}: store the "
                "weights in that order, or write the layers between for it."
            )
        if self.before in _INPUTS:
            return _at_the_edge("input", new)
        if self.after in _OUTPUTS:
            return _at_the_edge("output", old)
        return (
            f"{self.before} writes {old} and {self.after} reads {new}. Nothing is converted "
            f"where neighbours agree: move {self.after} to another place, or replace it by an "
            f"operator that reads {old}."
        )


_INPUTS = frozenset({"Input", "Parameter"})
_OUTPUTS = frozenset({"Output", "Result"})


def _at_the_edge(side: str, layout: str) -> str:
    """Say how a program avoids the conversion of a tensor that it sets or reads."""
    if not _is_channels_last(layout):
        return f"Only the device uses {layout}, so the conversion of the {side} cannot be avoided."
    verb = "Feed the input" if side == "input" else "Read the output"
    return (
        f"{verb} with channels last: openvino.preprocess.PrePostProcessor sets the layout of its "
        "tensor."
    )


def _is_channels_last(layout: str) -> bool:
    """Return whether the second dimension, the channels, is stored last: ``acdb``."""
    dimensions = "".join(sorted(layout))
    return len(layout) > 2 and layout == dimensions[0] + dimensions[2:] + dimensions[1]


def _wider(first: str, second: str) -> str:
    return max((first, second), key=bits)


def _causes(case: Case, uncovered: Sequence[Conversion]) -> list[_Cause]:
    """Group conversions by kind, change and neighbouring types, most time first."""
    groups: dict[tuple[str, str, str, object], list[Conversion]] = defaultdict(list)
    for conversion in uncovered:
        kind = _kind(conversion)
        before = case.nodes[conversion.source].type
        after = case.nodes[conversion.targets[0]].type if conversion.targets else "Output"
        change = conversion.precisions if kind == "precision" else conversion.layouts
        groups[kind, before, after, change].append(conversion)
    causes = [_Cause(*key[:3], tuple(members)) for key, members in groups.items()]
    return sorted(
        causes, key=lambda cause: -share([conversion.layer for conversion in cause.members])
    )


def _neighbours(case: Case, cause: _Cause, *, is_only_cause: bool) -> str:
    """Name the layers before and after the conversions of a cause."""
    longest = max(cause.members, key=lambda conversion: conversion.layer.median_s)
    names = layer_names(case.run, case.result).runtime
    after = f"{cause.after} {names[longest.targets[0]]}" if longest.targets else "an output"
    between = f"{cause.before} {names[longest.source]} and {after}"
    change = " → ".join(cause.change) if cause.kind != "order" else "order of dimensions"
    part = show(share([conversion.layer for conversion in cause.members]), "share")
    if len(cause.members) == 1:
        subject = "It" if is_only_cause else f"The longest, {part},"
        return f"{subject} stands between {between} ({change})."
    quantity = "All" if is_only_cause else f"{len(cause.members)} of them, {part},"
    return (
        f"{quantity} stand between {cause.before} and {cause.after} ({change}), the longest "
        f"between {between}."
    )


@dataclass(frozen=True)
class _TransposePair:
    """Two transposes; the second undoes the first."""

    names: tuple[str, str]
    executed: tuple[ExecutedLayer, ...]
    """Those of the two that the device executes."""


def _pairs(case: Case) -> list[_TransposePair]:
    """Return the pairs of the model, then the pairs that only the runtime graph has."""
    converters = {layer.index: layer for layer in case.layers if layer.type in CONVERTERS}
    known_fates = fates(case.run, case.result)
    names = layer_names(case.run, case.result).model
    pairs = []
    for first, second in there_and_back(case.model):
        layer_indices = dict.fromkeys(known_fates[index].layer for index in (first, second))
        executed = tuple(
            converters[layer_index] for layer_index in layer_indices if layer_index in converters
        )
        pairs.append(_TransposePair((names[first], names[second]), executed))
    listed = {layer.index for pair in pairs for layer in pair.executed}
    for first, second in there_and_back(case.nodes):
        if converters.keys() >= {first, second} and not listed & {first, second}:
            labels = (converters[first].label, converters[second].label)
            pairs.append(_TransposePair(labels, (converters[first], converters[second])))
    return pairs


def _transposes(case: Case) -> Suggestion | str:
    pairs = _pairs(case)
    executed = list(dict.fromkeys(layer for pair in pairs for layer in pair.executed))
    if not pairs:
        return "no transpose is undone by a later one"
    listed = "; ".join(" and ".join(pair.names) for pair in pairs[:3])
    description = (
        f"{2 * len(pairs)} transposes undo each other{' in pairs' if pairs[1:] else ''} ({listed}"
        f"{'; …' if pairs[3:] else ''}), with nothing between that changes the shape"
    )
    if not executed:
        return f"{description}; OpenVINO removed them when it compiled the model"
    return Suggestion(
        "warning" if share(executed) >= NOTABLE else "info",
        f"{description}; the device executes {_how_many(len(executed), 2 * len(pairs))} of them, "
        f"{show(share(executed), 'share')} of the layers' time.",
        "Let the layers between work on the original order of dimensions.",
        "Neither the model's own layers nor the executed ones contain the transposes.",
        case.evidence(executed),
        case.gain(executed),
    )


def _how_many(number: int, total: int) -> str:
    return ("both" if total == 2 else "all") if number == total else str(number)


def _broken_fusions(case: Case) -> Suggestion | str:
    """Find element-wise layers that another layer separates from the product before them.

    Each reason has one remedy. Without a layer between the two there is no remedy.
    """
    others = [item for item in case.layers if item not in case.quantisation.converting]
    candidates = unfused(case.nodes, others, case.model)
    separated = [item for item in candidates if item.between]
    if share([item.layer for item in separated]) < NOTABLE:
        return _nothing_to_move(candidates, separated)
    inserted = [item for item in separated if _is_inserted(case, item)]
    inserted_time = share([item.layer for item in inserted])
    slowest = max(separated, key=lambda item: item.layer.median_s)
    layers = [item.layer for item in separated]
    by_device = inserted_time > share(layers) / 2
    return Suggestion(
        "info",
        f"{count(len(layers), 'element-wise layer')} could run inside the convolution or product "
        f"before, if no layer were between, and {'takes' if len(layers) == 1 else 'take'} "
        f"{show(share(layers), 'share')} of the layers' time; for the longest, "
        f"{slowest.layer.label or slowest.layer.name}, {slowest.reason}.",
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
    "Move the layer between them to after the element-wise layer, or remove it from the model."
)


def _is_inserted(case: Case, item: Unfused) -> bool:
    """Return whether the device inserted the last layer before this one."""
    return case.nodes[item.between[-1]].type in ("Reorder", "Convert")


def _nothing_to_move(candidates: Sequence[Unfused], separated: Sequence[Unfused]) -> str:
    """Say why element-wise layers are not fused, where no layer can be moved."""
    shared = [item.layer for item in candidates if item.others]
    without_kernel = [item.layer for item in candidates if not item.between and not item.others]
    reasons = (
        ("where another layer stands between them and the product before",
         [item.layer for item in separated]),
        ("where other layers read the product, too", shared),
        ("where the device has no fused kernel", without_kernel),
    )  # fmt: skip
    shares = [
        f"{show(share(layers), 'share')} of the time {where}" for where, layers in reasons if layers
    ]
    if not shares:
        return "no element-wise layer follows a product unfused"
    return f"moving layers would not help: element-wise layers take {' and '.join(shares)}"


RULES = (
    AdviceRule("reorders", "What do changes of layout and precision cost?", _reorders,
         needs_layers=True),
    AdviceRule("transposes", "Are there needless transposes?", _transposes, needs_layers=True),
    AdviceRule("broken-fusions", "Which layers could have been fused?", _broken_fusions,
         needs_layers=True),
)  # fmt: skip
