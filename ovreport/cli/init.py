"""``ovreport init``: write a commented starter config for a model."""

from __future__ import annotations

from pathlib import Path

import click

from ovreport.cli.option_types import extensions_option


@click.command()
@click.argument("model", metavar="MODEL")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default=Path("ovreport.toml"),
    show_default=True,
    help="Config to write; an existing file is not overwritten.",
)
@extensions_option
def init(model: str, output: Path, extensions: tuple[str, ...]) -> None:
    """Write a commented starter config for MODEL, with the inputs that the model has.

    If the model leaves shapes open, the config holds an example to correct.
    """
    import os
    import sys

    from jinja2 import Environment, PackageLoader, StrictUndefined

    from ovreport.config.load import PACKAGE_PREFIX, Source, check_text, model_name, validate
    from ovreport.errors import UserError
    from ovreport.files import check_writable, write_whole
    from ovreport.measuring.inspection import inspect
    from ovreport.measuring.proposed_shapes import propose
    from ovreport.planning.ports import name_of
    from ovreport.planning.shapes import guesses, partial_shapes, written
    from ovreport.text.toml import toml_string

    check_text(Path(model))
    if output.exists():
        raise UserError(
            f"-o {output}: exists already", "Give another file with -o, or delete this one."
        )
    check_writable(output, "-o")
    values = {"name": "model", "path": model, "extensions": list(extensions)}
    source = Source(validate({"model": [values]}, model), Path.cwd(), model)
    path, libraries = source.models[0], source.extensions(source.config.model[0])
    info = inspect([path], [libraries], python=Path(sys.executable)).models[0]
    port_shapes = partial_shapes(info.inputs, None, None, None)
    shape = fitting = None
    if any(partial.is_open for partial in port_shapes):
        fitting = propose(path, info.inputs, port_shapes, libraries, python=Path(sys.executable))
        shape = fitting or written(info.inputs, next(guesses(info.inputs, port_shapes)))

    def relative(path: Path) -> str:
        """Return a path relative to the config, with links resolved in folders but not in the file.

        With links in the folders, ``..`` could lead elsewhere.
        """
        return os.path.relpath(path.parent.resolve() / path.name, output.resolve().parent)

    templates = Environment(
        loader=PackageLoader("ovreport_templates", ""),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # the filter below quotes for TOML
    )
    templates.filters["toml"] = toml_string
    text = templates.get_template("starter.toml").render(
        name=model_name(path),
        path=model if model.startswith(PACKAGE_PREFIX) else relative(path),
        extensions=[relative(library) for library in libraries],
        inputs=[(name_of(info.inputs, i), port) for i, port in enumerate(info.inputs)],
        shape=shape,
        shape_fits=fitting is not None,
    )
    write_whole(output, text)
    click.echo(f"Config: {output}\nNext:   ovreport run {output} --dry-run")
