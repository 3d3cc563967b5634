"""Remove from a run what shows where and by whom it was made."""

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
_GONE = "redacted"
# A path from a root, ~ or a drive: all but its last part goes. Paths may hold spaces inside quotes.
_PATH = re.compile(
    r"""(?<=['"])(?:~|[A-Za-z]:)?[/\\][^'"\n]*[/\\][^'"\n]*(?=['"])"""
    r"""|(?<![\w.:/\\])(?:~|[A-Za-z]:)?(?:[/\\]+[^\s/\\'"<>|:;,)\]]+)+[/\\]*"""
)
# These look like paths and are none that anybody lives under.
_PUBLIC = re.compile(r"/(?:sys|proc|dev)/")


# Names of operators and tensors often look like paths: of them go the folders, host and home that
# are known from elsewhere in the run.
_NAMED: tuple[type[Record], ...] = (
    Node, Port, ProfiledLayer, OutputDrift, LayerDrift, RecordedOutput,
)  # fmt: skip
# Cells are known by the names in them, which users choose; what else must agree with those names
# stays as well.
_KEPT: dict[type[Record], frozenset[str]] = {
    Cell: frozenset(Cell.model_fields),
    ModelFile: frozenset({"model", "version"}),
    RuntimeFacts: frozenset({"name"}),
    Device: frozenset({"name"}),
    Conditions: frozenset({"runtime", "device"}),
    Appearance: frozenset(Appearance.model_fields),
}


def redacted(run: Run) -> Run:
    """The run without host name, user name and folders, wherever they stand.

    Every text that a run holds is looked through; only names are treated with care.
    """
    hide = _Hider(run)
    graphs = {id: hide.record(graph) for id, graph in run.graphs.items()}
    moved = {id: graph.id for id, graph in graphs.items()}
    return replace(
        run,
        header=hide.record(run.header),
        results=tuple(_result(result, hide, moved) for result in run.results),
        graphs={graph.id: graph for graph in graphs.values()},
        answers=tuple(map(hide.record, run.answers)),
        recordings=tuple(map(hide.record, run.recordings)),
        roofs=tuple(map(hide.record, run.roofs)),
        search=tuple(map(hide.record, run.search)),
        partial_launches=(),  # only the owner can resume the run
    )


def _result(result: CellResult, hide: _Hider, moved: Mapping[str, str]) -> CellResult:
    """Ids of graphs are made of what stands in them."""
    ids = {
        key: moved[id]
        for key in ("runtime_graph", "model_graph")
        if (id := getattr(result, key)) is not None
    }
    return hide.record(result).model_copy(update=ids)


class _Hider:
    """Knows what must not be read in a run."""

    def __init__(self, run: Run) -> None:
        headers = [run.header, *(origin.header for origin in run.header.origins)]
        environments = [e for h in headers for e in (h.environment, *h.other_environments)]
        self._names = _any_of({e.host for e in environments} | {e.user for e in environments})
        texts = [model.path for header in headers for model in header.models]
        for header in headers:
            texts += _texts(header.config)
        found = [path[0] for text in texts for path in _PATH.finditer(text)]
        folders = {path.removesuffix(_last_part_of(path)) for path in found}
        folders |= {f"{home}/{e.user}/" for home in ("/home", "/Users") for e in environments}
        longest_first = sorted((f for f in folders if len(f) > 2), key=len, reverse=True)
        self._folders = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")

        # Ids by those before: they are made of the host's name, too.
        self._environments = {e.id: self.record(e).id for e in environments}

    def known(self, text: str) -> str:
        """Without the folders that the run names elsewhere."""
        return self._folders.sub("", text)

    def all(self, text: str) -> str:
        """Without any folder, host or user name."""
        return self._names.sub(_GONE, self.known(_PATH.sub(_last_part, text)))

    def record(self, record: R) -> R:
        """The record with all its texts changed, those of its parts too."""
        change = self.known if isinstance(record, _NAMED) else self.all
        update = {
            name: self._value(getattr(record, name), change) for name in _fields(type(record))
        }
        match record:
            case Environment():
                update |= {"host": _GONE, "user": _GONE}
            case Provenance() | Conditions():
                id = record.environment
                update["environment"] = self._environments.get(id, update["environment"])
        return record.model_copy(update=update)

    def _value(self, value: Any, change: Callable[[str], str]) -> Any:
        """The same nesting with every text changed; keys stay."""
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
    """Those whose texts are changed."""
    kept = _KEPT.get(kind, frozenset())
    fields = kind.model_fields.items()
    return tuple(n for n, field in fields if n not in kept and not _is_choice(field.annotation))


def _is_choice(annotation: Any) -> bool:
    """Whether a field holds one of some words that the program knows."""
    return get_origin(annotation) is Literal or any(map(_is_choice, get_args(annotation)))


def _any_of(names: set[str]) -> re.Pattern[str]:
    words = sorted((re.escape(name) for name in names if name), key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(words)})(?!\w)" if words else r"(?!)")


def _last_part(path: re.Match[str]) -> str:
    if _PUBLIC.match(path[0]):
        return path[0]
    return _last_part_of(path[0]).rstrip("/\\") or path[0]


def _last_part_of(path: str) -> str:
    """What stands behind the last separator, but for those at the end."""
    end = path.rstrip("/\\")
    return path[max(end.rfind("/"), end.rfind("\\")) + 1 :]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)
