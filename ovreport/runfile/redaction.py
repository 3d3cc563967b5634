"""Removes host, user and folder names from a run."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Any, Literal, TypeVar, get_args, get_origin

from ovreport.run import (
    Appearance,
    Cell,
    CellResult,
    Conditions,
    Device,
    Environment,
    LayerDrift,
    Making,
    ModelFile,
    Node,
    OutputDrift,
    Port,
    ProfiledLayer,
    Provenance,
    Record,
    RecordedOutput,
    Run,
    RuntimeFacts,
)

R = TypeVar("R", bound=Record)
_REDACTED = "redacted"
# A path from a root, ~ or a drive, of which only the last part is kept. Inside quotes, paths may
# contain spaces.
_PATH = re.compile(
    r"""(?<=['"])(?:~|[A-Za-z]:)?[/\\][^'"\n]*[/\\][^'"\n]*(?=['"])"""
    r"""|(?<![\w.:/\\])(?:~|[A-Za-z]:)?(?:[/\\]+[^\s/\\'"<>|:;,)\]]+)+[/\\]*"""
)
# Paths that are the same on all machines.
_PUBLIC = re.compile(r"/(?:sys|proc|dev)/")


# Records whose names of operators and tensors often look like paths. Only folders that the run
# names elsewhere are removed from them.
_NAMED: tuple[type[Record], ...] = (
    Node, Port, ProfiledLayer, OutputDrift, LayerDrift, RecordedOutput,
)  # fmt: skip
# Fields that are kept: users choose the names in cells, by which cells are identified, and other
# records refer to them.
_KEPT: dict[type[Record], frozenset[str]] = {
    Cell: frozenset(Cell.model_fields),
    ModelFile: frozenset({"model", "version"}),
    Making: frozenset({"parent"}),
    RuntimeFacts: frozenset({"name"}),
    Device: frozenset({"name"}),
    Conditions: frozenset({"runtime", "device"}),
    Appearance: frozenset(Appearance.model_fields),
}


def redacted(run: Run) -> Run:
    """Return the run without host names, user names and folders.

    All texts of the run are searched for them, names of operators only for known folders.
    """
    hide = _Hider(run)
    graphs = {id: hide.record(graph) for id, graph in run.graphs.items()}
    new_ids = {id: graph.id for id, graph in graphs.items()}
    return replace(
        run,
        header=hide.record(run.header),
        results=tuple(_result(result, hide, new_ids) for result in run.results),
        graphs={graph.id: graph for graph in graphs.values()},
        answers=tuple(map(hide.record, run.answers)),
        recordings=tuple(map(hide.record, run.recordings)),
        roofs=tuple(map(hide.record, run.roofs)),
        search=tuple(map(hide.record, run.search)),
        partial_launches=(),  # only the owner can resume the run
    )


def _result(result: CellResult, hide: _Hider, new_ids: Mapping[str, str]) -> CellResult:
    """Redact a result and update its graph ids, which are digests of the redacted graphs."""
    ids = {
        key: new_ids[id]
        for key in ("runtime_graph", "model_graph")
        if (id := getattr(result, key)) is not None
    }
    return hide.record(result).model_copy(update=ids)


class _Hider:
    """Removes the host names, user names and folders of a run from texts."""

    def __init__(self, run: Run) -> None:
        headers = [run.header, *(origin.header for origin in run.header.origins)]
        environments = [e for h in headers for e in (h.environment, *h.other_environments)]
        self._names = _any_of({e.host for e in environments} | {e.user for e in environments})
        texts = [model.path for header in headers for model in header.models]
        for header in headers:
            texts += _texts(header.config)
        paths = [path[0] for text in texts for path in _PATH.finditer(text)]
        folders = {path.removesuffix(_last_part_of(path)) for path in paths}
        folders |= {f"{home}/{e.user}/" for home in ("/home", "/Users") for e in environments}
        longest_first = sorted((f for f in folders if len(f) > 2), key=len, reverse=True)
        self._folders = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")

        # New ids by old ones, as an id is a digest of the host's name, too.
        self._environments = {e.id: self.record(e).id for e in environments}

    def known_folders(self, text: str) -> str:
        """Remove the folders that the run names elsewhere."""
        return self._folders.sub("", text)

    def all(self, text: str) -> str:
        """Remove all folders, host names and user names."""
        return self._names.sub(_REDACTED, self.known_folders(_PATH.sub(_last_part, text)))

    def record(self, record: R) -> R:
        """Redact all texts of a record and of its parts."""
        change = self.known_folders if isinstance(record, _NAMED) else self.all
        update = {
            name: self._value(getattr(record, name), change) for name in _fields(type(record))
        }
        match record:
            case Environment():
                update |= {"host": _REDACTED, "user": _REDACTED}
            case Provenance() | Conditions():
                id = record.environment
                update["environment"] = self._environments.get(id, update["environment"])
        return record.model_copy(update=update)

    def _value(self, value: Any, change: Callable[[str], str]) -> Any:
        """Change every text of a nested value; keys stay."""
        if isinstance(value, str):
            return change(value)
        if isinstance(value, Record):
            return self.record(value)
        if isinstance(value, list | tuple):
            return type(value)(self._value(item, change) for item in value)
        if isinstance(value, dict):
            return {key: self._value(item, change) for key, item in value.items()}
        return value


@cache
def _fields(kind: type[Record]) -> tuple[str, ...]:
    """Return the names of the fields whose texts are redacted."""
    kept = _KEPT.get(kind, frozenset())
    fields = kind.model_fields.items()
    return tuple(n for n, field in fields if n not in kept and not _is_choice(field.annotation))


def _is_choice(annotation: Any) -> bool:
    """Return whether a field holds one of a fixed set of words."""
    return get_origin(annotation) is Literal or any(map(_is_choice, get_args(annotation)))


def _any_of(names: set[str]) -> re.Pattern[str]:
    patterns = sorted((re.escape(name) for name in names if name), key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(patterns)})(?!\w)" if patterns else r"(?!)")


def _last_part(path: re.Match[str]) -> str:
    if _PUBLIC.match(path[0]):
        return path[0]
    return _last_part_of(path[0]).rstrip("/\\") or path[0]


def _last_part_of(path: str) -> str:
    """Return the last part of a path, with the separators at its end."""
    end = path.rstrip("/\\")
    return path[max(end.rfind("/"), end.rfind("\\")) + 1 :]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)
