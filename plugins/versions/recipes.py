"""How ovreport made versions of others."""

from __future__ import annotations

from ovreport.run import Making, ModelFile, Run
from ovreport.section import Column, Finding, Group, Row, Table
from ovreport.text.recipe_words import random_calibration, recipe_words


def groups(run: Run) -> list[Group]:
    """Return a group with the table of recipes, if a version was made by one."""
    made = [(file, file.made) for file in run.header.models if file.made is not None]
    if not made:
        return []
    columns = [
        Column("model", "Model"),
        Column("version", "Version"),
        Column("parent", "Made of"),
        Column("recipe", "Recipe"),
        Column("calibration", "Calibrated with"),
        Column("tool", "By"),
        Column("time", "Time", "duration"),
        Column("memory", "Peak memory", "bytes"),
    ]
    note = (
        "Time and memory are those of the process that made the version, when it was made; a "
        "version that is kept is not made again."
    )
    table = Table(
        "recipes", "Recipes", columns, [_row(file, making) for file, making in made], note
    )
    return [Group("How versions were made", [table])]


def findings(run: Run) -> list[Finding]:
    """Return a warning for each version that was calibrated with random input."""
    return [
        Finding(
            "versions.random_calibration",
            "warning",
            f"{random_calibration(file.model, file.version)}.",
            "Give typical input with `calibration` in the version's [[model]] entry, or with "
            "`--calibration`.",
        )
        for file in run.header.models
        if file.made is not None and file.made.is_random
    ]


def _row(file: ModelFile, making: Making) -> Row:
    tools = [f"nncf {making.nncf}"] if making.nncf else []
    return Row(
        {
            "model": file.model,
            "version": file.version,
            "parent": making.parent,
            "recipe": recipe_words(making),
            "calibration": making.calibration or None,
            "tool": ", ".join([*tools, f"OpenVINO {making.openvino}"]),
            "time": making.duration_s,
            "memory": making.peak_memory_bytes or None,
        }
    )
