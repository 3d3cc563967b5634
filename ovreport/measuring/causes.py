"""Extracts from an error of OpenVINO the sentence that helps a user."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

_LONGEST = 500
# A message may end with a listing, such as a compiler's.
_LONGEST_LISTING = 300

# The place in OpenVINO's sources that raised an error, with everything before it in the line.
_SOURCE = re.compile(
    r".*(?:Exception from \S+:\d+:|Check '.*' failed at \S+:\d+:|FrontEnd API failed with \w+:)"
)
# Lines that name the current step or the kind of error, but not the cause.
_PLACE = re.compile(
    r"Check '.*' failed\.?|While validating node '.*|Shape inference input shapes .*"
    r"|Loading input model|Not Implemented:|Node .* of type \S+|Summary:"
    r"|Model wasn't fully converted\..*|\[GPU\] ProgramBuilder build failed!"
)
_PREFIX = re.compile(r"(\[ ?[A-Za-z_ ]+\]\s*|NotFound:\s*)+")
_CHECK = re.compile(r"Check '(.*)' failed")

# Patterns that name the layer of an error, the most reliable first.
_LAYERS = (
    re.compile(r"(?P<type>\w+) node with name '(?P<name>.*?)'"),
    re.compile(r"While validating ONNX node '<Node\((?P<type>.*?)\): (?P<name>.*?)>'"),
    re.compile(
        r"^While validating node '(?:\w+::)?(?P<type>\w+) .* with friendly_name '(?P<name>.*)':$",
        re.MULTILINE,
    ),
    re.compile(r"^Node (?P<name>.*) of type (?P<type>\S+)$", re.MULTILINE),
)

_UNKNOWN_OPERATIONS = re.compile(
    r"^-- No conversion rule found for operations: (.*)$", re.MULTILINE
)
_UNKNOWN_SET = re.compile(
    r"Cannot create (?P<type>\S+) layer (?P<name>.*) id:\d+ from unsupported opset: (?P<set>\S+)"
)
_UNKNOWN_IN_SET = re.compile(
    r"Opset (?P<set>\S+) doesn't contain the operation with type: (?P<type>\S+)"
)
_FAILED_OPERATION = re.compile(
    r"^-- (?P<type>.*) with a message:\n(?P<text>.*?)(?=^-- |^Summary:|\Z)",
    re.MULTILINE | re.DOTALL,
)


def cause(text: str) -> str:
    """Return the cause in an OpenVINO error, with the layer that it concerns.

    OpenVINO prints a stack of places, the innermost last, and then the cause. For a model that is
    not fully converted it prints a report instead: the unknown operations, and a stack and a cause
    for each operation that failed.
    """
    return ("; ".join(_unconverted(text)) or _innermost(text))[:_LONGEST]


def unknown_operations(text: str) -> tuple[str, ...]:
    """Return the operations of a model that OpenVINO does not know, from an error's text."""
    if match := _UNKNOWN_OPERATIONS.search(text):
        return tuple(name.strip() for name in match[1].split(","))
    match = _UNKNOWN_SET.search(text) or _UNKNOWN_IN_SET.search(text)
    return (f"{match['set']}.{match['type']}",) if match else ()


def _unconverted(text: str) -> Iterator[str]:
    if unknown := unknown_operations(text):
        noun = "operations" if len(unknown) > 1 else "operation"
        match = _UNKNOWN_SET.search(text)
        layer = f" (layer {match['name']})" if match else ""
        yield f"OpenVINO does not know the {noun} {', '.join(unknown)}{layer}"
    if failed := _FAILED_OPERATION.search(text):
        yield _innermost(failed["text"])


def _innermost(text: str) -> str:
    messages = _messages(text.splitlines())
    message = messages[-1] if messages else _unmet_condition(text)
    layers = _layers(text)
    if not layers:
        return message
    layer = layers[-1]
    message = message.removeprefix(layer[0]).lstrip()
    kind = "" if layer["name"].startswith(layer["type"]) else f" ({layer['type']})"
    return f"layer {layer['name']}{kind}: {message}"


def _layers(text: str) -> list[re.Match[str]]:
    """Find the layers that an error names, by the first pattern that matches; innermost last."""
    matches_by_pattern = (list(pattern.finditer(text)) for pattern in _LAYERS)
    return next((matches for matches in matches_by_pattern if matches), [])


def _messages(lines: Sequence[str]) -> list[str]:
    """Return the messages between places, each as one line without its prefix."""
    groups: list[list[str]] = [[]]
    for line in map(str.strip, lines):
        rest = _SOURCE.sub("", line).strip()
        if _PLACE.fullmatch(rest) or (line and not rest):
            groups.append([])
        elif rest:
            groups[-1].append(_PREFIX.sub("", rest, count=1))
    return [_shortened(group) for group in groups if group]


def _shortened(group: Sequence[str]) -> str:
    """Join the lines of a message; the first is kept whole, the others are cut."""
    first, rest = group[0], " ".join(group[1:])
    return f"{first} {rest}"[: max(len(first), _LONGEST_LISTING)].rstrip()


def _unmet_condition(text: str) -> str:
    """Return the innermost condition that was not met, for an error without a message."""
    checks = _CHECK.findall(text)
    return f"not met: {checks[-1]}" if checks else text.strip() or "no reason given"
