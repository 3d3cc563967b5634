"""``ovreport optimise``: make one optimised version of a model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ovreport.cli.option_types import RECIPES, Ranges, absolute_path, extensions_option


def _recipe_options(command: Any) -> Any:
    for recipe, text in reversed(RECIPES.items()):
        command = click.option(f"--{recipe}", is_flag=True, help=text)(command)
    return command


@click.command()
@click.argument("model")
@_recipe_options
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="IR to write (.xml); its weights go to a .bin file of the same name.  "
    "[default: MODEL-RECIPE.xml in the current folder]",
)
@click.option(
    "--calibration",
    metavar="PATH",
    help="Typical input for --int8: .npy, .npz, an image or a folder of images. An array may hold "
    "several samples.  [default: random, which does not show the accuracy of INT8]",
)
@click.option(
    "--subset", type=int, metavar="N", help="Calibrate with at most N input sets.  [default: 300]"
)
@click.option(
    "--preset", type=click.Choice(("performance", "mixed")), help="nncf's preset for --int8."
)
@click.option(
    "--model-type", type=click.Choice(("transformer",)), help="nncf's model type for --int8."
)
@click.option(
    "--group-size",
    type=int,
    metavar="N",
    help="Weights that share a scale, for --int4-weights; -1: all of a channel.",
)
@click.option(
    "--ratio", type=float, metavar="R", help="Share of weights in INT4, for --int4-weights."
)
@click.option(
    "--shape",
    metavar="SHAPE",
    help="Shapes of inputs the model leaves open: '[1,3,224,224]' or 'x[1,8],y[1]'.",
)
@extensions_option
@click.option(
    "--range",
    "range_",
    type=Ranges(),
    help="Random calibration lies between these numbers, below the upper one: '[0,255]' or "
    "'ids[0,30000],mask[0,2]'.",
)
def optimise(model: str, output: Path | None, **options: Any) -> None:
    """Make an optimised version of MODEL with nncf and write it as IR.

    MODEL is a file as in `ovreport run`. Give one recipe. To make versions and compare them, use
    `ovreport run MODEL --optimise int8,f16`.

    \b
    ovreport optimise model.onnx --int8 --calibration photos/ -o model-int8.xml
    ovreport optimise model.onnx --int8-weights
    """
    from ovreport import pipeline
    from ovreport.cli.making_printer import MakingPrinter
    from ovreport.config.load import model_name
    from ovreport.optimising.making import VersionMade
    from ovreport.pipeline import Event
    from ovreport.text.numbers import show
    from ovreport.text.terminal import printable

    class Display(MakingPrinter):
        """Shows all but where the version is at first: it is moved to its place."""

        def show(self, event: Event) -> None:
            if not isinstance(event, VersionMade):
                super().show(event)

    recipe = _recipe(options)
    target = output or Path(f"{model_name(Path(model))}-{recipe}.xml")
    keys = ("subset", "preset", "model_type", "group_size", "ratio", "shape")
    settings = {
        **{key: options[key] for key in keys},
        "calibration": absolute_path(options["calibration"]),
        "extensions": [absolute_path(path) for path in options["extensions"]] or None,
        "range": options["range_"],
    }
    made = pipeline.optimise(
        model,
        target,
        recipe,
        settings={key: value for key, value in settings.items() if value is not None},
        display=Display(),
    )
    before, after = show(made.parent_size_bytes, "bytes"), show(made.size_bytes, "bytes")
    click.echo(printable(f"Wrote {target} and {target.stem}.bin: {before} → {after}"))


def _recipe(options: dict[str, Any]) -> Any:
    """Return the recipe whose flag is given."""
    given = [recipe for recipe in RECIPES if options[recipe.replace("-", "_")]]
    if len(given) != 1:
        given_options = " and ".join(f"--{recipe}" for recipe in given) or "no recipe"
        raise click.UsageError(
            f"{given_options}: give one of {', '.join(f'--{recipe}' for recipe in RECIPES)}."
        )
    return given[0]
