"""Options that have moved out of an analyzer's table, since other parts of the program read them.

Configs and run files that have them in the former place stay valid.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# By analyzer: the table that holds the options now, and their names.
_MOVED: dict[str, tuple[str, tuple[str, ...]]] = {
    "versions": ("compare", ("baseline", "noise", "launch_noise")),
    "outputs": ("outputs", ("cosine", "relative", "top1", "layer_error")),
}


def current(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a config's plain values with moved options in their new place.

    A value that the new place already has takes precedence.
    """
    config = dict(values)
    for analyzer, table, options in _in_former_place(values):
        rest = {k: v for k, v in config["analyzer"][analyzer].items() if k not in options}
        config["analyzer"] = {**config["analyzer"], analyzer: rest}
        settings = config.get(table, {})
        if isinstance(settings, dict):  # else the schema refuses it
            config[table] = {**options, **settings}
    return config


def former_places(values: Mapping[str, Any]) -> dict[str, str]:
    """Return keys taken from a former place, such as ``compare.noise``, with that place."""
    return {
        f"{table}.{key}": f"analyzer.{analyzer}.{key}"
        for analyzer, table, options in _in_former_place(values)
        for key in options
        if not (isinstance(there := values.get(table), dict) and key in there)
    }


def moved(values: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each analyzer that has options in their former place."""
    return [
        f"[analyzer.{analyzer}] {' and '.join(options)}: "
        f"{'these options have' if len(options) > 1 else 'this option has'} moved to [{table}]; "
        "the old place still works"
        for analyzer, table, options in _in_former_place(values)
    ]


def _in_former_place(values: Mapping[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """Return the analyzers that have moved options: id, the options' new table, and the options."""
    analyzers = values.get("analyzer")
    outdated = []
    for analyzer, (table, names) in _MOVED.items():
        options = analyzers.get(analyzer) if isinstance(analyzers, dict) else None
        if isinstance(options, dict) and (old := {k: options[k] for k in names if k in options}):
            outdated.append((analyzer, table, old))
    return outdated
