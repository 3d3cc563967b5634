"""Running Graphviz: the system's ``dot``, else the one that the graphviz-pure wheel carries."""

from __future__ import annotations

import shutil
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path


class LayoutError(Exception):
    """No picture: the engine is missing, failed, or took too long."""


@cache
def engine() -> Path | None:
    """The executable that lays graphs out."""
    if found := shutil.which("dot"):
        return Path(found)
    try:
        installed = files("graphviz-pure") or []
    except PackageNotFoundError:
        return None
    return next((Path(str(f.locate())) for f in installed if f.stem == "graphviz-pure"), None)


def layout_svg(source: str, limit_s: float) -> str:
    """The SVG that Graphviz makes of a DOT source.

    Raises:
        LayoutError: says why there is none.
    """
    command = engine()
    if command is None:
        raise LayoutError("Graphviz is not installed: `pip install graphviz-pure` brings it.")
    try:
        done = subprocess.run(
            [str(command), "-Kdot", "-Tsvg"],
            input=source.encode(),
            capture_output=True,
            timeout=limit_s,
            check=True,
        )
    except subprocess.TimeoutExpired as error:
        raise LayoutError(f"Graphviz took longer than {limit_s:g} s for this graph.") from error
    except (OSError, subprocess.CalledProcessError) as error:
        raise LayoutError(f"Graphviz failed: {error}") from error
    return done.stdout.decode()
