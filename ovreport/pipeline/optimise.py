"""Use case: make one optimised version of a model and write it where the user wants it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ovreport.errors import UserError
from ovreport.pipeline.display import SILENT, Display, Warned
from ovreport.pipeline.results import Optimised

if TYPE_CHECKING:
    from ovreport.config.schema import Optimisation

_NO_SETTINGS: Mapping[str, Any] = MappingProxyType({})


def optimise(
    model: str | Path,
    target: Path,
    recipe: Optimisation,
    *,
    settings: Mapping[str, Any] = _NO_SETTINGS,
    display: Display = SILENT,
) -> Optimised:
    """Make an optimised version of a model and write it as IR.

    Args:
        model: the path of a model, or ``package:NAME/FILE``.
        target: the ``.xml`` file to write; its weights go to a ``.bin`` file of the same name.
        recipe: what to make.
        settings: other keys of a ``[[model]]`` entry, such as ``shape`` or ``calibration``;
            relative paths start from the current folder.
        display: shows the progress.

    Raises:
        UserError: the input is wrong, or the version cannot be made or written.
    """
    from ovreport.config.load import load
    from ovreport.files import absolute, check_apart, check_writable
    from ovreport.measuring.environment import capture
    from ovreport.measuring.planner import inspect_runtimes
    from ovreport.measuring.scratch import scratch_folder
    from ovreport.optimising.kept import move
    from ovreport.optimising.making import make_versions
    from ovreport.text.recipe_words import random_calibration

    if target.suffix != ".xml":
        raise UserError(f"-o {target}: an IR has the ending .xml", "Name a file such as m.xml.")
    source = load(Path(model), {"model": {**settings, "optimise": [recipe]}})
    weights = target.with_suffix(".bin")
    check_apart({"-o": target, "weights of -o": weights}, source.models)
    for file in (target, weights):
        check_writable(file, "-o")
    inspected = inspect_runtimes(source)
    with scratch_folder() as scratch, scratch_folder(absolute(target).parent) as folder:
        environment = capture(inspected.facts)
        made = make_versions(source, inspected, environment, scratch, folder, display).made
        [((name, version), made_file)] = made.items()
        move(made_file.path, target)
    if made_file.making.is_random:
        display.show(Warned(random_calibration(name, version)))
    return Optimised(
        target,
        made_file.making,
        size_bytes=target.stat().st_size + weights.stat().st_size,
        parent_size_bytes=inspected.default.models[0].size_bytes,
    )
