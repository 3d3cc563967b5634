"""Commands that only print information: ``devices``, ``analyzers``, ``schema``."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.command()
@click.option(
    "--python",
    type=click.Path(path_type=Path, exists=True),
    help="List the devices of the OpenVINO in this Python environment instead.",
)
def devices(python: Path | None) -> None:
    """List the devices that OpenVINO finds here."""
    import sys

    from ovreport.measuring.inspection import inspect
    from ovreport.text.terminal import printable

    inspection = inspect([], python=python or Path(sys.executable))
    click.echo(f"OpenVINO {inspection.openvino}")
    for device in inspection.devices:
        click.echo(printable(f"{device.name:<8} {device.full_name}"))


@click.command()
def analyzers() -> None:
    """List the installed analyzers, in the order of the report."""
    from ovreport.analysis import installed

    analyzer_types = installed()
    width = max(len(id) for id in analyzer_types)
    for id, analyzer_type in analyzer_types.items():
        about = (analyzer_type.__doc__ or analyzer_type.title).strip().splitlines()[0]
        click.echo(f"{id:<{width}}  {about}")
        for name, field in analyzer_type.options_type.model_fields.items():
            click.echo(f"{'':<{width}}    {name} = {field.default!r}: {field.description or ''}")


@click.command()
def schema() -> None:
    """Print the JSON Schema of the config, for editors that complete TOML."""
    from ovreport.config.schema import Config

    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Config.model_json_schema(),
        "title": "ovreport config",
    }
    click.echo(json.dumps(schema, indent=2))
