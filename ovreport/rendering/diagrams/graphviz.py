"""Run Graphviz: the system's ``dot``, or else that of the graphviz-pure wheel."""

from __future__ import annotations

import shutil
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Literal


class LayoutError(Exception):
    """There is no picture: Graphviz is missing, failed, or took too long."""


class LayoutTimeoutError(LayoutError):
    """Graphviz took too long for this graph."""


@cache
def engine() -> Path | None:
    """Return the executable that lays graphs out, or None."""
    if dot := shutil.which("dot"):
        return Path(dot)
    try:
        installed = files("graphviz-pure") or []
    except PackageNotFoundError:
        return None
    return next((Path(str(f.locate())) for f in installed if f.stem == "graphviz-pure"), None)


def graphviz(
    source: str, output: Literal["plain", "png"], limit_s: float, *, placed: bool = False
) -> bytes:
    """Run Graphviz on a DOT source and return its output.

    Args:
        source: one or more graphs, each of which begins on a new line.
        output: the format of the output.
        limit_s: seconds that Graphviz may take.
        placed: keep the positions in the source instead of computing them.

    Raises:
        LayoutError: says why there is no output.
    """
    command = engine()
    if command is None:
        raise LayoutError("Graphviz is not installed: `pip install graphviz-pure` brings it.")
    layout_options = ["-Kneato", "-n2"] if placed else ["-Kdot"]
    try:
        completed = subprocess.run(
            [str(command), *layout_options, f"-T{output}"],
            input=source.encode(),
            capture_output=True,
            timeout=limit_s,
            check=True,
        )
    except subprocess.TimeoutExpired as error:
        message = f"Graphviz took longer than {limit_s:.3g} s for this graph."
        raise LayoutTimeoutError(message) from error
    except (OSError, subprocess.CalledProcessError) as error:
        raise LayoutError(f"Graphviz failed: {error}") from error
    return completed.stdout
