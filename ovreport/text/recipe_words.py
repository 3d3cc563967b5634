"""How versions were made, in words."""

from __future__ import annotations

from ovreport.run import Making


def random_calibration(model: str, version: str) -> str:
    """Return the warning of a version without calibration data, without its full stop."""
    return (
        f"{model} · {version} was calibrated with random input: its outputs may be far from the "
        "parent's, and do not show what INT8 costs in accuracy"
    )


def recipe_words(making: Making) -> str:
    """Return a recipe and its settings: ``int8, preset = mixed``."""
    given = (
        f"{key} = {_value(value)}"
        for key, value in making.settings.items()
        if key not in ("calibration", "subset")
    )
    return ", ".join((making.optimise, *given))


def _value(value: object) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{key}: {_value(item)}" for key, item in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
