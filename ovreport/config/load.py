"""Make a TOML file or command-line options into a :class:`~ovreport.config.schema.Config`."""

from __future__ import annotations

import difflib
import importlib.util
import re
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from ovreport.config.made_versions import changed_model, parents, with_parents_keys
from ovreport.config.moved import current, former_places, moved
from ovreport.config.schema import LONGEST_NAME, Config, Runtime, Version
from ovreport.errors import UserError
from ovreport.files import absolute, file_text
from ovreport.run import Making

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
class MadeFile:
    """A version that ovreport made of another."""

    path: Path
    making: Making


@dataclass(frozen=True)
class Source:
    """A config and where it came from."""

    config: Config
    folder: Path
    """Relative paths of the config start here."""
    name: str
    """The name that messages use: the path of the config or the model."""
    notes: tuple[str, ...] = ()
    """Sentences about keys that have moved."""
    inherited: frozenset[str] = frozenset()
    """Tables from a run file, which may be untrusted: files that they name are not opened."""
    made: Mapping[tuple[str, str], MadeFile] = field(default_factory=dict)
    """The versions that are made of others, as far as they are made, by model and version."""

    def resolve(self, path: str) -> Path:
        """Return an absolute path, without following links.

        ``package:NAME/FILE`` is looked up without importing the package.

        Raises:
            UserError: the package is not installed, or the system allows no such path.
        """
        if path.startswith(PACKAGE_PREFIX):
            return _package_file(path, self.name)
        return _absolute(self.folder, path, self.name)

    def file(self, version: Version) -> Path:
        """Return the file or folder of a version; if it is not made yet, of its parent.

        Raises:
            UserError: see :meth:`resolve`.
        """
        if version.path is not None:
            return self.resolve(version.path)
        if made := self.made.get((version.name, version.version)):
            return made.path
        return self.file(parents(self.config, version)[0])

    @property
    def models(self) -> list[Path]:
        """The files or folders of all versions, in the order of the config: see :meth:`file`.

        Raises:
            UserError: see :meth:`resolve`.
        """
        return [self.file(version) for version in self.config.model]

    def extensions(self, version: Version) -> tuple[Path, ...]:
        """Return the paths of the libraries with a version's own operations.

        Raises:
            UserError: a library is missing.
        """
        libraries = tuple(self.resolve(path) for path in version.extensions)
        for given, path in zip(version.extensions, libraries, strict=True):
            if not path.is_file():
                raise UserError(
                    f"{self.name}: model {version.name!r}: `extensions`: {given!r} is not a file",
                    "Name a library with operations, such as libops.so.",
                )
        return libraries

    def python(self, runtime: Runtime) -> Path:
        """Return the path of the runtime's Python.

        Links are not followed, as the Python of a virtual environment is a link out of it.

        Raises:
            UserError: the file is missing.
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
    """Return the absolute path, without following links."""
    try:
        full = absolute(folder / Path(path).expanduser())
        full.exists()  # raises if the system allows no such name
    except (RuntimeError, ValueError, OSError) as error:
        shown = path if len(path) <= 100 else f"{path[:100]}…"
        raise UserError(f"{name}: {shown!r} cannot be a path: {error}") from error
    return full


def load(target: Path, overrides: Mapping[str, Mapping[str, Any]]) -> Source:
    """Read a config file, or make a config for a model file, and apply the overrides.

    Args:
        target: a ``.toml`` file, or the path of a model.
        overrides: by table (``matrix``, ``measure``, …), then key. Those of ``model`` require a
            config with one model.

    Raises:
        UserError: not readable, not TOML, or not a valid config; names the file and the key.
    """
    check_text(target)
    if target.suffix.lower() in _RUNS:
        raise UserError(
            f"{target}: a run file or a report, not a config or a model",
            f"`ovreport render {target}` writes its report; --resume continues a run file.",
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
    """Make a config of plain values, and apply the overrides.

    Args:
        values: what a TOML file would hold, by table.
        overrides: see :func:`load`.
        folder: where relative paths start.
        name: the name that messages use.

    Raises:
        UserError: not a valid config; names the key.
    """
    given = {f"{table}.{key}" for table, changes in overrides.items() for key in changes}
    notes = tuple(f"{name}: {note}" for note in moved(values))
    config = validate(_overridden(dict(values), overrides, name), name, given)
    return Source(config, folder, name, notes)


def check_text(path: Path) -> None:
    """Check that a path is UTF-8, so that a config and a run file can name it.

    Raises:
        UserError: the path is not UTF-8.
    """
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        raise UserError(
            f"{file_text(path)}: the path is not UTF-8", "Rename the file, or name a link to it."
        ) from error


def load_report(path: Path, made_with: Mapping[str, Any]) -> Source:
    """Read a config for the report of a run that was measured with another config.

    Tables that the file lacks are those that the run was measured with, without the files that the
    run's ``[report]`` names.

    Raises:
        UserError: see :func:`load`.
    """
    given = read_toml(path)
    notes = tuple(f"{path}: {note}" for note in moved(given))
    run_tables, own_tables = current(made_with), current(given)
    inherited = frozenset(run_tables.keys() - own_tables.keys())
    config = validate({**run_tables, **own_tables}, str(path))
    if "report" in inherited:
        config = without_files(config)
    return Source(config, absolute(path).parent, str(path), notes, inherited)


def without_files(config: Config) -> Config:
    """Return a config whose report names no file: neither code nor what a page would show."""
    nothing = {"plugins": (), "templates": None, "logo": None, "css": None}
    return config.model_copy(update={"report": config.report.model_copy(update=nothing)})


def model_name(path: Path) -> str:
    """Return what a model is called in the report: the name of its file without the ending.

    If the format gives all files the same name (``model.onnx``), it is the name of the folder, and
    in the Hugging Face cache, whose folders are named after revisions, that of the repository.
    """
    full = path if str(path).startswith(PACKAGE_PREFIX) else absolute(path)
    if path.stem not in _USUAL_NAMES:
        return full.stem[:LONGEST_NAME]
    repository = _HUB_FOLDER.search(full.as_posix())
    return (repository[1] if repository else full.parent.name)[:LONGEST_NAME]


def _overridden(
    values: dict[str, Any], overrides: Mapping[str, Mapping[str, Any]], name: str
) -> dict[str, Any]:
    for table, changes in overrides.items():
        if not changes:
            continue
        if table != "model":
            values[table] = {**_table(values.get(table, {}), table, name), **changes}
        elif len(models := _table_list(values.get("model"), name)) == 1:
            values["model"] = changed_model(models[0], changes)
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
    """Read the values of a TOML file.

    Raises:
        UserError: not readable or not TOML.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")  # some editors write a byte order mark
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
    """Check plain values against the schema.

    Args:
        values: what a TOML file would hold, by table.
        name: the name that messages use.
        given: keys that an option of the command line set, such as ``measure.duration``.

    Raises:
        UserError: names the first wrong key, what it holds, and what was expected.
    """
    try:
        config = Config.model_validate(current(values))
    except ValidationError as error:
        problems = error.errors(include_url=False)
        rest = "\n".join(f"{_key(p)}: {p['msg']}" for p in problems[1:])
        # A value that may be of several types has a problem with each; the deepest key is the most
        # precise.
        key = _key(problems[0])
        first = [p for p in problems if re.match(rf"{re.escape(key)}(?![^.[])", _key(p))]
        depth = max(len(p["loc"]) for p in first)
        deepest = [p for p in first if len(p["loc"]) == depth]
        raise _explain(deepest, _Writer(name, given, former_places(values)), rest) from error
    _check_consistent(config, name)
    return with_parents_keys(config, name)


def _check_consistent(config: Config, name: str) -> None:
    entries_so_far: set[tuple[str, str]] = set()
    for entry in config.model:
        if (entry.name, entry.version) in entries_so_far:
            raise UserError(
                f"{name}: model {entry.name!r} has the version {entry.version!r} twice",
                "Give each entry of one model its own `version`.",
            )
        entries_so_far.add((entry.name, entry.version))
    runtimes = [runtime.name for runtime in config.runtime]
    if len(set(runtimes)) != len(runtimes):
        raise UserError(f"{name}: two runtimes have the same name", "Give each its own `name`.")


# ---------------------------------------------------------------------------- messages


# Of "measure.duration", and of "model[0].range", as options are for a single model.
_OPTION = re.compile(r"(?P<table>\w+)(?:\[0\])?\.(?P<key>\w+)")


@dataclass(frozen=True)
class _Writer:
    """How a user wrote the values of a config."""

    name: str
    given: Collection[str]
    """Keys that an option of the command line gave."""
    former: Mapping[str, str]
    """Keys that the user wrote in their former place, with that place."""

    def where(self, key: str) -> str:
        """Return how the user knows a key: as an option, or as a key of a file."""
        option = _OPTION.match(key)
        if option and f"{option['table']}.{option['key']}" in self.given:
            return f"--{option['key'].replace('_', '-')}"
        plain, bracket, index = key.partition("[")
        return f"{self.name}: `{self.former.get(plain, plain)}{bracket}{index}`"


def _explain(problems: Sequence[ErrorDetails], writer: _Writer, rest: str) -> UserError:
    """Return the error for one value, whose problems are one for each type that it may be of."""
    problem = problems[0]
    key, holder = _located(problem)
    where = writer.where(key)
    kind, value = problem["type"], problem["input"]
    if kind == "extra_forbidden":
        keys = [info.alias or key for key, info in holder.model_fields.items()]
        near = difflib.get_close_matches(str(problem["loc"][-1]), keys, n=1)
        remedy = f"Did you mean `{near[0]}`?" if near else f"Known keys: {', '.join(keys)}."
        return UserError(f"{writer.name}: unknown key `{key}`", remedy, detail=rest)
    if kind == "missing" and isinstance(problem["loc"][-1], int):
        return UserError(f"{where} has too few values", "Expected one more value.", detail=rest)
    if kind == "missing":
        info = holder.model_fields.get(str(problem["loc"][-1]))
        description = " ".join((info.description or "").split()) if info else ""
        return UserError(f"{where} is missing", description, detail=rest)
    if kind == "value_error":
        message = problem["msg"].removeprefix("Value error, ")
        return UserError(f"{where}: {message}", detail=rest)
    expected = " or ".join(dict.fromkeys(_expected(p, key) for p in problems))
    return UserError(f"{where} is {value!r}", f"Expected {expected}.", detail=rest)


def _expected(problem: ErrorDetails, key: str) -> str:
    """Return what a value should be, in words of TOML."""
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
    """Return the key as TOML has it: ``model[0].path``."""
    return _located(problem)[0]


def _located(problem: ErrorDetails) -> tuple[str, type[BaseModel]]:
    """Return the key as TOML has it, without pydantic's names of union members, and its table."""
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
            info = holder.model_fields.get(part)
            kind = info.annotation if info else None
        else:
            continue
        text += f".{part}" if text else part
    return text or "config", holder


def _members(kind: Any) -> list[Any]:
    """Return the types that a value may be of, without None and without annotations."""
    if get_origin(kind) is Annotated:
        return _members(get_args(kind)[0])
    if get_origin(kind) in (Union, UnionType):
        return [member for part in get_args(kind) for member in _members(part)]
    return [] if kind in (None, NoneType) else [kind]


# ---------------------------------------------------------------------------- packages


def _package_file(path: str, name: str) -> Path:
    package, _, inside = path.removeprefix(PACKAGE_PREFIX).partition("/")
    where = path if path == name else f"{name}: `{path}`"
    if not package:
        raise UserError(f"{where}: names no package", "Write package:NAME/FILE.")
    # find_spec of a dotted name would import the parent package; only top-level names are taken.
    if not package.isidentifier():
        raise UserError(
            f"{where}: {package!r} is not the name of a package",
            f"Write package:{package.replace('.', '/')}/FILE.",
        )
    spec = importlib.util.find_spec(package)
    if spec is None or not (spec.submodule_search_locations or spec.origin):
        raise UserError(
            f"{where}: the package {package!r} is not installed",
            f"Install it, for instance with `pip install {package}`.",
        )
    if spec.submodule_search_locations:
        return Path(next(iter(spec.submodule_search_locations))) / inside
    return Path(str(spec.origin)).parent / inside
