"""The base class of analyzers' options."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Options(BaseModel):
    """Base of an analyzer's options, ``[analyzer.<id>]`` in the config; checked at the start.

    ``ovreport analyzers`` shows the docstring of each option.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)
