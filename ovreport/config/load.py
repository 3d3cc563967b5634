"""From a TOML file or command-line options to a :class:`~ovreport.config.schema.Config`."""

from __future__ import annotations

import difflib
import importlib.util
import re
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from ovreport.config.moved import current, moved
from ovreport.config.schema import Config, Runtime, Version
from ovreport.errors import UserError
from ovreport.files import absolute, file_text

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PACKAGE_PREFIX = "package:"
_RUNS = frozenset({".jsonl", ".html"})
_USUAL_NAMES = frozenset({"inference", "model", "openvino_model", "saved_model"})
# …/models--OWNER--NAME/snapshots/REVISION/…
_HUB_FOLDER = re.compile(r"/models--(?:[^/]*--)?([^/]+)/snapshots/[^/]+/")


@dataclass(frozen=True)
class Source:
    """A config and where it came from: what relative paths in it start from."""

    config: Config
    folder: Path
    name: str
    """For messages: the file's name, or ``command line``."""
    notes: tuple[str, ...] = ()
    """What a user should write in another way."""

    def resolve(self, path: str) -> Path:
        """An absolute path whose links are kept.

        ``package:NAME/FILE`` is looked up without importing the package.

        Raises:
            UserError: the package is not installed, or no path can be called so.
        """
        if path.startswith(PACKAGE_PREFIX):
            return _package_file(path, self.name)
        return _absolute(self.folder, path, self.name)

    @property
    def models(self) -> list[Path]:
        """The files or folders of all versions, in their order.

        Raises:
            UserError: as by :meth:`resolve`.
        """
        return [self.resolve(version.path) for version in self.config.model]

    def extensions(self, version: Version) -> tuple[Path, ...]:
        """The libraries with a version's own operations.

        Raises:
            UserError: one is not there.
        """
        found = tuple(self.resolve(path) for path in version.extensions)
        for given, path in zip(version.extensions, found, strict=True):
            if not path.is_file():
                raise UserError(
                    f"{self.name}: model {version.name!r}: `extensions`: {given!r} is not a file",
                    "Name a library with operations, such as libops.so.",
                )
        return found

    def python(self, runtime: Runtime) -> Path:
        """The runtime's Python. Links are kept: those of a virtual environment lead out of it.

        Raises:
            UserError: it is not there.
        """
        if runtime.python is None:
            return Path(sys.executable)
        path = _absolute(self.folder, runtime.python, self.name)
        if not path.is_file():
            raise UserError(
                f"{self.name}: runtime {runtime.name!r}: {path} is not a file",
                "Name the environment's Python, such as /opt/openvino-2025/bin/python.",
            )
        return path


def _absolute(folder: Path, path: str, name: str) -> Path:
    """Links are kept."""
    try:
        found = absolute(folder / Path(path).expanduser())
        found.exists()  # raises where the system takes no such name
    except (RuntimeError, ValueError, OSError) as error:
        shown = path if len(path) <= 100 else f"{path[:100]}…"
        raise UserError(f"{name}: {shown!r} cannot be a path: {error}") from error
    return found


def load(target: Path, overrides: Mapping[str, Mapping[str, Any]]) -> Source:
    """A config file, or a config made for a model file; either with values that override it.

    Args:
        target: a ``.toml`` file, or the path of a model.
        overrides: by table (``matrix``, ``measure``, …), then key; a ``model`` table goes to the
            one model there is.

    Raises:
        UserError: not readable, not TOML, or not a valid config; names the file and the key.
    """
    check_text(target)
    if target.suffix.lower() in _RUNS:
        raise UserError(
            f"{target}: a run file or a report, not a config or a model",
            f"`ovreport render {target}` writes its report, --resume continues a run file.",
        )
    if target.suffix.lower() == ".toml":
        values, folder, name = read_toml(target), absolute(target).parent, str(target)
    else:
        is_package = str(target).startswith(PACKAGE_PREFIX)
        path = str(target) if is_package else str(absolute(target))
        values = {"model": [{"name": model_name(target), "path": path}]}
        folder, name = Path.cwd(), str(target)
    return from_values(values, overrides, folder, name)


def from_values(
    values: Mapping[str, Any],
    overrides: Mapping[str, Mapping[str, Any]],
    folder: Path,
    name: str,
) -> Source:
    """Return a config of what a file holds, or could hold.

    Args:
        values: by table.
        overrides: as by :func:`load`.
        folder: where relative paths start.
        name: for messages.

    Raises:
        UserError: not a valid config; names the key.
    """
    given = {f"{table}.{key}" for table, changes in overrides.items() for key in changes}
    notes = tuple(f"{name}: {note}" for note in moved(values))
    config = validate(_overridden(dict(values), overrides, name), name, given)
    return Source(config, folder, name, notes)


def check_text(path: Path) -> None:
    """Refuses the path of a file that a config or a run file could not name.

    Raises:
        UserError: it is not UTF-8.
    """
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        raise UserError(
            f"{file_text(path)}: the path is not UTF-8", "Rename the file, or name a link to it."
        ) from error


def load_report(path: Path, made_with: Mapping[str, Any]) -> Source:
    """A config for the report of a run that was made with another: what it lacks is as it was.

    Raises:
        UserError: as by :func:`load`.
    """
    given = read_toml(path)
    notes = tuple(f"{path}: {note}" for note in moved(given))
    config = validate({**current(made_with), **current(given)}, str(path))
    return Source(config, absolute(path).parent, str(path), notes)


def model_name(path: Path) -> str:
    """The file's name, or its folder's where the file is called what all of its format are.

    In the Hugging Face cache that is the repository's name: the folder is called after a revision.
    """
    full = path if str(path).startswith(PACKAGE_PREFIX) else absolute(path)
    if path.stem not in _USUAL_NAMES:
        return full.stem
    repository = _HUB_FOLDER.search(full.as_posix())
    return repository[1] if repository else full.parent.name


def _overridden(
    values: dict[str, Any], overrides: Mapping[str, Mapping[str, Any]], name: str
) -> dict[str, Any]:
    for table, changes in overrides.items():
        if not changes:
            continue
        if table != "model":
            values[table] = {**_table(values.get(table, {}), table, name), **changes}
        elif len(models := _table_list(values.get("model"), name)) == 1:
            values["model"] = [{**models[0], **changes}]
        else:
            raise UserError(
                f"{name}: {', '.join(f'--{key}' for key in changes)} needs a single model, and "
                f"the config has {len(models)}",
                "Write it into the [[model]] entries.",
            )
    return values


def _table(value: Any, key: str, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise UserError(f"{name}: `{key}` is {value!r}", f"Expected a table: [{key}].")
    return value


def _table_list(value: Any, name: str) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise UserError(f"{name}: `model` is not a list of tables", "Write [[model]] entries.")
    return value


def read_toml(path: Path) -> dict[str, Any]:
    """The values of a TOML file.

    Raises:
        UserError: not readable or not TOML.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")  # some editors begin with a mark
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise UserError(
            f"{path}: cannot be read: {reason}",
            "Name a config (.toml) or a model file; `ovreport init MODEL` writes a config.",
        ) from error
    try:
        values: dict[str, Any] = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UserError(f"{path}: not valid TOML: {error}") from error
    return values


def validate(values: Mapping[str, Any], name: str, given: Collection[str] = ()) -> Config:
    """Checks plain values against the schema.

    Args:
        given: keys whose value an option of the command line gave, such as ``measure.duration``.

    Raises:
        UserError: names the first wrong key, what it holds, and what was expected.
    """
    try:
        config = Config.model_validate(current(values))
    except ValidationError as error:
        problems = error.errors(include_url=False)
        rest = "\n".join(f"{_key(p)}: {p['msg']}" for p in problems[1:])
        # A value that may be of several types has a problem with each: those inside tell most.
        key = _key(problems[0])
        first = [p for p in problems if re.match(rf"{re.escape(key)}(?![^.[])", _key(p))]
        depth = max(len(p["loc"]) for p in first)
        deepest = [p for p in first if len(p["loc"]) == depth]
        raise _explain(deepest, name, given, rest) from error
    _check_consistent(config, name)
    return config


def _check_consistent(config: Config, name: str) -> None:
    seen: set[tuple[str, str]] = set()
    for entry in config.model:
        if (entry.name, entry.version) in seen:
            raise UserError(
                f"{name}: model {entry.name!r} has the version {entry.version!r} twice",
                "Give each entry of one model its own `version`.",
            )
        seen.add((entry.name, entry.version))
    runtimes = [runtime.name for runtime in config.runtime]
    if len(set(runtimes)) != len(runtimes):
        raise UserError(f"{name}: two runtimes have the same name", "Give each its own `name`.")


# ---------------------------------------------------------------------------- messages


def _where(key: str, name: str, given: Collection[str]) -> str:
    """What the user wrote: an option, or a key of a file."""
    option = key.partition("[")[0]
    if option in given:
        return f"--{option.rpartition('.')[2].replace('_', '-')}"
    return f"{name}: `{key}`"


def _explain(
    problems: Sequence[ErrorDetails], name: str, given: Collection[str], rest: str
) -> UserError:
    """Args: problems: with one value, one for each type that it may be of."""
    problem = problems[0]
    key, holder = _located(problem)
    where = _where(key, name, given)
    kind, value = problem["type"], problem["input"]
    if kind == "extra_forbidden":
        known = list(holder.model_fields)
        near = difflib.get_close_matches(str(problem["loc"][-1]), known, n=1)
        remedy = f"Did you mean `{near[0]}`?" if near else f"Known keys: {', '.join(known)}."
        return UserError(f"{name}: unknown key `{key}`", remedy, detail=rest)
    if kind == "missing":
        field = holder.model_fields.get(str(problem["loc"][-1]))
        about = " ".join((field.description or "").split()) if field else ""
        return UserError(f"{where} is missing", about, detail=rest)
    if kind == "value_error":
        message = problem["msg"].removeprefix("Value error, ")
        return UserError(f"{where}: {message}", detail=rest)
    expected = " or ".join(dict.fromkeys(_expected(p, key) for p in problems))
    return UserError(f"{where} is {value!r}", f"Expected {expected}.", detail=rest)


def _expected(problem: ErrorDetails, key: str) -> str:
    """What a value should be, in words of TOML."""
    match problem["type"]:
        case "tuple_type" if isinstance(problem["input"], dict):
            return f"a list of tables, each under [[{key}]]"
        case "tuple_type":
            return "a list"
        case "dict_type" | "model_type" | "model_attributes_type":
            return f"a table: [{key}]"
        case "too_short":
            return "at least one value"
        case "too_long":
            return f"no more than {problem['ctx']['max_length']} values"
    return problem["msg"].removeprefix("Input should be ").partition(", unable to")[0]


def _key(problem: ErrorDetails) -> str:
    """``model[0].path``."""
    return _located(problem)[0]


def _located(problem: ErrorDetails) -> tuple[str, type[BaseModel]]:
    """The key as TOML has it, and the table that holds it.

    Leaves out what pydantic adds for the members of a union.
    """
    text, holder = "", Config
    kind: Any = Config
    for part in problem["loc"]:
        members = _members(kind)
        if isinstance(part, int):
            text += f"[{part}]"
            kind = next((get_args(m)[0] for m in members if get_origin(m) is tuple), None)
            continue
        if len(members) > 1:  # the next part names one of them
            wanted = dict if part.startswith("dict[") else tuple
            kind = next((m for m in members if get_origin(m) is wanted), None)
            continue
        if members and get_origin(members[0]) is dict:
            kind = get_args(members[0])[1]
        elif members and issubclass(members[0], BaseModel):
            holder = members[0]
            field = holder.model_fields.get(part)
            kind = field.annotation if field else None
        else:
            continue
        text += f".{part}" if text else part
    return text or "config", holder


def _members(kind: Any) -> list[Any]:
    """The types that a value may be of, without None and without what annotates them."""
    if get_origin(kind) is Annotated:
        return _members(get_args(kind)[0])
    if get_origin(kind) in (Union, UnionType):
        return [member for one in get_args(kind) for member in _members(one)]
    return [] if kind in (None, NoneType) else [kind]


# ---------------------------------------------------------------------------- packages


def _package_file(path: str, name: str) -> Path:
    package, _, inside = path.removeprefix(PACKAGE_PREFIX).partition("/")
    # find_spec of a dotted name would import the parent package; only top-level names are taken.
    spec = importlib.util.find_spec(package) if package.isidentifier() else None
    if spec is None or not (spec.submodule_search_locations or spec.origin):
        raise UserError(
            f"{name}: `{path}`: the package {package!r} is not installed",
            f"Install it, for instance with `pip install {package}`.",
        )
    if spec.submodule_search_locations:
        return Path(next(iter(spec.submodule_search_locations))) / inside
    return Path(str(spec.origin)).parent / inside
