"""Options of analyzers that other parts of the program read, too, and so are settings today.

Configs and run files that have them in their former place keep their meaning.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# By analyzer: the table that its options are in now, and which they are.
_MOVED: dict[str, tuple[str, tuple[str, ...]]] = {
    "versions": ("compare", ("baseline", "noise", "launch_noise")),
}


def current(values: Mapping[str, Any]) -> dict[str, Any]:
    """A config's plain values with every option in its place; a value that is there stays."""
    config = dict(values)
    for analyzer, table, options in _formerly(values):
        rest = {k: v for k, v in config["analyzer"][analyzer].items() if k not in options}
        config["analyzer"] = {**config["analyzer"], analyzer: rest}
        settings = config.get(table, {})
        if isinstance(settings, dict):  # else the schema refuses it
            config[table] = {**options, **settings}
    return config


def moved(values: Mapping[str, Any]) -> list[str]:
    """A sentence for each analyzer whose options are in their former place."""
    return [
        f"[analyzer.{analyzer}] {' and '.join(options)}: move to [{table}], which has "
        f"{'them' if len(options) > 1 else 'it'} now"
        for analyzer, table, options in _formerly(values)
    ]


def _formerly(values: Mapping[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """Analyzers with such options: their ids, the tables where these belong, and the options."""
    analyzers = values.get("analyzer")
    found = []
    for analyzer, (table, names) in _MOVED.items():
        options = analyzers.get(analyzer) if isinstance(analyzers, dict) else None
        if isinstance(options, dict) and (old := {k: options[k] for k in names if k in options}):
            found.append((analyzer, table, old))
    return found
