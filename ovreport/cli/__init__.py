"""The command line. Each command is a module that imports heavy packages where it uses them."""

from __future__ import annotations

import sys
from typing import Any

import click

from ovreport import __version__
from ovreport.cli.compare import compare
from ovreport.cli.export import export
from ovreport.cli.init import init
from ovreport.cli.listings import analyzers, devices, schema
from ovreport.cli.optimise import optimise
from ovreport.cli.render import render
from ovreport.cli.run import run
from ovreport.cli.streams import tolerant_streams
from ovreport.cli.trend import trend
from ovreport.errors import UserError
from ovreport.text.terminal import printable, printable_line


class _Program(click.Group):
    """A command group that turns wrong input into one sentence and exit code 2."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        with tolerant_streams():
            return super().main(*args, **kwargs)

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except UserError as error:
            click.secho("Error: ", fg="red", bold=True, nl=False, err=True)
            click.echo(printable_line(str(error)), err=True)
            if error.detail and context.params["verbose"]:
                click.echo(printable(error.detail), err=True)
            elif error.detail:
                click.echo("(ovreport -v … shows more.)", err=True)
            sys.exit(2)


@click.group(
    cls=_Program,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done; 1 done, but a cell failed or its layers could not be timed; 2 "
    "wrong input, nothing done; 3 a limit of --fail-on is broken; 129 terminal closed; "
    "130 interrupted; 143 terminated.",
)
@click.version_option(__version__, "--version", prog_name="ovreport")
@click.option("-v", "--verbose", is_flag=True, help="Show more about errors.")
def main(verbose: bool) -> None:
    """Measure OpenVINO models and explain the results in one HTML report.

    \b
    ovreport run model.onnx                   measure a model, write report.html
    ovreport run CONFIG.toml -o report.html   measure what a config says
    ovreport compare before.html after.html   compare two runs, write compare.html
    ovreport init model.onnx                  write a commented starter config
    """


for _command in (
    run, render, compare, trend, export, optimise, init, devices, analyzers, schema,
):  # fmt: skip
    main.add_command(_command)
