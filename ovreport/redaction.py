"""A run without what tells where and by whom it was made, before it goes to strangers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from ovreport.run import CellResult, Environment, Record, Roof, Run

_R = TypeVar("_R", bound=Record)
_GONE = "redacted"
# A path from a root, ~ or a drive: all but its last part goes. Paths may hold spaces inside quotes.
_PATH = re.compile(
    r"""(?<=['"])(?:~|[A-Za-z]:)?[/\\][^'"\n]*[/\\][^'"\n]*(?=['"])"""
    r"""|(?<![\w.:/\\])(?:~|[A-Za-z]:)?(?:[/\\]+[^\s/\\'"<>|:;,)\]]+)+[/\\]*"""
)
# These look like paths and are none that anybody lives under.
_PUBLIC = re.compile(r"/(?:sys|proc|dev)/")


def redacted(run: Run) -> Run:
    """The run without host name, user name and folders, wherever they stand.

    Names in graphs stay as they are, as they often look like paths; only the folders, host and
    home that are known from elsewhere in the run go from them too.
    """
    hide = _Hider(run)
    graphs = {id: _changed(graph, hide.known) for id, graph in run.graphs.items()}
    moved = {id: graph.id for id, graph in graphs.items()}
    header = run.header
    return replace(
        run,
        header=header.model_copy(
            update={
                "config": _deep(header.config, hide.all),
                "environment": _environment(header.environment, hide),
                "models": tuple(
                    _changed(model, hide.known).model_copy(update={"path": hide.all(model.path)})
                    for model in header.models
                ),
                "origins": tuple(_changed(origin, hide.all) for origin in header.origins),
                "other_environments": tuple(
                    _environment(other, hide) for other in header.other_environments
                ),
            }
        ),
        results=tuple(_result(result, hide, moved) for result in run.results),
        graphs={graph.id: graph for graph in graphs.values()},
        answers=tuple(
            _told(answers, hide, ("input_data", "labels"), ("failure", "layers_failure"))
            for answers in run.answers
        ),
        recordings=tuple(
            _told(recording, hide, ("input_data", "labels_file"), ("failure",))
            for recording in run.recordings
        ),
        roofs=tuple(_roof(roof, hide) for roof in run.roofs),
        search=tuple(_told(step, hide, ("why",), ()) for step in run.search),
        begun=(),  # what the run was killed in: of use to its owner alone
    )


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

        self._ids = {e.id: _environment(e, self).id for e in environments}

    def environment(self, id: str) -> str:
        """The id of the same environment when redacted: ids are made of the host's name, too."""
        return self._ids.get(id, id)

    def known(self, text: str) -> str:
        """Without the folders that the run names elsewhere."""
        return self._folders.sub("", text)

    def all(self, text: str) -> str:
        """Without any folder, host or user name."""
        return self._names.sub(_GONE, self.known(_PATH.sub(_last_part, text)))


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


def _environment(environment: Environment, hide: _Hider) -> Environment:
    return _changed(environment, hide.all).model_copy(update={"host": _GONE, "user": _GONE})


def _result(result: CellResult, hide: _Hider, moved: Mapping[str, str]) -> CellResult:
    update: dict[str, Any] = {
        key: moved.get(id, id)
        for key in ("runtime_graph", "model_graph")
        if (id := getattr(result, key)) is not None
    }
    if (basis := result.basis) is not None:
        environment = hide.environment(basis.environment)
        update["basis"] = _changed(basis, hide.all).model_copy(update={"environment": environment})
    for key in ("failure", "profile_failure"):
        if (failure := getattr(result, key)) is not None:
            update[key] = _changed(failure, hide.all)
    if (resolved := result.resolved) is not None:
        properties = _deep(resolved.properties, hide.all)
        data = hide.all(resolved.input_data)
        update["resolved"] = resolved.model_copy(
            update={"properties": properties, "input_data": data}
        )
    return result.model_copy(update=update)


def _roof(roof: Roof, hide: _Hider) -> Roof:
    environment = hide.environment(roof.conditions.environment)
    conditions = roof.conditions.model_copy(update={"environment": environment})
    return roof.model_copy(update={"conditions": conditions, "failure": hide.all(roof.failure)})


def _told(record: _R, hide: _Hider, texts: Sequence[str], failures: Sequence[str]) -> _R:
    """The record with these of its texts and failures changed; names of outputs stay."""
    update: dict[str, Any] = {key: hide.all(getattr(record, key)) for key in texts}
    for key in failures:
        if (failure := getattr(record, key)) is not None:
            update[key] = _changed(failure, hide.all)
    return record.model_copy(update=update)


def _changed(record: _R, change: Callable[[str], str]) -> _R:
    """The record with all its texts changed."""
    content = _deep(json.loads(record.model_dump_json()), change)
    return type(record).model_validate_json(json.dumps(content))


def _deep(value: Any, change: Callable[[str], str]) -> Any:
    """The same nesting with every text changed; keys stay."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list | tuple):
        return [_deep(item, change) for item in value]
    if isinstance(value, dict):
        return {key: _deep(item, change) for key, item in value.items()}
    return value
