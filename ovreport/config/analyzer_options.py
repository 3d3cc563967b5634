"""The base of what analyzers can be asked for in the config."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Options(BaseModel):
    """Base of an analyzer's options, ``[analyzer.<id>]`` in the config; checked at the start.

    The text under an option is what ``ovreport analyzers`` says of it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)
