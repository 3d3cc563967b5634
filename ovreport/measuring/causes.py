"""What an error of OpenVINO says to a user, out of the places that it is wrapped in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

_LONGEST = 500
# A message may end with a listing, such as a compiler's.
_LONGEST_LISTING = 300

# Where in OpenVINO's sources an error came from. What stands before it in its line is a place, too.
_SOURCE = re.compile(
    r".*(?:Exception from \S+:\d+:|Check '.*' failed at \S+:\d+:|FrontEnd API failed with \w+:)"
)
# Lines that tell what was being done, or of which kind the error is, and not what is wrong.
_PLACE = re.compile(
    r"Check '.*' failed\.?|While validating node '.*|Shape inference input shapes .*"
    r"|Loading input model|Not Implemented:|Node .* of type \S+|Summary:"
    r"|Model wasn't fully converted\..*|\[GPU\] ProgramBuilder build failed!"
)
_PREFIX = re.compile(r"(\[ ?[A-Za-z_ ]+\]\s*|NotFound:\s*)+")
_CHECK = re.compile(r"Check '(.*)' failed")

# The layer that an error is about, by what it is surest known from.
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
    """The sentence of an OpenVINO error that tells a user something, with the layer it is about.

    OpenVINO prints a stack of places, the innermost last, and then the cause. A model that is not
    fully converted has a report in place of a cause: the operations it does not know, and for each
    that failed a stack and a cause of its own.
    """
    return ("; ".join(_unconverted(text)) or _innermost(text))[:_LONGEST]


def unknown_operations(text: str) -> tuple[str, ...]:
    """Operations of a model that OpenVINO knows nothing of, by an error's text."""
    if found := _UNKNOWN_OPERATIONS.search(text):
        return tuple(name.strip() for name in found[1].split(","))
    found = _UNKNOWN_SET.search(text) or _UNKNOWN_IN_SET.search(text)
    return (f"{found['set']}.{found['type']}",) if found else ()


def _unconverted(text: str) -> Iterator[str]:
    if unknown := unknown_operations(text):
        several = "operations" if len(unknown) > 1 else "operation"
        named = _UNKNOWN_SET.search(text)
        layer = f" (layer {named['name']})" if named else ""
        yield f"OpenVINO does not know the {several} {', '.join(unknown)}{layer}"
    if failed := _FAILED_OPERATION.search(text):
        yield _innermost(failed["text"])


def _innermost(text: str) -> str:
    groups = _telling(text.splitlines())
    message = groups[-1] if groups else _checked(text)
    layers = _layers(text)
    if not layers:
        return message
    layer = layers[-1]
    message = message.removeprefix(layer[0]).lstrip()
    kind = "" if layer["name"].startswith(layer["type"]) else f" ({layer['type']})"
    return f"layer {layer['name']}{kind}: {message}"


def _layers(text: str) -> list[re.Match[str]]:
    """Where an error names a layer in one of the ways, the innermost last."""
    found = (list(pattern.finditer(text)) for pattern in _LAYERS)
    return next((matches for matches in found if matches), [])


def _telling(lines: Sequence[str]) -> list[str]:
    """What stands between places, each in one line; the prefixes of messages left out."""
    groups: list[list[str]] = [[]]
    for line in map(str.strip, lines):
        rest = _SOURCE.sub("", line).strip()
        if _PLACE.fullmatch(rest) or (line and not rest):
            groups.append([])
        elif rest:
            groups[-1].append(_PREFIX.sub("", rest, count=1))
    return [_shortened(group) for group in groups if group]


def _shortened(group: Sequence[str]) -> str:
    """The first line, and of the others as much as is read at a glance."""
    first, rest = group[0], " ".join(group[1:])
    return f"{first} {rest}"[: max(len(first), _LONGEST_LISTING)].rstrip()


def _checked(text: str) -> str:
    """Of an error without any message: the innermost condition that was not met."""
    checks = _CHECK.findall(text)
    return f"not met: {checks[-1]}" if checks else text.strip() or "no reason given"
