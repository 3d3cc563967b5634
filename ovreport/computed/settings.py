"""The settings that a run carries, as typed tables of the config.

A run file holds the config as plain values, possibly of an earlier release or of another program.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, ValidationError

from ovreport.computed.memo import by_identity
from ovreport.config.moved import current
from ovreport.config.schema import Compare, Measure, OutputSettings, Report
from ovreport.errors import UserError
from ovreport.run import Run


class RunSettings(BaseModel):
    """The tables of a run's config that a report is made by; what is not there has its default."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    measure: Measure = Measure()
    outputs: OutputSettings = OutputSettings()
    compare: Compare = Compare()
    report: Report = Report()


@by_identity
def settings(run: Run) -> RunSettings:
    """The settings of a run.

    Raises:
        UserError: the run's config holds what no setting can be; names the key.
    """
    try:
        return RunSettings.model_validate(current(run.header.config))
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        key = ".".join(map(str, problem["loc"]))
        raise UserError(
            f"the config in the run: `{key}`: {problem['msg']}",
            "Render it with --config and a config that gives this table.",
        ) from error
