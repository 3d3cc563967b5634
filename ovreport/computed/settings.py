"""The settings that a run carries, as typed tables of the config.

A run file holds the config as plain values, possibly of an earlier release or of another program.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from ovreport.computed.memo import by_identity
from ovreport.config.moved import current
from ovreport.config.schema import Compare, Measure, OutputSettings, Report, Scalar, Settings
from ovreport.errors import UserError
from ovreport.run import Header, ModelFile, Run


class RunSettings(BaseModel):
    """The tables of a run's config that a report is made by.

    A table or key that the run does not have has its default.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    measure: Measure = Measure()
    outputs: OutputSettings = OutputSettings()
    compare: Compare = Compare()
    report: Report = Report()
    properties: dict[str, dict[str, Scalar]] = {}


def settings(run: Run) -> RunSettings:
    """Return the settings of a run.

    Raises:
        UserError: the run's config has an invalid value; names the key.
    """
    return header_settings(run.header)


@by_identity
def header_settings(header: Header) -> RunSettings:
    """Return the settings of a run by its header, such as one of a run that was compared.

    Raises:
        UserError: see :func:`settings`.
    """
    try:
        return RunSettings.model_validate(current(header.config))
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        key = ".".join(map(str, problem["loc"]))
        raise UserError(
            f"the config in the run: `{key}`: {problem['msg']}",
            "Render it with --config and a config that gives this table.",
        ) from error


def config_with(run: Run, models: Sequence[ModelFile], **tables: Settings) -> dict[str, Any]:
    """Return a run's config as plain values, with other models and tables.

    Args:
        tables: by their key in the config; only what was set in them is kept.
    """
    return {
        **current(run.header.config),
        "model": [{"name": m.model, "version": m.version, "path": m.path} for m in models],
        **{key: t.model_dump(mode="json", exclude_unset=True) for key, t in tables.items()},
    }
