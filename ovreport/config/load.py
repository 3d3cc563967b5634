"""From a TOML file or command-line options to a :class:`~ovreport.config.schema.Config`."""

from __future__ import annotations

import difflib
import importlib.util
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from ovreport.config.schema import Config, Runtime
from ovreport.errors import UserError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PACKAGE_PREFIX = "package:"
_USUAL_NAMES = frozenset({"inference", "model", "openvino_model", "saved_model"})


@dataclass(frozen=True)
class Source:
    """A config and where it came from: what relative paths in it start from."""

    config: Config
    folder: Path
    name: str
    """For messages: the file's name, or ``command line``."""

    def resolve(self, path: str) -> Path:
        """An absolute path; ``package:NAME/FILE`` is looked up without importing the package.

        Raises:
            UserError: the package is not installed.
        """
        if path.startswith(PACKAGE_PREFIX):
            return _package_file(path, self.name)
        return (self.folder / Path(path).expanduser()).resolve()

    def python(self, runtime: Runtime) -> Path:
        """The runtime's Python. Links are kept: those of a virtual environment lead out of it.

        Raises:
            UserError: it is not there.
        """
        if runtime.python is None:
            return Path(sys.executable)
        path = Path(os.path.abspath(self.folder / Path(runtime.python).expanduser()))  # noqa: PTH100
        if not path.is_file():
            raise UserError(
                f"{self.name}: runtime {runtime.name!r}: {path} is not a file",
                "Name the environment's Python, such as /opt/openvino-2025/bin/python.",
            )
        return path


def load(target: Path, overrides: Mapping[str, Mapping[str, Any]]) -> Source:
    """A config file, or a config made for a model file; either with values that override it.

    Args:
        target: a ``.toml`` file, or the path of a model.
        overrides: by table (``matrix``, ``measure``, …), then key; a ``model`` table goes to the
            one model there is.

    Raises:
        UserError: not readable, not TOML, or not a valid config; names the file and the key.
    """
    if target.suffix == ".toml":
        values, folder, name = read_toml(target), target.resolve().parent, str(target)
    else:
        is_package = str(target).startswith(PACKAGE_PREFIX)
        path = str(target) if is_package else str(target.resolve())
        values = {"model": [{"name": model_name(target), "path": path}]}
        folder, name = Path.cwd(), str(target)
    return Source(validate(_overridden(values, overrides, name), name), folder, name)


def model_name(path: Path) -> str:
    """The file's name, or its folder's where the file is called what all of its format are."""
    absolute = path if str(path).startswith(PACKAGE_PREFIX) else path.resolve()
    return absolute.parent.name if path.stem in _USUAL_NAMES else absolute.stem


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
                f"{name}: {', '.join(f'--{key}' for key in changes)} goes with one model, "
                f"and the config has {len(models)}",
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
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise UserError(
            f"{path}: cannot be read: {reason}",
            "Name a config (.toml) or a model file; `ovreport init MODEL` writes a config.",
        ) from error
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{path}: not valid TOML: {error}") from error


def validate(values: Mapping[str, Any], name: str) -> Config:
    """Checks plain values against the schema.

    Raises:
        UserError: names the first wrong key, what it holds, and what was expected.
    """
    try:
        config = Config.model_validate(values)
    except ValidationError as error:
        problems = error.errors(include_url=False)
        rest = "\n".join(f"{_key(p)}: {p['msg']}" for p in problems[1:])
        # A value that may be of several types has a problem with each: the one inside tells most.
        first = [p for p in problems if _key(p) == _key(problems[0])]
        raise _explain(max(first, key=lambda p: len(p["loc"])), name, rest) from error
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


def _explain(problem: ErrorDetails, name: str, rest: str) -> UserError:
    key = _key(problem)
    kind, value = problem["type"], problem["input"]
    if kind == "extra_forbidden":
        near = difflib.get_close_matches(str(problem["loc"][-1]), _known_keys(problem), n=1)
        known = ", ".join(_known_keys(problem))
        remedy = f"Did you mean `{near[0]}`?" if near else f"Known keys: {known}."
        return UserError(f"{name}: unknown key `{key}`", remedy, detail=rest)
    if kind == "missing":
        return UserError(f"{name}: `{key}` is missing", f"{_describe(problem)}", detail=rest)
    message = problem["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    if kind == "value_error":
        return UserError(f"{name}: `{key}`: {message}", detail=rest)
    return UserError(f"{name}: `{key}` is {value!r}", f"Expected {message}.", detail=rest)


def _key(problem: ErrorDetails) -> str:
    """``model[0].path``; leaves out what pydantic adds for members of a union."""
    text = ""
    model: type[BaseModel] | None = Config
    for part in problem["loc"]:
        if isinstance(part, int):
            text += f"[{part}]"
        elif model is None or part in model.model_fields or problem["type"] == "extra_forbidden":
            text += f".{part}" if text else part
            model = _nested(model, part)
    return text or "config"


def _nested(model: type[BaseModel] | None, key: str) -> type[BaseModel] | None:
    """The settings type below a key of another, or None."""
    field = model.model_fields.get(key) if model else None
    if field is None:
        return None
    candidates = [field.annotation, *getattr(field.annotation, "__args__", ())]
    return next((c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)), model)


def _holder(problem: ErrorDetails) -> type[BaseModel]:
    model: type[BaseModel] = Config
    for part in problem["loc"][:-1]:
        if isinstance(part, str):
            model = _nested(model, part) or model
    return model


def _known_keys(problem: ErrorDetails) -> list[str]:
    return list(_holder(problem).model_fields)


def _describe(problem: ErrorDetails) -> str:
    field = _holder(problem).model_fields.get(str(problem["loc"][-1]))
    return " ".join((field.description or "").split()) if field else ""


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
