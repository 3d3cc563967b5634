"""The base class of analyzers' options, and options that name files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationInfo
from pydantic_core import PydanticCustomError


class _NamesFile(BeforeValidator):
    """Marks an option as the name of a file, and makes its path absolute."""


def _resolved(value: object, info: ValidationInfo) -> Path | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise PydanticCustomError("file", "Input should be the path of a file, as text")
    resolve = (info.context or {}).get("resolve", Path)
    path: Path = resolve(value)
    if not path.is_file():
        raise PydanticCustomError("file", "{path} is not a file", {"path": str(path)})
    return path


ConfigFile = Annotated[Path | None, _NamesFile(_resolved)]
"""A file that an option names, relative to the config's folder; the option's default is None.

The value is the absolute path of a file that existed at the start. If a report is rendered from a
run file alone, the value is None, because a path in a run file is not trusted."""


class Options(BaseModel):
    """Base of an analyzer's options, ``[analyzer.<id>]`` in the config; checked at the start.

    ``ovreport analyzers`` shows the docstring of each option.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        for name in cls.file_options():
            if cls.model_fields[name].default is not None:
                raise TypeError(f"{cls.__name__}.{name}: an option of type ConfigFile needs = None")

    @classmethod
    def file_options(cls) -> frozenset[str]:
        """Return the names of the options that name files."""
        return frozenset(
            name
            for name, field in cls.model_fields.items()
            if any(isinstance(part, _NamesFile) for part in field.metadata)
        )
